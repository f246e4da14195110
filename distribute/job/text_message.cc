#include "distribute/job/text_message.h"

#include <google/protobuf/descriptor.h>
#include <google/protobuf/io/tokenizer.h>
#include <google/protobuf/text_format.h>

#include <set>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "distribute/job/message_fields.h"
#include "distribute/job/substitution.h"

namespace stator::distribute {
namespace {

using google::protobuf::Descriptor;
using google::protobuf::EnumDescriptor;
using google::protobuf::FieldDescriptor;
using google::protobuf::Message;
using google::protobuf::Reflection;
using google::protobuf::TextFormat;

constexpr int kMaxDepth = 32;

// What stands between the first two quotes after `mark`, or "".
std::string QuotedAfter(const std::string& text, const std::string& mark) {
  const size_t at = text.find(absl::StrCat(mark, "\""));
  if (at == std::string::npos) return "";
  const size_t begin = at + mark.size() + 1;
  return text.substr(begin, text.find('"', begin) - begin);
}

// The enum of the field `name` of `type` or of a message below it.
const EnumDescriptor* FindEnum(const Descriptor& type, const std::string& name) {
  for (int i = 0; i < type.field_count(); ++i) {
    const FieldDescriptor& field = *type.field(i);
    if (field.name() == name && field.enum_type() != nullptr) return field.enum_type();
  }
  for (int i = 0; i < type.nested_type_count(); ++i) {
    if (const EnumDescriptor* found = FindEnum(*type.nested_type(i), name)) return found;
  }
  return nullptr;
}

// Rewrites protobuf's errors into ours: they do not say what would have been right.
class Collector : public google::protobuf::io::ErrorCollector {
 public:
  Collector(const YamlContext& context, const Descriptor& type) : context_(context), type_(type) {}

  void AddError(int line, google::protobuf::io::ColumnNumber column,
                const std::string& message) override {
    if (!context_.errors->empty()) return;  // what follows the first is noise
    context_.errors->Add(absl::StrCat(context_.source, ":", line + 1, ":", column + 1), "",
                         Improved(message));
  }

  void AddWarning(int, google::protobuf::io::ColumnNumber, const std::string&) override {}

 private:
  std::string Improved(const std::string& message) const {
    const std::string unknown = QuotedAfter(message, "has no field named ");
    if (!unknown.empty()) {
      const Descriptor* type =
          type_.file()->pool()->FindMessageTypeByName(QuotedAfter(message, "Message type "));
      if (type != nullptr) return absl::StrCat(unknown, ": ", UnknownField(*type, unknown));
    }
    const std::string field = QuotedAfter(message, "for field ");
    if (absl::StartsWith(message, "Unknown enumeration value") && !field.empty()) {
      const EnumDescriptor* type = FindEnum(type_, field);
      if (type == nullptr) return message;
      std::string names;
      for (int i = 1; i < type->value_count(); ++i) {
        absl::StrAppend(&names, i > 1 ? ", " : "", type->value(i)->name());
      }
      return absl::StrCat(field, ": expected one of ", names, ", found \"",
                          QuotedAfter(message, "value of "), "\"");
    }
    return message;
  }

  const YamlContext& context_;
  const Descriptor& type_;
};

// Notes the places of a message's fields and replaces the variables in its strings.
class Finisher {
 public:
  explicit Finisher(const YamlContext& context) : context_(context) {}

  void Finish(const TextFormat::ParseInfoTree* tree, const std::string& path, Message* message) {
    const Reflection& reflection = *message->GetReflection();
    std::vector<const FieldDescriptor*> fields;
    reflection.ListFields(*message, &fields);
    for (const FieldDescriptor* field : fields) {
      const std::string field_path = FieldPath(path, field->name());
      if (field->is_map()) {
        FinishMap(tree, *field, field_path, message);
      } else if (field->is_repeated()) {
        Note(tree, *field, 0, field_path);
        for (int i = 0; i < reflection.FieldSize(*message, field); ++i) {
          const std::string item_path = absl::StrCat(field_path, "[", i, "]");
          const std::string place = Note(tree, *field, i, item_path);
          if (field->cpp_type() != FieldDescriptor::CPPTYPE_STRING) continue;
          reflection.SetRepeatedString(
              message, field, i,
              Replaced(reflection.GetRepeatedString(*message, field, i), place, item_path));
        }
      } else {
        const std::string place = Note(tree, *field, -1, field_path);
        if (field->cpp_type() == FieldDescriptor::CPPTYPE_MESSAGE) {
          Finish(tree == nullptr ? nullptr : tree->GetTreeForNested(field, -1), field_path,
                 reflection.MutableMessage(message, field));
        } else if (field->cpp_type() == FieldDescriptor::CPPTYPE_STRING) {
          reflection.SetString(message, field,
                               Replaced(reflection.GetString(*message, field), place, field_path));
        }
      }
    }
  }

 private:
  std::string Note(const TextFormat::ParseInfoTree* tree, const FieldDescriptor& field, int index,
                   const std::string& path) {
    std::string place = context_.source;
    if (tree != nullptr) {
      const TextFormat::ParseLocation at = tree->GetLocation(&field, index);
      if (at.line >= 0) absl::StrAppend(&place, ":", at.line + 1, ":", at.column + 1);
    }
    context_.places->Set(path, place);
    return place;
  }

  std::string Replaced(const std::string& text, const std::string& place, const std::string& path) {
    absl::StatusOr<std::string> replaced = SubstituteVariables(text, context_.environment);
    if (replaced.ok()) return *std::move(replaced);
    context_.errors->Add(place, path, std::string(replaced.status().message()));
    return text;
  }

  void FinishMap(const TextFormat::ParseInfoTree* tree, const FieldDescriptor& field,
                 const std::string& path, Message* message) {
    Note(tree, field, 0, path);
    const Reflection& reflection = *message->GetReflection();
    const Descriptor& type = *field.message_type();
    std::set<std::string> keys;
    for (int i = 0; i < reflection.FieldSize(*message, &field); ++i) {
      Message* entry = reflection.MutableRepeatedMessage(message, &field, i);
      const Reflection& of_entry = *entry->GetReflection();
      const std::string key = of_entry.GetString(*entry, type.map_key());
      const std::string entry_path = FieldPath(path, key);
      const std::string place = Note(tree, field, i, entry_path);
      if (!keys.insert(key).second) {
        context_.errors->Add(place, entry_path, "the key appears twice");
      }
      of_entry.SetString(entry, type.map_value(),
                         Replaced(of_entry.GetString(*entry, type.map_value()), place, entry_path));
    }
  }

  const YamlContext& context_;
};

}  // namespace

void ReadTextFields(const std::string& text, const YamlContext& context, Message* message) {
  Collector collector(context, *message->GetDescriptor());
  TextFormat::ParseInfoTree tree;
  TextFormat::Parser parser;
  parser.RecordErrorsTo(&collector);
  parser.WriteLocationsTo(&tree);
  parser.SetRecursionLimit(kMaxDepth);
  if (!parser.ParseFromString(text, message)) {
    if (context.errors->empty()) context.errors->Add(context.source, "", "not a text proto");
    return;
  }
  Finisher(context).Finish(&tree, "", message);
}

}  // namespace stator::distribute
