#include "formats/checkpoint_directory.h"

#include <algorithm>
#include <filesystem>
#include <system_error>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "formats/file.h"
#include "graph/status_macros.h"
#include "proto/checkpoint_state.pb.h"
#include "proto/serialize.h"

namespace stator::formats {
namespace {

namespace fs = std::filesystem;

constexpr char kPointer[] = "checkpoint";
constexpr char kStem[] = "ckpt-";

std::string PointerText(const std::vector<std::string>& newest_first) {
  CheckpointState state;
  state.set_model_checkpoint_path(newest_first.front());
  for (auto name = newest_first.rbegin(); name != newest_first.rend(); ++name) {
    state.add_all_model_checkpoint_paths(*name);
  }
  return PrintText(state);
}

}  // namespace

absl::StatusOr<CheckpointDirectory> CheckpointDirectory::Open(const std::string& folder, int keep) {
  if (keep < 1) return absl::InvalidArgumentError("a checkpoint directory keeps at least one");
  std::error_code error;
  fs::create_directories(folder, error);
  if (!fs::is_directory(folder)) {
    return absl::FailedPreconditionError(
        absl::StrCat("cannot create the folder ", folder, ": ", error.message()));
  }
  return CheckpointDirectory(folder, keep);
}

// The pointer's list, newest first. A name must be a plain one of this folder.
std::vector<std::string> CheckpointDirectory::NewestFirst() const {
  CheckpointState state;
  std::vector<std::string> names;
  ParseLimits limits;
  limits.max_bytes = 1 << 20;
  const auto text = ReadFile(absl::StrCat(folder_, "/", kPointer), limits.max_bytes);
  if (!text.ok() || !ParseText(*text, limits, &state).ok()) return names;
  names.assign(state.all_model_checkpoint_paths().rbegin(),
               state.all_model_checkpoint_paths().rend());
  names.erase(std::remove(names.begin(), names.end(), state.model_checkpoint_path()), names.end());
  names.insert(names.begin(), state.model_checkpoint_path());
  const auto foreign = [](const std::string& name) {
    return name.empty() || name.find('/') != std::string::npos;
  };
  names.erase(std::remove_if(names.begin(), names.end(), foreign), names.end());
  return names;
}

absl::Status CheckpointDirectory::Save(int64_t step,
                                       const std::function<absl::Status(BundleWriter&)>& fill) {
  const std::string name = absl::StrCat(kStem, step);
  std::vector<std::string> names = NewestFirst();
  // Saving a step again (a resumed run does) must not damage what the pointer may name: the bytes
  // are those of the step, so a complete checkpoint is left as it is.
  if (std::find(names.begin(), names.end(), name) != names.end()) {
    const auto existing = BundleReader::Open(absl::StrCat(folder_, "/", name));
    if (existing.ok() && existing->VerifyAll().ok()) return absl::OkStatus();
  }
  STATOR_ASSIGN_OR_RETURN(BundleWriter writer,
                          BundleWriter::Create(absl::StrCat(folder_, "/", name)));
  STATOR_RETURN_IF_ERROR(fill(writer));
  STATOR_RETURN_IF_ERROR(writer.Finish());

  names.erase(std::remove(names.begin(), names.end(), name), names.end());
  names.insert(names.begin(), name);
  if (names.size() > static_cast<size_t>(keep_)) names.resize(keep_);
  STATOR_RETURN_IF_ERROR(
      WriteFileAtomically(absl::StrCat(folder_, "/", kPointer), PointerText(names)));
  RemoveOldFiles(names);
  return absl::OkStatus();
}

// Best effort: a file that cannot be removed does no harm.
void CheckpointDirectory::RemoveOldFiles(const std::vector<std::string>& kept) const {
  std::error_code error;
  for (const auto& entry : fs::directory_iterator(folder_, error)) {
    const std::string file = entry.path().filename();
    if (!absl::StartsWith(file, kStem)) continue;
    const bool unfinished = file.find(".tmp-") != std::string::npos;
    const std::string name = file.substr(0, file.find('.'));
    if (unfinished || std::find(kept.begin(), kept.end(), name) == kept.end()) {
      std::error_code ignored;
      fs::remove(entry.path(), ignored);
    }
  }
}

absl::StatusOr<BundleReader> CheckpointDirectory::OpenNewest(
    std::vector<std::string>* warnings) const {
  for (const std::string& name : NewestFirst()) {
    auto reader = BundleReader::Open(absl::StrCat(folder_, "/", name));
    const absl::Status status = reader.ok() ? reader->VerifyAll() : reader.status();
    if (status.ok()) return reader;
    warnings->push_back(absl::StrCat("passing over checkpoint ", name, ": ", status.message()));
  }
  return absl::NotFoundError(absl::StrCat("no complete checkpoint in ", folder_));
}

}  // namespace stator::formats
