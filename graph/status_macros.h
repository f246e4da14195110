#ifndef STATOR_GRAPH_STATUS_MACROS_H_
#define STATOR_GRAPH_STATUS_MACROS_H_

// Early return on a failed absl::Status or absl::StatusOr. Debian's Abseil does not ship these.
//
//   STATOR_RETURN_IF_ERROR(Validate(node));
//   STATOR_ASSIGN_OR_RETURN(const Shape shape, ParseShape(text));
//
// Both may stand in any function that returns a Status or a StatusOr of any type. The right side
// may contain commas; the left side may not (write a structured binding on the next line instead).

#include <utility>

#include "absl/status/status.h"
#include "absl/status/statusor.h"

#define STATOR_RETURN_IF_ERROR(...)                                          \
  do {                                                                       \
    if (::absl::Status stator_status = (__VA_ARGS__); !stator_status.ok()) { \
      return stator_status;                                                  \
    }                                                                        \
  } while (false)

#define STATOR_ASSIGN_OR_RETURN(lhs, ...) \
  STATOR_ASSIGN_OR_RETURN_IMPL_(STATOR_CONCAT_(stator_status_or_, __LINE__), lhs, __VA_ARGS__)

#define STATOR_CONCAT_IMPL_(x, y) x##y
#define STATOR_CONCAT_(x, y) STATOR_CONCAT_IMPL_(x, y)
#define STATOR_ASSIGN_OR_RETURN_IMPL_(status_or, lhs, ...)   \
  auto status_or = (__VA_ARGS__);                            \
  if (!status_or.ok()) return std::move(status_or).status(); \
  lhs = *std::move(status_or)

#endif  // STATOR_GRAPH_STATUS_MACROS_H_
