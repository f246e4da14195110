// Which processes a generation consists of: pure functions of the job, for launch and its dry run.
#ifndef STATOR_DISTRIBUTE_LAUNCH_PLAN_H_
#define STATOR_DISTRIBUTE_LAUNCH_PLAN_H_

#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "distribute/launch/supervisor.h"
#include "distribute/launch/task_identity.h"
#include "proto/job.pb.h"

namespace stator::distribute {

// What drives: starts the tasks, or the engine that starts them.
enum class Driver { kLocal, kSsh, kSlurm, kMpi };
const char* DriverName(Driver driver);

struct LaunchSite {
  std::string launcher;    // path of this program, which engines start again on their hosts
  std::string directory;   // where the job was started: the tasks' working directory
  std::string chief_host;  // an address of this host for kLocal and kMpi, "127.0.0.1" on loopback
};

// "worker:0", ..., "evaluator:0": by rank.
std::vector<std::string> TaskNames(const Job& job);

// The job's own variables and where its files are; the same for every task of the generation.
Environment SharedVariables(const Job& job, uint64_t epoch);

// All variables of one task. `task` has its name, place on its host and coordinators[0] as
// host:port.
absl::StatusOr<Environment> TaskVariables(const Job& job, const TaskIdentity& task);

// The process of one task on this host.
absl::StatusOr<ProcessSpec> TaskProcess(const Job& job, const TaskIdentity& task,
                                        const std::string& directory);

// The processes of generation `epoch`, whose coordinator listens on `port` of the chief's host.
absl::StatusOr<GenerationPlan> PlanGeneration(const Job& job, const LaunchSite& site, Driver driver,
                                              uint64_t epoch, int port);

// Where a job's coordinator listens if nobody has said a port, nor can try: in the job's range, by
// `key`, which other jobs hardly share. Another one in each epoch.
int DefaultPort(const Job& job, const std::string& key, uint64_t epoch);

// As one word for sh.
std::string ShellQuote(const std::string& text);

// For people, or as JSON: processes, environment and the files that would be written. Holds no
// secret: those are in files.
std::string DescribePlan(const Job& job, const std::string& engine, const std::string& reason,
                         const GenerationPlan& plan, bool json);

}  // namespace stator::distribute

#endif  // STATOR_DISTRIBUTE_LAUNCH_PLAN_H_
