#ifndef STATOR_EXAMPLES_DIGITS_MODEL_H_
#define STATOR_EXAMPLES_DIGITS_MODEL_H_

#include <cstdint>

#include "graph/scope.h"
#include "nn/trainer.h"
#include "nn/variables.h"

namespace stator::examples {

// What the images of a batch are: numbers in [0, 1] with one channel, or bytes as in MNIST's files.
enum class DigitsInput { kNumbers, kBytes };

// The program of the example: a network with two convolutions, in a pass that trains and one that
// evaluates. Nodes with names that others may use:
//
//   images, labels              what both passes are fed; the batch size is open
//   digit, probabilities        what the network reads, and how surely
//   step, learning_rate, seed   of the training step: functions of the program's variables unless fed
//   train, loss, correct        the training step; its loss and right answers
//   init                        gives all variables their first values
class DigitsModel {
 public:
  DigitsModel(const graph::Scope& scope, uint64_t seed, int64_t height, int64_t width,
              int64_t steps_per_epoch, DigitsInput input = DigitsInput::kNumbers);

  nn::Variables& variables() { return variables_; }
  const nn::TrainingPass& train_pass() const { return train_; }
  const nn::TrainingPass& evaluate_pass() const { return evaluate_; }

 private:
  nn::Variables variables_;
  nn::TrainingPass train_;
  nn::TrainingPass evaluate_;
};

}  // namespace stator::examples

#endif  // STATOR_EXAMPLES_DIGITS_MODEL_H_
