#include "distribute/launch/json_text.h"

#include <google/protobuf/util/json_util.h>

#include <cmath>
#include <cstdio>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"

namespace stator::distribute {

std::string JsonQuote(absl::string_view text) {
  std::string out = "\"";
  for (const char c : text) {
    if (c == '"' || c == '\\') {
      out += '\\';
      out += c;
    } else if (c == '\n') {
      out += "\\n";
    } else if (static_cast<unsigned char>(c) < 0x20) {
      char escape[8];
      std::snprintf(escape, sizeof(escape), "\\u%04x", c);
      out += escape;
    } else {
      out += c;
    }
  }
  return out + "\"";
}

JsonWriter& JsonWriter::Json(absl::string_view key, absl::string_view value) {
  absl::StrAppend(&members_, members_.empty() ? "" : ", ", JsonQuote(key), ": ", value);
  return *this;
}

JsonWriter& JsonWriter::Number(absl::string_view key, double value) {
  if (!std::isfinite(value)) return Json(key, "null");
  char text[32];
  const bool whole = std::fabs(value) < 1e15 && value == std::floor(value);
  std::snprintf(text, sizeof(text), whole ? "%.0f" : "%.9g", value);
  return Json(key, text);
}

std::string JsonArray(const std::vector<std::string>& values, absl::string_view indent) {
  std::string out = "[";
  for (size_t i = 0; i < values.size(); ++i) {
    if (i > 0) out += indent.empty() ? ", " : ",";
    if (!indent.empty()) absl::StrAppend(&out, "\n", indent);
    out += values[i];
  }
  return out + "]";
}

absl::StatusOr<google::protobuf::Struct> ParseJsonObject(const std::string& text,
                                                         const std::string& what) {
  google::protobuf::Struct object;
  if (text.size() > 1 << 20) return absl::InvalidArgumentError(what + ": longer than 1 MiB");
  const auto status = google::protobuf::util::JsonStringToMessage(text, &object);
  if (!status.ok()) {
    return absl::InvalidArgumentError(
        absl::StrCat(what, ": not a JSON object: ", status.message().ToString()));
  }
  return object;
}

std::string TextMember(const google::protobuf::Struct& object, const std::string& key) {
  const auto found = object.fields().find(key);
  return found == object.fields().end() ? "" : found->second.string_value();
}

double NumberMember(const google::protobuf::Struct& object, const std::string& key,
                    double otherwise) {
  const auto found = object.fields().find(key);
  if (found == object.fields().end()) return otherwise;
  const google::protobuf::Value& value = found->second;
  return value.kind_case() == google::protobuf::Value::kNumberValue ? value.number_value()
                                                                    : otherwise;
}

bool FlagMember(const google::protobuf::Struct& object, const std::string& key) {
  const auto found = object.fields().find(key);
  return found != object.fields().end() && found->second.bool_value();
}

}  // namespace stator::distribute
