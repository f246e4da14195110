#include "distribute/launch/status_report.h"

#include <gtest/gtest.h>

#include <filesystem>
#include <string>
#include <vector>

#include "absl/strings/match.h"
#include "absl/time/clock.h"
#include "distribute/control/restart_policy.h"
#include "distribute/launch/failure_record.h"
#include "distribute/launch/failure_report.h"
#include "distribute/launch/launch_record.h"
#include "distribute/launch/run_directory.h"

namespace stator::distribute {
namespace {

class StatusReportTest : public testing::Test {
 protected:
  void SetUp() override {
    std::filesystem::remove_all(directory_.path());
    ASSERT_TRUE(directory_.Create().ok());
    query_.run_directory = directory_.path();
    query_.tasks = 2;
    query_.ask = [this](const std::string& address) -> absl::StatusOr<control::JobStatus> {
      asked_.push_back(address);
      if (answer_.epoch() == 0) return absl::UnavailableError("connection refused");
      return answer_;
    };
  }

  void Launched(const std::string& state, const std::string& cause = "", int exit_code = -1) {
    LaunchRecord record;
    record.job = "digits";
    record.state = state;
    record.epoch = 1;
    record.cause = cause;
    record.exit_code = exit_code;
    record.pid = 17;
    record.host = "here";
    ASSERT_TRUE(WriteLaunchRecord(directory_.path(), record).ok());
  }
  void Listens() {
    ASSERT_TRUE(WriteCoordinatorRecord(directory_.path(), {"127.0.0.1:20000", 1}).ok());
  }
  void Progressed(int64_t step, const std::string& phase, int64_t checkpoint = -1) {
    JobStatus status;
    status.job = "digits";
    status.epoch = 1;
    status.step = step;
    status.total_steps = 100;
    status.checkpoint_step = checkpoint;
    status.tasks = {{"worker:0", phase, step, 10, 0.1}, {"worker:1", phase, step, 10, 0.1}};
    ASSERT_TRUE(WriteJobStatus(directory_.path(), status).ok());
  }
  void Answers(int64_t step) {
    answer_.set_job("digits");
    answer_.set_epoch(1);
    answer_.set_state("running");
    for (const char* name : {"worker:0", "worker:1"}) {
      control::TaskStatus& task = *answer_.add_tasks();
      task.set_task(name);
      task.set_state("running");
      task.mutable_progress()->set_phase("train");
      task.mutable_progress()->set_step(step);
    }
  }
  void Ended(const std::string& task, ExitStatus status, bool stopped = false) {
    TaskOutcome outcome;
    outcome.task = task;
    outcome.status = status;
    outcome.stopped = stopped;
    outcome.ended_at = absl::Now();
    ASSERT_TRUE(WriteTaskOutcome(directory_.path(), 1, outcome).ok());
  }
  std::string Shown() {
    const auto report = ExamineStatus(query_);
    return report.ok() ? DescribeStatus(*report, false) : report.status().ToString();
  }
  bool Shows(const std::string& text) { return absl::StrContains(Shown(), text); }

  const RunDirectory directory_{testing::TempDir() + "/status"};
  StatusQuery query_;
  control::JobStatus answer_;
  std::vector<std::string> asked_;
};

TEST_F(StatusReportTest, NothingWasLaunched) {
  EXPECT_TRUE(absl::IsNotFound(ExamineStatus(query_).status()));
  EXPECT_TRUE(asked_.empty());
}

TEST_F(StatusReportTest, AsksTheCoordinatorWhileItRuns) {
  const auto lock = directory_.Lock();
  Launched("running");
  Listens();
  Progressed(40, "train");
  Answers(42);
  EXPECT_TRUE(Shows("running, epoch 1, launched by pid 17 on host here\nstep 42/100")) << Shown();
  EXPECT_TRUE(Shows("(asked the coordinator at 127.0.0.1:20000)")) << Shown();
  EXPECT_TRUE(Shows("worker:1  train              42")) << Shown();
  EXPECT_EQ(asked_[0], "127.0.0.1:20000");
  const std::string json = DescribeStatus(*ExamineStatus(query_), true);
  EXPECT_TRUE(absl::StrContains(json, "\"source\": \"coordinator\"")) << json;
}

TEST_F(StatusReportTest, NamesWhoIsMissing) {
  const auto lock = directory_.Lock();
  Launched("running");
  Listens();
  Answers(0);
  answer_.set_state("starting");
  answer_.mutable_tasks(0)->set_state("joined");
  answer_.mutable_tasks(1)->set_state("missing");
  EXPECT_TRUE(Shows("starting, epoch 1")) << Shown();
  EXPECT_TRUE(Shows("worker:1  missing             0          0  none yet")) << Shown();
}

TEST_F(StatusReportTest, FallsBackToTheFileAndSaysWhy) {
  const auto lock = directory_.Lock();
  Launched("running");
  Listens();
  Progressed(40, "train");
  EXPECT_TRUE(Shows("running, epoch 1")) << Shown();
  EXPECT_TRUE(Shows("step 40/100")) << Shown();
  EXPECT_TRUE(
      Shows("(status.json, 0.0 s old; the coordinator at 127.0.0.1:20000 did not answer: "
            "UNAVAILABLE: connection refused)"))
      << Shown();
}

TEST_F(StatusReportTest, AnOlderGenerationIsNoAnswer) {
  const auto lock = directory_.Lock();
  Launched("running");
  ASSERT_TRUE(WriteCoordinatorRecord(directory_.path(), {"127.0.0.1:20000", 1}).ok());
  LaunchRecord record = *ReadLaunchRecord(directory_.path());
  record.epoch = 2;
  ASSERT_TRUE(WriteLaunchRecord(directory_.path(), record).ok());
  Answers(42);
  EXPECT_TRUE(Shows("running, epoch 2")) << Shown();
  EXPECT_TRUE(Shows("no progress yet  (epoch 1 still answers there)")) << Shown();
}

TEST_F(StatusReportTest, LostWithItsLauncherUnlessTheTasksAnswer) {
  Launched("running");
  Listens();
  EXPECT_TRUE(Shows("lost, epoch 1")) << Shown();
  Answers(42);
  EXPECT_TRUE(Shows("running, epoch 1")) << Shown();
}

TEST_F(StatusReportTest, DoneIsDoneWhateverTheLastHeartbeatSaid) {
  Launched("done", "", 0);
  Listens();
  Progressed(97, "evaluate");
  Ended("worker:0", {});
  Ended("worker:1", {});
  EXPECT_TRUE(Shows("done, epoch 1, launched by pid 17 on host here, exit code 0\nstep 100/100"))
      << Shown();
  EXPECT_TRUE(Shows("worker:0  done\nworker:1  done\n")) << Shown();
  EXPECT_FALSE(Shows("evaluate"));
  EXPECT_TRUE(asked_.empty()) << "nobody is there any more";
}

TEST_F(StatusReportTest, FailedWithItsCause) {
  Launched("failed", "worker:1 ended with exit code 1 in step 7: INTERNAL: no column", 1);
  Progressed(7, "train");
  Ended("worker:0", {0, 15}, /*stopped=*/true);
  Ended("worker:1", {1, 0});
  EXPECT_TRUE(Shows("failed, epoch 1")) << Shown();
  EXPECT_TRUE(
      Shows("exit code 1\nfailure: worker:1 ended with exit code 1 in step 7: INTERNAL: no "
            "column\nstep 7/100"))
      << Shown();
  EXPECT_TRUE(Shows("worker:0  stopped\nworker:1  exit code 1\n")) << Shown();
}

TEST_F(StatusReportTest, DrainedAtItsCheckpoint) {
  Launched("drained", "", kExitDrained);
  Progressed(39, "train", 41);
  Ended("worker:0", {kExitDrained, 0});
  EXPECT_TRUE(Shows("drained, epoch 1")) << Shown();
  EXPECT_TRUE(Shows("step 41/100")) << Shown();
  EXPECT_TRUE(Shows("worker:0  drained\n")) << Shown();
}

// Tasks that a platform starts have no launcher that drives them.
TEST_F(StatusReportTest, WithoutALauncherTheTasksEndsTell) {
  Listens();
  EXPECT_TRUE(Shows("lost, epoch 1\nno progress yet  (UNAVAILABLE")) << Shown();
  Progressed(41, "train");
  EXPECT_TRUE(Shows("running, epoch 1\n")) << Shown();
  Ended("worker:0", {kExitDrained, 0});
  EXPECT_TRUE(Shows("running, epoch 1\n")) << Shown();
  Ended("worker:1", {kExitDrained, 0});
  EXPECT_TRUE(Shows("drained, epoch 1\n")) << Shown();
  FailureRecord record;
  record.task = "worker:1";
  record.step = 41;
  record.code = "INTERNAL";
  record.message = "no column";
  ASSERT_TRUE(WriteFailureRecord(directory_.path(), 1, record).ok());
  Ended("worker:0", {kExitRetryable, 0});
  Ended("worker:1", {1, 0});
  EXPECT_TRUE(
      Shows("failed, epoch 1\nfailure: worker:1 ended with exit code 1 in step 41: "
            "INTERNAL: no column\n"))
      << Shown();
  EXPECT_TRUE(Shows("worker:0  ended by another's failure\n")) << Shown();
  Ended("worker:0", {});
  Ended("worker:1", {});
  EXPECT_TRUE(Shows("done, epoch 1\n")) << Shown();
}

}  // namespace
}  // namespace stator::distribute
