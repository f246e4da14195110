#ifndef STATOR_TESTS_DIGITS_TRAINING_H_
#define STATOR_TESTS_DIGITS_TRAINING_H_

#include <cstdint>
#include <memory>
#include <vector>

#include "examples/digits/model.h"
#include "stator.h"

namespace stator::tests {

// The network of examples/digits, and a session that trains it on small made-up images. Whatever
// fails is a failure of the running test. For one thread at a time.
class DigitsTraining {
 public:
  // Compiles and runs the initializers. `threads`: of the session's pool.
  explicit DigitsTraining(int threads, uint64_t seed = 7);

  // The loss before each of `steps` steps, on batches that depend on the step's number alone.
  std::vector<float> Run(int steps);

  // Null after a failure.
  runtime::Session* session() { return session_.get(); }

 private:
  graph::Scope program_;
  examples::DigitsModel model_;
  std::unique_ptr<runtime::Session> session_;
};

}  // namespace stator::tests

#endif  // STATOR_TESTS_DIGITS_TRAINING_H_
