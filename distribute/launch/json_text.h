// JSON of the small files in a run directory.
#ifndef STATOR_DISTRIBUTE_LAUNCH_JSON_TEXT_H_
#define STATOR_DISTRIBUTE_LAUNCH_JSON_TEXT_H_

#include <google/protobuf/struct.pb.h>

#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

namespace stator::distribute {

std::string JsonQuote(absl::string_view text);

// One object, its members in the order in which they are added.
class JsonWriter {
 public:
  JsonWriter& Text(absl::string_view key, absl::string_view value) {
    return Json(key, JsonQuote(value));
  }
  JsonWriter& Number(absl::string_view key, double value);
  JsonWriter& Flag(absl::string_view key, bool value) {
    return Json(key, value ? "true" : "false");
  }
  // A value that is JSON already.
  JsonWriter& Json(absl::string_view key, absl::string_view value);
  std::string ToString() const { return "{" + members_ + "}"; }

 private:
  std::string members_;
};

// An array of what are JSON values already; each on a line of its own after `indent`, if there is
// one.
std::string JsonArray(const std::vector<std::string>& values, absl::string_view indent = "");

// An object with its members; `what` names it in errors. At most 1 MiB.
absl::StatusOr<google::protobuf::Struct> ParseJsonObject(const std::string& text,
                                                         const std::string& what);

// Members; the default where they are missing or of another type.
std::string TextMember(const google::protobuf::Struct& object, const std::string& key);
double NumberMember(const google::protobuf::Struct& object, const std::string& key,
                    double otherwise);
bool FlagMember(const google::protobuf::Struct& object, const std::string& key);

}  // namespace stator::distribute

#endif  // STATOR_DISTRIBUTE_LAUNCH_JSON_TEXT_H_
