#ifndef STATOR_DISTRIBUTE_JOB_MESSAGE_FIELDS_H_
#define STATOR_DISTRIBUTE_JOB_MESSAGE_FIELDS_H_

// How fields of a message are called and described to people, whatever the message.

#include <google/protobuf/descriptor.h>

#include <string>

namespace stator::distribute {

// What people write for a value in YAML: KIND_MULTI_WORKER of enum Kind is "multi_worker".
std::string EnumName(const google::protobuf::EnumValueDescriptor& value);

// The value that people call `name`; null where there is none. The value 0 (unspecified) has no
// name.
const google::protobuf::EnumValueDescriptor* FindEnumValue(
    const google::protobuf::EnumDescriptor& type, const std::string& name);

// "one of single, mirrored, multi_worker".
std::string ExpectedEnum(const google::protobuf::EnumDescriptor& type);

// What a field holds, for errors: "an integer", "true or false", "a list", ...
std::string ExpectedType(const google::protobuf::FieldDescriptor& field);

// "unknown field; did you mean devices?", or the list of fields where none is near.
std::string UnknownField(const google::protobuf::Descriptor& type, const std::string& name);

// `parent.name`, or `name` in the message itself.
std::string FieldPath(const std::string& parent, const std::string& name);

}  // namespace stator::distribute

#endif  // STATOR_DISTRIBUTE_JOB_MESSAGE_FIELDS_H_
