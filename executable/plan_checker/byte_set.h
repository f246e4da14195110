// Sets of bytes, as intervals.
#ifndef STATOR_EXECUTABLE_PLAN_CHECKER_BYTE_SET_H_
#define STATOR_EXECUTABLE_PLAN_CHECKER_BYTE_SET_H_

#include <cstdint>
#include <vector>

namespace stator::executable {

// [begin, end); empty when begin >= end.
struct Interval {
  int64_t begin;
  int64_t end;
};

// Value type. Its intervals do not touch, so a covered interval lies in one of them.
class ByteSet {
 public:
  ByteSet() = default;
  explicit ByteSet(Interval interval) { Add(interval); }

  bool empty() const { return intervals_.empty(); }
  void Clear() { intervals_.clear(); }
  void Add(Interval added);
  // Returns whether anything was removed.
  bool Remove(Interval removed);
  bool Covers(Interval needed) const;
  bool CoversFirstOf(const ByteSet& other) const {
    return other.empty() || Covers(other.intervals_.front());
  }
  ByteSet Intersect(const ByteSet& other) const;

 private:
  std::vector<Interval> intervals_;
};

}  // namespace stator::executable

#endif  // STATOR_EXECUTABLE_PLAN_CHECKER_BYTE_SET_H_
