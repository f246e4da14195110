// Between the small Status of runtime/core and absl::Status: the codes have the same numbers.
#ifndef STATOR_RUNTIME_SESSION_STATUS_H_
#define STATOR_RUNTIME_SESSION_STATUS_H_

#include <string>
#include <utility>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "executable/status.h"

namespace stator::runtime {

inline absl::Status ToAbsl(const executable::Status& status) {
  if (status.ok()) return absl::OkStatus();
  return absl::Status(static_cast<absl::StatusCode>(status.code()), status.message());
}

template <typename T>
absl::StatusOr<T> ToAbsl(executable::Result<T> result) {
  if (!result.ok()) return ToAbsl(result.status());
  return std::move(result).value();
}

inline executable::Status FromAbsl(const absl::Status& status) {
  if (status.ok()) return executable::Status::Ok();
  return executable::Status(static_cast<executable::Code>(status.code()),
                            std::string(status.message()));
}

}  // namespace stator::runtime

#endif  // STATOR_RUNTIME_SESSION_STATUS_H_
