// Compiled with exceptions, unlike the rest: yaml-cpp throws. Nothing leaves ParseYaml but a
// status.

#include "distribute/job/yaml.h"

#include <yaml-cpp/eventhandler.h>
#include <yaml-cpp/exceptions.h>
#include <yaml-cpp/mark.h>
#include <yaml-cpp/parser.h>

#include <exception>
#include <map>
#include <sstream>
#include <utility>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"

namespace stator::distribute {
namespace {

// What this file throws to leave yaml-cpp's parser.
struct Refused {
  YAML::Mark mark;
  std::string why;
};

// Builds the tree. The node under construction lies in its parent, which does not grow meanwhile.
class TreeBuilder : public YAML::EventHandler {
 public:
  explicit TreeBuilder(YamlNode* root) : root_(root) {}

  void OnDocumentStart(const YAML::Mark& mark) override {
    if (++documents_ > 1) throw Refused{mark, "a second document; one is expected"};
  }
  void OnDocumentEnd() override {}

  void OnNull(const YAML::Mark& mark, YAML::anchor_t anchor) override {
    CheckAnchor(mark, anchor);
    if (AwaitsKey()) throw Refused{mark, "an empty key"};
    YamlNode* node = Place(mark, YamlNode::Kind::kNull);
    if (open_.empty() || open_.back().node->kind != YamlNode::Kind::kMap) return;
    // Nothing stands where the parser noticed that a value is missing; its key does.
    const YamlEntry& entry = open_.back().node->entries.back();
    node->line = entry.line;
    node->column = entry.column;
  }

  void OnAlias(const YAML::Mark& mark, YAML::anchor_t) override {
    throw Refused{mark, "aliases (*name) are not allowed"};
  }

  void OnScalar(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                const std::string& value) override {
    CheckAnchor(mark, anchor);
    CheckTag(mark, tag);
    if (AwaitsKey()) {
      TakeKey(mark, value);
      return;
    }
    YamlNode* node = Place(mark, YamlNode::Kind::kScalar);
    node->scalar = value;
    node->quoted = tag == "!";
  }

  void OnSequenceStart(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                       YAML::EmitterStyle::value) override {
    Open(mark, tag, anchor, YamlNode::Kind::kSequence);
  }
  void OnSequenceEnd() override { open_.pop_back(); }

  void OnMapStart(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                  YAML::EmitterStyle::value) override {
    Open(mark, tag, anchor, YamlNode::Kind::kMap);
  }
  void OnMapEnd() override { open_.pop_back(); }

 private:
  struct OpenNode {
    YamlNode* node;
    bool has_key = false;             // of a map: the next value belongs to the last entry
    std::map<std::string, int> keys;  // of a map: lines of the keys so far
  };

  bool AwaitsKey() const {
    return !open_.empty() && open_.back().node->kind == YamlNode::Kind::kMap &&
           !open_.back().has_key;
  }

  static void CheckAnchor(const YAML::Mark& mark, YAML::anchor_t anchor) {
    if (anchor != YAML::NullAnchor) throw Refused{mark, "anchors (&name) are not allowed"};
  }

  static void CheckTag(const YAML::Mark& mark, const std::string& tag) {
    if (!tag.empty() && tag != "?" && tag != "!")
      throw Refused{mark, "tags (!name) are not allowed"};
  }

  void TakeKey(const YAML::Mark& mark, const std::string& key) {
    OpenNode& map = open_.back();
    const int line = mark.line + 1;
    const auto [at, is_new] = map.keys.emplace(key, line);
    if (!is_new) {
      throw Refused{mark, absl::StrCat("\"", key, "\" appears twice; first in line ", at->second)};
    }
    map.node->entries.push_back({key, line, mark.column + 1, YamlNode()});
    map.has_key = true;
  }

  YamlNode* Place(const YAML::Mark& mark, YamlNode::Kind kind) {
    YamlNode* node = root_;
    if (!open_.empty()) {
      OpenNode& parent = open_.back();
      if (parent.node->kind == YamlNode::Kind::kMap) {
        node = &parent.node->entries.back().value;
        parent.has_key = false;
      } else {
        node = &parent.node->items.emplace_back();
      }
    }
    node->kind = kind;
    node->line = mark.line + 1;
    node->column = mark.column + 1;
    return node;
  }

  void Open(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
            YamlNode::Kind kind) {
    CheckAnchor(mark, anchor);
    CheckTag(mark, tag);
    if (AwaitsKey()) throw Refused{mark, "a list or map as a key"};
    if (open_.size() >= kMaxYamlDepth) {
      throw Refused{mark, absl::StrCat("nested deeper than ", kMaxYamlDepth)};
    }
    open_.push_back({Place(mark, kind), false, {}});
  }

  YamlNode* const root_;
  std::vector<OpenNode> open_;
  int documents_ = 0;
};

absl::Status ErrorAt(const std::string& name, const YAML::Mark& mark, const std::string& why) {
  if (mark.is_null()) return absl::InvalidArgumentError(absl::StrCat(name, ": ", why));
  return absl::InvalidArgumentError(
      absl::StrCat(name, ":", mark.line + 1, ":", mark.column + 1, ": ", why));
}

// The bytes of the UTF-8 character at `at`, or 0 where there is none.
size_t CharacterLength(const std::string& text, size_t at) {
  const auto byte = [&](size_t i) { return static_cast<unsigned char>(text[i]); };
  const unsigned char first = byte(at);
  if (first == 0) return 0;
  if (first < 0x80) return 1;
  const size_t length = first >= 0xF0 ? 4 : first >= 0xE0 ? 3 : 2;
  if (first < 0xC2 || first > 0xF4 || at + length > text.size()) return 0;
  for (size_t i = 1; i < length; ++i) {
    if ((byte(at + i) & 0xC0) != 0x80) return 0;
  }
  const unsigned char second = byte(at + 1);
  if (first == 0xE0 && second < 0xA0) return 0;   // overlong
  if (first == 0xED && second >= 0xA0) return 0;  // a surrogate
  if (first == 0xF0 && second < 0x90) return 0;   // overlong
  if (first == 0xF4 && second >= 0x90) return 0;  // past U+10FFFF
  return length;
}

}  // namespace

const YamlNode* YamlNode::Find(const std::string& key) const {
  for (const YamlEntry& entry : entries) {
    if (entry.key == key) return &entry.value;
  }
  return nullptr;
}

bool IsUtf8Text(const std::string& text) {
  for (size_t at = 0; at < text.size();) {
    const size_t length = CharacterLength(text, at);
    if (length == 0) return false;
    at += length;
  }
  return true;
}

absl::StatusOr<YamlNode> ParseYaml(const std::string& text, const std::string& name) {
  if (text.size() > kMaxYamlBytes) {
    return absl::InvalidArgumentError(
        absl::StrCat(name, ": ", text.size(), " bytes; at most ", kMaxYamlBytes, " are read"));
  }
  if (!IsUtf8Text(text)) {
    return absl::InvalidArgumentError(absl::StrCat(name, ": not UTF-8 text"));
  }
  YamlNode root;
  try {
    std::istringstream input(text);
    YAML::Parser parser(input);
    TreeBuilder builder(&root);
    if (parser.HandleNextDocument(builder)) parser.HandleNextDocument(builder);
  } catch (const Refused& refused) {
    return ErrorAt(name, refused.mark, refused.why);
  } catch (const YAML::Exception& error) {
    return ErrorAt(name, error.mark, error.msg);
  } catch (const std::exception& error) {
    return absl::InvalidArgumentError(absl::StrCat(name, ": ", error.what()));
  }
  return root;
}

}  // namespace stator::distribute
