#include "distribute/control/restart_policy.h"

#include <gtest/gtest.h>

#include "absl/strings/match.h"

namespace stator::distribute {
namespace {

using Action = RestartDecision::Action;

GenerationEnd End(const std::string& task, int exit_code, const std::string& cause, int64_t step,
                  int64_t checkpoint) {
  return {.task = task,
          .exit_code = exit_code,
          .cause = cause,
          .step = step,
          .checkpoint_step = checkpoint,
          .stop_requested = false};
}

TEST(RestartPolicyTest, DoneIsDone) {
  RestartPolicy policy({});
  EXPECT_EQ(policy.OnEnd({}).action, Action::kDone);
}

TEST(RestartPolicyTest, KillsRaiseTheEpochUntilTheBudgetIsUsedUp) {
  RestartPolicy policy({.max_restarts = 2});
  for (uint64_t epoch = 2; epoch <= 3; ++epoch) {
    const RestartDecision decision = policy.OnEnd(End("worker:1", 137, "signal 9", 7, 0));
    EXPECT_EQ(decision.action, Action::kRestart);
    EXPECT_EQ(decision.epoch, epoch);
  }
  const RestartDecision last = policy.OnEnd(End("worker:1", 137, "signal 9", 7, 0));
  EXPECT_EQ(last.action, Action::kStop);
  EXPECT_EQ(last.exit_code, kExitRetryable);
  EXPECT_EQ(last.report,
            "worker:1 failed at step 7 with exit code 137: signal 9\nAll 2 restarts are used up.");
}

TEST(RestartPolicyTest, TheSameFailureTwiceStopsTheJob) {
  RestartPolicy policy({.max_restarts = 9});
  EXPECT_EQ(policy.OnEnd(End("worker:1", 1, "loss is NaN", 7, 5)).action, Action::kRestart);
  const RestartDecision second = policy.OnEnd(End("worker:1", 1, "loss is NaN", 7, 5));
  EXPECT_EQ(second.action, Action::kStop);
  EXPECT_EQ(second.exit_code, kExitFailed);
  EXPECT_TRUE(absl::StrContains(second.report, "in the same way")) << second.report;
}

TEST(RestartPolicyTest, AnotherTaskCauseStepOrProgressIsAnotherFailure) {
  RestartPolicy policy({.max_restarts = 9});
  EXPECT_EQ(policy.OnEnd(End("worker:1", 1, "a", 7, 5)).action, Action::kRestart);
  EXPECT_EQ(policy.OnEnd(End("worker:0", 1, "a", 7, 5)).action, Action::kRestart);
  EXPECT_EQ(policy.OnEnd(End("worker:0", 1, "b", 7, 5)).action, Action::kRestart);
  EXPECT_EQ(policy.OnEnd(End("worker:0", 1, "b", 8, 5)).action, Action::kRestart);
  EXPECT_EQ(policy.OnEnd(End("worker:0", 1, "b", 8, 6)).action, Action::kRestart);
  EXPECT_EQ(policy.OnEnd(End("worker:0", 139, "b", 8, 6)).action, Action::kRestart);
  EXPECT_EQ(policy.OnEnd(End("worker:0", 139, "b", 8, 6)).action, Action::kStop);
}

TEST(RestartPolicyTest, BackOffDoublesUntilThereIsProgress) {
  RestartPolicy policy({.max_restarts = 99, .max_backoff = absl::Seconds(5)});
  for (const int seconds : {1, 2, 4, 5, 5}) {
    EXPECT_EQ(policy.OnEnd(End("worker:1", 137, "signal 9", 7, 0)).delay, absl::Seconds(seconds));
  }
  EXPECT_EQ(policy.OnEnd(End("worker:1", 137, "signal 9", 7, 5)).delay, absl::Seconds(1));
}

TEST(RestartPolicyTest, DrainsEndTheJobOnlyWhenAskedFor) {
  RestartPolicy policy({.max_restarts = 0});
  GenerationEnd end = End("worker:1", kExitDrained, "drained", 7, 7);
  const RestartDecision moved = policy.OnEnd(end);
  EXPECT_EQ(moved.action, Action::kRestart);
  EXPECT_EQ(moved.delay, absl::ZeroDuration());
  end.stop_requested = true;
  const RestartDecision asked = policy.OnEnd(end);
  EXPECT_EQ(asked.action, Action::kDrained);
  EXPECT_EQ(asked.exit_code, kExitDrained);
}

TEST(RestartPolicyTest, UsageErrorsAreNotRepeated) {
  RestartPolicy policy({});
  EXPECT_EQ(policy.OnEnd(End("worker:0", kExitUsage, "no such flag", 0, 0)).action, Action::kStop);
}

}  // namespace
}  // namespace stator::distribute
