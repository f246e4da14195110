#ifndef STATOR_DISTRIBUTE_CHECKPOINT_MANIFEST_H_
#define STATOR_DISTRIBUTE_CHECKPOINT_MANIFEST_H_

// A folder of checkpoints:
//
//   checkpoint            TensorFlow's pointer file: the newest, and all that are kept
//   EPOCH                 the newest generation that may write here
//   LOCK                  held while names change
//   step-200.epoch-2/     a checkpoint that is complete
//     weights.index, weights.data-00000-of-00001      a TensorBundle
//     MANIFEST            written last: size and SHA-256 of the others, step, epoch, …
//   .saving-…, .old-…     not yet, or no longer, a checkpoint
//
// The newest checkpoint is the one of the highest epoch, and in it of the highest step.

#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "distribute/checkpoint/disk.h"
#include "distribute/checkpoint/manifest.pb.h"

namespace stator::distribute {

inline constexpr char kManifestFile[] = "MANIFEST";
inline constexpr char kPointerFile[] = "checkpoint";
inline constexpr char kEpochFile[] = "EPOCH";
inline constexpr char kLockFile[] = "LOCK";
inline constexpr char kBundleName[] = "weights";

// "step-200.epoch-2".
std::string CheckpointName(int64_t step, uint64_t epoch);

// The directory of a checkpoint by its name.
struct CheckpointPlace {
  std::string name;
  int64_t step = 0;
  uint64_t epoch = 0;
};

// The checkpoints in a folder, newest first, whether intact or not. None if there is no folder.
absl::StatusOr<std::vector<CheckpointPlace>> ListCheckpoints(Disk* disk, const std::string& folder);

// The manifest as the file's bytes. Its last line is a checksum of the lines before.
std::string PrintManifest(const CheckpointManifest& manifest);
// kDataLoss names `path` and what is wrong.
absl::StatusOr<CheckpointManifest> ParseManifest(const std::string& path, absl::string_view bytes);

// Reads the manifest of the checkpoint in `directory`.
absl::StatusOr<CheckpointManifest> ReadManifest(Disk* disk, const std::string& directory);
// Reads all of its files too: kDataLoss if one is not what the manifest says.
absl::Status VerifyFiles(Disk* disk, const std::string& directory,
                         const CheckpointManifest& manifest);

// The file EPOCH.
struct EpochFile {
  uint64_t epoch = 0;  // the newest generation; 0 if there is no file
  uint64_t since = 0;  // older checkpoints belong to an earlier training and do not count
};
absl::StatusOr<EpochFile> ReadEpochFile(Disk* disk, const std::string& folder);
absl::Status WriteEpochFile(Disk* disk, const std::string& folder, const EpochFile& file,
                            const DiskLock& lock);

}  // namespace stator::distribute

#endif  // STATOR_DISTRIBUTE_CHECKPOINT_MANIFEST_H_
