#include "distribute/launch/supervisor.h"

#include <signal.h>

#include <algorithm>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "distribute/launch/job_status.h"
#include "graph/status_macros.h"

namespace stator::distribute {
namespace {

bool FailedExit(const ExitStatus& status) {
  return status.signal != 0 || (status.code != kExitDone && status.code != kExitDrained);
}

}  // namespace

void Supervisor::Say(const std::string& text) {
  for (const auto line : absl::StrSplit(text, '\n', absl::SkipEmpty())) {
    console_.Line(Console::Stream::kError, absl::StrCat("stator launch: ", line));
  }
}

void Supervisor::Tell(const std::string& state, const std::string& cause, int exit_code) {
  if (options_.state_changed) options_.state_changed({epoch_, state, cause, exit_code});
}

int Supervisor::Finish(const std::string& state, const std::string& cause, const std::string& line,
                       int code) {
  console_.Progress("");
  if (!options_.run_directory.empty() && plan_.remote_tasks.empty()) {
    for (const auto& [name, outcome] : ended_) {
      // Only `stator status` reads it.
      WriteTaskOutcome(options_.run_directory, epoch_, outcome).IgnoreError();
    }
  }
  Tell(state, cause, code);
  if (!line.empty()) Say(absl::StrCat(options_.job, ": ", line));
  return code;
}

int Supervisor::Run() {
  if (options_.wall_time > absl::ZeroDuration()) wall_end_ = processes_.Now() + options_.wall_time;
  while (true) {
    const auto epoch = options_.next_epoch();
    if (!epoch.ok()) return FailToStart(epoch.status());
    epoch_ = *epoch;
    ended_.clear();
    auto plan = options_.plan(epoch_);
    if (!plan.ok()) return FailToStart(plan.status());
    plan_ = *std::move(plan);
    Tell("running");
    const End end = RunGeneration();
    if (end == End::kDone) return Finish("done", "", "", kExitDone);
    if (end == End::kInterrupted) return Finish("interrupted", "", "interrupted", kExitRetryable);
    if (end == End::kFailed) {
      console_.Progress("");
      Say(report_.text);
    }
    const RestartDecision decision = Decide(end);
    if (decision.action == RestartDecision::Action::kDrained) {
      return Finish("drained", "",
                    "drained: an aligned checkpoint is saved, a restart continues there",
                    kExitDrained);
    }
    if (decision.action != RestartDecision::Action::kRestart) {
      // Its first line repeats the report.
      const size_t line = decision.report.find('\n');
      return Finish("failed", report_.cause,
                    line == std::string::npos ? "stopped" : decision.report.substr(line + 1),
                    decision.exit_code);
    }
    const int64_t checkpoint = LastCheckpoint();
    Say(absl::StrCat(options_.job, ": restarting in ", absl::FormatDuration(decision.delay),
                     checkpoint > 0 ? absl::StrCat(", from the checkpoint of step ", checkpoint)
                                    : ", from the last checkpoint"));
    Tell("restarting", end == End::kFailed ? report_.cause : "");
    if (!WaitBeforeRestart(decision.delay)) {
      return Finish("interrupted", "", "interrupted", kExitRetryable);
    }
  }
}

int Supervisor::FailToStart(const absl::Status& status) {
  const std::string cause(status.message());
  return Finish("failed", cause, cause, kExitFailed);
}

int64_t Supervisor::LastCheckpoint() const {
  if (options_.run_directory.empty()) return 0;
  const auto status = ReadJobStatus(options_.run_directory);
  return status.ok() ? std::max<int64_t>(status->checkpoint_step, 0) : 0;
}

RestartDecision Supervisor::Decide(End end) {
  GenerationEnd ended;
  ended.checkpoint_step = LastCheckpoint();
  ended.stop_requested = drain_asked_;
  if (end == End::kDrained) {
    ended.exit_code = kExitDrained;
  } else {
    ended.task = report_.task;
    ended.exit_code = report_.exit_code;
    ended.cause = report_.cause;
    ended.step = std::max<int64_t>(report_.step, 0);
  }
  return policy_.OnEnd(ended);
}

bool Supervisor::WaitBeforeRestart(absl::Duration delay) {
  const absl::Time end = std::min(processes_.Now() + delay, wall_end_);
  while (processes_.Now() < end) {
    const auto event = processes_.Wait(end);
    if (event && event->kind == ProcessEvent::Kind::kSignal) return false;
  }
  return processes_.Now() < wall_end_;
}

absl::Status Supervisor::StartAll() {
  for (const ProcessSpec& spec : plan_.processes) {
    STATOR_RETURN_IF_ERROR(processes_.Start(spec));
    alive_.insert(spec.name);
  }
  return absl::OkStatus();
}

Supervisor::End Supervisor::RunGeneration() {
  alive_.clear();
  ended_.clear();
  EnterPhase(Phase::kRunning, absl::InfiniteDuration());
  const absl::Status started = StartAll();
  if (!started.ok()) EnterPhase(Phase::kKilled, absl::InfiniteDuration());
  absl::Time look = processes_.Now() + options_.progress;
  while (!alive_.empty()) {
    absl::Time deadline = std::min(look, phase_end_);
    if (phase_ == Phase::kRunning) deadline = std::min(deadline, wall_end_);
    if (const auto event = processes_.Wait(deadline)) {
      Handle(*event);
      continue;
    }
    const absl::Time now = processes_.Now();
    if (phase_ == Phase::kRunning && now >= wall_end_) RequestDrain("the wall time is over");
    if (now >= phase_end_) PhaseOver();
    if (now >= look) {
      ShowProgress();
      look = now + options_.progress;
    }
  }
  if (!started.ok()) {
    report_ = {};
    report_.cause = std::string(started.message());
    report_.text = absl::StrCat(options_.job, ": epoch ", epoch_, " failed: ", report_.cause, "\n");
    report_.exit_code = kExitUsage;  // there is no such program: it will not come about
    return End::kFailed;
  }
  return Judge();
}

void Supervisor::Handle(const ProcessEvent& event) {
  if (event.kind == ProcessEvent::Kind::kSignal) {
    TakeSignal(event.signal);
  } else {
    TakeExit(event);
  }
}

void Supervisor::TakeSignal(int signal) {
  if (signal == SIGINT && ++interrupts_ > 1) {
    Say("killing all tasks");
    drain_asked_ = true;
    EnterPhase(Phase::kKilled, options_.grace);
    return;
  }
  if (drain_asked_) return;
  RequestDrain(signal == SIGINT ? "interrupted (again to kill)" : SignalName(signal));
}

void Supervisor::RequestDrain(const std::string& why) {
  drain_asked_ = true;
  if (phase_ != Phase::kRunning) return;  // it is ending already
  Say(absl::StrCat("draining to a checkpoint: ", why));
  EnterPhase(Phase::kDraining, options_.drain);
  // The chief asks the coordinator for a step that no task has passed. SIGUSR1, since engines take
  // SIGTERM as an order to kill.
  processes_.Signal(plan_.chief, SIGUSR1, /*group=*/false);
}

void Supervisor::TakeExit(const ProcessEvent& event) {
  TaskOutcome outcome;
  outcome.task = event.name;
  outcome.status = event.status;
  outcome.ended_at = event.time;
  outcome.stopped = phase_ == Phase::kStopping || phase_ == Phase::kKilled;
  outcome.last_lines = processes_.LastLines(event.name);
  for (const ProcessSpec& spec : plan_.processes) {
    if (spec.name == event.name) outcome.log_file = spec.log_file;
  }
  alive_.erase(event.name);
  ended_[event.name] = std::move(outcome);
  if (FailedExit(event.status) && (phase_ == Phase::kRunning || phase_ == Phase::kDraining)) {
    EnterPhase(Phase::kSettling, options_.settle);
  }
}

void Supervisor::EnterPhase(Phase phase, absl::Duration length) {
  phase_ = phase;
  phase_end_ = processes_.Now() + length;
  if (phase == Phase::kStopping) SignalAll(SIGTERM);
  if (phase == Phase::kKilled) SignalAll(SIGKILL);
}

void Supervisor::PhaseOver() {
  switch (phase_) {
    case Phase::kRunning:
      return;
    case Phase::kDraining:
      Say("tasks did not drain in time: stopping them");
      return EnterPhase(Phase::kStopping, options_.grace);
    case Phase::kSettling:
      return EnterPhase(Phase::kStopping, options_.grace);
    case Phase::kStopping:
    case Phase::kKilled:  // again: the near ends of remote processes now
      return EnterPhase(Phase::kKilled, options_.grace);
  }
}

void Supervisor::SignalAll(int signal) {
  for (const std::string& name : alive_) processes_.Signal(name, signal, /*group=*/true);
}

std::vector<TaskOutcome> Supervisor::Outcomes() const {
  std::vector<TaskOutcome> outcomes;
  for (const std::string& task : plan_.remote_tasks) {
    if (auto outcome = ReadTaskOutcome(options_.run_directory, epoch_, task); outcome.ok()) {
      outcomes.push_back(*std::move(outcome));
    }
  }
  const bool known = std::any_of(outcomes.begin(), outcomes.end(), [](const TaskOutcome& outcome) {
    return FailedExit(outcome.status);
  });
  if (!known) {  // each process is a task, or the engine itself failed
    for (const auto& [name, outcome] : ended_) outcomes.push_back(outcome);
  }
  for (TaskOutcome& outcome : outcomes) {
    if (options_.run_directory.empty()) break;
    auto record = ReadFailureRecord(options_.run_directory, epoch_, outcome.task);
    if (record.ok()) outcome.record = *std::move(record);
  }
  return outcomes;
}

Supervisor::End Supervisor::Judge() {
  bool failed = false;
  bool drained = false;
  for (const auto& [name, outcome] : ended_) {
    failed |= FailedExit(outcome.status);
    drained |= outcome.status.signal == 0 && outcome.status.code == kExitDrained;
  }
  if (!failed) return drained ? End::kDrained : End::kDone;
  // Told to end, and nothing failed before that.
  const bool all_stopped = std::all_of(ended_.begin(), ended_.end(), [](const auto& entry) {
    return entry.second.stopped || !FailedExit(entry.second.status);
  });
  if (drain_asked_ && all_stopped) return End::kInterrupted;
  if (drain_asked_ && std::all_of(ended_.begin(), ended_.end(), [](const auto& entry) {
        // Programs that know no draining die of the request.
        const ExitStatus& status = entry.second.status;
        return !FailedExit(status) || entry.second.stopped || status.AsCode() == kExitRetryable ||
               status.AsCode() == 128 + SIGUSR1 || status.AsCode() == 128 + SIGTERM;
      })) {
    return End::kInterrupted;
  }
  report_ = ReportFailure(options_.job, epoch_, Outcomes());
  return End::kFailed;
}

void Supervisor::ShowProgress() {
  if (options_.run_directory.empty()) return;
  const auto status = ReadJobStatus(options_.run_directory);
  if (status.ok() && status->epoch == epoch_) {
    console_.Progress(absl::StrCat(options_.job, ": ", ProgressLine(*status)));
  }
}

}  // namespace stator::distribute
