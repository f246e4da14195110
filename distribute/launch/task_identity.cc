#include "distribute/launch/task_identity.h"

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "distribute/launch/environment_reader.h"
#include "distribute/launch/task_sources.h"
#include "graph/status_macros.h"

namespace stator::distribute {
namespace {

bool HasTfConfig(const EnvironmentReader& env) { return env.Has("TF_CONFIG"); }

bool HasOpenMpi(const EnvironmentReader& env) {
  return env.Has("OMPI_COMM_WORLD_RANK") || env.Has("OMPI_COMM_WORLD_SIZE");
}

bool HasPmi(const EnvironmentReader& env) { return env.Has("PMI_RANK") || env.Has("PMI_SIZE"); }

bool HasIndexedJob(const EnvironmentReader& env) { return env.Has("JOB_COMPLETION_INDEX"); }

bool HasRank(const EnvironmentReader& env) { return env.Has("RANK") || env.Has("WORLD_SIZE"); }

// A platform that starts tasks by itself, the highest in precedence first.
struct Platform {
  const char* engine;  // that of the job file and of --engine
  const char* name;
  const char* variable;
  bool (*is_there)(const EnvironmentReader& env);
  absl::StatusOr<TaskIdentity> (*task)(const EnvironmentReader& env, const TaskQuery& query);
};

constexpr Platform kPlatforms[] = {
    {"tf_config", "TF_CONFIG", "TF_CONFIG", &HasTfConfig, &TaskOfTfConfig},
    {"mpi", "Open MPI", "OMPI_COMM_WORLD_RANK", &HasOpenMpi, &TaskOfOpenMpi},
    {"mpi", "PMI", "PMI_RANK", &HasPmi, &TaskOfPmi},
    {"slurm", "a Slurm step", "SLURM_STEP_ID", &HasSlurmStep, &TaskOfSlurmStep},
    {"indexed_job", "an Indexed Job", "JOB_COMPLETION_INDEX", &HasIndexedJob, &TaskOfIndexedJob},
    {"rank", "RANK", "RANK", &HasRank, &TaskOfRank},
};

// Engines with which this process can start tasks; the others only join.
bool CanDrive(const std::string& engine) {
  return engine == "local" || engine == "ssh" || engine == "slurm" || engine == "mpi";
}

absl::Status CheckEngine(const TaskQuery& query) {
  if (query.engine.empty() || query.engine == "local" || query.engine == "ssh") {
    return absl::OkStatus();
  }
  for (const Platform& platform : kPlatforms) {
    if (query.engine == platform.engine) return absl::OkStatus();
  }
  return absl::InvalidArgumentError(
      absl::StrCat(query.engine_from,
                   ": expected one of local, ssh, slurm, mpi, tf_config, indexed_job, rank, "
                   "found \"",
                   query.engine, "\""));
}

TaskIdentity Drive(const EnvironmentReader& env, const TaskQuery& query) {
  TaskIdentity task;
  task.engine = query.engine;
  if (!query.engine.empty()) {
    task.reason = absl::StrCat("starts the tasks: ", query.engine_from, " says ", query.engine);
    if (query.engine == "slurm") task.reason += ", and this is no Slurm step";
    if (query.engine == "mpi") task.reason += ", and no MPI has started this process";
  } else if (env.Has("SLURM_JOB_ID")) {
    task.engine = "slurm";
    task.reason = absl::StrCat("starts the tasks with srun: in Slurm job ",
                               env.Text("SLURM_JOB_ID"), ", but not in a step");
  } else {
    task.engine = "local";
    task.reason = "starts the tasks on this host: no platform has started this process as a task";
  }
  return task;
}

// What else is there, for people who wonder why it was not taken.
std::string Ignored(const EnvironmentReader& env, const Platform* taken) {
  std::vector<std::string> names;
  bool is_lower = taken == nullptr;
  for (const Platform& platform : kPlatforms) {
    if (is_lower && platform.is_there(env)) names.push_back(platform.name);
    if (&platform == taken) is_lower = true;
  }
  if (names.empty()) return "";
  return absl::StrCat("; not used: ", absl::StrJoin(names, ", "));
}

}  // namespace

std::string TaskIdentity::name() const { return absl::StrCat(role, ":", index); }

absl::StatusOr<TaskIdentity> FindTask(const TaskQuery& query) {
  const EnvironmentReader env(query.environment);
  STATOR_RETURN_IF_ERROR(CheckEngine(query));
  TaskIdentity task;
  const Platform* taken = nullptr;
  if (env.Has("STATOR_TASK")) {
    STATOR_ASSIGN_OR_RETURN(task, TaskOfStator(env, query));
  } else {
    const char* wanted_variable = nullptr;
    for (const Platform& platform : kPlatforms) {
      if (!query.engine.empty() && query.engine != platform.engine) continue;
      wanted_variable = platform.variable;
      if (platform.is_there(env)) {
        taken = &platform;
        break;
      }
    }
    if (taken != nullptr) {
      STATOR_ASSIGN_OR_RETURN(task, taken->task(env, query));
      task.reason += query.engine.empty()
                         ? Ignored(env, taken)
                         : absl::StrCat("; ", query.engine_from, " says ", query.engine);
    } else if (query.engine.empty() || CanDrive(query.engine)) {
      task = Drive(env, query);
      if (query.engine == "local" || query.engine == "ssh") task.reason += Ignored(env, nullptr);
    } else {
      return absl::InvalidArgumentError(absl::StrCat(wanted_variable, ": expected, since ",
                                                     query.engine_from, " says ", query.engine,
                                                     ", but it is not set"));
    }
  }
  task.job_file = env.Text("STATOR_JOB_FILE");
  task.secret_file = env.Text("STATOR_SECRET_FILE");
  task.tls_directory = env.Text("STATOR_TLS_DIRECTORY");
  return task;
}

}  // namespace stator::distribute
