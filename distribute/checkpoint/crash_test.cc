// What a crash at any moment of saving leaves behind.

#include <gtest/gtest.h>

#include <filesystem>

#include "absl/strings/str_cat.h"
#include "distribute/checkpoint/checkpoint_reader.h"
#include "distribute/checkpoint/checkpoint_writer.h"
#include "distribute/checkpoint/recording_disk.h"
#include "graph/status_macros.h"

namespace stator::distribute {
namespace {

using runtime::Tensor;
using runtime::VariableStore;

constexpr int kSaves = 4;

std::string EmptyFolder(const std::string& name) {
  const std::string folder = testing::TempDir() + "/crash-" + name;
  std::filesystem::remove_all(folder);
  return folder;
}

// The weights after `step` steps.
void SetWeights(int64_t step, VariableStore* store) {
  ASSERT_TRUE(store
                  ->WriteAll({{"a", Tensor::Of<float>({3}, {1.0f * step, 2, 3})},
                              {"b/c", Tensor::Scalar<int64_t>(step)}})
                  .ok());
}

absl::Status SaveStep(int64_t step, CheckpointWriter* writer) {
  VariableStore store;
  SetWeights(step, &store);
  SaveRequest request;
  request.step = step;
  request.snapshot = Snapshot::Take(&store).value();
  request.metric = step == 10 ? 0.0 : 1.0;  // the first is the best
  request.data_position = absl::StrCat("position ", step);
  STATOR_RETURN_IF_ERROR(writer->Save(std::move(request)));
  return writer->Wait();
}

CheckpointWriterOptions Options(const std::string& folder, uint64_t epoch, Disk* disk) {
  CheckpointWriterOptions options;
  options.folder = folder;
  options.epoch = epoch;
  options.keep = 2;
  options.metric_name = "loss";
  options.disk = disk;
  return options;
}

// Opens the folder and checks that what it finds is wholly of one step. -1: it finds none.
int64_t NewestStep(const std::string& folder, const std::string& where) {
  std::vector<std::string> warnings;
  const auto reader = CheckpointReader::Open(folder, &warnings);
  if (!reader.ok()) {
    EXPECT_TRUE(absl::IsNotFound(reader.status())) << where << reader.status();
    return -1;
  }
  EXPECT_TRUE(warnings.empty()) << where << warnings[0];
  const int64_t step = reader->manifest().step();
  VariableStore store, expected;
  SetWeights(step, &expected);
  EXPECT_TRUE(reader->Restore(&store).ok()) << where;
  EXPECT_EQ(WeightsHash(Snapshot::Take(&store).value()),
            WeightsHash(Snapshot::Take(&expected).value()))
      << where;
  EXPECT_EQ(reader->manifest().data_position(), absl::StrCat("position ", step)) << where;
  return step;
}

struct Recording {
  std::unique_ptr<RecordingDisk> disk;
  std::vector<std::pair<size_t, int64_t>> committed;  // operations, step: from then on
};

Recording RecordSaves(const std::string& folder, bool forget_flushes) {
  Recording recording;
  recording.disk = std::make_unique<RecordingDisk>(folder);
  if (forget_flushes) recording.disk->ForgetFlushes();
  auto writer = CheckpointWriter::Open(Options(folder, 1, recording.disk.get()));
  EXPECT_TRUE(writer.ok()) << writer.status();
  recording.committed.emplace_back(0, -1);
  for (int64_t step = 10; step <= 10 * kSaves; step += 10) {
    EXPECT_TRUE(SaveStep(step, writer->get()).ok());
    recording.committed.emplace_back(recording.disk->operations(), step);
  }
  return recording;
}

struct Crash {
  CrashKind kind;
  uint64_t seed;
};

std::vector<Crash> Crashes() {
  std::vector<Crash> crashes = {{CrashKind::kEverything, 0},
                                {CrashKind::kFlushed, 0},
                                {CrashKind::kNamesFirst, 0},
                                {CrashKind::kBytesFirst, 0}};
  for (uint64_t seed = 0; seed < 6; ++seed) crashes.push_back({CrashKind::kSomeOfBoth, seed});
  return crashes;
}

TEST(Crash, TheNewestCommittedCheckpointIsFoundAfterEveryOperation) {
  const Recording recording = RecordSaves(EmptyFolder("recorded"), /*forget_flushes=*/false);
  const size_t operations = recording.disk->operations();
  EXPECT_GT(operations, 60u);
  const std::string left = EmptyFolder("left");
  for (size_t n = 0; n <= operations; ++n) {
    int64_t committed = -1;
    for (const auto& [from, step] : recording.committed) committed = n >= from ? step : committed;
    for (const Crash& crash : Crashes()) {
      const std::string where = absl::StrCat("after operation ", n, ", kind ",
                                             static_cast<int>(crash.kind), "/", crash.seed, ": ");
      recording.disk->BuildCrashState(n, crash.kind, crash.seed, left);
      EXPECT_GE(NewestStep(left, where), committed) << where;
      if (HasFailure()) return;
    }
    // The next generation goes on from there, whatever lies about.
    auto writer = CheckpointWriter::Open(Options(left, 2, nullptr));
    ASSERT_TRUE(writer.ok()) << writer.status();
    ASSERT_TRUE(SaveStep(50, writer->get()).ok());
    EXPECT_EQ(NewestStep(left, "after it goes on: "), 50);
    const auto names = RealDisk()->List(left);
    ASSERT_TRUE(names.ok());
    for (const std::string& name : *names) {
      EXPECT_TRUE(name.find(".saving") != 0 && name.find(".old") != 0) << name;
    }
  }
}

TEST(Crash, WithoutFlushesItWouldBeLost) {
  const Recording recording = RecordSaves(EmptyFolder("careless"), /*forget_flushes=*/true);
  const std::string left = EmptyFolder("lost");
  recording.disk->BuildCrashState(recording.disk->operations(), CrashKind::kNamesFirst, 0, left);
  std::vector<std::string> warnings;
  EXPECT_FALSE(CheckpointReader::Open(left, &warnings).ok());
}

TEST(Crash, AFullDiskIsAnErrorAndHarmsNothing) {
  for (size_t n = 0;; ++n) {
    const std::string folder = EmptyFolder("full");
    RecordingDisk disk(folder);
    const auto writer = CheckpointWriter::Open(Options(folder, 1, &disk));
    ASSERT_TRUE(writer.ok()) << writer.status();
    ASSERT_TRUE(SaveStep(10, writer->get()).ok());
    ASSERT_TRUE(SaveStep(20, writer->get()).ok());
    const size_t before = disk.operations();
    disk.FailAt(before + n);
    const absl::Status status = SaveStep(30, writer->get());
    const int64_t newest = NewestStep(folder, absl::StrCat("failed at ", n, ": "));
    if (status.ok()) {
      EXPECT_EQ(newest, 30);
    } else {
      EXPECT_TRUE(absl::IsResourceExhausted(status)) << status;
      EXPECT_GE(newest, 20);
    }
    disk.FailAt(SIZE_MAX);
    ASSERT_TRUE(SaveStep(40, writer->get()).ok());
    EXPECT_EQ(NewestStep(folder, "after it: "), 40);
    if (HasFailure()) return;
    if (before + n > disk.operations()) {
      EXPECT_GT(n, 15u);
      return;  // beyond the last one
    }
  }
}

}  // namespace
}  // namespace stator::distribute
