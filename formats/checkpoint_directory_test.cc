#include "formats/checkpoint_directory.h"

#include <gtest/gtest.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <filesystem>
#include <set>

#include "formats/file.h"

namespace stator::formats {
namespace {

namespace fs = std::filesystem;

std::string Folder(const std::string& name) {
  const fs::path folder = fs::path(testing::TempDir()) / name;
  fs::remove_all(folder);
  return folder.string();
}

std::set<std::string> Names(const std::string& folder) {
  std::set<std::string> names;
  for (const auto& entry : fs::directory_iterator(folder)) names.insert(entry.path().filename());
  return names;
}

// A checkpoint whose content tells its step.
absl::Status SaveStep(CheckpointDirectory& directory, int64_t step, int count = 1) {
  return directory.Save(step, [&](BundleWriter& writer) {
    const std::string bytes(8 * count, static_cast<char>(step));
    return writer.Add("step", DT_INT64, {count}, bytes);
  });
}

int StepOf(const BundleReader& reader) {
  std::string bytes((*reader.Find("step"))->size(), '\0');
  EXPECT_TRUE(reader.Read("step", absl::MakeSpan(&bytes[0], bytes.size())).ok());
  return bytes[0];
}

TEST(CheckpointDirectory, KeepsTheNewest) {
  const std::string folder = Folder("keeps") + "/deep/down";
  auto directory = CheckpointDirectory::Open(folder, 2);
  ASSERT_TRUE(directory.ok()) << directory.status();
  std::vector<std::string> warnings;
  EXPECT_EQ(directory->OpenNewest(&warnings).status().code(), absl::StatusCode::kNotFound);
  for (const int step : {5, 10, 15}) ASSERT_TRUE(SaveStep(*directory, step).ok());
  EXPECT_EQ(StepOf(*directory->OpenNewest(&warnings)), 15);
  EXPECT_TRUE(warnings.empty());
  EXPECT_EQ(Names(folder),
            (std::set<std::string>{"checkpoint", "ckpt-10.index", "ckpt-10.data-00000-of-00001",
                                   "ckpt-15.index", "ckpt-15.data-00000-of-00001"}));
}

TEST(CheckpointDirectory, FallsBackFromADamagedOneAndSaysSo) {
  const std::string folder = Folder("damaged");
  auto directory = CheckpointDirectory::Open(folder);
  ASSERT_TRUE(directory.ok());
  for (const int step : {1, 2}) ASSERT_TRUE(SaveStep(*directory, step).ok());
  ASSERT_TRUE(
      WriteFileAtomically(folder + "/ckpt-2.data-00000-of-00001", std::string(8, '\x07')).ok());
  std::vector<std::string> warnings;
  const auto reader = directory->OpenNewest(&warnings);
  ASSERT_TRUE(reader.ok()) << reader.status();
  EXPECT_EQ(StepOf(*reader), 1);
  ASSERT_EQ(warnings.size(), 1u);
  EXPECT_NE(warnings[0].find("ckpt-2"), std::string::npos);
  // Saving the step again mends it.
  ASSERT_TRUE(SaveStep(*directory, 2).ok());
  EXPECT_EQ(StepOf(*directory->OpenNewest(&warnings)), 2);
}

TEST(CheckpointDirectory, RefusesForeignPaths) {
  const std::string folder = Folder("foreign");
  auto directory = CheckpointDirectory::Open(folder);
  ASSERT_TRUE(directory.ok());
  ASSERT_TRUE(
      WriteFileAtomically(folder + "/checkpoint", "model_checkpoint_path: \"../x/ckpt-1\"").ok());
  std::vector<std::string> warnings;
  EXPECT_EQ(directory->OpenNewest(&warnings).status().code(), absl::StatusCode::kNotFound);
  ASSERT_TRUE(WriteFileAtomically(folder + "/file", "x").ok());
  EXPECT_FALSE(CheckpointDirectory::Open(folder + "/file").ok());
}

// The step that the pointer of `folder` leads to; 0 if there is none. Nothing may be damaged.
int NewestStep(const std::string& folder) {
  const auto directory = CheckpointDirectory::Open(folder);
  std::vector<std::string> warnings;
  const auto reader = directory->OpenNewest(&warnings);
  EXPECT_TRUE(warnings.empty()) << warnings[0];
  return reader.ok() ? StepOf(*reader) : 0;
}

// A process that saves as fast as it can is killed at odd moments, most of them in the middle of a
// save: a complete checkpoint is always found, and it never goes back.
TEST(CheckpointDirectory, SurvivesBeingKilledAtAnyMoment) {
  const std::string folder = Folder("killed");
  int newest = 0;
  for (int round = 0; round < 20; ++round) {
    const std::string before = ReadFile(folder + "/checkpoint", 10000).value_or("");
    const pid_t child = fork();
    ASSERT_GE(child, 0);
    if (child == 0) {
      auto directory = CheckpointDirectory::Open(folder);
      for (int step = newest + 1; step < newest + 6; ++step) {
        if (!directory.ok() || !SaveStep(*directory, step, 2000).ok()) _exit(1);
      }
      pause();
    }
    for (int i = 0; i < 10000; ++i) {  // until the first of its saves is complete, then a bit
      if (ReadFile(folder + "/checkpoint", 10000).value_or("") != before) break;
      usleep(1000);
    }
    usleep(1733 * round % 9000);
    kill(child, SIGKILL);
    int status = 0;
    waitpid(child, &status, 0);
    ASSERT_TRUE(WIFSIGNALED(status)) << "a save failed";
    const int step = NewestStep(folder);
    ASSERT_GT(step, newest);
    newest = step;
  }
}

}  // namespace
}  // namespace stator::formats
