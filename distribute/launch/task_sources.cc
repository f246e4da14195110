#include "distribute/launch/task_sources.h"

#include <cstdint>
#include <limits>
#include <numeric>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "distribute/job/network_text.h"
#include "distribute/launch/node_list.h"
#include "graph/status_macros.h"

namespace stator::distribute {
namespace {

absl::Status Wrong(const std::string& variable, const std::string& expected,
                   const std::string& found) {
  return absl::InvalidArgumentError(
      absl::StrCat(variable, ": expected ", expected, ", found \"", found.substr(0, 120), "\""));
}

// "this task is worker:1 of 4 workers".
std::string Joins(const TaskIdentity& task) {
  return absl::StrCat("joins as ", task.name(), " of ", task.workers,
                      task.workers == 1 ? " worker" : " workers");
}

// The place among the tasks of the host, from two variables that may be missing.
absl::Status ReadLocal(const EnvironmentReader& env, const std::string& index_variable,
                       const std::string& count_variable, TaskIdentity* task) {
  STATOR_ASSIGN_OR_RETURN(const int64_t index, env.IntegerOr(index_variable, 0, kMaxTasks - 1, -1));
  STATOR_ASSIGN_OR_RETURN(const int64_t count, env.IntegerOr(count_variable, 1, kMaxTasks, 0));
  if (index >= 0 && count > 0 && index >= count) {
    return Wrong(index_variable, absl::StrCat("less than ", count_variable, " = ", count),
                 absl::StrCat(index));
  }
  const int tasks = task->workers + task->evaluators;
  if (count > tasks) {
    return Wrong(count_variable, absl::StrCat("at most the ", tasks, " tasks of the job"),
                 absl::StrCat(count));
  }
  task->local_index = static_cast<int>(index);
  task->local_count = static_cast<int>(count);
  return absl::OkStatus();
}

// STATOR_COORDINATOR without STATOR_TASK: a manifest may say it, where the platform cannot.
absl::Status ReadCoordinator(const EnvironmentReader& env, TaskIdentity* task) {
  const std::string address = env.Text("STATOR_COORDINATOR");
  if (address.empty()) return absl::OkStatus();
  if (!IsAddress(address)) return Wrong("STATOR_COORDINATOR", "HOST:PORT", address);
  task->coordinators = {address};
  return absl::OkStatus();
}

// A rank and a size that belong together: both platforms of MPI, and torchrun.
absl::Status ReadRank(const EnvironmentReader& env, const TaskQuery& query,
                      const std::string& platform, const std::string& rank_variable,
                      const std::string& size_variable, TaskIdentity* task) {
  STATOR_ASSIGN_OR_RETURN(
      const int64_t size,
      env.Integer(size_variable, absl::StrCat(rank_variable, " is set"), 1, kMaxTasks));
  STATOR_ASSIGN_OR_RETURN(
      const int64_t rank,
      env.Integer(rank_variable, absl::StrCat(size_variable, " is set"), 0, kMaxTasks - 1));
  if (rank >= size) {
    return Wrong(rank_variable, absl::StrCat("less than ", size_variable, " = ", size),
                 absl::StrCat(rank));
  }
  return AssignRank(query, platform, rank, size, task);
}

absl::Status CheckSlurmNodes(const EnvironmentReader& env, const std::vector<std::string>& hosts,
                             TaskIdentity* task) {
  const int64_t nodes = static_cast<int64_t>(hosts.size());
  STATOR_ASSIGN_OR_RETURN(const int64_t stated,
                          env.IntegerOr("SLURM_STEP_NUM_NODES", 1, kMaxTasks, nodes));
  if (stated != nodes) {
    return Wrong("SLURM_STEP_NUM_NODES",
                 absl::StrCat("the ", nodes, " nodes of SLURM_STEP_NODELIST"),
                 absl::StrCat(stated));
  }
  STATOR_ASSIGN_OR_RETURN(task->local_index, env.IntegerOr("SLURM_LOCALID", 0, kMaxTasks - 1, -1));
  const std::string text = env.Text("SLURM_STEP_TASKS_PER_NODE");
  if (text.empty() || !env.Has("SLURM_NODEID")) return absl::OkStatus();
  STATOR_ASSIGN_OR_RETURN(const int64_t node, env.IntegerOr("SLURM_NODEID", 0, nodes - 1, 0));
  absl::StatusOr<std::vector<int>> per_node = ExpandTasksPerNode(text);
  if (!per_node.ok()) {
    return absl::InvalidArgumentError(
        absl::StrCat("SLURM_STEP_TASKS_PER_NODE: ", per_node.status().message()));
  }
  const int64_t sum = std::accumulate(per_node->begin(), per_node->end(), int64_t{0});
  if (static_cast<int64_t>(per_node->size()) != nodes || sum != task->workers + task->evaluators) {
    return Wrong("SLURM_STEP_TASKS_PER_NODE",
                 absl::StrCat(task->workers + task->evaluators, " tasks on ", nodes, " nodes"),
                 text);
  }
  task->local_count = (*per_node)[node];
  if (task->local_index >= task->local_count) {
    return Wrong("SLURM_LOCALID",
                 absl::StrCat("less than the ", task->local_count, " tasks of node ", node),
                 absl::StrCat(task->local_index));
  }
  return absl::OkStatus();
}

}  // namespace

absl::Status CheckCounts(const TaskQuery& query, const std::string& platform, int workers,
                         int evaluators) {
  if (query.workers == 0 || (query.workers == workers && query.evaluators == evaluators)) {
    return absl::OkStatus();
  }
  const auto text = [](int w, int e) {
    return e == 0 ? absl::StrCat("worker ", w) : absl::StrCat("worker ", w, ", evaluator ", e);
  };
  return absl::InvalidArgumentError(
      absl::StrCat(platform, " has roles ", text(workers, evaluators), ", the job wants ",
                   text(query.workers, query.evaluators),
                   ": start as many, or change roles in the job (--workers ", workers, ")"));
}

absl::Status AssignRank(const TaskQuery& query, const std::string& platform, int64_t rank,
                        int64_t size, TaskIdentity* task) {
  const int64_t workers = query.workers > 0 ? query.workers : size - query.evaluators;
  if (workers < 1 || workers + query.evaluators != size) {
    return absl::InvalidArgumentError(
        absl::StrCat(platform, " has ", size, size == 1 ? " task" : " tasks", ", the job wants ",
                     query.workers, " (roles.worker) + ", query.evaluators,
                     " (roles.evaluator): start as many, or change the job (--workers ",
                     size > query.evaluators ? size - query.evaluators : 1, ")"));
  }
  task->workers = static_cast<int>(workers);
  task->evaluators = query.evaluators;
  task->role = rank < workers ? "worker" : "evaluator";
  task->index = static_cast<int>(rank < workers ? rank : rank - workers);
  return absl::OkStatus();
}

absl::StatusOr<TaskIdentity> TaskOfStator(const EnvironmentReader& env, const TaskQuery& query) {
  TaskIdentity task;
  task.source = TaskSource::kStator;
  const std::string name = env.Text("STATOR_TASK");
  const size_t colon = name.find(':');
  task.role = name.substr(0, colon);
  const std::string index = colon == std::string::npos ? "" : name.substr(colon + 1);
  if ((task.role != "worker" && task.role != "evaluator") || index.empty() || index.size() > 7 ||
      index.find_first_not_of("0123456789") != std::string::npos ||
      !absl::SimpleAtoi(index, &task.index)) {
    return Wrong("STATOR_TASK", "worker:N or evaluator:N", name);
  }
  STATOR_ASSIGN_OR_RETURN(task.workers,
                          env.Integer("STATOR_WORKERS", "STATOR_TASK is set", 1, kMaxTasks));
  const int most = task.role == "worker" ? task.workers : 1;
  if (task.index >= most) {
    return Wrong("STATOR_TASK", absl::StrCat(task.role, ":N with N less than ", most), name);
  }
  task.evaluators = query.workers > 0 ? query.evaluators : task.role == "evaluator" ? 1 : 0;
  if (query.workers > 0 && query.workers != task.workers) {
    return Wrong("STATOR_WORKERS", absl::StrCat("the job's roles.worker = ", query.workers),
                 absl::StrCat(task.workers));
  }
  if (!env.Has("STATOR_COORDINATOR")) {
    return absl::InvalidArgumentError(
        "STATOR_COORDINATOR: expected, since STATOR_TASK is set, but it is not set");
  }
  STATOR_RETURN_IF_ERROR(ReadCoordinator(env, &task));
  STATOR_ASSIGN_OR_RETURN(const int64_t epoch,
                          env.IntegerOr("STATOR_EPOCH", 1, std::numeric_limits<int64_t>::max(), 0));
  task.epoch = static_cast<uint64_t>(epoch);
  task.restarts = static_cast<int>(epoch > kMaxTasks ? kMaxTasks : epoch > 0 ? epoch - 1 : 0);
  STATOR_RETURN_IF_ERROR(ReadLocal(env, "STATOR_LOCAL_INDEX", "STATOR_LOCAL_TASKS", &task));
  task.reason = absl::StrCat(Joins(task), ": STATOR_TASK is set");
  return task;
}

absl::StatusOr<TaskIdentity> TaskOfOpenMpi(const EnvironmentReader& env, const TaskQuery& query) {
  TaskIdentity task;
  task.source = TaskSource::kOpenMpi;
  STATOR_RETURN_IF_ERROR(ReadRank(env, query, "Open MPI's world", "OMPI_COMM_WORLD_RANK",
                                  "OMPI_COMM_WORLD_SIZE", &task));
  STATOR_RETURN_IF_ERROR(
      ReadLocal(env, "OMPI_COMM_WORLD_LOCAL_RANK", "OMPI_COMM_WORLD_LOCAL_SIZE", &task));
  STATOR_RETURN_IF_ERROR(ReadCoordinator(env, &task));
  task.reason =
      absl::StrCat(Joins(task), ": started by Open MPI (OMPI_COMM_WORLD_RANK ",
                   env.Text("OMPI_COMM_WORLD_RANK"), " of ", env.Text("OMPI_COMM_WORLD_SIZE"), ")");
  return task;
}

absl::StatusOr<TaskIdentity> TaskOfPmi(const EnvironmentReader& env, const TaskQuery& query) {
  TaskIdentity task;
  task.source = TaskSource::kPmi;
  STATOR_RETURN_IF_ERROR(ReadRank(env, query, "PMI's world", "PMI_RANK", "PMI_SIZE", &task));
  STATOR_RETURN_IF_ERROR(ReadLocal(env, "MPI_LOCALRANKID", "MPI_LOCALNRANKS", &task));
  STATOR_RETURN_IF_ERROR(ReadCoordinator(env, &task));
  task.reason = absl::StrCat(Joins(task), ": started by an MPI (PMI_RANK ", env.Text("PMI_RANK"),
                             " of ", env.Text("PMI_SIZE"), ")");
  return task;
}

bool HasSlurmStep(const EnvironmentReader& env) {
  // Slurm numbers the batch script's, the interactive and the external step from the top of 32
  // bits.
  constexpr int64_t kFirstSpecialStep = 0xFFFFFFF0;
  int64_t step = 0;
  if (absl::SimpleAtoi(env.Text("SLURM_STEP_ID"), &step) && step >= kFirstSpecialStep) return false;
  return env.Has("SLURM_STEP_ID") || env.Has("SLURM_STEP_NODELIST");
}

absl::StatusOr<TaskIdentity> TaskOfSlurmStep(const EnvironmentReader& env, const TaskQuery& query) {
  TaskIdentity task;
  task.source = TaskSource::kSlurmStep;
  STATOR_ASSIGN_OR_RETURN(
      const int64_t components,
      env.IntegerOr("SLURM_HET_SIZE", 0, std::numeric_limits<int32_t>::max(), 0));
  if (components > 1) {
    return absl::UnimplementedError(absl::StrCat(
        "SLURM_HET_SIZE: heterogeneous jobs are not supported, found ", components, " components"));
  }
  STATOR_ASSIGN_OR_RETURN(
      const int64_t step,
      env.Integer("SLURM_STEP_ID", "SLURM_STEP_NODELIST is set", 0, int64_t{0xFFFFFFFF}));
  const std::string counted =
      env.Has("SLURM_STEP_NUM_TASKS") ? "SLURM_STEP_NUM_TASKS" : "SLURM_NTASKS";
  STATOR_RETURN_IF_ERROR(
      ReadRank(env, query, absl::StrCat("Slurm step ", step), "SLURM_PROCID", counted, &task));
  const std::string nodes = env.Text("SLURM_STEP_NODELIST");
  if (nodes.empty()) {
    return absl::InvalidArgumentError(
        "SLURM_STEP_NODELIST: expected, since SLURM_STEP_ID is set, but it is not set");
  }
  absl::StatusOr<std::vector<std::string>> hosts = ExpandNodeList(nodes);
  if (!hosts.ok()) {
    return absl::InvalidArgumentError(
        absl::StrCat("SLURM_STEP_NODELIST: ", hosts.status().message()));
  }
  STATOR_RETURN_IF_ERROR(CheckSlurmNodes(env, *hosts, &task));
  STATOR_ASSIGN_OR_RETURN(task.restarts, env.IntegerOr("SLURM_RESTART_COUNT", 0, kMaxTasks, 0));
  task.coordinators = {hosts->front()};  // task 0 runs on the first node
  STATOR_RETURN_IF_ERROR(ReadCoordinator(env, &task));
  task.reason = absl::StrCat(Joins(task), ": a Slurm step (SLURM_STEP_ID ", step, ", SLURM_PROCID ",
                             env.Text("SLURM_PROCID"), " of ", env.Text(counted), ")");
  return task;
}

absl::StatusOr<TaskIdentity> TaskOfIndexedJob(const EnvironmentReader& env,
                                              const TaskQuery& query) {
  TaskIdentity task;
  task.source = TaskSource::kIndexedJob;
  STATOR_ASSIGN_OR_RETURN(
      const int64_t index,
      env.Integer("JOB_COMPLETION_INDEX", "the engine is indexed_job", 0, kMaxTasks - 1));
  // The platform does not say how many pods there are.
  STATOR_ASSIGN_OR_RETURN(const int64_t workers,
                          env.IntegerOr("STATOR_WORKERS", 1, kMaxTasks, query.workers));
  if (workers == 0) {
    return absl::InvalidArgumentError(
        "JOB_COMPLETION_INDEX: an Indexed Job does not say how many tasks it has: set roles.worker "
        "in the job, or STATOR_WORKERS");
  }
  const int64_t size = workers + query.evaluators;
  STATOR_RETURN_IF_ERROR(AssignRank(query, "STATOR_WORKERS", index, size, &task));
  if (index >= size) {
    return Wrong("JOB_COMPLETION_INDEX", absl::StrCat("less than the ", size, " tasks of the job"),
                 absl::StrCat(index));
  }
  // Pods are called JOB-INDEX.
  const std::string host = env.Text("HOSTNAME");
  const std::string end = absl::StrCat("-", index);
  if (absl::EndsWith(host, end)) {
    task.coordinators = {absl::StrCat(host.substr(0, host.size() - end.size()), "-0")};
  }
  STATOR_RETURN_IF_ERROR(ReadCoordinator(env, &task));
  task.reason =
      absl::StrCat(Joins(task), ": a pod of an Indexed Job (JOB_COMPLETION_INDEX ", index, ")");
  return task;
}

absl::StatusOr<TaskIdentity> TaskOfRank(const EnvironmentReader& env, const TaskQuery& query) {
  TaskIdentity task;
  task.source = TaskSource::kRank;
  STATOR_RETURN_IF_ERROR(ReadRank(env, query, "WORLD_SIZE", "RANK", "WORLD_SIZE", &task));
  STATOR_RETURN_IF_ERROR(ReadLocal(env, "LOCAL_RANK", "LOCAL_WORLD_SIZE", &task));
  STATOR_ASSIGN_OR_RETURN(task.restarts,
                          env.IntegerOr("TORCHELASTIC_RESTART_COUNT", 0, kMaxTasks, 0));
  const std::string host = env.Text("MASTER_ADDR");
  STATOR_ASSIGN_OR_RETURN(const int64_t port, env.IntegerOr("MASTER_PORT", 1, 65535, 0));
  if (host.empty() && port != 0) {
    return absl::InvalidArgumentError(
        "MASTER_ADDR: expected, since MASTER_PORT is set, but it is not set");
  }
  if (!host.empty()) {
    if (!IsHost(host)) return Wrong("MASTER_ADDR", "a host", host);
    // Under torchrun its own store listens there already.
    const bool is_taken = env.Has("TORCHELASTIC_RUN_ID");
    task.coordinators = {port == 0 || is_taken ? host : absl::StrCat(host, ":", port)};
  }
  STATOR_RETURN_IF_ERROR(ReadCoordinator(env, &task));
  task.reason = absl::StrCat(Joins(task), ": RANK ", env.Text("RANK"), " of WORLD_SIZE ",
                             env.Text("WORLD_SIZE"));
  return task;
}

}  // namespace stator::distribute
