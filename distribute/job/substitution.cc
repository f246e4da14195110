#include "distribute/job/substitution.h"

#include <optional>

#include "absl/status/status.h"
#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"
#include "distribute/job/yaml.h"
#include "graph/status_macros.h"

namespace stator::distribute {
namespace {

bool IsVariableName(const std::string& name) {
  if (name.empty() || absl::ascii_isdigit(name[0])) return false;
  for (const char c : name) {
    if (!absl::ascii_isalnum(c) && c != '_') return false;
  }
  return true;
}

// `inside` is what stands between ${ and }.
absl::StatusOr<std::string> ValueOf(const std::string& inside,
                                    const EnvironmentLookup& environment) {
  const size_t dash = inside.find(":-");
  const std::string name = inside.substr(0, dash);
  if (!IsVariableName(name)) {
    return absl::InvalidArgumentError(
        absl::StrCat("expected ${NAME} or ${NAME:-otherwise}, found ${", inside, "}"));
  }
  std::optional<std::string> value;
  if (environment) value = environment(name);
  if (dash != std::string::npos && value.value_or("").empty()) return inside.substr(dash + 2);
  if (!value.has_value()) {
    return absl::InvalidArgumentError(absl::StrCat("environment variable ", name, " is not set (${",
                                                   name, ":-VALUE} gives a value for that case)"));
  }
  if (!IsUtf8Text(*value)) {
    return absl::InvalidArgumentError(
        absl::StrCat("environment variable ", name, " is not UTF-8 text"));
  }
  return *value;
}

}  // namespace

absl::StatusOr<std::string> SubstituteVariables(const std::string& text,
                                                const EnvironmentLookup& environment) {
  std::string result;
  for (size_t at = 0; at < text.size();) {
    if (text.compare(at, 3, "$${") == 0) {
      result += "${";
      at += 3;
    } else if (text.compare(at, 2, "${") == 0) {
      const size_t end = text.find('}', at);
      if (end == std::string::npos) {
        return absl::InvalidArgumentError("${ without }; $${ stands for a plain ${");
      }
      STATOR_ASSIGN_OR_RETURN(const std::string value,
                              ValueOf(text.substr(at + 2, end - at - 2), environment));
      result += value;
      at = end + 1;
    } else {
      result += text[at++];
    }
  }
  return result;
}

std::string EscapeVariables(const std::string& text) {
  return absl::StrReplaceAll(text, {{"${", "$${"}});
}

}  // namespace stator::distribute
