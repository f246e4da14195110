#ifndef STATOR_DISTRIBUTE_GRAPH_PROGRAM_GRAPH_JOB_H_
#define STATOR_DISTRIBUTE_GRAPH_PROGRAM_GRAPH_JOB_H_

#include <cstdint>
#include <string>

#include "absl/status/statusor.h"
#include "data/dataset.h"
#include "distribute/graph_program/step_signature.h"
#include "proto/graph.pb.h"
#include "proto/job.pb.h"

namespace stator::distribute {

// A job whose program is a graph, with its data at hand.
struct GraphJob {
  GraphDef graph;
  std::string initialize;  // the op that gives all variables their first values
  StepSignature train;     // with an op
  StepSignature evaluate;  // meaningless where `evaluation` is null
  int64_t steps_per_epoch = 0;
  data::ShardFunction batch;    // tensors in the order of train.inputs
  data::DatasetRef evaluation;  // batches in the order of evaluate.inputs
};

// Reads graph and data of a resolved job with program.graph, into memory, and checks that they fit.
// Errors name the field of the job, then file or signature, what was expected and what was found.
// Needs no compiler.
absl::StatusOr<GraphJob> LoadGraphJob(const Job& job);

}  // namespace stator::distribute

#endif  // STATOR_DISTRIBUTE_GRAPH_PROGRAM_GRAPH_JOB_H_
