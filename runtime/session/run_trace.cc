#include "runtime/session/run_trace.h"

#include <chrono>
#include <cstdio>

#include "executable/printer.h"
#include "proto/json_text.h"
#include "runtime/core/run_control.h"

namespace stator::runtime {
namespace {

// Microseconds with the nanoseconds kept.
std::string Micros(int64_t ns) {
  char text[48];
  std::snprintf(text, sizeof(text), "%lld.%03d", static_cast<long long>(ns / 1000),
                static_cast<int>(ns % 1000));
  return text;
}

// What to add to the steady clock to get wall time.
int64_t WallOffset() {
  const int64_t wall = std::chrono::duration_cast<std::chrono::nanoseconds>(
                           std::chrono::system_clock::now().time_since_epoch())
                           .count();
  return wall - NowNanoseconds();
}

}  // namespace

void RunTrace::Start(std::shared_ptr<const Executable> executable) {
  executable_ = std::move(executable);
  events_.clear();
}

std::vector<int32_t> RunTrace::SourceNodes(const StepInfo& info) const {
  std::vector<int32_t> nodes;
  if (const auto* launch = std::get_if<executable::LaunchKernel>(&info.step->body)) {
    nodes = launch->report.source_nodes;
  }
  if (nodes.empty() && info.step->source_node != kNone) nodes = {info.step->source_node};
  return nodes;
}

std::string RunTrace::NodeName(int32_t node) const { return executable_->model().nodes[node].name; }

std::string RunTrace::StepName(const StepInfo& info) const {
  if (const auto* launch = std::get_if<executable::LaunchKernel>(&info.step->body)) {
    return executable_->model().kernels[launch->kernel].name;
  }
  if (const auto* call = std::get_if<executable::HostCall>(&info.step->body)) {
    return call->function;
  }
  return executable::StepKindName(info.step->kind());
}

void RunTrace::AddTo(StepStats* stats) const {
  if (executable_ == nullptr) return;
  DeviceStepStats* device = stats->add_dev_stats();
  device->set_device("/job:localhost/replica:0/task:0/device:CPU:0");
  const int64_t wall = WallOffset();
  for (const StepEvent& event : events_) {
    const StepInfo& info = executable_->program().steps[event.step];
    const std::vector<int32_t> nodes = SourceNodes(info);
    NodeExecStats* out = device->add_node_stats();
    std::string label = StepName(info) + " =";
    for (int32_t node : nodes) label += " " + NodeName(node);
    out->set_node_name(nodes.empty() ? StepName(info) : NodeName(nodes[0]));
    out->set_timeline_label(label);
    const int64_t start = event.start_ns + wall;
    const int64_t length = event.end_ns - event.start_ns;
    out->set_all_start_micros(start / 1000);
    out->set_all_start_nanos(start);
    out->set_op_end_rel_micros(length / 1000);
    out->set_op_end_rel_nanos(length);
    out->set_all_end_rel_micros(length / 1000);
    out->set_all_end_rel_nanos(length);
  }
}

std::string RunTrace::ToChromeJson() const {
  std::string out = "{\"displayTimeUnit\":\"ns\",\"traceEvents\":[";
  const int64_t origin = events_.empty() ? 0 : events_.front().start_ns;
  bool first = true;
  for (const StepEvent& event : events_) {
    const StepInfo& info = executable_->program().steps[event.step];
    out += first ? "\n" : ",\n";
    first = false;
    out += "{\"ph\":\"X\",\"pid\":1,\"tid\":1,\"name\":" + JsonQuote(StepName(info)) +
           ",\"cat\":" + JsonQuote(executable::StepKindName(info.step->kind())) +
           ",\"ts\":" + Micros(event.start_ns - origin) +
           ",\"dur\":" + Micros(event.end_ns - event.start_ns) + ",\"args\":{\"nodes\":[";
    const std::vector<int32_t> nodes = SourceNodes(info);
    for (size_t i = 0; i < nodes.size(); ++i) {
      out += (i == 0 ? "" : ",") + JsonQuote(executable::PrintNode(executable_->model(), nodes[i]));
    }
    out +=
        "],\"wave\":" + std::to_string(info.wave) + ",\"threads\":" + std::to_string(event.threads);
    if (const auto* launch = std::get_if<executable::LaunchKernel>(&info.step->body)) {
      out += ",\"why\":" + JsonQuote(launch->report.why);
    }
    out += "}}";
  }
  return out + "\n]}\n";
}

}  // namespace stator::runtime
