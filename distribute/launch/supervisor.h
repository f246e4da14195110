// Runs a job to its end: generation after generation, each with its own epoch.
//
//   plan(epoch) ──> start all ──> wait ──┬─ all done ───────────────> exit 0
//        ^                               ├─ drained by request ─────> exit 42
//        │                               ├─ interrupted ────────────> exit 130
//        └── back-off <── restart? <─────┴─ a task failed: stop the rest, report once
//                            └─ no ─────────────────────────────────> exit 1, 2 or 130
#ifndef STATOR_DISTRIBUTE_LAUNCH_SUPERVISOR_H_
#define STATOR_DISTRIBUTE_LAUNCH_SUPERVISOR_H_

#include <cstdint>
#include <functional>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "distribute/control/restart_policy.h"
#include "distribute/launch/console.h"
#include "distribute/launch/failure_report.h"
#include "distribute/launch/process.h"

namespace stator::distribute {

// The processes of one generation.
struct GenerationPlan {
  std::vector<ProcessSpec> processes;
  // Tasks that an engine's process starts: how they ended is read from the run directory. Empty
  // where each process is a task.
  std::vector<std::string> remote_tasks;
  // The process that is told to drain: the chief's, or the engine's.
  std::string chief;
  // Where the coordinator listens; "" where the tasks find it.
  std::string coordinator;
};

// How the launch stands.
struct LaunchState {
  uint64_t epoch = 0;
  std::string name;    // running, restarting; done, drained, interrupted, failed
  std::string cause;   // of the last failure
  int exit_code = -1;  // the launcher's, at the end
};

struct SupervisorOptions {
  std::string job;
  std::string run_directory;                   // "" = no records or progress are read
  absl::Duration settle = absl::Seconds(1);    // for survivors to end by themselves
  absl::Duration grace = absl::Seconds(5);     // between SIGTERM and SIGKILL
  absl::Duration drain = absl::Seconds(60);    // from the request to the last task's end
  absl::Duration wall_time;                    // then it drains; 0 = no limit
  absl::Duration progress = absl::Seconds(1);  // between looks at the progress
  std::function<absl::StatusOr<uint64_t>()> next_epoch;
  std::function<absl::StatusOr<GenerationPlan>(uint64_t epoch)> plan;
  RestartOptions restart;
  // Called when a generation begins or ends.
  std::function<void(const LaunchState&)> state_changed;
};

// One use each. Not thread-safe.
class Supervisor {
 public:
  // Both outlive the supervisor.
  Supervisor(const SupervisorOptions& options, ProcessStarter* processes, Console* console)
      : options_(options), policy_(options.restart), processes_(*processes), console_(*console) {}

  // The launcher's exit code; reasons are on the console.
  int Run();

 private:
  enum class End { kDone, kDrained, kInterrupted, kFailed };
  enum class Phase { kRunning, kDraining, kSettling, kStopping, kKilled };

  // Of one generation.
  End RunGeneration();
  absl::Status StartAll();
  void Handle(const ProcessEvent& event);
  void TakeSignal(int signal);
  void TakeExit(const ProcessEvent& event);
  void RequestDrain(const std::string& why);
  void EnterPhase(Phase phase, absl::Duration length);
  void PhaseOver();
  void SignalAll(int signal);
  End Judge();
  std::vector<TaskOutcome> Outcomes() const;
  void ShowProgress();

  // After a generation that ended by itself: what the policy says.
  RestartDecision Decide(End end);
  int64_t LastCheckpoint() const;
  // Waits before a restart; false if a signal ended the wait.
  bool WaitBeforeRestart(absl::Duration delay);
  void Tell(const std::string& state, const std::string& cause = "", int exit_code = -1);
  // The last word: on the console, to state_changed, and how each task ended in the run directory.
  int Finish(const std::string& state, const std::string& cause, const std::string& line, int code);
  int FailToStart(const absl::Status& status);
  void Say(const std::string& text);

  const SupervisorOptions options_;
  RestartPolicy policy_;
  ProcessStarter& processes_;
  Console& console_;

  absl::Time wall_end_ = absl::InfiniteFuture();
  bool drain_asked_ = false;  // by a signal or the wall time: no restart after it
  int interrupts_ = 0;

  uint64_t epoch_ = 0;
  GenerationPlan plan_;
  Phase phase_ = Phase::kRunning;
  absl::Time phase_end_ = absl::InfiniteFuture();
  std::set<std::string> alive_;
  std::map<std::string, TaskOutcome> ended_;
  FailureReport report_;
};

}  // namespace stator::distribute

#endif  // STATOR_DISTRIBUTE_LAUNCH_SUPERVISOR_H_
