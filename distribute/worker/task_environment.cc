#include <limits>

#include "absl/status/status.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"
#include "distribute/worker/task.h"
#include "graph/status_macros.h"

namespace stator::distribute {
namespace {

class Reader {
 public:
  explicit Reader(const EnvironmentLookup& lookup) : lookup_(lookup) {}

  std::string Text(const char* name) const { return lookup_(name).value_or(""); }

  // `otherwise` where the variable is not set.
  template <typename T>
  absl::StatusOr<T> Number(const char* name, T least, T otherwise) const {
    const auto text = lookup_(name);
    if (!text) return otherwise;
    T value;
    if (!absl::SimpleAtoi(*text, &value) || value < least) {
      return absl::InvalidArgumentError(
          absl::StrCat(name, ": expected a number from ", least, ", found '", *text, "'"));
    }
    return value;
  }

 private:
  const EnvironmentLookup& lookup_;
};

}  // namespace

bool IsTask(const EnvironmentLookup& environment) {
  return environment("STATOR_JOB_FILE").has_value();
}

absl::StatusOr<TaskEnvironment> ReadTaskEnvironment(const EnvironmentLookup& environment) {
  const Reader reader(environment);
  TaskEnvironment task;
  task.job_file = reader.Text("STATOR_JOB_FILE");
  if (task.job_file.empty()) {
    return absl::InvalidArgumentError(
        "STATOR_JOB_FILE: expected the path of a resolved job, found nothing: start jobs with "
        "`stator launch`");
  }
  STATOR_ASSIGN_OR_RETURN(task.workers, reader.Number<int>("STATOR_WORKERS", 1, 1));
  STATOR_ASSIGN_OR_RETURN(task.epoch, reader.Number<uint64_t>("STATOR_EPOCH", 1, 1));
  STATOR_ASSIGN_OR_RETURN(task.local_tasks,
                          reader.Number<int>("STATOR_LOCAL_TASKS", 1, task.workers));
  task.task = reader.Text("STATOR_TASK");
  if (task.task.empty()) task.task = "worker:0";
  absl::string_view index = task.task;
  task.evaluates = absl::ConsumePrefix(&index, "evaluator:");
  const int count = task.evaluates ? 1 : task.workers;
  if ((!task.evaluates && !absl::ConsumePrefix(&index, "worker:")) ||
      !absl::SimpleAtoi(index, &task.index) || task.index < 0 || task.index >= count) {
    return absl::InvalidArgumentError(
        absl::StrCat("STATOR_TASK: expected worker:0 to worker:", task.workers - 1,
                     " or evaluator:0, found '", task.task, "'"));
  }
  task.coordinator = reader.Text("STATOR_COORDINATOR");
  if (task.coordinator.empty() && task.workers > 1 && !task.evaluates) {
    return absl::InvalidArgumentError(
        "STATOR_COORDINATOR: expected HOST:PORT of worker:0, found nothing");
  }
  task.secret_file = reader.Text("STATOR_SECRET_FILE");
  task.tls_directory = reader.Text("STATOR_TLS_DIRECTORY");
  return task;
}

}  // namespace stator::distribute
