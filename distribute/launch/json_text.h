// Reads the JSON of the small files in a run directory (proto/json_text.h writes it).
#ifndef STATOR_DISTRIBUTE_LAUNCH_JSON_TEXT_H_
#define STATOR_DISTRIBUTE_LAUNCH_JSON_TEXT_H_

#include <google/protobuf/struct.pb.h>

#include <string>

#include "absl/status/statusor.h"

namespace stator::distribute {

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
