#include "distribute/launch/run_directory.h"

#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmath>
#include <filesystem>
#include <string>

#include "absl/strings/match.h"
#include "distribute/launch/failure_record.h"
#include "distribute/launch/job_status.h"
#include "distribute/launch/launch_record.h"
#include "formats/file.h"

namespace stator::distribute {
namespace {

class RunDirectoryTest : public testing::Test {
 protected:
  void SetUp() override {
    std::filesystem::remove_all(directory_.path());
    ASSERT_TRUE(directory_.Create().ok());
  }
  const RunDirectory directory_{testing::TempDir() + "/run/deep"};
};

TEST_F(RunDirectoryTest, IsLockedOnceAndSaysByWhom) {
  auto first = directory_.Lock();
  ASSERT_TRUE(first.ok()) << first.status();
  const auto second = directory_.Lock();
  EXPECT_TRUE(absl::IsUnavailable(second.status()));
  EXPECT_TRUE(absl::StrContains(second.status().message(),
                                "is in use by pid " + std::to_string(getpid()) + " on host "))
      << second.status();
  first = FileDescriptor();
  EXPECT_TRUE(directory_.Lock().ok());
}

TEST_F(RunDirectoryTest, EpochsNeverRepeat) {
  EXPECT_EQ(*directory_.LastEpoch(), 0);
  EXPECT_EQ(*directory_.NextEpoch(), 1);
  EXPECT_EQ(*RunDirectory(directory_.path()).NextEpoch(), 2);
  EXPECT_EQ(*directory_.LastEpoch(), 2);
  ASSERT_TRUE(formats::WriteFileAtomically(directory_.path() + "/epoch", "x").ok());
  EXPECT_TRUE(absl::IsDataLoss(directory_.NextEpoch().status()));
}

TEST_F(RunDirectoryTest, SecretIsPrivateAndStays) {
  ASSERT_TRUE(directory_.EnsureSecret().ok());
  const std::string secret = *formats::ReadFile(directory_.secret_file(), 1000);
  EXPECT_EQ(secret.size(), 64);
  struct stat info;
  ASSERT_EQ(stat(directory_.secret_file().c_str(), &info), 0);
  EXPECT_EQ(info.st_mode & 0777, 0600);
  ASSERT_TRUE(directory_.EnsureSecret().ok());
  EXPECT_EQ(*formats::ReadFile(directory_.secret_file(), 1000), secret);
}

TEST_F(RunDirectoryTest, FailureRecordsComeBack) {
  EXPECT_TRUE(absl::IsNotFound(ReadFailureRecord(directory_.path(), 3, "worker:1").status()));
  FailureRecord record;
  record.task = "worker:1";
  record.step = 12;
  record.code = "INTERNAL";
  record.message = "a \"quoted\"\nsecond line\x01";
  record.blames = "worker:0";
  ASSERT_TRUE(WriteFailureRecord(directory_.path(), 3, record).ok());
  const auto read = ReadFailureRecord(directory_.path(), 3, "worker:1");
  ASSERT_TRUE(read.ok()) << read.status();
  EXPECT_EQ(read->step, 12);
  EXPECT_EQ(read->code, record.code);
  EXPECT_EQ(read->message, record.message);
  EXPECT_EQ(read->blames, "worker:0");
  EXPECT_GT(read->unix_seconds, 1e9);
}

TEST_F(RunDirectoryTest, StatusComesBack) {
  EXPECT_TRUE(absl::IsNotFound(ReadJobStatus(directory_.path()).status()));
  JobStatus status;
  status.job = "digits";
  status.epoch = 2;
  status.step = 120;
  status.total_steps = 469;
  status.steps_per_second = 35.25;
  status.tasks = {{"worker:0", "training", 120, 35.25, 0.125}};
  ASSERT_TRUE(WriteJobStatus(directory_.path(), status).ok());
  auto read = ReadJobStatus(directory_.path());
  ASSERT_TRUE(read.ok()) << read.status();
  EXPECT_TRUE(std::isnan(read->loss));
  EXPECT_EQ(read->checkpoint_step, -1);
  ASSERT_EQ(read->tasks.size(), 1);
  EXPECT_EQ(read->tasks[0].phase, "training");
  EXPECT_EQ(ProgressLine(*read), "step 120/469  35.2 steps/s");
  read->loss = 0.5;
  read->checkpoint_step = 100;
  EXPECT_EQ(ProgressLine(*read), "step 120/469  35.2 steps/s  loss 0.5  checkpoint 100");
}

TEST_F(RunDirectoryTest, AnOldEpochDoesNotReplaceTheStatus) {
  JobStatus status;
  status.job = "digits";
  status.epoch = 2;
  status.step = 120;
  ASSERT_TRUE(WriteJobStatus(directory_.path(), status).ok());
  status.epoch = 1;
  status.step = 100;
  const absl::Status refused = WriteJobStatus(directory_.path(), status);
  EXPECT_TRUE(absl::IsAborted(refused)) << refused;
  EXPECT_EQ(ReadJobStatus(directory_.path())->step, 120);
  status.epoch = 3;
  EXPECT_TRUE(WriteJobStatus(directory_.path(), status).ok());
}

TEST_F(RunDirectoryTest, DamagedFilesAreRefused) {
  ASSERT_TRUE(formats::WriteFileAtomically(directory_.status_file(), "[1, 2]").ok());
  EXPECT_TRUE(absl::IsInvalidArgument(ReadJobStatus(directory_.path()).status()));
  ASSERT_TRUE(formats::WriteFileAtomically(directory_.status_file(), "{\"step\": \"x\"}").ok());
  EXPECT_EQ(ReadJobStatus(directory_.path())->step, 0);
}

TEST_F(RunDirectoryTest, IsInUseWhileItIsLocked) {
  EXPECT_FALSE(directory_.InUse());
  {
    const auto lock = directory_.Lock();
    ASSERT_TRUE(lock.ok()) << lock.status();
    const std::string holder = *formats::ReadFile(directory_.path() + "/lock", 1000);
    EXPECT_TRUE(directory_.InUse());
    EXPECT_EQ(*formats::ReadFile(directory_.path() + "/lock", 1000), holder) << "was written to";
  }
  EXPECT_FALSE(directory_.InUse());
  EXPECT_FALSE(RunDirectory(testing::TempDir() + "/run/nowhere").InUse());
}

TEST_F(RunDirectoryTest, KeepsHowALaunchStands) {
  EXPECT_TRUE(absl::IsNotFound(ReadLaunchRecord(directory_.path()).status()));
  LaunchRecord record;
  record.job = "digits";
  record.state = "failed";
  record.epoch = 3;
  record.cause = "worker:1 was killed";
  record.exit_code = 130;
  record.pid = 17;
  record.host = "here";
  record.engine = "local";
  ASSERT_TRUE(WriteLaunchRecord(directory_.path(), record).ok());
  const auto read = ReadLaunchRecord(directory_.path());
  ASSERT_TRUE(read.ok()) << read.status();
  EXPECT_EQ(read->state, "failed");
  EXPECT_EQ(read->epoch, 3);
  EXPECT_EQ(read->cause, record.cause);
  EXPECT_EQ(read->exit_code, 130);
  EXPECT_EQ(read->pid, 17);
}

TEST_F(RunDirectoryTest, NewestCoordinatorStays) {
  ASSERT_TRUE(WriteCoordinatorRecord(directory_.path(), {"a:1", 2}).ok());
  ASSERT_TRUE(WriteCoordinatorRecord(directory_.path(), {"b:1", 1}).ok());
  EXPECT_EQ(ReadCoordinatorRecord(directory_.path())->address, "a:1");
  ASSERT_TRUE(WriteCoordinatorRecord(directory_.path(), {"c:1", 3}).ok());
  EXPECT_EQ(ReadCoordinatorRecord(directory_.path())->address, "c:1");
}

}  // namespace
}  // namespace stator::distribute
