// A small program for tests of training on replicas.
#ifndef STATOR_TESTS_DISTRIBUTE_CLASSIFIER_H_
#define STATOR_TESTS_DISTRIBUTE_CLASSIFIER_H_

#include <cstdint>

#include "distribute/worker/training_program.h"

namespace stator::distribute {

struct ClassifierOptions {
  int hidden_layers = 1;
  int64_t units = 16;  // of each
  bool batch_norm = true;
  bool dropout = true;
  float clip_norm = 0.5f;
};

// A classifier that has all that shards treat in a special way. 32 examples a step, 8 steps an
// epoch, an evaluation of 3 batches.
TrainingProgram Classifier(const ClassifierOptions& options = {});

absl::StatusOr<ShardedStep> Shard(const TrainingProgram& program, int64_t bucket_bytes);

// Sessions with the compiler.
SessionFactory Sessions();

}  // namespace stator::distribute

#endif  // STATOR_TESTS_DISTRIBUTE_CLASSIFIER_H_
