#include <map>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "distribute/job/network_text.h"
#include "distribute/launch/task_identity.h"

namespace stator::distribute {
namespace {

std::string TfConfig(const TaskIdentity& task) {
  // Addresses have no character that JSON would escape.
  return absl::StrCat(R"({"cluster":{"worker":[")", absl::StrJoin(task.worker_addresses, R"(",")"),
                      R"("]},"task":{"type":")", task.role, R"(","index":)", task.index, "}}");
}

absl::Status CheckTask(const TaskIdentity& task) {
  if (task.role != "worker" && task.role != "evaluator") {
    return absl::InvalidArgumentError(
        absl::StrCat("a task's role: expected worker or evaluator, found \"", task.role, "\""));
  }
  const int count = task.role == "worker" ? task.workers : task.evaluators;
  if (task.index < 0 || task.index >= count) {
    return absl::InvalidArgumentError(absl::StrCat("task ", task.name(), ": expected less than ",
                                                   count, ", the number of ", task.role, " tasks"));
  }
  if (task.coordinators.empty() || !IsAddress(task.coordinators[0])) {
    return absl::InvalidArgumentError(
        absl::StrCat("task ", task.name(), ": expected HOST:PORT as its coordinator, found \"",
                     task.coordinators.empty() ? "" : task.coordinators[0], "\""));
  }
  if (!task.worker_addresses.empty() &&
      static_cast<int>(task.worker_addresses.size()) != task.workers) {
    return absl::InvalidArgumentError(absl::StrCat("task ", task.name(), ": expected addresses of ",
                                                   task.workers, " workers, found ",
                                                   task.worker_addresses.size()));
  }
  for (const std::string& address : task.worker_addresses) {
    if (IsAddress(address)) continue;
    return absl::InvalidArgumentError(absl::StrCat(
        "task ", task.name(), ": expected HOST:PORT of each worker, found \"", address, "\""));
  }
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<std::vector<std::pair<std::string, std::string>>> ExportEnvironment(
    const TaskIdentity& task) {
  if (absl::Status status = CheckTask(task); !status.ok()) return status;
  const std::string& coordinator = task.coordinators[0];
  const size_t colon = coordinator.rfind(':');
  std::string host = coordinator.substr(0, colon);
  if (host.front() == '[') host = host.substr(1, host.size() - 2);
  std::map<std::string, std::string> variables = {
      {"MASTER_ADDR", host},
      {"MASTER_PORT", coordinator.substr(colon + 1)},
      {"RANK", absl::StrCat(task.rank())},
      {"STATOR_COORDINATOR", coordinator},
      {"STATOR_TASK", task.name()},
      {"STATOR_WORKERS", absl::StrCat(task.workers)},
      {"WORLD_SIZE", absl::StrCat(task.workers + task.evaluators)},
  };
  if (task.epoch > 0) variables["STATOR_EPOCH"] = absl::StrCat(task.epoch);
  if (task.local_count > 0) {
    variables["STATOR_LOCAL_TASKS"] = absl::StrCat(task.local_count);
    variables["LOCAL_WORLD_SIZE"] = absl::StrCat(task.local_count);
  }
  if (task.local_index >= 0) {
    variables["STATOR_LOCAL_INDEX"] = absl::StrCat(task.local_index);
    variables["LOCAL_RANK"] = absl::StrCat(task.local_index);
  }
  if (!task.job_file.empty()) variables["STATOR_JOB_FILE"] = task.job_file;
  if (!task.secret_file.empty()) variables["STATOR_SECRET_FILE"] = task.secret_file;
  if (!task.tls_directory.empty()) variables["STATOR_TLS_DIRECTORY"] = task.tls_directory;
  if (!task.worker_addresses.empty()) variables["TF_CONFIG"] = TfConfig(task);
  return std::vector<std::pair<std::string, std::string>>(variables.begin(), variables.end());
}

}  // namespace stator::distribute
