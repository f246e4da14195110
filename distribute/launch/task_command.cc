#include "distribute/launch/task_command.h"

#include <unistd.h>

#include <filesystem>
#include <system_error>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "graph/status_macros.h"

namespace stator::distribute {
namespace {

constexpr char kTrainer[] = "stator";

absl::StatusOr<std::string> FindTrainer() {
  std::error_code error;
  const std::filesystem::path self = std::filesystem::read_symlink("/proc/self/exe", error);
  if (error) return absl::NotFoundError("/proc/self/exe: " + error.message());
  const std::string beside = (self.parent_path() / kTrainer).string();
  if (access(beside.c_str(), X_OK) == 0) return beside;
  return absl::NotFoundError(
      absl::StrCat("program.graph: tasks run `stator train`, but there is no program ", beside,
                   ": install the whole `stator` beside ", self.filename().string()));
}

}  // namespace

absl::StatusOr<std::vector<std::string>> TaskCommand(const Job& job) {
  if (!job.program().graph().empty()) {
    STATOR_ASSIGN_OR_RETURN(const std::string trainer, FindTrainer());
    return std::vector<std::string>{trainer, "train"};
  }
  std::vector<std::string> words = {job.program().binary()};
  words.insert(words.end(), job.program().args().begin(), job.program().args().end());
  return words;
}

}  // namespace stator::distribute
