#include "distribute/job/message_fields.h"

#include <vector>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "distribute/job/job_errors.h"

namespace stator::distribute {

using google::protobuf::Descriptor;
using google::protobuf::EnumDescriptor;
using google::protobuf::EnumValueDescriptor;
using google::protobuf::FieldDescriptor;

std::string EnumName(const EnumValueDescriptor& value) {
  // The first value is PREFIX_UNSPECIFIED.
  const std::string& first = value.type()->value(0)->name();
  const size_t prefix = first.rfind('_') + 1;
  return absl::AsciiStrToLower(value.name().substr(prefix));
}

const EnumValueDescriptor* FindEnumValue(const EnumDescriptor& type, const std::string& name) {
  for (int i = 1; i < type.value_count(); ++i) {
    if (EnumName(*type.value(i)) == name) return type.value(i);
  }
  return nullptr;
}

std::string ExpectedEnum(const EnumDescriptor& type) {
  std::vector<std::string> names;
  for (int i = 1; i < type.value_count(); ++i) names.push_back(EnumName(*type.value(i)));
  return absl::StrCat("one of ", absl::StrJoin(names, ", "));
}

std::string ExpectedType(const FieldDescriptor& field) {
  if (field.is_map()) return "a map of names to values";
  if (field.is_repeated()) return "a list";
  switch (field.cpp_type()) {
    case FieldDescriptor::CPPTYPE_STRING:
      return "a string";
    case FieldDescriptor::CPPTYPE_BOOL:
      return "true or false";
    case FieldDescriptor::CPPTYPE_FLOAT:
    case FieldDescriptor::CPPTYPE_DOUBLE:
      return "a number";
    case FieldDescriptor::CPPTYPE_ENUM:
      return ExpectedEnum(*field.enum_type());
    case FieldDescriptor::CPPTYPE_MESSAGE:
      return "a section with fields";
    default:
      return "an integer";
  }
}

std::string UnknownField(const Descriptor& type, const std::string& name) {
  std::vector<std::string> names;
  for (int i = 0; i < type.field_count(); ++i) names.push_back(type.field(i)->name());
  const std::string nearest = NearestName(name, names);
  if (!nearest.empty()) return absl::StrCat("unknown field; did you mean ", nearest, "?");
  return absl::StrCat("unknown field; expected one of ", absl::StrJoin(names, ", "));
}

std::string FieldPath(const std::string& parent, const std::string& name) {
  return parent.empty() ? name : absl::StrCat(parent, ".", name);
}

}  // namespace stator::distribute
