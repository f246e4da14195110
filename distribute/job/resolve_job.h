#ifndef STATOR_DISTRIBUTE_JOB_RESOLVE_JOB_H_
#define STATOR_DISTRIBUTE_JOB_RESOLVE_JOB_H_

// A job's defaults, and the rules between its fields.

#include "absl/status/status.h"
#include "distribute/job/job_errors.h"
#include "proto/job.pb.h"

namespace stator::distribute {

// Fills in every absent field that has a default, as proto/job.proto states it. Once more changes
// nothing.
void ResolveJob(const JobPlaces& places, Job* job);

// Checks a resolved job. Each broken rule is one line of the error: place, field, rule, expected,
// found. `check_files`: whether the checkpoint that `resume` names must exist.
absl::Status ValidateJob(const Job& job, const JobPlaces& places, bool check_files);

}  // namespace stator::distribute

#endif  // STATOR_DISTRIBUTE_JOB_RESOLVE_JOB_H_
