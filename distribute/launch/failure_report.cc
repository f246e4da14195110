#include "distribute/launch/failure_report.h"

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <system_error>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_split.h"
#include "distribute/control/restart_policy.h"
#include "distribute/launch/json_text.h"
#include "distribute/launch/run_directory.h"
#include "formats/file.h"
#include "graph/status_macros.h"
#include "proto/json_text.h"

namespace stator::distribute {
namespace {

constexpr size_t kLastLines = 20;

bool Failed(const TaskOutcome& outcome) {
  return outcome.status.signal != 0 ||
         (outcome.status.code != kExitDone && outcome.status.code != kExitDrained);
}

// It ended by itself, and not because of another.
bool OwnFailure(const TaskOutcome& outcome) {
  if (outcome.stopped || !Failed(outcome)) return false;
  if (outcome.status.signal == 0 && outcome.status.code == kExitRetryable) return false;
  return !outcome.record || outcome.record->blames.empty() ||
         outcome.record->blames == outcome.task;
}

const TaskOutcome* Find(const std::vector<TaskOutcome>& outcomes, const std::string& task) {
  for (const TaskOutcome& outcome : outcomes) {
    if (outcome.task == task) return &outcome;
  }
  return nullptr;
}

std::string FirstLine(const std::string& text) {
  return std::string(absl::StripAsciiWhitespace(text.substr(0, text.find('\n'))));
}

// The witness's record, if the root cause was named by another task.
struct Root {
  const TaskOutcome* outcome = nullptr;
  const FailureRecord* record = nullptr;
  bool seen_by_others = false;
};

// `outcomes` in order of their ends.
Root FindRoot(const std::vector<TaskOutcome>& outcomes) {
  for (const TaskOutcome& outcome : outcomes) {
    if (OwnFailure(outcome)) return {&outcome, outcome.record ? &*outcome.record : nullptr};
  }
  const TaskOutcome* witness = nullptr;
  for (const TaskOutcome& outcome : outcomes) {
    if (!outcome.record || outcome.record->blames.empty()) continue;
    if (witness == nullptr || outcome.record->unix_seconds < witness->record->unix_seconds) {
      witness = &outcome;
    }
  }
  if (witness != nullptr) {
    const TaskOutcome* blamed = Find(outcomes, witness->record->blames);
    return {blamed != nullptr ? blamed : witness, &*witness->record, blamed != witness};
  }
  for (const TaskOutcome& outcome : outcomes) {
    if (Failed(outcome)) return {&outcome, outcome.record ? &*outcome.record : nullptr};
  }
  return {&outcomes.front()};
}

std::string Cause(const Root& root) {
  const TaskOutcome& outcome = *root.outcome;
  std::string cause = outcome.task;
  if (root.seen_by_others) {
    absl::StrAppend(&cause, " failed, says ", root.record->task);
  } else {
    absl::StrAppend(&cause, outcome.status.signal != 0 ? " was " : " ended with ",
                    outcome.status.ToString());
  }
  if (root.record != nullptr) {
    if (root.record->step >= 0) absl::StrAppend(&cause, " in step ", root.record->step);
    absl::StrAppend(&cause, ": ", root.record->code, root.record->code.empty() ? "" : ": ",
                    FirstLine(root.record->message));
  }
  return cause;
}

std::string Collateral(const std::vector<TaskOutcome>& outcomes, const TaskOutcome* root) {
  std::vector<std::string> others;
  for (const TaskOutcome& outcome : outcomes) {
    if (&outcome == root || !Failed(outcome)) continue;
    others.push_back(absl::StrCat(outcome.task, " (",
                                  outcome.stopped ? "stopped" : outcome.status.ToString(), ")"));
  }
  if (others.empty()) return "";
  std::sort(others.begin(), others.end());
  return absl::StrCat("  ended because of it: ", absl::StrJoin(others, ", "), "\n");
}

std::vector<std::string> LastLinesOf(const std::string& path) {
  std::ifstream file(path, std::ios::binary | std::ios::ate);
  if (!file) return {};
  constexpr std::streamoff kTail = 8192;
  const std::streamoff size = file.tellg();
  file.seekg(std::max<std::streamoff>(0, size - kTail));
  std::string text(static_cast<size_t>(std::min(size, kTail)), '\0');
  file.read(text.data(), static_cast<std::streamsize>(text.size()));
  std::vector<std::string> lines = absl::StrSplit(text, '\n', absl::SkipEmpty());
  if (lines.size() > kLastLines) lines.erase(lines.begin(), lines.end() - kLastLines);
  return lines;
}

}  // namespace

FailureReport ReportFailure(const std::string& job, uint64_t epoch,
                            std::vector<TaskOutcome> outcomes) {
  std::stable_sort(
      outcomes.begin(), outcomes.end(),
      [](const TaskOutcome& a, const TaskOutcome& b) { return a.ended_at < b.ended_at; });
  const Root root = FindRoot(outcomes);
  const TaskOutcome& outcome = *root.outcome;
  FailureReport report;
  report.task = outcome.task;
  report.cause = Cause(root);
  if (root.record != nullptr) report.step = root.record->step;
  report.exit_code = root.seen_by_others ? int{kExitRetryable} : outcome.status.AsCode();
  report.text = absl::StrCat(job, ": epoch ", epoch, " failed: ", report.cause, "\n");
  if (root.record != nullptr && root.record->message.find('\n') != std::string::npos) {
    for (const auto line : absl::StrSplit(root.record->message, '\n', absl::SkipWhitespace())) {
      absl::StrAppend(&report.text, "    ", line, "\n");
    }
  }
  absl::StrAppend(&report.text, Collateral(outcomes, root.outcome));
  if (!outcome.last_lines.empty()) {
    absl::StrAppend(&report.text, "  last lines of ", outcome.task,
                    outcome.log_file.empty() ? "" : absl::StrCat(" (", outcome.log_file, ")"),
                    ":\n");
    for (const std::string& line : outcome.last_lines) {
      absl::StrAppend(&report.text, "    | ", line, "\n");
    }
  }
  return report;
}

absl::Status WriteTaskOutcome(const std::string& run_directory, uint64_t epoch,
                              const TaskOutcome& outcome) {
  const std::string path = RunDirectory(run_directory).ExitFile(epoch, outcome.task);
  std::error_code error;
  std::filesystem::create_directories(std::filesystem::path(path).parent_path(), error);
  const double seconds = absl::ToDoubleSeconds(outcome.ended_at - absl::UnixEpoch());
  JsonObject json;
  json.Text("task", outcome.task)
      .Number("code", outcome.status.code)
      .Number("signal", outcome.status.signal)
      .Flag("stopped", outcome.stopped)
      .Text("log_file", outcome.log_file)
      .Json("unix_seconds", absl::StrFormat("%.6f", seconds));
  return formats::WriteFileAtomically(path, json.ToString() + "\n");
}

absl::StatusOr<TaskOutcome> ReadTaskOutcome(const std::string& run_directory, uint64_t epoch,
                                            const std::string& task) {
  const std::string path = RunDirectory(run_directory).ExitFile(epoch, task);
  STATOR_ASSIGN_OR_RETURN(const std::string text, formats::ReadFile(path, 1 << 20));
  STATOR_ASSIGN_OR_RETURN(const auto object, ParseJsonObject(text, path));
  TaskOutcome outcome;
  outcome.task = task;
  outcome.status.code = static_cast<int>(NumberMember(object, "code", 0));
  outcome.status.signal = static_cast<int>(NumberMember(object, "signal", 0));
  outcome.stopped = FlagMember(object, "stopped");
  outcome.log_file = TextMember(object, "log_file");
  outcome.ended_at = absl::UnixEpoch() + absl::Seconds(NumberMember(object, "unix_seconds", 0));
  outcome.last_lines = LastLinesOf(outcome.log_file);
  return outcome;
}

}  // namespace stator::distribute
