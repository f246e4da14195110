// What a program without any library would use of graphs_program.cc's objects.
#include "digits.h"
#include "loop.h"
#include "training.h"

extern "C" const char* use_all(const float* x, const std::int32_t* labels, float* out,
                               std::int64_t* digit, std::int32_t* count, void* memory) {
  loop::Main loop;
  loop.arg0 = loop.arg1 = x;
  loop.arg2 = labels;
  loop.result0 = loop.result1 = out;
  loop.result2 = count;
  if (const int code = loop.run(3, memory)) return loop::message(code);

  digits::State weights;
  weights.init(memory);
  digits::Evaluate evaluate;
  evaluate.state = &weights;
  evaluate.images = x;
  evaluate.probabilities = out;
  evaluate.digit = digit;
  if (const int code = evaluate.run(1, memory)) return digits::message(code);

  training::State state;
  state.init(memory);
  for (int i = 0; i < training::State::kCount; ++i) {
    if (!state.has_value(i)) state.set(i, x);
  }
  training::TrainStep train;
  train.state = &state;
  train.images = x;
  train.labels = labels;
  train.loss = out;
  return training::message(train.run(1, memory));
}
