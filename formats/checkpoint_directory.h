#ifndef STATOR_FORMATS_CHECKPOINT_DIRECTORY_H_
#define STATOR_FORMATS_CHECKPOINT_DIRECTORY_H_

// A folder of checkpoints ckpt-STEP, and in it TensorFlow's file `checkpoint`, which names the
// newest. The pointer moves only after a checkpoint is complete on the disk, so that a process may
// be killed at any moment: the newest complete checkpoint is always found.

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "formats/tensor_bundle.h"

namespace stator::formats {

// One process at a time may write to a folder. Not thread-safe.
class CheckpointDirectory {
 public:
  // Creates the folder (and those above it) if it is not there. Keeps the `keep` newest
  // checkpoints.
  static absl::StatusOr<CheckpointDirectory> Open(const std::string& folder, int keep = 3);

  // Writes a checkpoint: `fill` adds the tensors. Then moves the pointer and removes the oldest
  // checkpoints and what crashed processes left half-written.
  absl::Status Save(int64_t step, const std::function<absl::Status(BundleWriter&)>& fill);

  // The newest checkpoint whose every checksum is right. One that is damaged is passed over, with a
  // sentence in `warnings`. kNotFound if the folder holds none.
  absl::StatusOr<BundleReader> OpenNewest(std::vector<std::string>* warnings) const;

  const std::string& folder() const { return folder_; }

 private:
  CheckpointDirectory(std::string folder, int keep) : folder_(std::move(folder)), keep_(keep) {}
  std::vector<std::string> NewestFirst() const;
  void RemoveOldFiles(const std::vector<std::string>& kept) const;

  std::string folder_;
  int keep_;
};

}  // namespace stator::formats

#endif  // STATOR_FORMATS_CHECKPOINT_DIRECTORY_H_
