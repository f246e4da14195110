#include "executable/plan_checker/memory_map.h"

#include <algorithm>

namespace stator::executable {

MemoryMap::MemoryMap(const ImageModel& model, const EntryPoint& entry, const ConcretePlan& plan)
    : model_(model), entry_(entry), plan_(plan), timeline_(FindTimeline(model, entry)) {
  FindOwners();
  JoinVariables();
  for (const CarriedPair& p : timeline_.carried) Unite(owner_[p.current], owner_[p.next]);
  for (size_t i = 0; i < owner_.size(); ++i) {
    const auto b = static_cast<int32_t>(i);
    if (owner_[i] == b) members_[GroupOf(b)].push_back(b);
  }
}

void MemoryMap::FindOwners() {
  const size_t n = model_.buffers.size();
  owner_.resize(n);
  group_.resize(n);
  for (size_t i = 0; i < n; ++i) {
    auto at = static_cast<int32_t>(i);
    while (true) {
      const Buffer& b = model_.buffers[at];
      if (b.alias_of == kNone && b.in_place_of == kNone) break;
      at = b.alias_of != kNone ? b.alias_of : b.in_place_of;
    }
    owner_[i] = at;
    group_[i] = static_cast<int32_t>(i);
  }
}

void MemoryMap::JoinVariables() {
  for (const Variable& v : entry_.variables) {
    if (v.in_place) {
      std::replace(owner_.begin(), owner_.end(), v.write_buffer, v.read_buffer);
      in_place_writes_.insert(v.write_buffer);
    }
    if (v.read_buffer != kNone) read_versions_.insert(v.read_buffer);
  }
}

void MemoryMap::Unite(int32_t a, int32_t b) {
  const int32_t from = group_[a];
  const int32_t to = group_[b];
  std::replace(group_.begin(), group_.end(), from, to);
}

int32_t MemoryMap::ValueOf(int32_t buffer) const {
  while (model_.buffers[buffer].alias_of != kNone) buffer = model_.buffers[buffer].alias_of;
  return buffer;
}

Slot MemoryMap::OwnSlot(int32_t owner) const {
  const Buffer& b = model_.buffers[owner];
  if (b.kind == BufferKind::kArena) return {b.segment, plan_.arena_offsets[owner]};
  return {static_cast<int64_t>(model_.segments.size()) + owner, 0};
}

int64_t MemoryMap::SizeOf(int32_t buffer) const {
  return plan_.sizes[buffer] < 0 ? kUnknownSize : plan_.sizes[buffer];
}

Interval MemoryMap::Bytes(int32_t buffer) const {
  int64_t begin = 0;
  const int64_t size = SizeOf(buffer);
  bool unknown = size == kUnknownSize;
  int32_t at = buffer;
  for (; model_.buffers[at].alias_of != kNone; at = model_.buffers[at].alias_of) {
    if (plan_.alias_offsets[at] < 0) unknown = true;
    begin += std::max<int64_t>(plan_.alias_offsets[at], 0);
  }
  if (unknown) return {0, SizeOf(at)};
  return {begin, begin + size};
}

bool MemoryMap::Overlap(int32_t a, int32_t b) const {
  const int32_t x = owner_[a];
  const int32_t y = owner_[b];
  const Interval i = Bytes(a);
  const Interval j = Bytes(b);
  if (i.begin >= i.end || j.begin >= j.end) return false;
  if (x == y) return i.begin < j.end && j.begin < i.end;
  if (GroupOf(x) == GroupOf(y)) return false;
  for (const int32_t p : SlotsOf(x)) {
    for (const int32_t q : SlotsOf(y)) {
      const Slot s = OwnSlot(p);
      const Slot t = OwnSlot(q);
      if (s.space == t.space && s.offset + i.begin < t.offset + j.end &&
          t.offset + j.begin < s.offset + i.end) {
        return true;
      }
    }
  }
  return false;
}

bool MemoryMap::IsOfEntry(int32_t buffer) const {
  const Buffer& b = model_.buffers[buffer];
  return b.first_wave >= timeline_.first_wave && b.last_wave <= timeline_.last_wave;
}

}  // namespace stator::executable
