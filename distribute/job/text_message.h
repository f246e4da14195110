#ifndef STATOR_DISTRIBUTE_JOB_TEXT_MESSAGE_H_
#define STATOR_DISTRIBUTE_JOB_TEXT_MESSAGE_H_

// Text proto into a protobuf message, with the same errors, places and variables as YAML has.

#include <google/protobuf/message.h>

#include <string>

#include "distribute/job/yaml_message.h"

namespace stator::distribute {

// Reads `text` into `message`, adding what is wrong to context.errors: the first fault of the
// syntax, all of the variables.
void ReadTextFields(const std::string& text, const YamlContext& context,
                    google::protobuf::Message* message);

}  // namespace stator::distribute

#endif  // STATOR_DISTRIBUTE_JOB_TEXT_MESSAGE_H_
