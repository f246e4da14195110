#ifndef STATOR_DISTRIBUTE_WORKER_TASK_H_
#define STATOR_DISTRIBUTE_WORKER_TASK_H_

#include <cstdint>
#include <string>

#include "absl/status/statusor.h"
#include "distribute/job/environment.h"
#include "distribute/worker/training_program.h"

namespace stator::distribute {

// What a launcher tells a task (docs/clusters.md).
struct TaskEnvironment {
  std::string job_file;     // STATOR_JOB_FILE: the resolved job
  std::string task;         // STATOR_TASK: "worker:1", "evaluator:0"
  int index = 0;            // of the task in its role
  bool evaluates = false;   // the task is the evaluator
  int workers = 1;          // STATOR_WORKERS
  std::string coordinator;  // STATOR_COORDINATOR: HOST:PORT, where worker:0 listens
  uint64_t epoch = 1;       // STATOR_EPOCH
  int local_tasks = 1;      // STATOR_LOCAL_TASKS: tasks on this host
  std::string secret_file;    // STATOR_SECRET_FILE
  std::string tls_directory;  // STATOR_TLS_DIRECTORY
};

// Whether this process was started as a task: STATOR_JOB_FILE is set.
bool IsTask(const EnvironmentLookup& environment);
// InvalidArgument names the variable, what was expected and what was found.
absl::StatusOr<TaskEnvironment> ReadTaskEnvironment(const EnvironmentLookup& environment);

// Runs this task of `job` to its end and returns the process's exit code (control/restart_policy.h).
// Errors are on stderr and in the run directory. Blocks SIGTERM and SIGUSR1 in this process: they
// ask for a drain.
int RunTask(const Job& job, const TaskEnvironment& environment, const TrainingProgram& program,
            const SessionFactory& new_session, const runtime::CompilerFactory& compiler,
            const graph::OpSchemas* schemas);

}  // namespace stator::distribute

#endif  // STATOR_DISTRIBUTE_WORKER_TASK_H_
