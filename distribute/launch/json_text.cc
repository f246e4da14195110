#include "distribute/launch/json_text.h"

#include <google/protobuf/util/json_util.h>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"

namespace stator::distribute {

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
