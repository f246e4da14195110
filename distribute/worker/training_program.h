#ifndef STATOR_DISTRIBUTE_WORKER_TRAINING_PROGRAM_H_
#define STATOR_DISTRIBUTE_WORKER_TRAINING_PROGRAM_H_

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "distribute/strategy/shard_graph.h"
#include "proto/graph.pb.h"
#include "proto/job.pb.h"
#include "runtime/core/tensor.h"
#include "runtime/session/session.h"

namespace stator::distribute {

// What a job trains, as the user's program builds it in each task: the same in all of them. It says
// nothing about devices and tasks.
struct TrainingProgram {
  GraphDef graph;
  std::string initialize;  // the node that gives all variables their first values
  TrainingStep step;
  // The variable, an int64 scalar, that counts completed steps.
  std::string step_counter = "global_step";
  int64_t steps_per_epoch = 0;
  int64_t default_epochs = 1;  // where the job says neither steps nor epochs

  // The inputs of one step, in the order of TrainingStep::inputs: shard `shard` of `shards` of its
  // batch. A pure function, so that any task computes any shard and a resumed job continues
  // exactly; called from several threads at once, ahead of the step.
  std::function<absl::StatusOr<std::vector<runtime::Tensor>>(int64_t step, int shard, int shards)>
      batch;

  // Evaluation: may be absent. Means are over examples (dimension 0 of the first input); a sum is
  // reported as a share of them. The batches are as pure as those above.
  std::vector<std::string> evaluation_inputs;
  std::vector<Metric> evaluation_metrics;
  int64_t evaluation_batches = 0;
  std::function<absl::StatusOr<std::vector<runtime::Tensor>>(int64_t batch)> evaluation_batch;

  std::shared_ptr<void> keep_alive;  // whatever the functions need
};

using BuildProgram = std::function<absl::StatusOr<TrainingProgram>(const Job& job)>;

// Makes sessions with the compiler that the task has.
using SessionFactory = std::function<absl::StatusOr<std::unique_ptr<runtime::Session>>(
    GraphDef graph, runtime::SessionOptions options)>;

}  // namespace stator::distribute

#endif  // STATOR_DISTRIBUTE_WORKER_TRAINING_PROGRAM_H_
