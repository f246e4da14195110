#ifndef STATOR_DISTRIBUTE_WORKER_TRAIN_LOOP_H_
#define STATOR_DISTRIBUTE_WORKER_TRAIN_LOOP_H_

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "distribute/checkpoint/checkpoint_writer.h"
#include "distribute/control/member.h"
#include "distribute/worker/replica.h"
#include "proto/job.pb.h"

namespace stator::distribute {

// How one replica's training ended.
struct TrainResult {
  int64_t step = 0;       // completed steps
  bool drained = false;   // by request, after an aligned checkpoint, before the last step
  std::string weights;    // "sha256:…", on rank 0
  std::vector<double> evaluation;  // on rank 0, where there is one
};

struct TrainLoopOptions {
  const Job* job = nullptr;  // resolved
  const TrainingProgram* program = nullptr;
  Member* member = nullptr;
  CheckpointWriter* checkpoints = nullptr;  // on rank 0 only
  // Writes the events of this step (from 1) there, for chrome://tracing or Perfetto, and says what
  // share of the sums they hide. 0: of none.
  int64_t trace_step = 0;
  std::string trace_file;
  // Lines for people, from rank 0: evaluations, warnings.
  std::function<void(const std::string&)> say;
  // After each step of rank 0: its number (from 1) and metrics.
  std::function<void(int64_t step, const std::vector<double>& metrics)> on_step;
};

// Trains one replica to the job's last step: first values or the newest checkpoint, which rank 0
// reads and broadcasts; steps; evaluations and checkpoints by rank 0. All replicas of a job call it.
absl::StatusOr<TrainResult> Train(Replica& replica, const TrainLoopOptions& options);

// Steps of the whole job.
int64_t TotalSteps(const Job& job, const TrainingProgram& program);

}  // namespace stator::distribute

#endif  // STATOR_DISTRIBUTE_WORKER_TRAIN_LOOP_H_
