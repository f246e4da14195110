// What a plan's lifetimes and addresses show by themselves, without a replay.
#ifndef STATOR_EXECUTABLE_PLAN_CHECKER_LAYOUT_CHECK_H_
#define STATOR_EXECUTABLE_PLAN_CHECKER_LAYOUT_CHECK_H_

#include "executable/plan_checker/memory_map.h"
#include "executable/plan_checker/violation_log.h"

namespace stator::executable {

// Views live within their bases, carried pairs are apart, and no two arena buffers that live at the
// same time share bytes.
void CheckLayout(const MemoryMap& memory, ViolationLog* log);

}  // namespace stator::executable

#endif  // STATOR_EXECUTABLE_PLAN_CHECKER_LAYOUT_CHECK_H_
