#include "distribute/checkpoint/manifest.h"

#include <algorithm>
#include <tuple>
#include <utility>

#include "absl/strings/escaping.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "absl/strings/strip.h"
#include "distribute/checkpoint/sha256.h"
#include "graph/status_macros.h"
#include "proto/serialize.h"

namespace stator::distribute {
namespace {

constexpr int kVersion = 1;
constexpr char kChecksumLine[] = "# sha256:";
constexpr size_t kMaxManifest = size_t{1} << 20;

absl::Status Damaged(const std::string& path, absl::string_view what) {
  return absl::DataLossError(absl::StrCat(path, ": ", what));
}

// False for a name that CheckpointName does not give.
bool ParseName(const std::string& name, CheckpointPlace* place) {
  const std::vector<absl::string_view> parts = absl::StrSplit(name, '.');
  absl::string_view step, epoch;
  if (parts.size() != 2) return false;
  step = parts[0];
  epoch = parts[1];
  if (!absl::ConsumePrefix(&step, "step-") || !absl::ConsumePrefix(&epoch, "epoch-")) return false;
  if (!absl::SimpleAtoi(step, &place->step) || !absl::SimpleAtoi(epoch, &place->epoch)) {
    return false;
  }
  place->name = name;
  return CheckpointName(place->step, place->epoch) == name;
}

}  // namespace

std::string CheckpointName(int64_t step, uint64_t epoch) {
  return absl::StrCat("step-", step, ".epoch-", epoch);
}

absl::StatusOr<std::vector<CheckpointPlace>> ListCheckpoints(Disk* disk,
                                                             const std::string& folder) {
  std::vector<CheckpointPlace> places;
  const auto names = disk->List(folder);
  if (absl::IsNotFound(names.status())) return places;
  STATOR_RETURN_IF_ERROR(names.status());
  for (const std::string& name : *names) {
    CheckpointPlace place;
    if (ParseName(name, &place)) places.push_back(std::move(place));
  }
  std::sort(places.begin(), places.end(), [](const auto& a, const auto& b) {
    return std::tie(a.epoch, a.step) > std::tie(b.epoch, b.step);
  });
  return places;
}

std::string PrintManifest(const CheckpointManifest& manifest) {
  const std::string text = PrintText(manifest);
  return absl::StrCat(text, kChecksumLine, Sha256Hex(text), "\n");
}

absl::StatusOr<CheckpointManifest> ParseManifest(const std::string& path, absl::string_view bytes) {
  const size_t last = bytes.rfind(kChecksumLine);
  if (last == absl::string_view::npos) return Damaged(path, "its last line is missing");
  const absl::string_view text = bytes.substr(0, last);
  if (bytes.substr(last) != absl::StrCat(kChecksumLine, Sha256Hex(text), "\n")) {
    return Damaged(path, "its checksum does not fit its lines");
  }
  CheckpointManifest manifest;
  if (const absl::Status status = ParseText(text, ParseLimits(), &manifest); !status.ok()) {
    return Damaged(path, status.message());
  }
  if (manifest.version() != kVersion) {
    return absl::UnimplementedError(absl::StrCat(path, ": expected version ", kVersion,
                                                 " of the format, found ", manifest.version()));
  }
  return manifest;
}

absl::StatusOr<CheckpointManifest> ReadManifest(Disk* disk, const std::string& directory) {
  const std::string path = absl::StrCat(directory, "/", kManifestFile);
  STATOR_ASSIGN_OR_RETURN(const std::string bytes, ReadSmallFile(disk, path, kMaxManifest));
  return ParseManifest(path, bytes);
}

absl::Status VerifyFiles(Disk* disk, const std::string& directory,
                         const CheckpointManifest& manifest) {
  for (const CheckpointManifest::File& file : manifest.files()) {
    const std::string path = absl::StrCat(directory, "/", file.name());
    Sha256 hash;
    int64_t size = 0;
    STATOR_RETURN_IF_ERROR(disk->Read(path, [&](absl::string_view piece) {
      hash.Update(piece);
      size += static_cast<int64_t>(piece.size());
      return absl::OkStatus();
    }));
    if (size != file.size()) {
      return Damaged(path, absl::StrCat("expected ", file.size(), " bytes, found ", size));
    }
    const std::string found = absl::BytesToHexString(hash.Digest());
    if (found != file.sha256()) {
      return Damaged(path, absl::StrCat("expected sha256 ", file.sha256(), ", found ", found));
    }
  }
  return absl::OkStatus();
}

absl::StatusOr<EpochFile> ReadEpochFile(Disk* disk, const std::string& folder) {
  const std::string path = absl::StrCat(folder, "/", kEpochFile);
  EpochFile file;
  const auto text = ReadSmallFile(disk, path, 1024);
  if (absl::IsNotFound(text.status())) return file;
  STATOR_RETURN_IF_ERROR(text.status());
  const std::vector<absl::string_view> words = absl::StrSplit(*text, absl::ByAnyChar(" \n"));
  if (words.size() != 5 || words[0] != "epoch" || words[2] != "since" || !words[4].empty() ||
      !absl::SimpleAtoi(words[1], &file.epoch) || !absl::SimpleAtoi(words[3], &file.since)) {
    return Damaged(path, absl::StrCat("expected 'epoch NUMBER since NUMBER', found '",
                                      absl::CEscape(*text), "'"));
  }
  return file;
}

absl::Status WriteEpochFile(Disk* disk, const std::string& folder, const EpochFile& file,
                            const DiskLock& lock) {
  return ReplaceFile(disk, folder, kEpochFile,
                     absl::StrCat("epoch ", file.epoch, " since ", file.since, "\n"), &lock);
}

}  // namespace stator::distribute
