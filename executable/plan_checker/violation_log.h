// What a check has found so far, and where it is looking.
#ifndef STATOR_EXECUTABLE_PLAN_CHECKER_VIOLATION_LOG_H_
#define STATOR_EXECUTABLE_PLAN_CHECKER_VIOLATION_LOG_H_

#include <cstdint>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "executable/plan_checker/plan_checker.h"

namespace stator::executable {

class ViolationLog {
 public:
  // The model outlives the log.
  explicit ViolationLog(const ImageModel& model) : model_(model) {}

  // Where later reports happen. Without a step they speak of the plan as a whole.
  void At(int32_t wave, const Step* step) {
    wave_ = wave;
    step_ = step;
  }
  int32_t wave() const { return wave_; }
  const Step* step() const { return step_; }

  // Each message once, and no more than CheckPlan promises.
  void Report(ViolationKind kind, const std::string& what);
  // "%3 hidden", for messages.
  std::string Name(int32_t buffer) const;

  std::vector<Violation> Take() { return std::move(violations_); }

 private:
  const ImageModel& model_;
  int32_t wave_ = 0;
  const Step* step_ = nullptr;
  std::set<std::string> reported_;
  std::vector<Violation> violations_;
};

}  // namespace stator::executable

#endif  // STATOR_EXECUTABLE_PLAN_CHECKER_VIOLATION_LOG_H_
