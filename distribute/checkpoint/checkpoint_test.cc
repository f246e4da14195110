#include <gtest/gtest.h>

#include <atomic>
#include <chrono>
#include <cmath>
#include <filesystem>
#include <fstream>
#include <thread>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/synchronization/mutex.h"
#include "distribute/checkpoint/checkpoint_reader.h"
#include "distribute/checkpoint/checkpoint_writer.h"
#include "formats/tensor_bundle.h"
#include "runtime/core/variable_store.h"

namespace stator::distribute {
namespace {

using runtime::Tensor;
using runtime::VariableStore;

CheckpointWriterOptions Options(const std::string& name, uint64_t epoch = 1) {
  CheckpointWriterOptions options;
  options.folder = testing::TempDir() + "/checkpoint-" + name;
  options.epoch = epoch;
  if (epoch == 1) std::filesystem::remove_all(options.folder);
  return options;
}

std::unique_ptr<CheckpointWriter> Open(const CheckpointWriterOptions& options) {
  auto writer = CheckpointWriter::Open(options);
  EXPECT_TRUE(writer.ok()) << writer.status();
  return std::move(writer).value();
}

SaveRequest Request(int64_t step, absl::optional<double> metric = absl::nullopt) {
  VariableStore store;
  EXPECT_TRUE(store.Write("w", Tensor::Of<float>({2}, {1.0f * step, 1})).ok());
  SaveRequest request;
  request.step = step;
  request.snapshot = Snapshot::Take(&store).value();
  request.metric = metric;
  return request;
}

std::vector<int64_t> StepsIn(const std::string& folder) {
  std::vector<int64_t> steps;
  const auto places = ListCheckpoints(RealDisk(), folder);
  EXPECT_TRUE(places.ok());
  for (const CheckpointPlace& place : *places) steps.push_back(place.step);
  return steps;
}

int64_t NewestStep(const std::string& folder) {
  std::vector<std::string> warnings;
  const auto reader = CheckpointReader::Open(folder, &warnings);
  return reader.ok() ? reader->manifest().step() : -1;
}

void FlipLastByte(const std::string& path) {
  std::fstream file(path, std::ios::in | std::ios::out | std::ios::binary);
  file.seekg(-1, std::ios::end);
  const char byte = static_cast<char>(file.get() ^ 1);
  file.seekp(-1, std::ios::end);
  file.put(byte);
}

TEST(Checkpoint, KeepsTheNewestAndTheBest) {
  CheckpointWriterOptions options = Options("keep");
  options.keep = 2;
  options.metric_name = "loss";
  auto writer = Open(options);
  const std::vector<double> losses = {5, NAN, 2, 4, 3, 6};
  for (int i = 0; i < 6; ++i) {
    ASSERT_TRUE(writer->Save(Request(i + 1, losses[i])).ok());
    ASSERT_TRUE(writer->Wait().ok());
    EXPECT_EQ(writer->last_saved_step(), i + 1);
  }
  EXPECT_EQ(StepsIn(options.folder), (std::vector<int64_t>{6, 5, 3}));
  // Another process remembers.
  options.epoch = 2;
  writer = Open(options);
  ASSERT_TRUE(writer->Save(Request(7, 2.5)).ok());
  ASSERT_TRUE(writer->Wait().ok());
  EXPECT_EQ(StepsIn(options.folder), (std::vector<int64_t>{7, 6, 3}));
}

TEST(Checkpoint, TensorFlowsPointerNamesTheNewest) {
  const CheckpointWriterOptions options = Options("pointer");
  auto writer = Open(options);
  ASSERT_TRUE(writer->Save(Request(10)).ok());
  ASSERT_TRUE(writer->Save(Request(20)).ok());
  ASSERT_TRUE(writer->Wait().ok());
  const std::string text = ReadSmallFile(RealDisk(), options.folder + "/" + kPointerFile).value();
  EXPECT_NE(text.find("model_checkpoint_path: \"step-20.epoch-1/weights\""), std::string::npos);
  EXPECT_NE(text.find("all_model_checkpoint_paths: \"step-10.epoch-1/weights\""),
            std::string::npos);
  const auto bundle = formats::BundleReader::Open(options.folder + "/step-20.epoch-1/weights");
  ASSERT_TRUE(bundle.ok());
  EXPECT_TRUE(bundle->VerifyAll().ok());
}

TEST(Checkpoint, DamageIsNoticedAndPassedOver) {
  const CheckpointWriterOptions options = Options("damage");
  auto writer = Open(options);
  for (const int64_t step : {10, 20, 30}) ASSERT_TRUE(writer->Save(Request(step)).ok());
  ASSERT_TRUE(writer->Wait().ok());
  FlipLastByte(options.folder + "/step-30.epoch-1/weights.data-00000-of-00001");
  FlipLastByte(options.folder + "/step-20.epoch-1/MANIFEST");
  std::vector<std::string> warnings;
  const auto reader = CheckpointReader::Open(options.folder, &warnings);
  ASSERT_TRUE(reader.ok()) << reader.status();
  EXPECT_EQ(reader->manifest().step(), 10);
  ASSERT_EQ(warnings.size(), 2u);
  EXPECT_NE(warnings[0].find("passing over checkpoint step-30.epoch-1"), std::string::npos);
  EXPECT_NE(warnings[0].find("expected sha256"), std::string::npos);
  // Named by itself, it is an error.
  EXPECT_TRUE(absl::IsDataLoss(
      CheckpointReader::Open(options.folder + "/step-30.epoch-1", &warnings).status()));
  EXPECT_EQ(NewestStep(options.folder + "/step-10.epoch-1"), 10);
  // All damaged is not the same as none: nobody should begin anew unasked.
  FlipLastByte(options.folder + "/step-10.epoch-1/MANIFEST");
  EXPECT_TRUE(absl::IsDataLoss(CheckpointReader::Open(options.folder, &warnings).status()));
  EXPECT_TRUE(absl::IsNotFound(CheckpointReader::Open("/none/such", &warnings).status()));
}

TEST(Checkpoint, AWriterOfAnEndedGenerationWritesNothing) {
  const CheckpointWriterOptions options = Options("epochs");
  auto paused = Open(options);
  ASSERT_TRUE(paused->Save(Request(10)).ok());
  ASSERT_TRUE(paused->Wait().ok());
  CheckpointWriterOptions next = Options("epochs", 2);
  next.keep = 1;
  auto writer = Open(next);
  // It wakes.
  ASSERT_TRUE(paused->Save(Request(20)).ok());
  const absl::Status status = paused->Wait();
  EXPECT_TRUE(absl::IsAborted(status)) << status;
  EXPECT_NE(status.message().find("epoch 1 has ended, epoch 2 writes here now"), std::string::npos);
  EXPECT_EQ(paused->Save(Request(30)), status);
  EXPECT_EQ(StepsIn(options.folder), (std::vector<int64_t>{10}));
  ASSERT_TRUE(writer->Save(Request(15)).ok());
  ASSERT_TRUE(writer->Wait().ok());
  EXPECT_EQ(StepsIn(options.folder), (std::vector<int64_t>{15}));
  EXPECT_TRUE(absl::IsAborted(CheckpointWriter::Open(options).status()));
}

// A disk that stops at an operation on a path that ends so, as a paused process would.
class PausingDisk : public Disk {
 public:
  enum class At { kCreate, kRename, kSyncDirectory };
  explicit PausingDisk(At at = At::kCreate, std::string end = kManifestFile)
      : at_(at), end_(std::move(end)) {}

  absl::Mutex mutex;
  bool go = true;
  bool waiting = false;

  absl::Status CreateDirectories(const std::string& path) override {
    return RealDisk()->CreateDirectories(path);
  }
  absl::StatusOr<std::unique_ptr<DiskFile>> CreateFile(const std::string& path) override {
    PauseAt(At::kCreate, path);
    return RealDisk()->CreateFile(path);
  }
  absl::Status Rename(const std::string& from, const std::string& to) override {
    PauseAt(At::kRename, to);
    return RealDisk()->Rename(from, to);
  }
  absl::Status SyncDirectory(const std::string& path) override {
    PauseAt(At::kSyncDirectory, path);
    return RealDisk()->SyncDirectory(path);
  }
  absl::Status Remove(const std::string& path) override { return RealDisk()->Remove(path); }
  absl::StatusOr<std::vector<std::string>> List(const std::string& path) override {
    return RealDisk()->List(path);
  }
  bool Exists(const std::string& path) override { return RealDisk()->Exists(path); }
  absl::Status Read(const std::string& path,
                    const std::function<absl::Status(absl::string_view)>& visit) override {
    return RealDisk()->Read(path, visit);
  }
  absl::StatusOr<std::unique_ptr<DiskLock>> Lock(const std::string& path,
                                                 absl::Duration timeout) override {
    return RealDisk()->Lock(path, timeout);
  }
  void Set(bool value) {
    absl::MutexLock lock(&mutex);
    go = value;
  }
  void AwaitPause() {
    absl::MutexLock lock(&mutex);
    mutex.Await(absl::Condition(&waiting));
  }

 private:
  void PauseAt(At at, const std::string& path) {
    if (at != at_ || !absl::EndsWith(path, end_)) return;
    absl::MutexLock lock(&mutex);
    waiting = true;
    mutex.Await(absl::Condition(&go));
    waiting = false;
  }

  const At at_;
  const std::string end_;
};

TEST(Checkpoint, AWriterPausedInTheMiddleWritesNothing) {
  PausingDisk disk;
  CheckpointWriterOptions options = Options("paused");
  options.disk = &disk;
  auto paused = Open(options);
  disk.Set(false);
  ASSERT_TRUE(paused->Save(Request(10)).ok());
  disk.AwaitPause();
  auto writer = Open(Options("paused", 2));
  ASSERT_TRUE(writer->Save(Request(5)).ok());
  ASSERT_TRUE(writer->Wait().ok());
  disk.Set(true);
  EXPECT_TRUE(absl::IsAborted(paused->Wait()));
  EXPECT_EQ(StepsIn(options.folder), (std::vector<int64_t>{5}));
  EXPECT_EQ(NewestStep(options.folder), 5);
}

// Paused where it holds the folder's lock, which the next generation breaks.
TEST(Checkpoint, AWriterPausedWithTheLockDoesNotHoldUpTheNextGeneration) {
  CheckpointWriterOptions options = Options("locked");
  ASSERT_TRUE(Open(options)->Wait().ok());
  PausingDisk disk(PausingDisk::At::kRename, CheckpointName(10, 1));
  options.disk = &disk;
  auto paused = Open(options);
  disk.Set(false);
  ASSERT_TRUE(paused->Save(Request(10)).ok());
  disk.AwaitPause();
  CheckpointWriterOptions next = Options("locked", 2);
  next.lock_timeout = absl::Milliseconds(100);
  auto writer = Open(next);
  ASSERT_TRUE(writer->Save(Request(5)).ok());
  ASSERT_TRUE(writer->Wait().ok());
  disk.Set(true);
  EXPECT_TRUE(absl::IsAborted(paused->Wait()));
  EXPECT_EQ(StepsIn(options.folder), (std::vector<int64_t>{5}));
  EXPECT_EQ(NewestStep(options.folder), 5);
}

// Paused where it makes the folder its own; the next generation has come meanwhile.
TEST(Checkpoint, AWriterPausedAsItBeginsDoesNotBegin) {
  PausingDisk disk(PausingDisk::At::kCreate, std::string(".new-") + kEpochFile);
  disk.Set(false);
  CheckpointWriterOptions options = Options("begins");
  options.disk = &disk;
  absl::Status status;
  std::thread paused([&] { status = CheckpointWriter::Open(options).status(); });
  disk.AwaitPause();
  CheckpointWriterOptions next = Options("begins", 2);
  next.lock_timeout = absl::Milliseconds(100);
  auto writer = Open(next);
  const std::string leftover = options.folder + "/.saving-mine";
  ASSERT_TRUE(RealDisk()->CreateDirectories(leftover).ok());
  disk.Set(true);
  paused.join();
  EXPECT_TRUE(absl::IsAborted(status)) << status;
  EXPECT_TRUE(RealDisk()->Exists(leftover));
  ASSERT_TRUE(writer->Save(Request(5)).ok());
  EXPECT_TRUE(writer->Wait().ok());
}

// Its checkpoint is complete and counts; what it would have done afterwards it leaves.
TEST(Checkpoint, AWriterPausedAfterTheRenameLeavesTheRest) {
  CheckpointWriterOptions options = Options("renamed");
  options.keep = 1;
  auto before = Open(options);
  ASSERT_TRUE(before->Save(Request(5)).ok());
  ASSERT_TRUE(before->Wait().ok());
  before.reset();
  PausingDisk disk(PausingDisk::At::kSyncDirectory, options.folder);
  options.disk = &disk;
  auto paused = Open(options);
  disk.Set(false);
  ASSERT_TRUE(paused->Save(Request(10)).ok());
  disk.AwaitPause();
  CheckpointWriterOptions next = Options("renamed", 2);
  next.lock_timeout = absl::Milliseconds(100);
  auto writer = Open(next);
  EXPECT_EQ(NewestStep(options.folder), 10);
  disk.Set(true);
  EXPECT_TRUE(absl::IsAborted(paused->Wait()));
  EXPECT_EQ(StepsIn(options.folder), (std::vector<int64_t>{10, 5}));
}

TEST(Checkpoint, OneIsWrittenOneWaitsTheThirdBlocks) {
  PausingDisk disk;
  CheckpointWriterOptions options = Options("queue");
  options.disk = &disk;
  auto writer = Open(options);
  disk.Set(false);
  ASSERT_TRUE(writer->Save(Request(10)).ok());
  disk.AwaitPause();
  ASSERT_TRUE(writer->Save(Request(20)).ok());
  std::atomic<bool> queued{false};
  std::thread third([&] {
    EXPECT_TRUE(writer->Save(Request(30)).ok());
    queued = true;
  });
  std::this_thread::sleep_for(std::chrono::milliseconds(50));
  EXPECT_FALSE(queued);
  EXPECT_EQ(writer->last_saved_step(), -1);
  disk.Set(true);
  third.join();
  ASSERT_TRUE(writer->Wait().ok());
  EXPECT_EQ(StepsIn(options.folder), (std::vector<int64_t>{30, 20, 10}));
}

TEST(Checkpoint, EndingAbandonsWhatWaits) {
  PausingDisk disk;
  CheckpointWriterOptions options = Options("abandoned");
  options.disk = &disk;
  auto writer = Open(options);
  disk.Set(false);
  ASSERT_TRUE(writer->Save(Request(10)).ok());
  disk.AwaitPause();
  ASSERT_TRUE(writer->Save(Request(20)).ok());
  std::thread later([&] {
    std::this_thread::sleep_for(std::chrono::milliseconds(50));
    disk.Set(true);
  });
  writer.reset();
  later.join();
  EXPECT_EQ(StepsIn(options.folder), (std::vector<int64_t>{10}));
}

TEST(Checkpoint, AFreshTrainingDoesNotResumeAnOldOne) {
  const CheckpointWriterOptions options = Options("fresh");
  {
    auto writer = Open(options);
    ASSERT_TRUE(writer->Save(Request(10)).ok());
    ASSERT_TRUE(writer->Wait().ok());
  }
  CheckpointWriterOptions fresh = Options("fresh", 2);
  fresh.fresh = true;
  Open(fresh).reset();
  EXPECT_EQ(NewestStep(options.folder), -1);
  auto writer = Open(Options("fresh", 3));  // restarted before its first checkpoint
  EXPECT_EQ(NewestStep(options.folder), -1);
  ASSERT_TRUE(writer->Save(Request(2)).ok());
  ASSERT_TRUE(writer->Wait().ok());
  EXPECT_EQ(NewestStep(options.folder), 2);
}

TEST(Checkpoint, ManifestSaysWhatWasSaved) {
  CheckpointWriterOptions options = Options("manifest", 1);
  options.virtual_replicas = 4;
  options.job = "digits";
  options.metric_name = "loss";
  auto writer = Open(options);
  SaveRequest request = Request(10, 0.25);
  request.data_position = std::string("\0\1\xff", 3);
  ASSERT_TRUE(writer->Save(request).ok());
  ASSERT_TRUE(writer->Wait().ok());
  std::vector<std::string> warnings;
  const auto reader = CheckpointReader::Open(options.folder, &warnings);
  ASSERT_TRUE(reader.ok()) << reader.status();
  EXPECT_EQ(reader->manifest().virtual_replicas(), 4);
  EXPECT_EQ(reader->manifest().job(), "digits");
  EXPECT_EQ(reader->manifest().metric(), 0.25);
  EXPECT_EQ(reader->manifest().data_position(), request.data_position);
  EXPECT_EQ(reader->Names(), std::vector<std::string>{"w"});
  EXPECT_TRUE(absl::IsNotFound(reader->Read("v").status()));
  EXPECT_EQ(reader->Identity().find("step 10 of epoch 1, sha256:"), 0u);
}

}  // namespace
}  // namespace stator::distribute
