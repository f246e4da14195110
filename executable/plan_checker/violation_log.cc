#include "executable/plan_checker/violation_log.h"

#include "executable/printer.h"

namespace stator::executable {

void ViolationLog::Report(ViolationKind kind, const std::string& what) {
  std::string message = ViolationKindName(kind);
  message += ": ";
  if (step_ != nullptr) {
    message += "wave " + std::to_string(wave_) + ", " + PrintStep(model_, *step_) + ": ";
  }
  message += what;
  if (violations_.size() >= 100 || !reported_.insert(message).second) return;
  violations_.push_back({kind, std::move(message)});
}

std::string ViolationLog::Name(int32_t buffer) const {
  return buffer == kNone ? "?" : PrintBufferName(model_, buffer);
}

}  // namespace stator::executable
