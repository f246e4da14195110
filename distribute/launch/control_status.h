// A coordinator's status as the run directory keeps it and `stator status` shows it.
#ifndef STATOR_DISTRIBUTE_LAUNCH_CONTROL_STATUS_H_
#define STATOR_DISTRIBUTE_LAUNCH_CONTROL_STATUS_H_

#include <cstdint>

#include "distribute/launch/job_status.h"
#include "proto/control.pb.h"

namespace stator::distribute {

// The job's step, rate and loss are those of its first task. `total_steps`, 0 if unknown, is not in
// the coordinator's status.
JobStatus FromControl(const control::JobStatus& status, int64_t total_steps);

}  // namespace stator::distribute

#endif  // STATOR_DISTRIBUTE_LAUNCH_CONTROL_STATUS_H_
