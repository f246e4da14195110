#include "executable/plan_checker/layout_check.h"

#include <algorithm>
#include <iterator>
#include <map>

namespace stator::executable {
namespace {

void CheckViews(const MemoryMap& memory, ViolationLog* log) {
  const std::vector<Buffer>& buffers = memory.model().buffers;
  for (size_t i = 0; i < buffers.size(); ++i) {
    const Buffer& b = buffers[i];
    if (b.alias_of == kNone || b.kind != BufferKind::kArena) continue;
    const Buffer& base = buffers[b.alias_of];
    if (b.first_wave < base.first_wave || b.last_wave > base.last_wave) {
      log->Report(
          ViolationKind::kViewOutlivesBase,
          log->Name(static_cast<int32_t>(i)) + " outlives its base " + log->Name(b.alias_of));
    }
  }
}

void CheckCarriedPairs(const MemoryMap& memory, ViolationLog* log) {
  for (const CarriedPair& p : memory.timeline().carried) {
    const int32_t current = memory.OwnerOf(p.current);
    const int32_t next = memory.OwnerOf(p.next);
    const Slot a = memory.OwnSlot(current);
    const Slot b = memory.OwnSlot(next);
    if (current == next || (a.space == b.space && a.offset < b.offset + memory.SizeOf(p.next) &&
                            b.offset < a.offset + memory.SizeOf(p.current))) {
      log->Report(ViolationKind::kCarriedPair,
                  log->Name(p.current) + " and " + log->Name(p.next) + " share memory");
    }
  }
}

// The memory of an owner, for as long as any of its buffers lives.
struct Place {
  int32_t owner, first, last;
  int64_t begin, end;
};

std::map<int32_t, Place> FindPlaces(const MemoryMap& memory) {
  const std::vector<Buffer>& buffers = memory.model().buffers;
  const ConcretePlan& plan = memory.plan();
  std::map<int32_t, Place> places;
  for (size_t i = 0; i < buffers.size(); ++i) {
    const Buffer& b = buffers[i];
    const auto index = static_cast<int32_t>(i);
    if (b.kind != BufferKind::kArena || !memory.IsOfEntry(index)) continue;
    const int32_t owner = memory.OwnerOf(index);
    Place& place =
        places.emplace(owner, Place{owner, b.first_wave, b.last_wave, 0, 0}).first->second;
    place.first = std::min(place.first, b.first_wave);
    place.last = std::max(place.last, b.last_wave);
    if (b.alias_of != kNone) continue;
    place.begin = plan.arena_offsets[owner];
    place.end = std::max(place.end, place.begin + plan.sizes[i]);
  }
  return places;
}

void CheckOverlaps(const MemoryMap& memory, ViolationLog* log) {
  const std::vector<Buffer>& buffers = memory.model().buffers;
  const std::map<int32_t, Place> places = FindPlaces(memory);
  for (auto a = places.begin(); a != places.end(); ++a) {
    for (auto b = std::next(a); b != places.end(); ++b) {
      const Place& x = a->second;
      const Place& y = b->second;
      if (buffers[x.owner].segment != buffers[y.owner].segment) continue;
      if (x.last < y.first || y.last < x.first) continue;
      if (x.end <= y.begin || y.end <= x.begin || x.begin == x.end || y.begin == y.end) continue;
      if (memory.GroupOf(x.owner) == memory.GroupOf(y.owner)) continue;  // CheckCarriedPairs's
      log->Report(ViolationKind::kOverlap, log->Name(x.owner) + " and " + log->Name(y.owner) +
                                               " live at the same time in the same bytes");
    }
  }
}

}  // namespace

void CheckLayout(const MemoryMap& memory, ViolationLog* log) {
  CheckViews(memory, log);
  CheckCarriedPairs(memory, log);
  CheckOverlaps(memory, log);
}

}  // namespace stator::executable
