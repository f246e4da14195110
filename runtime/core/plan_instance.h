// An entry point's plan under one binding of its Input symbols.
#ifndef STATOR_RUNTIME_CORE_PLAN_INSTANCE_H_
#define STATOR_RUNTIME_CORE_PLAN_INSTANCE_H_

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "executable/memory_plan.h"
#include "runtime/core/program.h"

namespace stator::runtime {

// A guard that did not hold.
struct GuardFailure {
  int32_t guard = kNone;  // index into the entry's guards
  int64_t lhs = 0;
  int64_t rhs = 0;
};

struct LaunchPlan {
  double cost_ns = -1;  // estimate of one thread's time for the whole launch; < 0: unknown
  int64_t scratch = 0;  // bytes per worker, a multiple of 64
};

struct PlanInstance {
  std::vector<int64_t> symbols;  // per symbol; 0 for Step and Loop symbols
  std::vector<int64_t> values;   // per expression; 0 where not known at run start
  executable::ArenaLayout layout;
  std::vector<int64_t> segment_start;  // bytes from the arena's start
  int64_t arena_bytes = 0;
  int64_t scratch_stride = 0;        // largest scratch of the launches that are static
  std::vector<int64_t> grids;        // per phase of static launches
  std::vector<LaunchPlan> launches;  // per launch; static ones
};

// Checks symbol bounds and guards, evaluates, packs the arena. `guard_failure` is set when a guard
// is why it failed (InvalidArgument with the guard's message).
executable::Result<std::shared_ptr<const PlanInstance>> MakePlanInstance(
    const Program& program, int32_t entry, const std::vector<int64_t>& symbols, bool check_plan,
    GuardFailure* guard_failure);

// Is `value` allowed for the symbol? InvalidArgument in the user's terms.
executable::Status CheckSymbol(const executable::Symbol& symbol, int64_t value);

// Grid of a phase and numbers of a launch under its scalars. InvalidArgument on overflow.
executable::Status PlanLaunch(const Program& program, const ProgramLaunch& launch,
                              const int64_t* scalars, const std::vector<int64_t>& values,
                              int64_t* grids, LaunchPlan* plan);

}  // namespace stator::runtime

#endif  // STATOR_RUNTIME_CORE_PLAN_INSTANCE_H_
