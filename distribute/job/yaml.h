#ifndef STATOR_DISTRIBUTE_JOB_YAML_H_
#define STATOR_DISTRIBUTE_JOB_YAML_H_

// YAML, or JSON, as a small tree that knows its lines. The only place that sees yaml-cpp and its
// exceptions.

#include <string>
#include <vector>

#include "absl/status/statusor.h"

namespace stator::distribute {

struct YamlEntry;

struct YamlNode {
  enum class Kind { kNull, kScalar, kSequence, kMap };

  Kind kind = Kind::kNull;
  std::string scalar;  // as written, without quotes and escapes
  bool quoted = false;
  std::vector<YamlNode> items;
  std::vector<YamlEntry> entries;  // in the order of the text; no key twice

  // Where it starts, from 1.
  int line = 0;
  int column = 0;

  // The value of `key`; null where this is no map or has no such key.
  const YamlNode* Find(const std::string& key) const;
};

struct YamlEntry {
  std::string key;
  int line = 0;
  int column = 0;
  YamlNode value;
};

inline constexpr size_t kMaxYamlBytes = 1 << 20;
inline constexpr int kMaxYamlDepth = 32;

// Reads one document. Refused with `NAME:LINE:COLUMN: why`: text over kMaxYamlBytes or not UTF-8,
// deeper nesting than kMaxYamlDepth, anchors, aliases, tags, a second document, a key that appears
// twice or is no plain value.
absl::StatusOr<YamlNode> ParseYaml(const std::string& text, const std::string& name);

// Whether all of `text` is UTF-8 without NUL.
bool IsUtf8Text(const std::string& text);

}  // namespace stator::distribute

#endif  // STATOR_DISTRIBUTE_JOB_YAML_H_
