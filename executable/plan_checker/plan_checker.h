// Proves that a plan with concrete addresses never reads memory that something else has
// overwritten, by replaying what happens before what. Shares no code with the packer, the planner
// or the executor.
#ifndef STATOR_EXECUTABLE_PLAN_CHECKER_PLAN_CHECKER_H_
#define STATOR_EXECUTABLE_PLAN_CHECKER_PLAN_CHECKER_H_

#include <cstdint>
#include <string>
#include <vector>

#include "executable/image_model.h"

namespace stator::executable {

// A plan's numbers under one binding of the Input symbols, one element per buffer.
struct ConcretePlan {
  std::vector<int64_t> sizes;          // bytes; -1 where Step or Loop symbols decide
  std::vector<int64_t> alias_offsets;  // bytes from the direct base, 0 unless a view; -1 unknown
  std::vector<int64_t> arena_offsets;  // kArena: bytes from its segment's start
};

enum class ViolationKind {
  kOverlap,    // two live arena buffers share bytes
  kClobbered,  // read after something else wrote its memory
  kUseBeforeDefinition,
  kUseAfterFree,
  kOutsideLifetime,  // used in a wave outside [first_wave, last_wave]
  kViewOutlivesBase,
  kRace,             // two steps of one wave touch the same bytes, one of them writing
  kNoAlias,          // one launch's arguments share bytes and the kernel does not allow it
  kReadOnlyWritten,  // a constant, feed, or pinned variable version
  kOldVersionRead,   // a variable's old version is read after its in-place write
  kFallibleInPlace,  // a kernel that may fail writes a variable in place
  kVariableWrites,   // a published version is written twice, or only in part
  kCarriedPair,      // a while's carried pair overlaps, or `next` is not written by the body
};
const char* ViolationKindName(ViolationKind kind);

struct Violation {
  ViolationKind kind;
  std::string message;  // wave, step and buffers
};

// Replays entry point `entry` of a verified model: waves in order, steps of a wave against each
// other, both branches of an if, loops for zero, one and two iterations. Returns what it finds, in
// program order, at most 100; empty means proved.
std::vector<Violation> CheckPlan(const ImageModel& model, int32_t entry, const ConcretePlan& plan);

}  // namespace stator::executable

#endif  // STATOR_EXECUTABLE_PLAN_CHECKER_PLAN_CHECKER_H_
