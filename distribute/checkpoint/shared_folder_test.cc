#include "distribute/checkpoint/shared_folder.h"

#include <gtest/gtest.h>

#include <filesystem>

namespace stator::distribute {
namespace {

SharedFolderOptions Options(const std::string& folder, bool is_chief) {
  SharedFolderOptions options;
  options.folder = testing::TempDir() + "/" + folder;
  options.task = is_chief ? "worker:0" : "worker:1";
  options.is_chief = is_chief;
  options.secret = "generation 3";
  options.patience = absl::Milliseconds(60);
  return options;
}

// Runs `other` in the chief's second barrier, as if both had come there.
absl::Status Prove(const SharedFolderOptions& chief, const SharedFolderOptions& other) {
  absl::Status seen;
  const absl::Status status = ProveShared(chief, [&](absl::string_view name) {
    if (name == "shared folder: seen") {
      seen = ProveShared(other, [](absl::string_view) { return absl::OkStatus(); });
    }
    return seen;
  });
  EXPECT_EQ(status, seen);
  return status;
}

TEST(SharedFolder, IsProvedAndLeavesNothing) {
  const SharedFolderOptions chief = Options("shared", true);
  EXPECT_TRUE(Prove(chief, Options("shared", false)).ok());
  EXPECT_TRUE(RealDisk()->List(chief.folder)->empty());
}

TEST(SharedFolder, AnErrorNamesTheTaskAndTheRemedy) {
  std::filesystem::create_directories(testing::TempDir() + "/elsewhere");
  const absl::Status status = Prove(Options("shared", true), Options("elsewhere", false));
  EXPECT_TRUE(absl::IsFailedPrecondition(status));
  for (const char* part : {"worker:1", "/elsewhere", "checkpoint.gather: chief"}) {
    EXPECT_NE(status.message().find(part), std::string::npos) << status;
  }
}

TEST(SharedFolder, AnotherGenerationsTokenIsNotEnough) {
  SharedFolderOptions other = Options("shared", false);
  other.secret = "generation 2";
  EXPECT_NE(Prove(Options("shared", true), other).message().find("another job's token"),
            std::string::npos);
}

}  // namespace
}  // namespace stator::distribute
