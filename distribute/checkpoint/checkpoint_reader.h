#ifndef STATOR_DISTRIBUTE_CHECKPOINT_CHECKPOINT_READER_H_
#define STATOR_DISTRIBUTE_CHECKPOINT_CHECKPOINT_READER_H_

#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "distribute/checkpoint/disk.h"
#include "distribute/checkpoint/manifest.h"
#include "formats/tensor_bundle.h"
#include "runtime/core/tensor.h"
#include "runtime/core/variable_store.h"

namespace stator::distribute {

// A complete checkpoint whose every byte is as it was written. What it holds is replicated state,
// so any number of tasks restores the same from it. Any thread may read.
class CheckpointReader {
 public:
  // `path` is a checkpoint (a directory with a manifest), or a folder of them, of which it takes
  // the newest that is intact. One that is damaged is passed over, with a sentence in `warnings`.
  // kNotFound if there is none; kDataLoss if all are damaged. `disk` null: RealDisk().
  static absl::StatusOr<CheckpointReader> Open(const std::string& path,
                                               std::vector<std::string>* warnings,
                                               Disk* disk = nullptr);

  const std::string& directory() const { return directory_; }
  // Step, epoch, data position, …
  const CheckpointManifest& manifest() const { return manifest_; }
  // "step 200 of epoch 2, sha256:…": equal for tasks that found the same checkpoint.
  std::string Identity() const;

  // All variables by name.
  std::vector<std::string> Names() const;
  // kNotFound names the variable and the checkpoint.
  absl::StatusOr<runtime::Tensor> Read(const std::string& name) const;
  // Writes variables of a session, all or none. These:
  absl::Status Restore(const std::vector<std::string>& names, runtime::VariableStore* store) const;
  // And all of the checkpoint's:
  absl::Status Restore(runtime::VariableStore* store) const { return Restore(Names(), store); }

 private:
  CheckpointReader(std::string directory, CheckpointManifest manifest, formats::BundleReader bundle)
      : directory_(std::move(directory)),
        manifest_(std::move(manifest)),
        bundle_(std::move(bundle)) {}

  static absl::StatusOr<CheckpointReader> OpenOne(const std::string& directory, Disk* disk);

  std::string directory_;
  CheckpointManifest manifest_;
  formats::BundleReader bundle_;
};

}  // namespace stator::distribute

#endif  // STATOR_DISTRIBUTE_CHECKPOINT_CHECKPOINT_READER_H_
