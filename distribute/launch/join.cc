#include "distribute/launch/join.h"

#include <signal.h>

#include "absl/strings/str_cat.h"
#include "distribute/control/restart_policy.h"
#include "distribute/launch/failure_report.h"

namespace stator::distribute {

int RunJoined(const JoinOptions& options, ProcessStarter* processes, Console* console) {
  const std::string& task = options.process.name;
  TaskOutcome outcome;
  outcome.task = task;
  outcome.log_file = options.process.log_file;
  int received = 0;
  if (const absl::Status started = processes->Start(options.process); !started.ok()) {
    console->Line(Console::Stream::kError, absl::StrCat("stator launch: ", started.message()));
    outcome.status.code = kExitFailed;
    outcome.ended_at = processes->Now();
  } else {
    while (true) {
      const auto event = processes->Wait(absl::InfiniteFuture());
      if (!event) continue;
      if (event->kind == ProcessEvent::Kind::kSignal) {
        const bool again = event->signal == received && event->signal != SIGUSR1;
        received = event->signal;
        // A platform's SIGUSR1 asks to drain; SIGTERM and SIGINT say that the end is near.
        if (event->signal != SIGUSR1) outcome.stopped = true;
        const int passed_on = event->signal == SIGINT ? SIGTERM : event->signal;
        processes->Signal(task, again ? SIGKILL : passed_on, /*group=*/again);
        continue;
      }
      outcome.status = event->status;
      outcome.ended_at = event->time;
      break;
    }
  }
  if (!options.run_directory.empty()) {
    const absl::Status written = WriteTaskOutcome(options.run_directory, options.epoch, outcome);
    if (!written.ok()) {
      console->Line(Console::Stream::kError, absl::StrCat("stator launch: ", written.message()));
    }
  }
  return outcome.status.AsCode();
}

}  // namespace stator::distribute
