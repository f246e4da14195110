#ifndef STATOR_DISTRIBUTE_GRAPH_PROGRAM_GRAPH_PROGRAM_H_
#define STATOR_DISTRIBUTE_GRAPH_PROGRAM_GRAPH_PROGRAM_H_

#include "absl/status/statusor.h"
#include "distribute/worker/training_program.h"
#include "proto/job.pb.h"

namespace stator::distribute {

// The program of a job with program.graph: graph, signatures and files as the job names them.
// Errors as LoadGraphJob gives them (graph_job.h).
absl::StatusOr<TrainingProgram> BuildGraphProgram(const Job& job);

}  // namespace stator::distribute

#endif  // STATOR_DISTRIBUTE_GRAPH_PROGRAM_GRAPH_PROGRAM_H_
