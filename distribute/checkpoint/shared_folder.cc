#include "distribute/checkpoint/shared_folder.h"

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "distribute/checkpoint/sha256.h"
#include "graph/status_macros.h"

namespace stator::distribute {
namespace {

constexpr char kTokenFile[] = ".shared-token";

absl::Status FindToken(Disk* disk, const SharedFolderOptions& options, const std::string& token) {
  const absl::Time deadline = absl::Now() + options.patience;
  while (true) {
    // Listing makes network file systems look again.
    disk->List(options.folder).status().IgnoreError();
    const auto found =
        ReadSmallFile(disk, absl::StrCat(options.folder, "/", kTokenFile), token.size() + 1);
    if (found.ok() && *found == token) return absl::OkStatus();
    if (absl::Now() < deadline) {
      absl::SleepFor(absl::Milliseconds(50));
      continue;
    }
    return absl::FailedPreconditionError(absl::StrCat(
        "task ", options.task, " does not see in ", options.folder, " what the chief wrote there (",
        found.ok() ? "found another job's token" : found.status().message(),
        "): name a folder that all hosts share in checkpoint.directory, or set checkpoint.gather: "
        "chief"));
  }
}

}  // namespace

absl::Status ProveShared(const SharedFolderOptions& options,
                         const std::function<absl::Status(absl::string_view name)>& barrier) {
  Disk* disk = options.disk != nullptr ? options.disk : RealDisk();
  const std::string token = Sha256Hex(absl::StrCat("shared folder", options.secret));
  if (options.is_chief) {
    STATOR_RETURN_IF_ERROR(disk->CreateDirectories(options.folder));
    STATOR_RETURN_IF_ERROR(ReplaceFile(disk, options.folder, kTokenFile, token));
  }
  STATOR_RETURN_IF_ERROR(barrier("shared folder: written"));
  STATOR_RETURN_IF_ERROR(FindToken(disk, options, token));
  STATOR_RETURN_IF_ERROR(barrier("shared folder: seen"));
  if (options.is_chief) {
    disk->Remove(absl::StrCat(options.folder, "/", kTokenFile)).IgnoreError();
  }
  return absl::OkStatus();
}

}  // namespace stator::distribute
