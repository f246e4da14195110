// Watching a run, step by step.
#ifndef STATOR_RUNTIME_CORE_TRACE_H_
#define STATOR_RUNTIME_CORE_TRACE_H_

#include <cstdint>

namespace stator::runtime {

struct StepEvent {
  int32_t step;      // index into Program::steps
  int64_t start_ns;  // NowNanoseconds()
  int64_t end_ns;
  int32_t threads;  // parts that a launch was split into; 1 for other steps
};

// Called on the run's thread after each step. With a sink, the steps of a wave run one by one.
class TraceSink {
 public:
  virtual ~TraceSink() = default;
  virtual void OnStep(const StepEvent& event) = 0;
};

}  // namespace stator::runtime

#endif  // STATOR_RUNTIME_CORE_TRACE_H_
