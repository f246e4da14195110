#ifndef STATOR_DISTRIBUTE_CHECKPOINT_SHARED_FOLDER_H_
#define STATOR_DISTRIBUTE_CHECKPOINT_SHARED_FOLDER_H_

#include <functional>
#include <string>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "distribute/checkpoint/disk.h"

namespace stator::distribute {

struct SharedFolderOptions {
  std::string folder;  // as this task knows it
  std::string task;    // "worker:1"
  bool is_chief = false;
  std::string secret;  // the same for all tasks of the generation, and for no other generation
  absl::Duration patience =
      absl::Seconds(5);  // of network file systems that remember what was not there
  Disk* disk = nullptr;
};

// Proves at the start of a generation that all tasks mean the same folder: the chief writes a token
// that the others find. Every task calls it; `barrier` returns when all tasks have called it with
// this name, or with the error that ended the generation.
//
// kFailedPrecondition, for a task that does not find it, names the task, the folder and the remedy;
// the task then ends the generation with it, which releases the others from the second barrier.
absl::Status ProveShared(const SharedFolderOptions& options,
                         const std::function<absl::Status(absl::string_view name)>& barrier);

}  // namespace stator::distribute

#endif  // STATOR_DISTRIBUTE_CHECKPOINT_SHARED_FOLDER_H_
