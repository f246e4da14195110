// Running one entry point of an executable.
#ifndef STATOR_RUNTIME_CORE_RUNNER_H_
#define STATOR_RUNTIME_CORE_RUNNER_H_

#include <array>
#include <cstdint>
#include <deque>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "runtime/core/executable.h"
#include "runtime/core/run_control.h"
#include "runtime/core/tensor.h"
#include "runtime/core/thread_pool.h"
#include "runtime/core/trace.h"
#include "runtime/core/variable_store.h"

namespace stator::runtime {

// Where a run finds memory for what it fetches. Called on the run's thread before its first step.
class OutputMemory {
 public:
  virtual ~OutputMemory() = default;
  // The bytes of a fetch's tensor; not called when only the run will know them. An error ends the
  // run before it had any effect.
  virtual Status Announce(int fetch, int64_t bytes) = 0;
  // Memory of at least `bytes` (which may be more than the tensor's) for a fetch to be computed in,
  // or null: then the run makes some, as it does where it does not ask. Not metered.
  virtual Result<BufferRef> Provide(int fetch, int64_t bytes, int64_t alignment) = 0;
};

struct RunOptions {
  RunControl control;             // cancellation and deadline, polled between steps and tiles
  int max_threads = 0;            // 0: the pool's size. Results do not depend on it
  int64_t max_bytes = INT64_MAX;  // budget for arena, scratch, dynamic and output memory
  TraceSink* trace = nullptr;
  void* host_state = nullptr;  // HostCallContext::state
  // Write into the buffers that `fetches` already holds, where dtype and size fit and nobody else
  // holds them: a prepared run then allocates nothing.
  bool reuse_fetches = false;
  OutputMemory* outputs = nullptr;  // asked first
  bool poison = false;              // fill arena memory with NaN before use and after last use
};

struct RunStats {
  int64_t arena_bytes = 0;
  int64_t arena_lower_bound = 0;
  int64_t scratch_bytes = 0;
  int64_t peak_bytes = 0;  // all that counts against max_bytes
  std::array<int64_t, executable::kNumStepKinds> steps{};
};

// What a run with feeds of given shapes will need.
struct RunPlan {
  int64_t arena_bytes = 0;
  int64_t arena_lower_bound = 0;  // largest sum of bytes that live at the same time
  int64_t scratch_bytes = 0;
  int64_t persistent_bytes = 0;  // what the init block leaves, shared by all runs of the executable
  std::vector<std::vector<int64_t>> fetch_dims;  // -1 where only the run will know
};

// A prepared run: owns arena, address tables and what else a run needs, and keeps it from run to
// run. One run at a time; different runners of one executable run at once.
class Runner {
 public:
  // `variables` may be null for an entry without variables; it and `pool` outlive the runner.
  static Result<std::unique_ptr<Runner>> Create(std::shared_ptr<Executable> executable,
                                                int32_t entry, VariableStore* variables,
                                                ThreadPool* pool = nullptr);
  ~Runner();

  // Feeds in the entry's order. On success `fetches` has one tensor per fetch. Symbols are bound
  // and guards checked before any effect; after a failure those variables are published whose
  // writing step had finished, as if the steps after it did not exist.
  Status Run(const std::vector<Tensor>& feeds, const RunOptions& options,
             std::vector<Tensor>* fetches);

  // Of `feeds` only dtypes and dims are looked at. Fails as Run would before its first step. Waits
  // for runs that hold the variables.
  Status Plan(const std::vector<Tensor>& feeds, int max_threads, RunPlan* plan);

  const executable::EntryPoint& entry() const;
  const std::shared_ptr<Executable>& executable() const;
  // Of the last run.
  const RunStats& stats() const;
  // Set when the last run failed at a guard.
  const std::optional<GuardFailure>& guard_failure() const;
  // Releases the arena; the next run makes it anew.
  void ReleaseMemory();

 private:
  Runner();
  std::unique_ptr<class RunExecution> impl_;
};

}  // namespace stator::runtime

#endif  // STATOR_RUNTIME_CORE_RUNNER_H_
