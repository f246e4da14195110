// Mistakes in how a command was called, which are to be told from failures (exit codes 2 and 1).
#ifndef STATOR_TOOLS_STATOR_USAGE_H_
#define STATOR_TOOLS_STATOR_USAGE_H_

#include "absl/status/status.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"

namespace stator::tools {

inline absl::Status UsageError(absl::string_view message) {
  return absl::InvalidArgumentError(absl::StrCat("usage: ", message));
}

inline bool IsUsageError(const absl::Status& status) {
  return absl::IsInvalidArgument(status) && absl::StartsWith(status.message(), "usage: ");
}

}  // namespace stator::tools

#endif  // STATOR_TOOLS_STATOR_USAGE_H_
