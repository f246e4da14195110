// Follows an entry point step by step and watches what memory holds.
#ifndef STATOR_EXECUTABLE_PLAN_CHECKER_REPLAY_H_
#define STATOR_EXECUTABLE_PLAN_CHECKER_REPLAY_H_

#include "executable/plan_checker/memory_map.h"
#include "executable/plan_checker/violation_log.h"

namespace stator::executable {

// The init block, then the main block: waves in order, both branches of an if, loops for zero, one
// and two iterations.
void ReplayEntry(const MemoryMap& memory, ViolationLog* log);

}  // namespace stator::executable

#endif  // STATOR_EXECUTABLE_PLAN_CHECKER_REPLAY_H_
