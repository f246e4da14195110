#ifndef STATOR_DISTRIBUTE_IMAGES_COMPILE_MESSAGE_H_
#define STATOR_DISTRIBUTE_IMAGES_COMPILE_MESSAGE_H_

#include "absl/status/statusor.h"
#include "executable/compile.h"
#include "proto/control.pb.h"

namespace stator::distribute {

// A compile request as a message, for this machine's architecture; without its options, which are
// the chief's to choose, and without symbols, which sessions do not name.
control::CompileRequest ToMessage(const executable::CompileRequest& request);

// InvalidArgument for an element type that does not exist.
absl::StatusOr<executable::CompileRequest> FromMessage(const control::CompileRequest& message);

}  // namespace stator::distribute

#endif  // STATOR_DISTRIBUTE_IMAGES_COMPILE_MESSAGE_H_
