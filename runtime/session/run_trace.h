// What a traced run did, as StepStats and as Chrome's trace format.
#ifndef STATOR_RUNTIME_SESSION_RUN_TRACE_H_
#define STATOR_RUNTIME_SESSION_RUN_TRACE_H_

#include <memory>
#include <string>
#include <vector>

#include "proto/step_stats.pb.h"
#include "runtime/core/executable.h"
#include "runtime/core/trace.h"

namespace stator::runtime {

// Collects a run's events. One run at a time.
class RunTrace : public TraceSink {
 public:
  void OnStep(const StepEvent& event) override { events_.push_back(event); }

  // Forgets all events; those to come belong to `executable`.
  void Start(std::shared_ptr<const Executable> executable);
  const std::vector<StepEvent>& events() const { return events_; }

  // One NodeExecStats per step: its first source node, times, and a label that names the kernel and
  // all its source nodes.
  void AddTo(StepStats* stats) const;

  // JSON that chrome://tracing and Perfetto open: one complete event per step, with kernel, source
  // nodes, why they were fused, planned bytes and FLOPs, and threads.
  std::string ToChromeJson() const;

 private:
  std::string StepName(const StepInfo& info) const;
  std::vector<int32_t> SourceNodes(const StepInfo& info) const;
  std::string NodeName(int32_t node) const;

  std::shared_ptr<const Executable> executable_;
  std::vector<StepEvent> events_;
};

}  // namespace stator::runtime

#endif  // STATOR_RUNTIME_SESSION_RUN_TRACE_H_
