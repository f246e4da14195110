#include "distribute/launch/status_report.h"

#include <algorithm>
#include <filesystem>
#include <system_error>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/time/clock.h"
#include "absl/time/time.h"
#include "distribute/control/restart_policy.h"
#include "distribute/launch/control_status.h"
#include "distribute/launch/failure_report.h"
#include "distribute/launch/launch_record.h"
#include "distribute/launch/run_directory.h"
#include "graph/status_macros.h"
#include "proto/json_text.h"

namespace stator::distribute {
namespace {

// A chief that works writes its progress twice a second.
constexpr double kFreshSeconds = 5;

bool HasEnded(const std::string& state) {
  return state == "done" || state == "drained" || state == "interrupted" || state == "failed" ||
         state == "lost";
}

std::string EndOf(const TaskOutcome& outcome) {
  if (outcome.stopped) return "stopped";
  if (outcome.status.signal == 0) {
    switch (outcome.status.code) {
      case kExitDone:
        return "done";
      case kExitDrained:
        return "drained";
      case kExitRetryable:
        return "ended by another's failure";
      default:
        break;
    }
  }
  return outcome.status.ToString();
}

// Of one generation, as its launchers wrote them down.
std::vector<TaskOutcome> OutcomesOf(const std::string& run_directory, uint64_t epoch) {
  std::vector<TaskOutcome> outcomes;
  const std::filesystem::path folder =
      std::filesystem::path(RunDirectory(run_directory).ExitFile(epoch, "any")).parent_path();
  std::error_code error;
  // Not by a range, which ends the process where a folder cannot be read to its end.
  for (std::filesystem::directory_iterator file(folder, error), end; !error && file != end;
       file.increment(error)) {
    // "worker-1.json" is worker:1's.
    std::string task = file->path().stem().string();
    if (const size_t dash = task.rfind('-'); dash != std::string::npos) task[dash] = ':';
    auto outcome = ReadTaskOutcome(run_directory, epoch, task);
    if (!outcome.ok()) continue;
    if (auto record = ReadFailureRecord(run_directory, epoch, task); record.ok()) {
      outcome->record = *std::move(record);
    }
    outcomes.push_back(*std::move(outcome));
  }
  std::sort(outcomes.begin(), outcomes.end(), [](const TaskOutcome& a, const TaskOutcome& b) {
    return a.task.size() != b.task.size() ? a.task.size() < b.task.size() : a.task < b.task;
  });
  return outcomes;
}

// Without a launcher that drives: what the ends of the tasks make of the job.
void JudgeOutcomes(const std::vector<TaskOutcome>& outcomes, int tasks, StatusReport* report) {
  if (static_cast<int>(outcomes.size()) < tasks) {
    report->state = "lost";
    return;
  }
  const auto ended = [&](int code) {
    return std::count_if(outcomes.begin(), outcomes.end(), [code](const TaskOutcome& outcome) {
      return outcome.status.signal == 0 && outcome.status.code == code;
    });
  };
  if (ended(kExitDone) == tasks) {
    report->state = "done";
  } else if (ended(kExitDone) + ended(kExitDrained) == tasks) {
    report->state = "drained";
  } else {
    report->state = "failed";
    report->cause = ReportFailure("", report->epoch, outcomes).cause;
  }
}

void Ask(const StatusQuery& query, StatusReport* report) {
  if (report->coordinator.empty() || !query.ask) return;
  const absl::StatusOr<control::JobStatus> answer = query.ask(report->coordinator);
  if (!answer.ok()) {
    report->unanswered = answer.status().ToString();
    return;
  }
  if (answer->epoch() < report->epoch) {
    report->unanswered = absl::StrCat("epoch ", answer->epoch(), " still answers there");
    return;
  }
  report->live = true;
  report->age_seconds = 0;
  report->epoch = answer->epoch();
  const int64_t total = report->progress ? report->progress->total_steps : query.total_steps;
  report->progress = FromControl(*answer, total);
  report->progress->unix_seconds = absl::ToDoubleSeconds(absl::Now() - absl::UnixEpoch());
  if (!HasEnded(report->state) && !answer->state().empty()) report->state = answer->state();
  if (report->cause.empty()) report->cause = answer->failure();
}

absl::Status ReadFiles(const StatusQuery& query, StatusReport* report) {
  auto progress = ReadJobStatus(query.run_directory);
  if (progress.ok()) {
    report->age_seconds = std::max(
        absl::ToDoubleSeconds(absl::Now() - absl::UnixEpoch()) - progress->unix_seconds, 0.0);
    report->progress = *std::move(progress);
  } else if (!absl::IsNotFound(progress.status())) {
    return progress.status();
  }
  if (const auto coordinator = ReadCoordinatorRecord(query.run_directory); coordinator.ok()) {
    report->coordinator = coordinator->address;
    report->epoch = coordinator->epoch;
  }
  const auto launch = ReadLaunchRecord(query.run_directory);
  if (launch.ok()) {
    report->state = launch->state;
    report->epoch = launch->epoch;
    report->cause = launch->cause;
    report->exit_code = launch->exit_code;
    report->launcher = absl::StrCat("pid ", launch->pid, " on host ", launch->host);
    return absl::OkStatus();
  }
  if (!absl::IsNotFound(launch.status())) return launch.status();
  if (report->coordinator.empty() && !report->progress) {
    return absl::NotFoundError(absl::StrCat("no job was launched in run directory ",
                                            RunDirectory(query.run_directory).path()));
  }
  if (report->progress && report->coordinator.empty()) report->epoch = report->progress->epoch;
  return absl::OkStatus();
}

std::string Table(const JobStatus& status) {
  size_t width = 4;
  for (const TaskProgress& task : status.tasks) width = std::max(width, task.task.size());
  std::string out = absl::StrFormat("%-*s  %-10s %10s %10s  %s\n", static_cast<int>(width), "task",
                                    "phase", "step", "steps/s", "last sign of life");
  for (const TaskProgress& task : status.tasks) {
    const bool came = task.phase != "missing";
    absl::StrAppendFormat(
        &out, "%-*s  %-10s %10d %10.3g  %s\n", static_cast<int>(width), task.task, task.phase,
        task.step, task.steps_per_second,
        came ? absl::StrFormat("%.1f s ago", task.silent_seconds) : std::string("none yet"));
  }
  return out;
}

std::string Source(const StatusReport& report) {
  if (report.live) {
    return absl::StrCat("asked the coordinator at ", report.coordinator);
  }
  std::string out = absl::StrFormat("status.json, %.1f s old", report.age_seconds);
  if (!report.unanswered.empty()) {
    absl::StrAppend(&out, "; the coordinator at ", report.coordinator,
                    " did not answer: ", report.unanswered);
  }
  return out;
}

std::string Json(const StatusReport& report) {
  JsonObject out;
  out.Text("state", report.state).Number("epoch", report.epoch).Text("cause", report.cause);
  out.Json("exit_code", report.exit_code < 0 ? "null" : absl::StrCat(report.exit_code));
  out.Text("launcher", report.launcher).Text("coordinator", report.coordinator);
  out.Json("source", !report.progress ? "null" : report.live ? "\"coordinator\"" : "\"file\"");
  out.Number("age_seconds", report.age_seconds).Text("unanswered", report.unanswered);
  JsonObject ends;
  for (const auto& [task, end] : report.ends) ends.Text(task, end);
  out.Json("progress", report.progress ? JobStatusJson(*report.progress) : "null");
  return out.Json("ends", ends.ToString()).ToString() + "\n";
}

}  // namespace

absl::StatusOr<StatusReport> ExamineStatus(const StatusQuery& query) {
  StatusReport report;
  STATOR_RETURN_IF_ERROR(ReadFiles(query, &report));
  if (!HasEnded(report.state)) Ask(query, &report);
  const std::vector<TaskOutcome> outcomes = OutcomesOf(query.run_directory, report.epoch);
  if (report.state.empty()) {  // a platform starts the tasks
    const bool fresh = report.progress && report.age_seconds < kFreshSeconds;
    if (fresh && static_cast<int>(outcomes.size()) < query.tasks) {
      report.state = "running";
    } else {
      JudgeOutcomes(outcomes, query.tasks, &report);
    }
  }
  const bool should_live = report.state == "running" || report.state == "restarting";
  if (should_live && !report.live && !report.launcher.empty() &&
      !RunDirectory(query.run_directory).InUse()) {
    report.state = "lost";
  }
  if (!HasEnded(report.state)) return report;
  for (const TaskOutcome& outcome : outcomes) {
    report.ends.emplace_back(outcome.task, EndOf(outcome));
  }
  if (report.state == "done" && report.progress && report.progress->total_steps > 0) {
    report.progress->step = report.progress->total_steps;  // the last heartbeat came before
  }
  if (report.state == "drained" && report.progress) {
    report.progress->step = std::max(report.progress->step, report.progress->checkpoint_step);
  }
  return report;
}

std::string DescribeStatus(const StatusReport& report, bool json) {
  if (json) return Json(report);
  std::string out = absl::StrCat(report.state, ", epoch ", report.epoch);
  if (!report.launcher.empty()) absl::StrAppend(&out, ", launched by ", report.launcher);
  if (report.exit_code >= 0) absl::StrAppend(&out, ", exit code ", report.exit_code);
  absl::StrAppend(&out, "\n");
  if (!report.cause.empty()) absl::StrAppend(&out, "failure: ", report.cause, "\n");
  if (report.progress) {
    absl::StrAppend(&out, ProgressLine(*report.progress), "  (", Source(report), ")\n");
  } else {
    absl::StrAppend(&out, "no progress yet");
    if (!report.unanswered.empty()) absl::StrAppend(&out, "  (", report.unanswered, ")");
    absl::StrAppend(&out, "\n");
  }
  if (HasEnded(report.state)) {
    for (const auto& [task, end] : report.ends) absl::StrAppend(&out, task, "  ", end, "\n");
    return out;
  }
  return out + (report.progress && !report.progress->tasks.empty() ? Table(*report.progress) : "");
}

}  // namespace stator::distribute
