#include "distribute/launch/environment_reader.h"

#include "absl/status/status.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"

namespace stator::distribute {

std::string EnvironmentReader::Text(const std::string& name) const {
  if (!lookup_) return "";
  return lookup_(name).value_or("");
}

absl::StatusOr<int64_t> EnvironmentReader::Integer(const std::string& name,
                                                   const std::string& whose, int64_t least,
                                                   int64_t most) const {
  const std::string text = Text(name);
  if (text.empty()) {
    return absl::InvalidArgumentError(
        absl::StrCat(name, ": expected, since ", whose, ", but it is not set"));
  }
  int64_t value = 0;
  const bool is_number =
      text.find_first_not_of("0123456789") == std::string::npos && absl::SimpleAtoi(text, &value);
  if (!is_number || value < least || value > most) {
    return absl::InvalidArgumentError(absl::StrCat(name, ": expected an integer from ", least,
                                                   " to ", most, ", found \"", text.substr(0, 80),
                                                   "\""));
  }
  return value;
}

absl::StatusOr<int64_t> EnvironmentReader::IntegerOr(const std::string& name, int64_t least,
                                                     int64_t most, int64_t otherwise) const {
  if (!Has(name)) return otherwise;
  return Integer(name, "", least, most);
}

}  // namespace stator::distribute
