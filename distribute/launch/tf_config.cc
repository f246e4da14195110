// TF_CONFIG: {"cluster": {"worker": ["host:port", ...]}, "task": {"type": "worker", "index": 0}}.

#include <cstdint>
#include <set>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "distribute/job/network_text.h"
#include "distribute/job/yaml.h"
#include "distribute/launch/task_sources.h"
#include "graph/status_macros.h"

namespace stator::distribute {
namespace {

absl::Status Wrong(const std::string& field, const std::string& expected,
                   const std::string& found) {
  return absl::InvalidArgumentError(
      absl::StrCat("TF_CONFIG: ", field, ": expected ", expected, ", found ", found));
}

std::string Found(const YamlNode* node) {
  if (node == nullptr) return "nothing";
  switch (node->kind) {
    case YamlNode::Kind::kNull:
      return "null";
    case YamlNode::Kind::kScalar:
      return absl::StrCat("\"", node->scalar.substr(0, 80), "\"");
    case YamlNode::Kind::kSequence:
      return "a list";
    case YamlNode::Kind::kMap:
      return "an object";
  }
  return "";
}

bool IsMap(const YamlNode* node) { return node != nullptr && node->kind == YamlNode::Kind::kMap; }

bool IsScalar(const YamlNode* node) {
  return node != nullptr && node->kind == YamlNode::Kind::kScalar;
}

// The addresses of one role; none where the role is not there.
absl::StatusOr<std::vector<std::string>> ReadAddresses(const YamlNode& cluster,
                                                       const std::string& role) {
  const std::string field = absl::StrCat("cluster.", role);
  std::vector<std::string> addresses;
  const YamlNode* list = cluster.Find(role);
  if (list == nullptr) return addresses;
  if (list->kind != YamlNode::Kind::kSequence) {
    return Wrong(field, "a list of HOST:PORT", Found(list));
  }
  for (const YamlNode& item : list->items) {
    if (!IsScalar(&item) || !IsAddress(item.scalar)) {
      return Wrong(absl::StrCat(field, "[", addresses.size(), "]"), "HOST:PORT", Found(&item));
    }
    addresses.push_back(item.scalar);
  }
  return addresses;
}

// The chief, under either of its names, and then the workers: in Stator the chief is worker 0.
absl::StatusOr<std::vector<std::string>> ReadWorkers(const YamlNode& cluster, bool* has_chief) {
  STATOR_ASSIGN_OR_RETURN(std::vector<std::string> chief, ReadAddresses(cluster, "chief"));
  STATOR_ASSIGN_OR_RETURN(const std::vector<std::string> master, ReadAddresses(cluster, "master"));
  STATOR_ASSIGN_OR_RETURN(const std::vector<std::string> workers, ReadAddresses(cluster, "worker"));
  STATOR_ASSIGN_OR_RETURN(const std::vector<std::string> servers, ReadAddresses(cluster, "ps"));
  if (!servers.empty()) {
    return absl::UnimplementedError("TF_CONFIG: cluster.ps: parameter servers are not supported");
  }
  chief.insert(chief.end(), master.begin(), master.end());
  if (chief.size() > 1) {
    return Wrong("cluster.chief", "at most one", absl::StrCat(chief.size()));
  }
  *has_chief = !chief.empty();
  chief.insert(chief.end(), workers.begin(), workers.end());
  if (chief.empty()) return Wrong("cluster.worker", "at least one HOST:PORT", "none");
  std::set<std::string> seen;
  for (const std::string& address : chief) {
    if (!seen.insert(address).second) {
      return absl::InvalidArgumentError(
          absl::StrCat("TF_CONFIG: cluster: ", address, " appears twice"));
    }
  }
  return chief;
}

absl::Status ReadTask(const YamlNode& root, bool has_chief, TaskIdentity* task) {
  const YamlNode* node = root.Find("task");
  if (!IsMap(node)) return Wrong("task", "an object with type and index", Found(node));
  const YamlNode* type = node->Find("type");
  if (!IsScalar(type)) return Wrong("task.type", "a role", Found(type));
  const YamlNode* index = node->Find("index");
  if (!IsScalar(index) || index->scalar.empty() || index->scalar.size() > 7 ||
      index->scalar.find_first_not_of("0123456789") != std::string::npos ||
      !absl::SimpleAtoi(index->scalar, &task->index)) {
    return Wrong("task.index", "an integer", Found(index));
  }
  const bool is_chief = type->scalar == "chief" || type->scalar == "master";
  if (type->scalar == "ps") {
    return absl::UnimplementedError("TF_CONFIG: task.type: parameter servers are not supported");
  }
  if (!is_chief && type->scalar != "worker" && type->scalar != "evaluator") {
    return Wrong("task.type", "chief, worker or evaluator", Found(type));
  }
  if (is_chief && !has_chief) return Wrong("cluster.chief", "the chief's HOST:PORT", "none");
  const int among_workers = task->workers - (has_chief ? 1 : 0);
  const int count = type->scalar == "worker" ? among_workers : 1;
  if (task->index >= count) {
    return Wrong("task.index",
                 absl::StrCat("less than ", count, ", the number of ", type->scalar, " tasks"),
                 absl::StrCat(task->index));
  }
  if (type->scalar == "worker" && has_chief) ++task->index;
  task->role = type->scalar == "evaluator" ? "evaluator" : "worker";
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<TaskIdentity> TaskOfTfConfig(const EnvironmentReader& env, const TaskQuery& query) {
  TaskIdentity task;
  task.source = TaskSource::kTfConfig;
  STATOR_ASSIGN_OR_RETURN(const YamlNode root, ParseYaml(env.Text("TF_CONFIG"), "TF_CONFIG"));
  if (root.kind != YamlNode::Kind::kMap) {
    return absl::InvalidArgumentError(
        absl::StrCat("TF_CONFIG: expected a JSON object, found ", Found(&root)));
  }
  const YamlNode* cluster = root.Find("cluster");
  if (!IsMap(cluster)) return Wrong("cluster", "an object of roles", Found(cluster));
  if (cluster->Find("sparseCluster") != nullptr || root.Find("sparseCluster") != nullptr) {
    return absl::UnimplementedError("TF_CONFIG: sparseCluster: dynamic workers are not supported");
  }
  bool has_chief = false;
  STATOR_ASSIGN_OR_RETURN(task.worker_addresses, ReadWorkers(*cluster, &has_chief));
  task.workers = static_cast<int>(task.worker_addresses.size());
  STATOR_RETURN_IF_ERROR(ReadTask(root, has_chief, &task));
  // An evaluator may or may not be listed in the cluster; the job knows whether there is one.
  task.evaluators = query.workers > 0 ? query.evaluators : task.role == "evaluator" ? 1 : 0;
  if (task.role == "evaluator" && task.evaluators == 0) {
    return absl::InvalidArgumentError(
        "TF_CONFIG: task.type: this is an evaluator, but the job's roles.evaluator is 0");
  }
  STATOR_RETURN_IF_ERROR(CheckCounts(query, "TF_CONFIG", task.workers, task.evaluators));
  task.coordinators = {task.worker_addresses.front()};
  if (env.Has("STATOR_COORDINATOR")) {
    if (!IsAddress(env.Text("STATOR_COORDINATOR"))) {
      return absl::InvalidArgumentError(
          absl::StrCat("STATOR_COORDINATOR: expected HOST:PORT, found \"",
                       env.Text("STATOR_COORDINATOR"), "\""));
    }
    task.coordinators = {env.Text("STATOR_COORDINATOR")};
  }
  task.reason = absl::StrCat("joins as ", task.name(), " of ", task.workers,
                             task.workers == 1 ? " worker" : " workers", ": TF_CONFIG is set");
  return task;
}

}  // namespace stator::distribute
