#ifndef STATOR_DISTRIBUTE_IMAGES_JOB_CPU_H_
#define STATOR_DISTRIBUTE_IMAGES_JOB_CPU_H_

#include <string>

#include "absl/status/statusor.h"
#include "absl/types/span.h"
#include "proto/control.pb.h"

namespace stator::distribute {

// This machine's.
control::Cpu HostCpu();

// The target (executable::CompileOptions::cpu) whose code runs on all of `cpus` that are of
// `arch`: those features that all of them have. NotFound where none is of that architecture.
absl::StatusOr<std::string> CommonTarget(absl::Span<const control::Cpu> cpus,
                                         const std::string& arch);

}  // namespace stator::distribute

#endif  // STATOR_DISTRIBUTE_IMAGES_JOB_CPU_H_
