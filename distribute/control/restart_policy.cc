#include "distribute/control/restart_policy.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"

namespace stator::distribute {
namespace {

// 128 + HUP, INT, KILL, TERM, and our own retryable end.
bool FromOutside(int exit_code) {
  return exit_code == 128 + 1 || exit_code == 128 + 2 || exit_code == 128 + 9 ||
         exit_code == 128 + 15 || exit_code == kExitRetryable;
}

std::string Describe(const GenerationEnd& end) {
  return absl::StrCat(end.task, " failed at step ", end.step, " with exit code ", end.exit_code,
                      ": ", end.cause);
}

RestartDecision Stop(int exit_code, std::string report) {
  RestartDecision decision;
  decision.action = RestartDecision::Action::kStop;
  decision.exit_code = exit_code;
  decision.report = std::move(report);
  return decision;
}

}  // namespace

bool IsRetryable(absl::StatusCode code) {
  return code == absl::StatusCode::kUnavailable || code == absl::StatusCode::kCancelled ||
         code == absl::StatusCode::kAborted || code == absl::StatusCode::kDeadlineExceeded;
}

bool RestartPolicy::SameAsLast(const GenerationEnd& end) const {
  return failed_before_ && !FromOutside(end.exit_code) && end.task == last_.task &&
         end.exit_code == last_.exit_code && end.cause == last_.cause && end.step == last_.step &&
         end.checkpoint_step <= last_.checkpoint_step;
}

RestartDecision RestartPolicy::OnEnd(const GenerationEnd& end) {
  if (end.exit_code == kExitDone) {
    RestartDecision decision;
    decision.action = RestartDecision::Action::kDone;
    return decision;
  }
  if (end.stop_requested && end.exit_code == kExitDrained) {
    RestartDecision decision;
    decision.action = RestartDecision::Action::kDrained;
    decision.exit_code = kExitDrained;
    return decision;
  }
  if (end.exit_code == kExitDrained) return Restart(end);
  if (end.stop_requested) return Stop(kExitRetryable, Describe(end));
  if (end.exit_code == kExitUsage) return Stop(kExitUsage, Describe(end));
  if (SameAsLast(end) && options_.planted_bug != PlantedBug::kRestartForever) {
    return Stop(kExitFailed, absl::StrCat(Describe(end),
                                          "\nIt failed in the same way before: "
                                          "another restart would not help."));
  }
  if (restarts_ >= options_.max_restarts && options_.planted_bug != PlantedBug::kRestartForever) {
    return Stop(
        end.exit_code >= 128 ? kExitRetryable : kExitFailed,
        absl::StrCat(Describe(end), "\nAll ", options_.max_restarts, " restarts are used up."));
  }
  ++restarts_;
  return Restart(end);
}

RestartDecision RestartPolicy::Restart(const GenerationEnd& end) {
  const bool gained = end.checkpoint_step > (failed_before_ ? last_.checkpoint_step : 0);
  fruitless_ = gained ? 0 : fruitless_ + 1;
  failed_before_ = true;
  last_ = end;
  if (options_.planted_bug != PlantedBug::kKeepEpoch) ++epoch_;
  RestartDecision decision;
  decision.action = RestartDecision::Action::kRestart;
  decision.epoch = epoch_;
  decision.delay = options_.backoff;
  for (int i = 1; i < fruitless_ && decision.delay < options_.max_backoff; ++i) {
    decision.delay *= 2;
  }
  if (end.exit_code == kExitDrained) decision.delay = absl::ZeroDuration();
  decision.delay = std::min(decision.delay, options_.max_backoff);
  decision.report = absl::StrCat(Describe(end), "; epoch ", epoch_, " continues after step ",
                                 end.checkpoint_step);
  return decision;
}

}  // namespace stator::distribute
