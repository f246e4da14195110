// JSON for results that programs read.
#ifndef STATOR_TOOLS_STATOR_JSON_OBJECT_H_
#define STATOR_TOOLS_STATOR_JSON_OBJECT_H_

#include <cstdint>
#include <string>
#include <vector>

#include "runtime/session/run_trace.h"

namespace stator::tools {

// One object, with its members in the order in which they are added.
class JsonObject {
 public:
  JsonObject& Text(const char* key, const std::string& value) {
    return Json(key, runtime::JsonQuote(value));
  }
  JsonObject& Number(const char* key, int64_t value) { return Json(key, std::to_string(value)); }
  JsonObject& Flag(const char* key, bool value) { return Json(key, value ? "true" : "false"); }
  // A value that is JSON already.
  JsonObject& Json(const char* key, const std::string& value) {
    members_ += members_.empty() ? "\"" : ", \"";
    members_ += key;
    members_ += "\": " + value;
    return *this;
  }
  std::string ToString() const { return "{" + members_ + "}"; }

 private:
  std::string members_;
};

// An array of what are JSON values already.
inline std::string JsonArray(const std::vector<std::string>& values) {
  std::string out = "[";
  for (size_t i = 0; i < values.size(); ++i) out += (i == 0 ? "" : ", ") + values[i];
  return out + "]";
}

}  // namespace stator::tools

#endif  // STATOR_TOOLS_STATOR_JSON_OBJECT_H_
