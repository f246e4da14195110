#ifndef STATOR_DISTRIBUTE_LAUNCH_ENVIRONMENT_READER_H_
#define STATOR_DISTRIBUTE_LAUNCH_ENVIRONMENT_READER_H_

// Variables with a type. Errors name the variable, what was expected and what was found.

#include <cstdint>
#include <string>
#include <utility>

#include "absl/status/statusor.h"
#include "distribute/job/environment.h"

namespace stator::distribute {

inline constexpr int kMaxTasks = 1 << 20;

class EnvironmentReader {
 public:
  explicit EnvironmentReader(EnvironmentLookup lookup) : lookup_(std::move(lookup)) {}

  // An empty variable counts as unset: many systems clear a variable so.
  bool Has(const std::string& name) const { return !Text(name).empty(); }

  // "" where it is not set.
  std::string Text(const std::string& name) const;

  // A decimal integer from `least` to `most`; an error where it is not set. `whose` says who should
  // have set it.
  absl::StatusOr<int64_t> Integer(const std::string& name, const std::string& whose, int64_t least,
                                  int64_t most) const;

  // The same, but `otherwise` where it is not set.
  absl::StatusOr<int64_t> IntegerOr(const std::string& name, int64_t least, int64_t most,
                                    int64_t otherwise) const;

 private:
  EnvironmentLookup lookup_;
};

}  // namespace stator::distribute

#endif  // STATOR_DISTRIBUTE_LAUNCH_ENVIRONMENT_READER_H_
