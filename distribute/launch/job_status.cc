#include "distribute/launch/job_status.h"

#include <unistd.h>

#include <cmath>
#include <cstdio>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/time/clock.h"
#include "absl/time/time.h"
#include "distribute/launch/json_text.h"
#include "distribute/launch/run_directory.h"
#include "formats/file.h"
#include "graph/status_macros.h"
#include "proto/json_text.h"

namespace stator::distribute {
namespace {

std::string TaskJson(const TaskProgress& task) {
  return JsonObject()
      .Text("task", task.task)
      .Text("phase", task.phase)
      .Number("step", static_cast<double>(task.step))
      .Number("steps_per_second", task.steps_per_second)
      .Number("silent_seconds", task.silent_seconds)
      .ToString();
}

TaskProgress ParseTask(const google::protobuf::Struct& object) {
  TaskProgress task;
  task.task = TextMember(object, "task");
  task.phase = TextMember(object, "phase");
  task.step = static_cast<int64_t>(NumberMember(object, "step", 0));
  task.steps_per_second = NumberMember(object, "steps_per_second", 0);
  task.silent_seconds = NumberMember(object, "silent_seconds", 0);
  return task;
}

}  // namespace

std::string JobStatusJson(const JobStatus& status) {
  std::vector<std::string> tasks;
  for (const TaskProgress& task : status.tasks) tasks.push_back(TaskJson(task));
  return JsonObject()
      .Text("job", status.job)
      .Number("epoch", static_cast<double>(status.epoch))
      .Number("step", static_cast<double>(status.step))
      .Number("total_steps", static_cast<double>(status.total_steps))
      .Number("steps_per_second", status.steps_per_second)
      .Number("loss", status.loss)
      .Number("checkpoint_step", static_cast<double>(status.checkpoint_step))
      .Json("unix_seconds", absl::StrFormat("%.3f", status.unix_seconds))
      .Json("tasks", JsonArray(tasks))
      .ToString();
}

absl::Status WriteJobStatus(const std::string& run_directory, JobStatus status) {
  if (status.unix_seconds == 0) {
    status.unix_seconds = absl::ToDoubleSeconds(absl::Now() - absl::UnixEpoch());
  }
  if (const auto there = ReadJobStatus(run_directory); there.ok() && there->epoch > status.epoch) {
    return absl::AbortedError(absl::StrCat("epoch ", status.epoch, " of ", status.job,
                                           " has ended: epoch ", there->epoch, " runs"));
  }
  const std::string path = RunDirectory(run_directory).status_file();
  const std::string aside = absl::StrCat(path, ".tmp-", getpid());
  const std::string text = JobStatusJson(status) + "\n";
  std::FILE* file = std::fopen(aside.c_str(), "we");
  if (file == nullptr) return formats::ErrnoStatus("create", aside);
  const bool written = std::fwrite(text.data(), 1, text.size(), file) == text.size();
  if (std::fclose(file) != 0 || !written) return formats::ErrnoStatus("write", aside);
  if (std::rename(aside.c_str(), path.c_str()) != 0) return formats::ErrnoStatus("rename to", path);
  return absl::OkStatus();
}

absl::StatusOr<JobStatus> ReadJobStatus(const std::string& run_directory) {
  const std::string path = RunDirectory(run_directory).status_file();
  STATOR_ASSIGN_OR_RETURN(const std::string text, formats::ReadFile(path, 1 << 20));
  STATOR_ASSIGN_OR_RETURN(const auto object, ParseJsonObject(text, path));
  JobStatus status;
  status.job = TextMember(object, "job");
  status.epoch = static_cast<uint64_t>(NumberMember(object, "epoch", 0));
  status.step = static_cast<int64_t>(NumberMember(object, "step", 0));
  status.total_steps = static_cast<int64_t>(NumberMember(object, "total_steps", 0));
  status.steps_per_second = NumberMember(object, "steps_per_second", 0);
  status.loss = NumberMember(object, "loss", std::nan(""));
  status.checkpoint_step = static_cast<int64_t>(NumberMember(object, "checkpoint_step", -1));
  status.unix_seconds = NumberMember(object, "unix_seconds", 0);
  const auto tasks = object.fields().find("tasks");
  if (tasks != object.fields().end()) {
    for (const auto& task : tasks->second.list_value().values()) {
      status.tasks.push_back(ParseTask(task.struct_value()));
    }
  }
  return status;
}

std::string ProgressLine(const JobStatus& status) {
  std::string out = absl::StrCat("step ", status.step);
  if (status.total_steps > 0) absl::StrAppend(&out, "/", status.total_steps);
  absl::StrAppendFormat(&out, "  %.3g steps/s", status.steps_per_second);
  if (!std::isnan(status.loss)) absl::StrAppendFormat(&out, "  loss %.4g", status.loss);
  if (status.checkpoint_step >= 0) absl::StrAppend(&out, "  checkpoint ", status.checkpoint_step);
  return out;
}

}  // namespace stator::distribute
