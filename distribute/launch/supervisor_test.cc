#include "distribute/launch/supervisor.h"

#include <gtest/gtest.h>
#include <signal.h>

#include <algorithm>
#include <filesystem>
#include <functional>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "distribute/control/restart_policy.h"
#include "distribute/launch/failure_record.h"

namespace stator::distribute {
namespace {

class Recorder : public Console {
 public:
  void Line(Stream, absl::string_view text) override { absl::StrAppend(&text_, text, "\n"); }
  void Progress(absl::string_view) override {}
  const std::string& text() const { return text_; }

 private:
  std::string text_;
};

// Processes that exist on paper: what happens is scheduled, time jumps to it.
class FakeProcesses : public ProcessStarter {
 public:
  // Called when a process starts; schedules its fate.
  std::function<void(const ProcessSpec&, int start)> on_start = [](const ProcessSpec&, int) {};
  // What processes do on signals; the default dies of all but SIGSTOPs.
  std::function<void(const std::string&, int)> on_signal;
  absl::Status start_error;
  std::vector<std::string> signals;  // "SIGTERM worker:1"

  void ExitAt(const std::string& name, absl::Duration after, ExitStatus status) {
    schedule_.push_back({now_ + after, {ProcessEvent::Kind::kExited, name, status, 0, {}}});
  }
  void SignalAt(absl::Duration after, int signal) {
    schedule_.push_back({now_ + after, {ProcessEvent::Kind::kSignal, "", {}, signal, {}}});
  }
  void Forget(const std::string& name) {
    schedule_.erase(std::remove_if(schedule_.begin(), schedule_.end(),
                                   [&](const auto& item) { return item.second.name == name; }),
                    schedule_.end());
  }

  absl::Status Start(const ProcessSpec& spec) override {
    if (!start_error.ok()) return start_error;
    running_.push_back(spec.name);
    on_start(spec, starts_++);
    return absl::OkStatus();
  }
  void Signal(const std::string& name, int signal, bool) override {
    if (std::find(running_.begin(), running_.end(), name) == running_.end()) return;
    signals.push_back(SignalName(signal) + " " + name);
    if (on_signal) return on_signal(name, signal);
    Forget(name);
    ExitAt(name, absl::ZeroDuration(), {0, signal});
  }
  std::optional<ProcessEvent> Wait(absl::Time deadline) override {
    const auto next =
        std::min_element(schedule_.begin(), schedule_.end(),
                         [](const auto& a, const auto& b) { return a.first < b.first; });
    if (next == schedule_.end() || next->first > deadline) {
      EXPECT_NE(deadline, absl::InfiniteFuture()) << "would hang";
      now_ = std::max(now_, deadline);
      return std::nullopt;
    }
    now_ = std::max(now_, next->first);
    ProcessEvent event = next->second;
    event.time = now_;
    schedule_.erase(next);
    if (event.kind == ProcessEvent::Kind::kExited) {
      running_.erase(std::find(running_.begin(), running_.end(), event.name));
    }
    return event;
  }
  std::vector<std::string> LastLines(const std::string& name) const override {
    return {"last line of " + name};
  }
  absl::Time Now() const override { return now_; }

 private:
  absl::Time now_ = absl::FromUnixSeconds(1000);
  int starts_ = 0;
  std::vector<std::string> running_;
  std::vector<std::pair<absl::Time, ProcessEvent>> schedule_;
};

class SupervisorTest : public testing::Test {
 protected:
  SupervisorTest() {
    std::filesystem::remove_all(directory_);
    options_.job = "digits";
    options_.run_directory = directory_;
    options_.next_epoch = [this] { return ++epoch_; };
    options_.plan = [this](uint64_t epoch) {
      GenerationPlan plan;
      for (int i = 0; i < 3; ++i) {
        ProcessSpec spec;
        spec.name = absl::StrCat("worker:", i);
        spec.log_file = absl::StrCat("logs/", epoch, "-", i);
        plan.processes.push_back(spec);
      }
      plan.chief = "worker:0";
      return plan;
    };
    options_.restart.max_restarts = 2;
    options_.restart.backoff = absl::Seconds(2);
    options_.state_changed = [this](const LaunchState& state) {
      states_.push_back(absl::StrCat(state.name, state.epoch));
      last_ = state;
    };
  }
  int Run() { return Supervisor(options_, &processes_, &console_).Run(); }
  bool Says(absl::string_view text) const { return absl::StrContains(console_.text(), text); }
  std::string Signals() const { return absl::StrJoin(processes_.signals, ", "); }

  const std::string directory_ = testing::TempDir() + "/supervisor";
  uint64_t epoch_ = 0;
  SupervisorOptions options_;
  FakeProcesses processes_;
  Recorder console_;
  std::vector<std::string> states_;
  LaunchState last_;
};

TEST_F(SupervisorTest, AllDone) {
  processes_.on_start = [&](const ProcessSpec& spec, int start) {
    processes_.ExitAt(spec.name, absl::Seconds(start + 1), {});
  };
  EXPECT_EQ(Run(), kExitDone);
  EXPECT_EQ(Signals(), "");
  EXPECT_EQ(console_.text(), "");
  EXPECT_EQ(states_, (std::vector<std::string>{"running1", "done1"}));
  EXPECT_EQ(last_.exit_code, kExitDone);
  EXPECT_EQ(last_.cause, "");
}

TEST_F(SupervisorTest, KilledWorkerIsTheRootCauseAndTheJobGoesOn) {
  processes_.on_start = [&](const ProcessSpec& spec, int start) {
    if (start >= 3) return processes_.ExitAt(spec.name, absl::Seconds(1), {});
    if (spec.name == "worker:1")
      return processes_.ExitAt(spec.name, absl::Seconds(5), {0, SIGKILL});
    FailureRecord record;
    record.task = spec.name;
    record.code = "UNAVAILABLE";
    record.message = "worker:1 is gone";
    record.blames = "worker:1";
    ASSERT_TRUE(WriteFailureRecord(directory_, 1, record).ok());
    processes_.ExitAt(spec.name, absl::Milliseconds(5300), {kExitRetryable, 0});
  };
  EXPECT_EQ(Run(), kExitDone);
  EXPECT_EQ(Signals(), "") << "survivors end by themselves";
  EXPECT_EQ(console_.text(),
            "stator launch: digits: epoch 1 failed: worker:1 was killed by signal 9 (SIGKILL)\n"
            "stator launch:   ended because of it: worker:0 (exit code 130), worker:2 (exit code "
            "130)\n"
            "stator launch:   last lines of worker:1 (logs/1-1):\n"
            "stator launch:     | last line of worker:1\n"
            "stator launch: digits: restarting in 2s, from the last checkpoint\n");
  EXPECT_EQ(states_, (std::vector<std::string>{"running1", "restarting1", "running2", "done2"}));
  EXPECT_EQ(processes_.Now(), absl::FromUnixSeconds(1000) + absl::Milliseconds(8300));
}

TEST_F(SupervisorTest, HangingSurvivorsAreStoppedThenKilled) {
  processes_.on_start = [&](const ProcessSpec& spec, int start) {
    if (spec.name == "worker:2") processes_.ExitAt(spec.name, absl::Seconds(1), {7, 0});
  };
  processes_.on_signal = [&](const std::string& name, int signal) {
    if (signal == SIGTERM && name == "worker:1") return;  // deaf
    processes_.ExitAt(name, absl::ZeroDuration(), {0, signal});
  };
  options_.restart.max_restarts = 0;
  EXPECT_EQ(Run(), kExitFailed);
  EXPECT_EQ(Signals(), "SIGTERM worker:0, SIGTERM worker:1, SIGKILL worker:1");
  EXPECT_TRUE(Says("worker:2 ended with exit code 7"));
  EXPECT_TRUE(Says("ended because of it: worker:0 (stopped), worker:1 (stopped)"));
  // For `stator status`.
  EXPECT_EQ(last_.name, "failed");
  EXPECT_EQ(last_.cause, "worker:2 ended with exit code 7");
  EXPECT_EQ(last_.exit_code, kExitFailed);
  const auto outcome = ReadTaskOutcome(directory_, 1, "worker:2");
  ASSERT_TRUE(outcome.ok()) << outcome.status();
  EXPECT_EQ(outcome->status.code, 7);
}

TEST_F(SupervisorTest, SilentTaskIsBlamedByItsWitness) {
  options_.restart.max_restarts = 0;
  processes_.on_start = [&](const ProcessSpec& spec, int) {
    if (spec.name == "worker:1") return;  // paused
    FailureRecord record;
    record.task = spec.name;
    record.step = 41;
    record.code = "UNAVAILABLE";
    record.message = "worker:1 was silent for 10 s";
    record.blames = "worker:1";
    ASSERT_TRUE(WriteFailureRecord(directory_, 1, record).ok());
    processes_.ExitAt(spec.name, absl::Seconds(12), {kExitRetryable, 0});
  };
  processes_.on_signal = [&](const std::string& name, int signal) {
    if (signal == SIGKILL) processes_.ExitAt(name, absl::ZeroDuration(), {0, signal});
  };
  EXPECT_EQ(Run(), kExitRetryable);
  EXPECT_TRUE(Says("worker:1 failed, says worker:0 in step 41: UNAVAILABLE: worker:1 was silent"))
      << console_.text();
}

TEST_F(SupervisorTest, BudgetEnds) {
  processes_.on_start = [&](const ProcessSpec& spec, int) {
    processes_.ExitAt(spec.name, absl::Seconds(1), {0, SIGKILL});
  };
  EXPECT_EQ(Run(), kExitRetryable);
  EXPECT_EQ(epoch_, 3);
  EXPECT_TRUE(Says("All 2 restarts are used up")) << console_.text();
}

TEST_F(SupervisorTest, FailingTwiceInTheSameWayStops) {
  options_.restart.max_restarts = 9;
  processes_.on_start = [&](const ProcessSpec& spec, int) {
    processes_.ExitAt(spec.name, absl::Seconds(1), {0, SIGSEGV});
  };
  EXPECT_EQ(Run(), kExitFailed);
  EXPECT_EQ(epoch_, 2);
  EXPECT_TRUE(Says("It failed in the same way before")) << console_.text();
}

TEST_F(SupervisorTest, DrainGoesToTheChief) {
  processes_.SignalAt(absl::Seconds(3), SIGTERM);
  processes_.on_signal = [&](const std::string&, int) {
    for (int i = 0; i < 3; ++i) {
      processes_.ExitAt(absl::StrCat("worker:", i), absl::Seconds(i + 1), {kExitDrained, 0});
    }
  };
  EXPECT_EQ(Run(), kExitDrained);
  EXPECT_EQ(Signals(), "SIGUSR1 worker:0");
  EXPECT_TRUE(Says("draining to a checkpoint: SIGTERM"));
}

TEST_F(SupervisorTest, WallTimeDrains) {
  options_.wall_time = absl::Seconds(30);
  processes_.on_signal = [&](const std::string&, int) {
    for (int i = 0; i < 3; ++i) {
      processes_.ExitAt(absl::StrCat("worker:", i), absl::Seconds(1), {kExitDrained, 0});
    }
  };
  EXPECT_EQ(Run(), kExitDrained);
  EXPECT_TRUE(Says("the wall time is over"));
  EXPECT_EQ(processes_.Now(), absl::FromUnixSeconds(1031));
}

TEST_F(SupervisorTest, TasksThatDoNotDrainAreStopped) {
  processes_.SignalAt(absl::Seconds(3), SIGUSR1);
  processes_.on_signal = [&](const std::string& name, int signal) {
    if (signal == SIGTERM) processes_.ExitAt(name, absl::ZeroDuration(), {0, signal});
  };
  EXPECT_EQ(Run(), kExitRetryable);
  EXPECT_TRUE(Says("tasks did not drain in time"));
  EXPECT_FALSE(Says("failed")) << console_.text();
  EXPECT_EQ(processes_.Now(), absl::FromUnixSeconds(1063));
}

TEST_F(SupervisorTest, SecondInterruptKills) {
  processes_.SignalAt(absl::Seconds(3), SIGINT);
  processes_.SignalAt(absl::Seconds(4), SIGINT);
  processes_.on_signal = [&](const std::string& name, int signal) {
    if (signal == SIGKILL) processes_.ExitAt(name, absl::ZeroDuration(), {0, signal});
  };
  EXPECT_EQ(Run(), kExitRetryable);
  EXPECT_EQ(Signals(), "SIGUSR1 worker:0, SIGKILL worker:0, SIGKILL worker:1, SIGKILL worker:2");
  EXPECT_EQ(processes_.Now(), absl::FromUnixSeconds(1004));
}

TEST_F(SupervisorTest, InterruptEndsTheBackOff) {
  options_.restart.backoff = absl::Hours(1);
  options_.restart.max_backoff = absl::Hours(1);
  processes_.on_start = [&](const ProcessSpec& spec, int) {
    processes_.ExitAt(spec.name, absl::Seconds(1), {0, SIGSEGV});
  };
  processes_.SignalAt(absl::Seconds(10), SIGINT);
  EXPECT_EQ(Run(), kExitRetryable);
  EXPECT_EQ(processes_.Now(), absl::FromUnixSeconds(1010));
}

TEST_F(SupervisorTest, ProgramThatCannotStartEndsTheJob) {
  processes_.start_error = absl::FailedPreconditionError("worker:0: cannot execute x");
  EXPECT_EQ(Run(), kExitUsage);
  EXPECT_TRUE(Says("worker:0: cannot execute x"));
  EXPECT_EQ(epoch_, 1);
}

TEST_F(SupervisorTest, TasksOfAnEngineTellTheirEndsThroughTheRunDirectory) {
  options_.plan = [](uint64_t) {
    GenerationPlan plan;
    plan.processes.emplace_back().name = "srun";
    plan.remote_tasks = {"worker:0", "worker:1"};
    plan.chief = "srun";
    return plan;
  };
  options_.restart.max_restarts = 0;
  processes_.on_start = [&](const ProcessSpec& spec, int) {
    TaskOutcome outcome;
    outcome.task = "worker:1";
    outcome.status.signal = SIGABRT;
    outcome.ended_at = absl::FromUnixSeconds(1001);
    ASSERT_TRUE(WriteTaskOutcome(directory_, 1, outcome).ok());
    outcome.task = "worker:0";
    outcome.status = {kExitRetryable, 0};
    ASSERT_TRUE(WriteTaskOutcome(directory_, 1, outcome).ok());
    processes_.ExitAt(spec.name, absl::Seconds(2), {134, 0});
  };
  EXPECT_EQ(Run(), kExitRetryable);
  EXPECT_TRUE(Says("worker:1 was killed by signal 6 (SIGABRT)")) << console_.text();
  EXPECT_TRUE(Says("ended because of it: worker:0 (exit code 130)"));
}

}  // namespace
}  // namespace stator::distribute
