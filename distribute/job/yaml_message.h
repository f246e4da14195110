#ifndef STATOR_DISTRIBUTE_JOB_YAML_MESSAGE_H_
#define STATOR_DISTRIBUTE_JOB_YAML_MESSAGE_H_

// YAML into a protobuf message, by reflection: a field added to the message can be written in YAML
// at once.

#include <google/protobuf/message.h>

#include <string>

#include "distribute/job/environment.h"
#include "distribute/job/job_errors.h"
#include "distribute/job/yaml.h"

namespace stator::distribute {

// What is common to the values of one text. The pointers outlive the calls.
struct YamlContext {
  // What errors call a value: `source:LINE:COLUMN`, or `source` alone where values have no lines of
  // their own.
  std::string source;
  bool with_lines = true;

  EnvironmentLookup environment;
  JobErrors* errors;
  JobPlaces* places;
};

// Reads the map `node` into the fields of `message`, adding what is wrong to context.errors. Lists
// and maps replace what was there, sections are merged. `path` is the message's own, "" at the top.
void ReadYamlFields(const YamlNode& node, const YamlContext& context, const std::string& path,
                    google::protobuf::Message* message);

// Reads `node` into the field `path` ("roles.worker", "environment.NAME") of `message`.
void ReadYamlField(const YamlNode& node, const YamlContext& context, const std::string& path,
                   google::protobuf::Message* message);

}  // namespace stator::distribute

#endif  // STATOR_DISTRIBUTE_JOB_YAML_MESSAGE_H_
