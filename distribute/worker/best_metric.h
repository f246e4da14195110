#ifndef STATOR_DISTRIBUTE_WORKER_BEST_METRIC_H_
#define STATOR_DISTRIBUTE_WORKER_BEST_METRIC_H_

#include <cstddef>
#include <string>

#include "absl/status/statusor.h"
#include "absl/types/optional.h"
#include "distribute/worker/training_program.h"
#include "proto/job.pb.h"

namespace stator::distribute {

// The metric by which a job's best checkpoint is chosen.
struct BestMetric {
  std::string name;  // as the job says it, without which way is better: "test accuracy"
  bool of_evaluation = false;
  size_t index = 0;  // in the evaluation's metrics or the step's
  bool higher_is_better = false;
};

// What `checkpoint.best` means for the program; nullopt where it is empty. `NAME` and `min:NAME`
// want the smallest value, `max:NAME` the largest; NAME is a metric of the step, or "test " and one
// of the evaluation. InvalidArgument, with the names there are, for any other.
absl::StatusOr<absl::optional<BestMetric>> FindBestMetric(const Job& job,
                                                          const TrainingProgram& program);

}  // namespace stator::distribute

#endif  // STATOR_DISTRIBUTE_WORKER_BEST_METRIC_H_
