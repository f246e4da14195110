#include "distribute/job/yaml_message.h"

#include <google/protobuf/descriptor.h>

#include <cmath>
#include <cstdint>
#include <limits>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "distribute/job/message_fields.h"
#include "distribute/job/substitution.h"

namespace stator::distribute {
namespace {

using google::protobuf::EnumValueDescriptor;
using google::protobuf::FieldDescriptor;
using google::protobuf::Message;
using google::protobuf::Reflection;

std::string PlaceOf(const YamlContext& context, int line, int column) {
  if (!context.with_lines || line == 0) return context.source;
  return absl::StrCat(context.source, ":", line, ":", column);
}

std::string Found(const YamlNode& node) {
  switch (node.kind) {
    case YamlNode::Kind::kNull:
      return "nothing";
    case YamlNode::Kind::kScalar:
      return absl::StrCat("\"", node.scalar.substr(0, 80), node.scalar.size() > 80 ? "..." : "",
                          "\"");
    case YamlNode::Kind::kSequence:
      return "a list";
    case YamlNode::Kind::kMap:
      return "a map";
  }
  return "";
}

// Reads values into one field. An object per field, so that its errors need not be handed the place
// again and again.
class FieldReader {
 public:
  FieldReader(const FieldDescriptor& field, const YamlContext& context, const std::string& path,
              Message* message)
      : field_(field),
        context_(context),
        path_(path),
        message_(message),
        reflection_(*message->GetReflection()) {}

  void Read(const YamlNode& node) {
    context_.places->Set(path_, PlaceOf(context_, node.line, node.column));
    if (field_.is_map()) {
      ReadMap(node);
    } else if (field_.is_repeated()) {
      ReadList(node);
    } else if (field_.cpp_type() == FieldDescriptor::CPPTYPE_MESSAGE) {
      if (node.kind == YamlNode::Kind::kScalar || node.kind == YamlNode::Kind::kSequence) {
        AddExpected(node, ExpectedType(field_));
      } else {
        ReadYamlFields(node, context_, path_, reflection_.MutableMessage(message_, &field_));
      }
    } else {
      ReadScalar(node);
    }
  }

  // Sets the entry `key` of a map of strings; other maps do not occur in messages that people
  // write.
  void ReadMapEntry(const std::string& key, const YamlNode& node) {
    const std::string entry_path = FieldPath(path_, key);
    context_.places->Set(entry_path, PlaceOf(context_, node.line, node.column));
    std::string value;
    if (!TakeText(node, entry_path, &value)) return;
    Message* entry = FindEntry(key);
    if (entry == nullptr) entry = reflection_.AddMessage(message_, &field_);
    const google::protobuf::Descriptor& type = *field_.message_type();
    entry->GetReflection()->SetString(entry, type.map_key(), key);
    entry->GetReflection()->SetString(entry, type.map_value(), value);
  }

 private:
  void AddExpected(const YamlNode& node, const std::string& expected) {
    AddExpected(node, expected, Found(node));
  }

  void AddExpected(const YamlNode& node, const std::string& expected, const std::string& found) {
    Add(node, path_, absl::StrCat("expected ", expected, ", found ", found));
  }

  void Add(const YamlNode& node, const std::string& path, const std::string& what) {
    context_.errors->Add(PlaceOf(context_, node.line, node.column), path, what);
  }

  // The text of a scalar with its variables replaced.
  bool TakeText(const YamlNode& node, const std::string& path, std::string* text) {
    // `--set name=` empties a string; a file says "".
    if (node.kind == YamlNode::Kind::kNull && !context_.with_lines) return true;
    if (node.kind != YamlNode::Kind::kScalar) {
      Add(node, path, absl::StrCat("expected a string, found ", Found(node)));
      return false;
    }
    absl::StatusOr<std::string> replaced = SubstituteVariables(node.scalar, context_.environment);
    if (!replaced.ok()) {
      Add(node, path, std::string(replaced.status().message()));
      return false;
    }
    *text = *std::move(replaced);
    return true;
  }

  Message* FindEntry(const std::string& key) {
    const google::protobuf::Descriptor& type = *field_.message_type();
    for (int i = 0; i < reflection_.FieldSize(*message_, &field_); ++i) {
      Message* entry = reflection_.MutableRepeatedMessage(message_, &field_, i);
      if (entry->GetReflection()->GetString(*entry, type.map_key()) == key) return entry;
    }
    return nullptr;
  }

  void ReadMap(const YamlNode& node) {
    if (node.kind == YamlNode::Kind::kScalar || node.kind == YamlNode::Kind::kSequence) {
      AddExpected(node, ExpectedType(field_));
      return;
    }
    reflection_.ClearField(message_, &field_);
    for (const YamlEntry& entry : node.entries) ReadMapEntry(entry.key, entry.value);
  }

  void ReadList(const YamlNode& node) {
    if (node.kind == YamlNode::Kind::kScalar || node.kind == YamlNode::Kind::kMap) {
      AddExpected(node, ExpectedType(field_));
      return;
    }
    if (field_.cpp_type() != FieldDescriptor::CPPTYPE_STRING) {
      Add(node, path_,
          absl::StrCat("lists of ", field_.cpp_type_name(), " cannot be written in YAML"));
      return;
    }
    reflection_.ClearField(message_, &field_);
    for (size_t i = 0; i < node.items.size(); ++i) {
      const std::string item_path = absl::StrCat(path_, "[", i, "]");
      context_.places->Set(item_path, PlaceOf(context_, node.items[i].line, node.items[i].column));
      std::string text;
      if (TakeText(node.items[i], item_path, &text)) {
        reflection_.AddString(message_, &field_, text);
      }
    }
  }

  void ReadScalar(const YamlNode& node) {
    if (field_.cpp_type() == FieldDescriptor::CPPTYPE_STRING) {
      std::string text;
      if (TakeText(node, path_, &text)) reflection_.SetString(message_, &field_, text);
      return;
    }
    if (node.kind != YamlNode::Kind::kScalar) {
      AddExpected(node, ExpectedType(field_));
      return;
    }
    std::string text;
    if (TakeText(node, path_, &text)) SetFromText(node, text);
  }

  void SetFromText(const YamlNode& node, const std::string& text) {
    const std::string found = absl::StrCat("\"", text.substr(0, 80), "\"");
    switch (field_.cpp_type()) {
      case FieldDescriptor::CPPTYPE_INT32: {
        int64_t value;
        if (TakeInteger<int32_t>(node, text, &value)) {
          reflection_.SetInt32(message_, &field_, static_cast<int32_t>(value));
        }
        return;
      }
      case FieldDescriptor::CPPTYPE_INT64: {
        int64_t value;
        if (TakeInteger<int64_t>(node, text, &value)) {
          reflection_.SetInt64(message_, &field_, value);
        }
        return;
      }
      case FieldDescriptor::CPPTYPE_DOUBLE: {
        double value;
        if (absl::SimpleAtod(text, &value) && std::isfinite(value)) {
          reflection_.SetDouble(message_, &field_, value);
        } else {
          AddExpected(node, "a number", found);
        }
        return;
      }
      case FieldDescriptor::CPPTYPE_BOOL:
        if (text == "true" || text == "false") {
          reflection_.SetBool(message_, &field_, text == "true");
        } else {
          AddExpected(node, "true or false", found);
        }
        return;
      case FieldDescriptor::CPPTYPE_ENUM: {
        const EnumValueDescriptor* value = FindEnumValue(*field_.enum_type(), text);
        if (value != nullptr) {
          reflection_.SetEnum(message_, &field_, value);
        } else {
          AddExpected(node, ExpectedEnum(*field_.enum_type()), found);
        }
        return;
      }
      default:
        Add(node, path_,
            absl::StrCat("fields of type ", field_.cpp_type_name(), " cannot be written in YAML"));
    }
  }

  // Decimal digits only: 010 is eight to some readers of YAML and ten to others.
  template <typename Int>
  bool TakeInteger(const YamlNode& node, const std::string& text, int64_t* value) {
    const size_t first = !text.empty() && text[0] == '-' ? 1 : 0;
    const std::string digits = text.substr(first);
    const bool is_integer = !digits.empty() && (digits == "0" || digits[0] != '0') &&
                            digits.find_first_not_of("0123456789") == std::string::npos;
    const std::string found = absl::StrCat("\"", text.substr(0, 80), "\"");
    if (!is_integer) {
      AddExpected(node, "an integer", found);
      return false;
    }
    if (!absl::SimpleAtoi(text, value) || *value < std::numeric_limits<Int>::min() ||
        *value > std::numeric_limits<Int>::max()) {
      AddExpected(node,
                  absl::StrCat("an integer from ", std::numeric_limits<Int>::min(), " to ",
                               std::numeric_limits<Int>::max()),
                  found);
      return false;
    }
    return true;
  }

  const FieldDescriptor& field_;
  const YamlContext& context_;
  const std::string path_;
  Message* const message_;
  const Reflection& reflection_;
};

}  // namespace

void ReadYamlFields(const YamlNode& node, const YamlContext& context, const std::string& path,
                    Message* message) {
  if (node.kind == YamlNode::Kind::kScalar || node.kind == YamlNode::Kind::kSequence) {
    context.errors->Add(PlaceOf(context, node.line, node.column), path,
                        absl::StrCat("expected a map of fields, found ", Found(node)));
    return;
  }
  for (const YamlEntry& entry : node.entries) {
    const std::string entry_path = FieldPath(path, entry.key);
    const FieldDescriptor* field = message->GetDescriptor()->FindFieldByName(entry.key);
    if (field == nullptr) {
      context.errors->Add(PlaceOf(context, entry.line, entry.column), entry_path,
                          UnknownField(*message->GetDescriptor(), entry.key));
      continue;
    }
    FieldReader(*field, context, entry_path, message).Read(entry.value);
  }
}

void ReadYamlField(const YamlNode& node, const YamlContext& context, const std::string& path,
                   Message* message) {
  const std::string place = PlaceOf(context, node.line, node.column);
  const std::vector<std::string> names = absl::StrSplit(path, '.');
  std::string walked;
  for (size_t i = 0; i < names.size(); ++i) {
    walked = FieldPath(walked, names[i]);
    const FieldDescriptor* field = message->GetDescriptor()->FindFieldByName(names[i]);
    if (field == nullptr) {
      context.errors->Add(place, walked, UnknownField(*message->GetDescriptor(), names[i]));
      return;
    }
    FieldReader reader(*field, context, walked, message);
    if (i + 1 == names.size()) {
      reader.Read(node);
      return;
    }
    if (field->is_map()) {
      reader.ReadMapEntry(path.substr(walked.size() + 1), node);
      return;
    }
    if (field->is_repeated() || field->cpp_type() != FieldDescriptor::CPPTYPE_MESSAGE) {
      context.errors->Add(place, walked,
                          absl::StrCat("holds ", ExpectedType(*field), ", so it has no field \"",
                                       path.substr(walked.size() + 1), "\""));
      return;
    }
    message = message->GetReflection()->MutableMessage(message, field);
  }
}

}  // namespace stator::distribute
