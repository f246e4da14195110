#ifndef STATOR_DISTRIBUTE_LAUNCH_TASK_SOURCES_H_
#define STATOR_DISTRIBUTE_LAUNCH_TASK_SOURCES_H_

// What each platform tells a task, one function per platform. Each is called only where the
// platform's variables are there, and fills in source, reason and the rest.

#include "absl/status/statusor.h"
#include "distribute/launch/environment_reader.h"
#include "distribute/launch/task_identity.h"

namespace stator::distribute {

absl::StatusOr<TaskIdentity> TaskOfStator(const EnvironmentReader& env, const TaskQuery& query);
absl::StatusOr<TaskIdentity> TaskOfTfConfig(const EnvironmentReader& env, const TaskQuery& query);
absl::StatusOr<TaskIdentity> TaskOfOpenMpi(const EnvironmentReader& env, const TaskQuery& query);
absl::StatusOr<TaskIdentity> TaskOfPmi(const EnvironmentReader& env, const TaskQuery& query);
absl::StatusOr<TaskIdentity> TaskOfSlurmStep(const EnvironmentReader& env, const TaskQuery& query);
absl::StatusOr<TaskIdentity> TaskOfIndexedJob(const EnvironmentReader& env, const TaskQuery& query);
absl::StatusOr<TaskIdentity> TaskOfRank(const EnvironmentReader& env, const TaskQuery& query);

// Whether the variables are those of a step; a batch script, an interactive and an external step
// are none.
bool HasSlurmStep(const EnvironmentReader& env);

// Checks that a platform that started `workers` and `evaluators` has started what the job wants.
// `platform` is as in "TF_CONFIG has".
absl::Status CheckCounts(const TaskQuery& query, const std::string& platform, int workers,
                         int evaluators);

// Makes the task `rank` of `size`: workers first, then evaluators.
absl::Status AssignRank(const TaskQuery& query, const std::string& platform, int64_t rank,
                        int64_t size, TaskIdentity* task);

}  // namespace stator::distribute

#endif  // STATOR_DISTRIBUTE_LAUNCH_TASK_SOURCES_H_
