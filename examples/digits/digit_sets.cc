#include "examples/digits/digit_sets.h"

#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <system_error>
#include <utility>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "data/digits.h"
#include "graph/status_macros.h"

namespace stator::examples {
namespace {

absl::StatusOr<DigitSets> LoadFolder(const std::string& folder) {
  STATOR_ASSIGN_OR_RETURN(data::LabeledImages train, data::LoadMnist(folder, "train"));
  STATOR_ASSIGN_OR_RETURN(data::LabeledImages test, data::LoadMnist(folder, "t10k"));
  return DigitSets{std::make_shared<data::LabeledImages>(std::move(train)),
                   std::make_shared<data::LabeledImages>(std::move(test))};
}

// Appears under its name when it is complete.
absl::Status DrawInto(const std::string& folder) {
  std::error_code error;
  if (std::filesystem::exists(folder, error)) return absl::OkStatus();
  const std::string unfinished = folder + ".unfinished";
  std::filesystem::create_directories(unfinished, error);
  STATOR_RETURN_IF_ERROR(data::WriteDigitSet(unfinished, data::DigitSetOptions()));
  std::filesystem::rename(unfinished, folder, error);
  return error ? absl::UnavailableError(absl::StrCat(folder, ": ", error.message()))
               : absl::OkStatus();
}

absl::Status DrawOnce(const std::string& folder) {
  std::error_code error;
  std::filesystem::create_directories(std::filesystem::path(folder).parent_path(), error);
  const std::string lock = folder + ".lock";
  const int fd = open(lock.c_str(), O_CREAT | O_RDWR | O_CLOEXEC, 0644);
  if (fd < 0 || flock(fd, LOCK_EX) != 0) {
    if (fd >= 0) close(fd);
    return absl::UnavailableError(absl::StrCat(lock, ": cannot be locked"));
  }
  const absl::Status drawn = DrawInto(folder);
  close(fd);
  return drawn;
}

}  // namespace

absl::StatusOr<DigitSets> LoadDigits(const std::string& folder, bool quiet,
                                     const std::string& shared) {
  if (!folder.empty()) return LoadFolder(folder);
  if (!shared.empty() && DrawOnce(shared).ok()) return LoadFolder(shared);
  // A folder of this process's own, gone afterwards.
  std::string drawn = absl::StrCat(P_tmpdir, "/digits-XXXXXX");
  if (mkdtemp(drawn.data()) == nullptr) return absl::InternalError("cannot make a folder");
  if (!quiet) std::fprintf(stderr, "drawing digits\n");
  const absl::Status written = data::WriteDigitSet(drawn, data::DigitSetOptions());
  absl::StatusOr<DigitSets> sets = written.ok() ? LoadFolder(drawn) : written;
  std::filesystem::remove_all(drawn);
  return sets;
}

absl::StatusOr<data::DatasetRef> TrainingImages(const DigitSets& sets, uint64_t seed) {
  STATOR_ASSIGN_OR_RETURN(const data::DatasetRef images, data::FromImages(sets.train));
  return data::Shuffle(images, seed);
}

absl::StatusOr<data::DatasetRef> TestBatches(const DigitSets& sets) {
  STATOR_ASSIGN_OR_RETURN(const data::DatasetRef images, data::FromImages(sets.test));
  return data::Batch(images, {.size = 500});
}

}  // namespace stator::examples
