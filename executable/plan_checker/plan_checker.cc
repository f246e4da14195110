#include "executable/plan_checker/plan_checker.h"

#include "executable/plan_checker/layout_check.h"
#include "executable/plan_checker/memory_map.h"
#include "executable/plan_checker/replay.h"
#include "executable/plan_checker/violation_log.h"

namespace stator::executable {

const char* ViolationKindName(ViolationKind kind) {
  switch (kind) {
    case ViolationKind::kOverlap:
      return "overlap";
    case ViolationKind::kClobbered:
      return "clobbered";
    case ViolationKind::kUseBeforeDefinition:
      return "use before definition";
    case ViolationKind::kUseAfterFree:
      return "use after free";
    case ViolationKind::kOutsideLifetime:
      return "outside its lifetime";
    case ViolationKind::kViewOutlivesBase:
      return "view outlives its base";
    case ViolationKind::kRace:
      return "race";
    case ViolationKind::kNoAlias:
      return "aliased arguments";
    case ViolationKind::kReadOnlyWritten:
      return "read-only memory written";
    case ViolationKind::kOldVersionRead:
      return "old version read";
    case ViolationKind::kFallibleInPlace:
      return "fallible in-place write";
    case ViolationKind::kVariableWrites:
      return "variable writes";
    case ViolationKind::kCarriedPair:
      return "carried pair";
  }
  return "?";
}

std::vector<Violation> CheckPlan(const ImageModel& model, int32_t entry, const ConcretePlan& plan) {
  const MemoryMap memory(model, model.entry_points[entry], plan);
  ViolationLog log(model);
  CheckLayout(memory, &log);
  ReplayEntry(memory, &log);
  return log.Take();
}

}  // namespace stator::executable
