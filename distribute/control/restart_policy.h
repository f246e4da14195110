// What a supervisor does when a generation of its job has ended: pure, so that the simulator can
// drive it. Knows neither processes nor the time.
#ifndef STATOR_DISTRIBUTE_CONTROL_RESTART_POLICY_H_
#define STATOR_DISTRIBUTE_CONTROL_RESTART_POLICY_H_

#include <cstdint>
#include <string>

#include "absl/status/status.h"
#include "absl/time/time.h"
#include "distribute/control/planted_bug.h"

namespace stator::distribute {

// How a task's process ended. Signals count as codes of 128 and more.
enum ExitCode : int {
  kExitDone = 0,
  kExitFailed = 1,       // an error that will most likely repeat
  kExitUsage = 2,        // the command line or the job file is wrong: never repeated
  kExitDrained = 42,     // stopped on request after an aligned checkpoint
  kExitRetryable = 130,  // a peer died, or the generation ended
};

// Errors with which a task says that not it but a peer or the network has failed, so that a restart
// may help.
bool IsRetryable(absl::StatusCode code);

struct RestartOptions {
  int max_restarts = 3;
  absl::Duration backoff = absl::Seconds(1);  // doubles while no checkpoint is gained
  absl::Duration max_backoff = absl::Seconds(30);
  PlantedBug planted_bug = PlantedBug::kNone;
};

// The end of a generation, as its root cause: the task that failed first by itself, not those that
// it took along. All tasks have stopped, or have been stopped.
struct GenerationEnd {
  std::string task;
  int exit_code = kExitDone;    // kExitDone: all tasks ended well
  std::string cause;            // its error, or "signal 9"
  int64_t step = 0;             // the last it reported
  int64_t checkpoint_step = 0;  // of the newest complete checkpoint
  bool stop_requested = false;  // the supervisor itself asked all to drain or stop
};

struct RestartDecision {
  enum class Action { kDone, kDrained, kRestart, kStop };
  Action action = Action::kStop;
  uint64_t epoch = 0;         // kRestart: of the next generation
  absl::Duration delay;       // kRestart: wait so long before
  std::string report;         // kStop: what to tell, once; kRestart: one line for the log
  int exit_code = kExitDone;  // of the supervisor, where it ends
};

// One job's. A restart costs one of the budget, but for one after a drain that nobody here asked
// for (a platform took a task away in good order). A task that fails twice in the same way, at the
// same step and without a newer checkpoint between, stops the job: so would the third time. Deaths
// from outside (signals KILL, TERM, INT, HUP) and collateral ends are never "the same way".
class RestartPolicy {
 public:
  explicit RestartPolicy(RestartOptions options, uint64_t first_epoch = 1)
      : options_(options), epoch_(first_epoch) {}

  // Of the running generation.
  uint64_t epoch() const { return epoch_; }
  int restarts() const { return restarts_; }

  RestartDecision OnEnd(const GenerationEnd& end);

 private:
  RestartDecision Restart(const GenerationEnd& end);
  bool SameAsLast(const GenerationEnd& end) const;

  const RestartOptions options_;
  uint64_t epoch_;
  int restarts_ = 0;
  int fruitless_ = 0;  // restarts in a row without a newer checkpoint
  bool failed_before_ = false;
  GenerationEnd last_;
};

}  // namespace stator::distribute

#endif  // STATOR_DISTRIBUTE_CONTROL_RESTART_POLICY_H_
