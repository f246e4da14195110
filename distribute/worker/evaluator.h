#ifndef STATOR_DISTRIBUTE_WORKER_EVALUATOR_H_
#define STATOR_DISTRIBUTE_WORKER_EVALUATOR_H_

#include <atomic>
#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/time/time.h"
#include "distribute/worker/training_program.h"
#include "proto/job.pb.h"

namespace stator::distribute {

struct EvaluatorOptions {
  const Job* job = nullptr;
  const TrainingProgram* program = nullptr;
  SessionFactory new_session;
  int threads = 0;
  absl::Duration interval = absl::Seconds(1);    // between looks into the folder
  std::function<void(const std::string&)> say;   // a line for each checkpoint
  const std::atomic<bool>* stop = nullptr;       // ends it between two evaluations
};

// Evaluates each newest checkpoint of a job beside its training, until the one of the last step is
// done. Reads the checkpoint folder and nothing else; no task waits for it.
absl::Status Evaluate(const EvaluatorOptions& options);

// "step 120  test loss 0.0312 accuracy 99.12 %".
std::string EvaluationLine(int64_t step, const TrainingProgram& program,
                           const std::vector<double>& values);

}  // namespace stator::distribute

#endif  // STATOR_DISTRIBUTE_WORKER_EVALUATOR_H_
