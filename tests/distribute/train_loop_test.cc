// Whole trainings of several tasks in one process: control within the process, data over local
// sockets.
#include "distribute/worker/train_loop.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <cstdint>
#include <cstdio>
#include <filesystem>
#include <functional>
#include <memory>
#include <set>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "distribute/checkpoint/checkpoint_writer.h"
#include "distribute/control/coordinator_host.h"
#include "distribute/control/member.h"
#include "distribute/worker/best_metric.h"
#include "distribute/worker/data_plane.h"
#include "tests/distribute/classifier.h"

namespace stator::distribute {
namespace {

constexpr int kVirtualReplicas = 4;

class TrainLoopTest : public ::testing::Test {
 protected:
  void SetUp() override {
    folder_ = std::string(::testing::TempDir()) + "/" +
              ::testing::UnitTest::GetInstance()->current_test_info()->name();
    std::filesystem::remove_all(folder_);
    program_ = Classifier();
    auto sharded = Shard(program_, 512);
    ASSERT_TRUE(sharded.ok()) << sharded.status();
    sharded_ = *std::move(sharded);
    job_.set_name("test");
    job_.set_resume("auto");
    job_.mutable_strategy()->set_virtual_replicas(kVirtualReplicas);
    job_.mutable_training()->set_steps(7);
    job_.mutable_training()->set_verify_every_steps(3);
    job_.mutable_checkpoint()->set_directory(folder_);
    job_.mutable_checkpoint()->set_every_steps(2);
  }

  // One generation; by rank what each task's training gave.
  std::vector<absl::StatusOr<TrainResult>> Run(int tasks, uint64_t epoch) {
    CoordinatorOptions options;
    options.job = job_.name();
    options.epoch = epoch;
    options.key = DrawKey();
    for (int i = 0; i < tasks; ++i) options.tasks.push_back("worker:" + std::to_string(i));
    auto host = CoordinatorHost::Start(options, nullptr);
    std::vector<absl::StatusOr<TrainResult>> results(tasks, absl::UnknownError("did not run"));
    std::vector<std::thread> threads;
    for (int i = 0; i < tasks; ++i) {
      threads.emplace_back([&, i] { results[i] = RunTask(*host, options, i); });
    }
    for (std::thread& thread : threads) thread.join();
    return results;
  }

  // Of the checkpoints in the folder.
  std::set<int64_t> KeptSteps() const {
    std::set<int64_t> steps;
    for (const auto& entry : std::filesystem::directory_iterator(folder_)) {
      const std::string name = entry.path().filename().string();
      if (name.rfind("step-", 0) == 0) steps.insert(std::stoll(name.substr(5)));
    }
    return steps;
  }

  std::string folder_;
  TrainingProgram program_;
  ShardedStep sharded_;
  Job job_;
  std::function<void(int64_t step, Member& member)> on_step_;  // of rank 0
  std::vector<std::string> lines_;
  std::vector<std::vector<double>> metrics_;  // of each step of rank 0

 private:
  absl::StatusOr<TrainResult> RunTask(CoordinatorHost& host, const CoordinatorOptions& control,
                                      int rank) {
    auto listeners = DataListeners::Create("127.0.0.1", 1, /*local=*/rank % 2 == 0);
    if (!listeners.ok()) return listeners.status();
    MemberOptions options;
    options.job = control.job;
    options.task = control.tasks[rank];
    options.rank = rank;
    options.epoch = control.epoch;
    Roster roster;
    auto member = Member::Join(host.Connect(), options,
                               {"hash", sharded_.Sequence(), listeners->addresses()}, &roster);
    if (!member.ok()) return member.status();
    absl::StatusOr<TrainResult> result = Train(**member, *listeners, roster, rank);
    if (!result.ok()) {
      (*member)->Fail(result.status());
      return (*member)->failure();
    }
    const absl::Status left = (*member)->Leave();
    if (!left.ok()) return left;
    return result;
  }

  absl::StatusOr<TrainResult> Train(Member& member, DataListeners& listeners, const Roster& roster,
                                    int rank) {
    std::vector<std::string> addresses;
    for (const auto& of_task : roster.data_addresses) addresses.push_back(of_task[0]);
    runtime::RunControl control;
    control.token = &member.ended();
    auto group = listeners.Connect({"test", roster.epoch, roster.key}, 0, rank, roster.tasks,
                                   addresses, 0, control);
    if (!group.ok()) return group.status();
    auto replica = Replica::Create(&program_, &sharded_, Sessions(),
                                   {.virtual_replicas = kVirtualReplicas, .threads = 1},
                                   *std::move(group), &member.ended());
    if (!replica.ok()) return replica.status();
    std::unique_ptr<CheckpointWriter> writer;
    TrainLoopOptions loop;
    loop.job = &job_;
    loop.program = &program_;
    loop.member = &member;
    if (rank == 0) {
      CheckpointWriterOptions options;
      options.folder = folder_;
      options.epoch = roster.epoch;
      options.virtual_replicas = kVirtualReplicas;
      options.keep = job_.checkpoint().keep() > 0 ? job_.checkpoint().keep() : options.keep;
      const auto best = FindBestMetric(job_, program_);
      if (best.ok() && best->has_value()) {
        options.metric_name = (*best)->name;
        options.higher_is_better = (*best)->higher_is_better;
      }
      auto opened = CheckpointWriter::Open(options);
      if (!opened.ok()) return opened.status();
      writer = *std::move(opened);
      loop.checkpoints = writer.get();
      loop.say = [&](const std::string& line) { lines_.push_back(line); };
      loop.on_step = [&](int64_t step, const std::vector<double>& metrics) {
        metrics_.push_back(metrics);
        if (on_step_) on_step_(step, member);
      };
    }
    return distribute::Train(**replica, loop);
  }
};

TEST_F(TrainLoopTest, DrainedAndResumedOnOtherTasksIsTheUndisturbedTraining) {
  job_.set_resume("never");
  const auto whole = Run(1, 1);
  ASSERT_TRUE(whole[0].ok()) << whole[0].status();
  EXPECT_EQ(whole[0]->step, 7);
  EXPECT_EQ(whole[0]->weights.rfind("sha256:", 0), 0u);
  EXPECT_NE(lines_.back().find("test loss"), std::string::npos) << lines_.back();

  std::filesystem::remove_all(folder_);
  job_.set_resume("auto");
  on_step_ = [](int64_t step, Member& member) {
    if (step == 3) member.RequestDrain();
  };
  const auto first = Run(2, 1);
  for (const auto& result : first) {
    ASSERT_TRUE(result.ok()) << result.status();
    EXPECT_TRUE(result->drained);
    EXPECT_EQ(result->step, first[0]->step);
  }
  EXPECT_GE(first[0]->step, 3);
  EXPECT_LT(first[0]->step, 7);
  on_step_ = nullptr;
  const auto second = Run(4, 2);
  for (const auto& result : second) ASSERT_TRUE(result.ok()) << result.status();
  EXPECT_EQ(second[0]->step, 7);
  EXPECT_EQ(second[0]->weights, whole[0]->weights);
}

TEST_F(TrainLoopTest, TheBestCheckpointStays) {
  job_.mutable_checkpoint()->set_every_steps(1);
  job_.mutable_checkpoint()->set_keep(1);
  job_.set_resume("never");
  uint64_t epoch = 0;
  // Of the sum of right answers, as of accuracy, the largest is the best.
  for (const std::string best : {"loss", "max:loss", "max:correct"}) {
    SCOPED_TRACE(best);
    std::filesystem::remove_all(folder_);
    metrics_.clear();
    job_.mutable_checkpoint()->set_best(best);
    const auto results = Run(1, ++epoch);
    ASSERT_TRUE(results[0].ok()) << results[0].status();
    ASSERT_EQ(metrics_.size(), 7u);
    const bool highest = best.rfind("max:", 0) == 0;
    const size_t metric = best == "max:correct" ? 1 : 0;
    const auto less = [&](const std::vector<double>& a, const std::vector<double>& b) {
      return highest ? b[metric] < a[metric] : a[metric] < b[metric];
    };
    const int64_t step =
        std::min_element(metrics_.begin(), metrics_.end(), less) - metrics_.begin() + 1;
    EXPECT_EQ(KeptSteps(), (std::set<int64_t>{step, 7}));
  }
}

TEST_F(TrainLoopTest, TheEvaluationsBestCheckpointStays) {
  job_.mutable_checkpoint()->set_keep(1);
  job_.mutable_training()->set_evaluate_every_steps(2);
  job_.set_resume("never");
  uint64_t epoch = 0;
  for (const std::string best : {"min:test loss", "max:test loss"}) {
    SCOPED_TRACE(best);
    std::filesystem::remove_all(folder_);
    lines_.clear();
    job_.mutable_checkpoint()->set_best(best);
    const auto results = Run(1, ++epoch);
    ASSERT_TRUE(results[0].ok()) << results[0].status();
    std::vector<std::pair<double, int64_t>> losses;  // and their steps
    for (const std::string& line : lines_) {
      int step = 0;
      double loss = 0;
      if (std::sscanf(line.c_str(), "step %d  test loss %lf", &step, &loss) == 2) {
        losses.emplace_back(loss, step);
      }
    }
    ASSERT_EQ(losses.size(), 4u);  // of steps 2, 4, 6 and 7
    std::sort(losses.begin(), losses.end());
    ASSERT_NE(losses.front().first, losses.back().first);
    const int64_t step = (best == "max:test loss" ? losses.back() : losses.front()).second;
    EXPECT_EQ(KeptSteps(), (std::set<int64_t>{step, 7}));
  }
}

TEST_F(TrainLoopTest, AMetricThatIsNotThereIsRefusedAtTheStart) {
  const std::string last = ", or max: before it where the largest value is best, found ";
  for (const std::string best : {"accuracy", "max:test accuracy", "largest:loss", "max:", "Loss"}) {
    job_.mutable_checkpoint()->set_best(best);
    const auto results = Run(1, 1);
    EXPECT_EQ(results[0].status().code(), absl::StatusCode::kInvalidArgument);
    EXPECT_NE(std::string(results[0].status().message())
                  .find("checkpoint.best: expected one of loss, correct, test loss, test correct" +
                        last + "\"" + best + "\""),
              std::string::npos)
        << results[0].status();
    EXPECT_TRUE(metrics_.empty());
  }
  // Nor is one of an evaluation that does not take place.
  program_.evaluation_batches = 0;
  job_.mutable_checkpoint()->set_best("test loss");
  EXPECT_EQ(FindBestMetric(job_, program_).status(),
            absl::InvalidArgumentError("checkpoint.best: expected one of loss, correct" + last +
                                       "\"test loss\""));
}

TEST_F(TrainLoopTest, ResumesFromTheCheckpointThatTheJobNames) {
  const auto whole = Run(1, 1);
  ASSERT_TRUE(whole[0].ok()) << whole[0].status();
  ASSERT_TRUE(std::filesystem::exists(folder_ + "/step-6.epoch-1"));  // not what is asked for

  job_.set_resume(folder_ + "/step-4.epoch-1");
  lines_.clear();
  std::vector<int64_t> steps;
  on_step_ = [&](int64_t step, Member&) { steps.push_back(step); };
  const auto second = Run(2, 2);
  for (const auto& result : second) ASSERT_TRUE(result.ok()) << result.status();
  EXPECT_EQ(steps, (std::vector<int64_t>{5, 6, 7}));
  EXPECT_EQ(second[0]->weights, whole[0]->weights);
}

TEST_F(TrainLoopTest, CheckpointThatTheJobNamesMustExist) {
  job_.set_resume(folder_ + "/step-4.epoch-1");
  const auto results = Run(1, 1);
  ASSERT_FALSE(results[0].ok());
  EXPECT_NE(std::string(results[0].status().message()).find("step-4.epoch-1"), std::string::npos)
      << results[0].status();
}

TEST_F(TrainLoopTest, FailureOfOneTaskEndsAllAndNamesIt) {
  program_.batch = [batch = program_.batch](
                       int64_t step, int shard,
                       int shards) -> absl::StatusOr<std::vector<runtime::Tensor>> {
    if (step == 4 && shard == 3) return absl::DataLossError("record 17 is damaged");
    return batch(step, shard, shards);
  };
  const auto results = Run(2, 1);
  for (const auto& result : results) {
    ASSERT_FALSE(result.ok());
    EXPECT_NE(std::string(result.status().message()).find("record 17"), std::string::npos)
        << result.status();
  }
  EXPECT_NE(std::string(results[0].status().message()).find("worker:1"), std::string::npos)
      << results[0].status();
}

TEST_F(TrainLoopTest, DamagedCheckpointIsPassedOver) {
  job_.mutable_training()->set_steps(4);
  const auto first = Run(1, 1);
  ASSERT_TRUE(first[0].ok()) << first[0].status();
  for (const auto& entry : std::filesystem::recursive_directory_iterator(folder_)) {
    const std::string path = entry.path().string();
    if (path.find("step-4") == std::string::npos || path.find(".data-") == std::string::npos) {
      continue;
    }
    std::filesystem::resize_file(path, std::filesystem::file_size(path) - 1);
  }
  lines_.clear();
  job_.mutable_training()->set_steps(5);
  const auto second = Run(1, 2);
  ASSERT_TRUE(second[0].ok()) << second[0].status();
  ASSERT_FALSE(lines_.empty());
  EXPECT_NE(lines_[0].find("step-4"), std::string::npos) << lines_[0];
  EXPECT_NE(lines_[1].find("resuming after step 2"), std::string::npos) << lines_[1];
}

}  // namespace
}  // namespace stator::distribute
