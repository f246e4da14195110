#ifndef STATOR_PROTO_JSON_TEXT_H_
#define STATOR_PROTO_JSON_TEXT_H_

#include <string>
#include <type_traits>
#include <vector>

#include "absl/strings/string_view.h"

// Writes JSON for results that programs read.

namespace stator {

// `text` as a JSON string, quotes included. JSON is UTF-8: of a byte that is none, U+FFFD remains.
std::string JsonQuote(absl::string_view text);

// A whole number without exponent up to 1e15, else nine digits; null if it is not finite.
std::string JsonNumber(double value);

// One object, with its members in the order in which they are added.
class JsonObject {
 public:
  JsonObject& Text(absl::string_view key, absl::string_view value) {
    return Json(key, JsonQuote(value));
  }
  template <typename T>
  JsonObject& Number(absl::string_view key, T value) {
    if constexpr (std::is_integral_v<T>) return Json(key, std::to_string(value));
    return Json(key, JsonNumber(static_cast<double>(value)));
  }
  JsonObject& Flag(absl::string_view key, bool value) {
    return Json(key, value ? "true" : "false");
  }
  // A value that is JSON already.
  JsonObject& Json(absl::string_view key, absl::string_view value);
  std::string ToString() const { return "{" + members_ + "}"; }

 private:
  std::string members_;
};

// An array of what are JSON values already; each on a line of its own after `indent`, if there is
// one.
std::string JsonArray(const std::vector<std::string>& values, absl::string_view indent = "");

}  // namespace stator

#endif  // STATOR_PROTO_JSON_TEXT_H_
