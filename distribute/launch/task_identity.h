#ifndef STATOR_DISTRIBUTE_LAUNCH_TASK_IDENTITY_H_
#define STATOR_DISTRIBUTE_LAUNCH_TASK_IDENTITY_H_

// Which task of a job is this process, if it is one? Read from the environment, in a fixed order;
// what is inconsistent or malformed is an error, never a guess.
//
//   STATOR_TASK > --engine > the job file's engine > TF_CONFIG > Open MPI > PMI > Slurm step >
//   Indexed Job > RANK
//
// A process that is no task drives: it starts the tasks. That is also so in a Slurm batch script,
// although it sees SLURM_PROCID=0: it has no step.

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/statusor.h"
#include "distribute/job/environment.h"

namespace stator::distribute {

enum class TaskSource {
  kNone,        // no task: this process drives
  kStator,      // STATOR_TASK, set by launch
  kTfConfig,    // TF_CONFIG
  kOpenMpi,     // OMPI_COMM_WORLD_RANK
  kPmi,         // PMI_RANK: MPICH, Hydra, Intel MPI
  kSlurmStep,   // SLURM_STEP_ID, SLURM_PROCID
  kIndexedJob,  // JOB_COMPLETION_INDEX: Kubernetes, JobSet
  kRank,        // RANK, WORLD_SIZE: torchrun and others
};

struct TaskQuery {
  EnvironmentLookup environment = ProcessEnvironment();

  // What --engine or the job file says: local, ssh, slurm, mpi, tf_config, indexed_job, rank; ""
  // where they say nothing. Only that platform's variables are then looked at, besides STATOR_*.
  std::string engine;

  // Who said so, for the reason: "--engine", "the job file".
  std::string engine_from;

  // Tasks that the job wants; 0 workers where that is not known. The platform must have started as
  // many.
  int workers = 0;
  int evaluators = 0;
};

struct TaskIdentity {
  TaskSource source = TaskSource::kNone;

  // A sentence for people: what was decided, and by which variables.
  std::string reason;

  // Where this process drives: what the environment suggests to start tasks with, "local" or
  // "slurm", or the engine that was asked for.
  std::string engine;

  bool is_task() const { return source != TaskSource::kNone; }

  // The rest has a meaning for a task only.

  std::string role;    // "worker" or "evaluator"
  int index = 0;       // within the role; worker 0 is the chief
  int workers = 0;     // in the job
  int evaluators = 0;  // in the job, as far as the platform or the query tells
  uint64_t epoch = 0;  // the generation; 0 where the platform does not number them
  int restarts = 0;    // how often the platform has started the job again

  // Among the tasks on this host; -1 and 0 where the platform does not say.
  int local_index = -1;
  int local_count = 0;

  // Where worker 0 listens or may listen: `host:port`, or a host alone; best first. Empty where the
  // platform does not say.
  std::vector<std::string> coordinators;

  // `host:port` of each worker; empty where the platform does not say.
  std::vector<std::string> worker_addresses;

  // STATOR_JOB_FILE, STATOR_SECRET_FILE and STATOR_TLS_DIRECTORY; "" where they are not set.
  std::string job_file;
  std::string secret_file;
  std::string tls_directory;

  // "worker:1".
  std::string name() const;

  // Among all tasks: workers first, then evaluators.
  int rank() const { return role == "evaluator" ? workers + index : index; }
};

// InvalidArgument names the variable, what was expected and what was found. Safe to call from any
// thread.
absl::StatusOr<TaskIdentity> FindTask(const TaskQuery& query);

// The variables that tell a process that it is `task`, in order of name: STATOR_*, for user code
// RANK, WORLD_SIZE, LOCAL_RANK, MASTER_ADDR and MASTER_PORT (of the coordinator), and TF_CONFIG
// where worker_addresses are known. coordinators[0] must be `host:port`.
absl::StatusOr<std::vector<std::pair<std::string, std::string>>> ExportEnvironment(
    const TaskIdentity& task);

}  // namespace stator::distribute

#endif  // STATOR_DISTRIBUTE_LAUNCH_TASK_IDENTITY_H_
