// Which buffers of an entry point share memory, and where they lie under a concrete plan.
//
//   value   what a chain of views shares: the buffer at the end of alias_of
//   owner   what an in-place chain shares: the buffer at the end of alias_of and in_place_of; all
//           values of an owner start at the same address
//   slots   the addresses at which an owner may be: its own, and those of all owners with which
//           while loops exchange it; exchanged owners are never at the same slot at once
#ifndef STATOR_EXECUTABLE_PLAN_CHECKER_MEMORY_MAP_H_
#define STATOR_EXECUTABLE_PLAN_CHECKER_MEMORY_MAP_H_

#include <cstdint>
#include <map>
#include <set>
#include <vector>

#include "executable/plan_checker/byte_set.h"
#include "executable/plan_checker/plan_checker.h"
#include "executable/plan_checker/timeline.h"

namespace stator::executable {

// Stands for a size that a step or a loop decides.
inline constexpr int64_t kUnknownSize = int64_t{1} << 62;

struct Slot {
  int64_t space;  // a segment, or one buffer's own memory
  int64_t offset;
};

// Immutable. Model and plan outlive it.
class MemoryMap {
 public:
  MemoryMap(const ImageModel& model, const EntryPoint& entry, const ConcretePlan& plan);

  const ImageModel& model() const { return model_; }
  const EntryPoint& entry() const { return entry_; }
  const ConcretePlan& plan() const { return plan_; }
  const Timeline& timeline() const { return timeline_; }

  int32_t ValueOf(int32_t buffer) const;
  int32_t OwnerOf(int32_t buffer) const { return owner_[buffer]; }
  // Owners of one group trade places; a group is named by one of them.
  int32_t GroupOf(int32_t owner) const { return group_[owner]; }
  const std::vector<int32_t>& SlotsOf(int32_t owner) const { return members_.at(GroupOf(owner)); }
  Slot OwnSlot(int32_t owner) const;

  int64_t SizeOf(int32_t buffer) const;
  // The bytes of a buffer relative to its value. Unknown views stand for all of their base.
  Interval Bytes(int32_t buffer) const;
  // Whether two buffers may ever hold the same byte.
  bool Overlap(int32_t a, int32_t b) const;

  // Whether the buffer lives within this entry point.
  bool IsOfEntry(int32_t buffer) const;
  // Old versions of variables, and what replaces them in their own memory.
  bool IsReadVersion(int32_t buffer) const { return read_versions_.count(buffer) > 0; }
  bool IsInPlaceWrite(int32_t buffer) const { return in_place_writes_.count(buffer) > 0; }

 private:
  void FindOwners();
  void JoinVariables();
  void Unite(int32_t a, int32_t b);

  const ImageModel& model_;
  const EntryPoint& entry_;
  const ConcretePlan& plan_;
  const Timeline timeline_;
  std::vector<int32_t> owner_;                       // per buffer
  std::vector<int32_t> group_;                       // per buffer
  std::map<int32_t, std::vector<int32_t>> members_;  // owners of each group
  std::set<int32_t> in_place_writes_;
  std::set<int32_t> read_versions_;
};

}  // namespace stator::executable

#endif  // STATOR_EXECUTABLE_PLAN_CHECKER_MEMORY_MAP_H_
