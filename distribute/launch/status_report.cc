#include "distribute/launch/status_report.h"

#include <algorithm>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/time/clock.h"
#include "absl/time/time.h"
#include "distribute/launch/job_status.h"
#include "distribute/launch/json_text.h"
#include "distribute/launch/run_directory.h"
#include "formats/file.h"
#include "graph/status_macros.h"

namespace stator::distribute {
namespace {

struct Launch {
  std::string state;
  double epoch = 0;
  std::string where;  // pid and host
};

absl::StatusOr<Launch> ReadLaunch(const RunDirectory& directory) {
  const auto text = formats::ReadFile(directory.launch_file(), 1 << 20);
  if (absl::IsNotFound(text.status())) {
    return absl::NotFoundError(
        absl::StrCat("no job was launched in run directory ", directory.path()));
  }
  STATOR_RETURN_IF_ERROR(text.status());
  STATOR_ASSIGN_OR_RETURN(const auto object, ParseJsonObject(*text, directory.launch_file()));
  Launch launch;
  launch.state = TextMember(object, "state");
  launch.epoch = NumberMember(object, "epoch", 0);
  launch.where = absl::StrFormat("pid %.0f on host %s", NumberMember(object, "pid", 0),
                                 TextMember(object, "host"));
  const bool alive = absl::IsUnavailable(directory.Lock().status());
  if (!alive && (launch.state == "running" || launch.state == "restarting")) {
    launch.state = "lost";  // its launcher died without a word
  }
  return launch;
}

std::string Table(const JobStatus& status) {
  size_t width = 4;
  for (const TaskProgress& task : status.tasks) width = std::max(width, task.task.size());
  std::string out = absl::StrFormat("%-*s  %-10s %10s %10s %12s\n", static_cast<int>(width), "task",
                                    "phase", "step", "steps/s", "last sign of life");
  for (const TaskProgress& task : status.tasks) {
    absl::StrAppendFormat(&out, "%-*s  %-10s %10d %10.3g %10.1f s ago\n", static_cast<int>(width),
                          task.task, task.phase, task.step, task.steps_per_second,
                          task.silent_seconds);
  }
  return out;
}

}  // namespace

absl::StatusOr<std::string> DescribeStatus(const std::string& run_directory, bool json) {
  const RunDirectory directory(run_directory);
  STATOR_ASSIGN_OR_RETURN(const Launch launch, ReadLaunch(directory));
  const auto status = ReadJobStatus(run_directory);
  if (!status.ok() && !absl::IsNotFound(status.status())) return status.status();
  if (json) {
    JsonWriter out;
    out.Text("state", launch.state).Number("epoch", launch.epoch).Text("launcher", launch.where);
    out.Json("progress", status.ok() ? JobStatusJson(*status) : "null");
    return out.ToString() + "\n";
  }
  std::string out =
      absl::StrFormat("%s, epoch %.0f, launched by %s\n", launch.state, launch.epoch, launch.where);
  if (!status.ok()) return out + "no progress yet\n";
  const double age = absl::ToDoubleSeconds(absl::Now() - absl::UnixEpoch()) - status->unix_seconds;
  absl::StrAppendFormat(&out, "%s  (%.1f s ago, epoch %d)\n", ProgressLine(*status),
                        std::max(age, 0.0), status->epoch);
  return out + (status->tasks.empty() ? "" : Table(*status));
}

}  // namespace stator::distribute
