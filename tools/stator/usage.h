// Mistakes in how a command was called, which are to be told from failures (exit codes 2 and 1).
#ifndef STATOR_TOOLS_STATOR_USAGE_H_
#define STATOR_TOOLS_STATOR_USAGE_H_

#include <string>

#include "absl/status/status.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"

namespace stator::tools {

inline constexpr char kUsagePrefix[] = "usage: ";

inline absl::Status UsageError(absl::string_view message) {
  return absl::InvalidArgumentError(absl::StrCat(kUsagePrefix, message));
}

inline bool IsUsageError(const absl::Status& status) {
  return absl::IsInvalidArgument(status) && absl::StartsWith(status.message(), kUsagePrefix);
}

// Of a usage error: what to tell.
inline std::string UsageText(const absl::Status& status) {
  return std::string(absl::StripPrefix(status.message(), kUsagePrefix));
}

}  // namespace stator::tools

#endif  // STATOR_TOOLS_STATOR_USAGE_H_
