// Status and Result<T> of the layers that run without Abseil: executable/ and runtime/core/.
// Codes carry the numbers of absl::StatusCode, so runtime/session converts by a cast.
#ifndef STATOR_EXECUTABLE_STATUS_H_
#define STATOR_EXECUTABLE_STATUS_H_

#include <cstdint>
#include <cstdlib>
#include <optional>
#include <string>
#include <utility>

namespace stator::executable {

// What a caller may do next: see each line.
enum class Code : int32_t {
  kOk = 0,
  kCancelled = 1,           // the caller asked for it
  kUnknown = 2,             // report a bug
  kInvalidArgument = 3,     // fix the call
  kDeadlineExceeded = 4,    // retry with more time
  kNotFound = 5,            // fix the name
  kAlreadyExists = 6,       // fix the name
  kPermissionDenied = 7,    // fix the environment
  kResourceExhausted = 8,   // retry with less, or with a larger budget
  kFailedPrecondition = 9,  // fix the state (uninitialized variable, wrong CPU), then retry
  kAborted = 10,            // retry
  kOutOfRange = 11,         // stop: the end of something was reached
  kUnimplemented = 12,      // not built yet
  kInternal = 13,           // report a bug
  kUnavailable = 14,        // retry later
  kDataLoss = 15,           // the bytes are damaged: give up
};

// The code's name as people write it: "InvalidArgument".
const char* CodeName(Code code);

// A code and, unless it is kOk, a message that names the place, the rule, expected and found.
class [[nodiscard]] Status {
 public:
  Status() = default;
  Status(Code code, std::string message) : code_(code), message_(std::move(message)) {}

  static Status Ok() { return Status(); }
  bool ok() const { return code_ == Code::kOk; }
  Code code() const { return code_; }
  const std::string& message() const { return message_; }
  // "InvalidArgument: feed x: ...", or "OK".
  std::string ToString() const;

 private:
  Code code_ = Code::kOk;
  std::string message_;
};

Status InvalidArgument(std::string message);
Status FailedPrecondition(std::string message);
Status ResourceExhausted(std::string message);
Status Unimplemented(std::string message);
Status Internal(std::string message);
Status NotFound(std::string message);
Status DataLoss(std::string message);

// A value or the Status that explains its absence. Reading the value of a failed Result aborts:
// that is our own bug, never the user's.
template <typename T>
class [[nodiscard]] Result {
 public:
  Result(T value) : value_(std::move(value)) {}         // NOLINT: implicit on purpose
  Result(Status status) : status_(std::move(status)) {  // NOLINT: implicit on purpose
    if (status_.ok()) status_ = Internal("a Result was made from an OK status");
  }

  bool ok() const { return value_.has_value(); }
  const Status& status() const { return status_; }

  T& value() & { return Check(), *value_; }
  const T& value() const& { return Check(), *value_; }
  T&& value() && { return Check(), std::move(*value_); }
  T& operator*() & { return value(); }
  const T& operator*() const& { return value(); }
  T&& operator*() && { return std::move(*this).value(); }
  T* operator->() { return &value(); }
  const T* operator->() const { return &value(); }

 private:
  void Check() const {
    if (!value_.has_value()) std::abort();
  }

  std::optional<T> value_;
  Status status_;
};

}  // namespace stator::executable

// The short forms; the long names keep clear of the macros of graph/status_macros.h.
#define STATOR_EXEC_CONCAT_INNER(a, b) a##b
#define STATOR_EXEC_CONCAT(a, b) STATOR_EXEC_CONCAT_INNER(a, b)
#define STATOR_EXEC_RETURN_IF_ERROR(expr)                                       \
  do {                                                                          \
    if (::stator::executable::Status status_macro = (expr); !status_macro.ok()) \
      return status_macro;                                                      \
  } while (false)
#define STATOR_EXEC_ASSIGN_OR_RETURN(lhs, expr) \
  STATOR_EXEC_ASSIGN_OR_RETURN_INNER(STATOR_EXEC_CONCAT(result_macro_, __LINE__), lhs, expr)
#define STATOR_EXEC_ASSIGN_OR_RETURN_INNER(result, lhs, expr) \
  auto result = (expr);                                       \
  if (!result.ok()) return result.status();                   \
  lhs = std::move(result).value()

#endif  // STATOR_EXECUTABLE_STATUS_H_
