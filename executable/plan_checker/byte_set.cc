#include "executable/plan_checker/byte_set.h"

#include <algorithm>

namespace stator::executable {

void ByteSet::Add(Interval added) {
  if (added.begin >= added.end) return;
  std::vector<Interval> out;
  for (const Interval& i : intervals_) {
    if (i.end < added.begin || added.end < i.begin) {
      out.push_back(i);
    } else {
      added = {std::min(i.begin, added.begin), std::max(i.end, added.end)};
    }
  }
  out.push_back(added);
  intervals_ = std::move(out);
}

bool ByteSet::Remove(Interval removed) {
  bool changed = false;
  std::vector<Interval> out;
  for (const Interval& i : intervals_) {
    if (i.end <= removed.begin || removed.end <= i.begin) {
      out.push_back(i);
      continue;
    }
    changed = true;
    if (i.begin < removed.begin) out.push_back({i.begin, removed.begin});
    if (removed.end < i.end) out.push_back({removed.end, i.end});
  }
  intervals_ = std::move(out);
  return changed;
}

bool ByteSet::Covers(Interval needed) const {
  if (needed.begin >= needed.end) return true;
  return std::any_of(intervals_.begin(), intervals_.end(), [&](const Interval& i) {
    return i.begin <= needed.begin && needed.end <= i.end;
  });
}

ByteSet ByteSet::Intersect(const ByteSet& other) const {
  ByteSet out;
  for (const Interval& i : intervals_) {
    for (const Interval& j : other.intervals_) {
      out.Add({std::max(i.begin, j.begin), std::min(i.end, j.end)});
    }
  }
  return out;
}

}  // namespace stator::executable
