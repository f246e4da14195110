// What may run at the same time must not touch the same bytes.
#ifndef STATOR_EXECUTABLE_PLAN_CHECKER_CONFLICTS_H_
#define STATOR_EXECUTABLE_PLAN_CHECKER_CONFLICTS_H_

#include "executable/plan_checker/memory_map.h"
#include "executable/plan_checker/symbol_uses.h"
#include "executable/plan_checker/violation_log.h"

namespace stator::executable {

// Two steps of one wave: no byte that one of them writes, no symbol that one of them binds. Leaves
// the log at one of the wave's steps.
void CheckRaces(const MemoryMap& memory, const Wave& wave, SymbolUses* symbols, ViolationLog* log);

// One launch: kernels are compiled to rely on arguments that do not overlap, except where an
// argument says which other one it may share memory with.
void CheckArguments(const MemoryMap& memory, const LaunchKernel& launch, ViolationLog* log);

}  // namespace stator::executable

#endif  // STATOR_EXECUTABLE_PLAN_CHECKER_CONFLICTS_H_
