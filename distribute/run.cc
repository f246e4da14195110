#include "distribute/run.h"

#include <cstdio>
#include <cstdlib>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/types/optional.h"
#include "distribute/control/restart_policy.h"
#include "distribute/job/job_file.h"
#include "distribute/strategy/plan_report.h"
#include "distribute/worker/best_metric.h"
#include "distribute/worker/replica.h"
#include "distribute/worker/task.h"
#include "graph/status_macros.h"
#include "stator.h"

namespace stator::distribute {
namespace {

struct Arguments {
  std::string job_file;  // empty: the environment's
  bool plan = false;
};

Arguments ReadArguments(int argc, char** argv) {
  Arguments arguments;
  for (int i = 1; i < argc; ++i) {
    const std::string argument = argv[i];
    if (argument == "--plan") arguments.plan = true;
    if (argument == "--job" && i + 1 < argc) arguments.job_file = argv[++i];
    if (absl::StartsWith(argument, "--job=")) arguments.job_file = argument.substr(6);
  }
  return arguments;
}

absl::StatusOr<std::unique_ptr<runtime::Session>> MakeSession(GraphDef graph,
                                                              runtime::SessionOptions options) {
  return NewSession(std::move(graph), std::move(options));
}

// Compiles the step as each task would, for one replica that is alone.
absl::StatusOr<int64_t> RunBytes(const Job& job, const TrainingProgram& program,
                                 const ShardedStep* sharded) {
  // Its one shard is as large as those of the job.
  TrainingProgram alone = program;
  const int shards = job.strategy().virtual_replicas();
  alone.batch = [&](int64_t step, int, int) { return program.batch(step, 0, shards); };
  std::vector<std::unique_ptr<Channel>> channels(1);
  GroupOptions group_options;
  group_options.tasks = {"worker:0"};
  STATOR_ASSIGN_OR_RETURN(auto group, Group::Create(std::move(group_options), std::move(channels)));
  ReplicaOptions options;
  options.threads = job.resources().threads();
  options.seed = job.training().seed();
  STATOR_ASSIGN_OR_RETURN(const auto replica, Replica::Create(&alone, sharded, MakeSession, options,
                                                              std::move(group), nullptr));
  return replica->PlannedBytes();
}

absl::Status PrintPlan(const Job& job, const TrainingProgram& program) {
  STATOR_RETURN_IF_ERROR(FindBestMetric(job, program).status());
  PlanRequest request;
  request.job = job.name();
  request.tasks = job.roles().worker();
  request.devices = job.strategy().devices();
  request.virtual_replicas = job.strategy().virtual_replicas();
  request.global_batch = job.training().global_batch();
  STATOR_ASSIGN_OR_RETURN(const graph::Graph graph,
                          graph::Graph::FromGraphDef(program.graph, &Ops()));
  absl::optional<ShardedStep> sharded;
  if (request.virtual_replicas > 1) {
    STATOR_ASSIGN_OR_RETURN(
        sharded,
        ShardGraph(graph, program.step, {.bucket_bytes = job.strategy().bucket_bytes()}));
  }
  const ShardedStep* const step = sharded ? &*sharded : nullptr;
  STATOR_ASSIGN_OR_RETURN(request.run_bytes, RunBytes(job, program, step));
  STATOR_ASSIGN_OR_RETURN(const std::string report, PlanReport(graph, step, request));
  std::printf("%s", report.c_str());
  return absl::OkStatus();
}

absl::StatusOr<int> RunJob(const Arguments& arguments, const BuildProgram& build) {
  TaskEnvironment task;
  task.job_file = arguments.job_file;
  if (arguments.job_file.empty()) {
    STATOR_ASSIGN_OR_RETURN(task, ReadTaskEnvironment(ProcessEnvironment()));
  }
  JobOverrides overrides;
  overrides.check_files = false;  // other hosts need not see them
  STATOR_ASSIGN_OR_RETURN(Job job, ReadJob(task.job_file, overrides));
  if (!arguments.plan && !arguments.job_file.empty() && job.roles().worker() > 1) {
    return absl::InvalidArgumentError(
        absl::StrCat("job ", job.name(), " has ", job.roles().worker(),
                     " workers: start it with `stator launch ", arguments.job_file, "`"));
  }
  task.workers = job.roles().worker();
  if (task.task.empty()) task.task = "worker:0";
  STATOR_ASSIGN_OR_RETURN(const TrainingProgram program, build(job));
  if (arguments.plan) {
    STATOR_RETURN_IF_ERROR(PrintPlan(job, program));
    return kExitDone;
  }
  return RunTask(job, task, program, MakeSession, ProgramCompiler(), &Ops());
}

}  // namespace

bool IsTask() { return IsTask(ProcessEnvironment()); }

int Run(int argc, char** argv, const BuildProgram& build) {
  const absl::StatusOr<int> code = RunJob(ReadArguments(argc, argv), build);
  if (code.ok()) return *code;
  std::fprintf(stderr, "%s: %s\n", argc > 0 ? argv[0] : "task",
               code.status().ToString().c_str());
  return kExitFailed;
}

}  // namespace stator::distribute
