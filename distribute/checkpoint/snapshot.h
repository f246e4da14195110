#ifndef STATOR_DISTRIBUTE_CHECKPOINT_SNAPSHOT_H_
#define STATOR_DISTRIBUTE_CHECKPOINT_SNAPSHOT_H_

#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "executable/dtype.h"
#include "executable/panels.h"
#include "runtime/core/buffer.h"
#include "runtime/core/variable_store.h"

namespace stator::distribute {

// The variables of a session as they are between two steps. Taking it copies nothing: it keeps the
// current versions alive and unwritten, and the next step that would write one writes to memory of
// its own. So a snapshot costs up to the variables' bytes while it is held, and may be read by any
// thread while training goes on. Copies share the versions.
class Snapshot {
 public:
  struct Variable {
    std::string name;
    executable::DType dtype = executable::DType::kInvalid;
    std::vector<int64_t> dims;
    runtime::BufferRef buffer;
    executable::Layout layout = executable::Layout::kRowMajor;

    // Little-endian, row-major; in `scratch` unless the version lies so. Valid while both live.
    absl::string_view Bytes(std::string* scratch) const;
  };

  Snapshot() = default;
  // Of all initialized variables. Waits for runs that are writing.
  static absl::StatusOr<Snapshot> Take(runtime::VariableStore* store);
  // Of these. kNotFound, kFailedPrecondition name one that does not exist or has no value.
  static absl::StatusOr<Snapshot> Take(runtime::VariableStore* store,
                                       const std::vector<std::string>& names);

  // In order of name.
  const std::vector<Variable>& variables() const { return variables_; }

 private:
  std::vector<Variable> variables_;
};

// SHA-256 (32 bytes) of a variable: length of the name and the name; TensorFlow's number of the
// type; number of dimensions and the dimensions; number of bytes and the bytes. All numbers as
// little-endian 64-bit integers.
std::string VariableDigest(const Snapshot::Variable& variable);

// "sha256:…", SHA-256 of the digests of all variables in order of name: equal exactly where names,
// types, shapes and bits are.
std::string WeightsHash(const Snapshot& snapshot);

// The same from the digests, which tell besides which variable differs.
std::string WeightsHash(const std::vector<std::string>& digests);

}  // namespace stator::distribute

#endif  // STATOR_DISTRIBUTE_CHECKPOINT_SNAPSHOT_H_
