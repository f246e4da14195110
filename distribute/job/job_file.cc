#include "distribute/job/job_file.h"

#include <google/protobuf/text_format.h>
#include <sys/stat.h>

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <memory>
#include <sstream>

#include "absl/status/status.h"
#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "distribute/job/job_errors.h"
#include "distribute/job/network_text.h"
#include "distribute/job/resolve_job.h"
#include "distribute/job/substitution.h"
#include "distribute/job/text_message.h"
#include "distribute/job/yaml.h"
#include "distribute/job/yaml_message.h"
#include "graph/status_macros.h"

namespace stator::distribute {
namespace {

absl::StatusOr<std::string> ReadText(const std::string& path) {
  struct stat about;
  if (::stat(path.c_str(), &about) != 0) {
    const std::string why = absl::StrCat(path, ": ", std::strerror(errno));
    return errno == ENOENT ? absl::NotFoundError(why) : absl::InvalidArgumentError(why);
  }
  if (!S_ISREG(about.st_mode)) {
    return absl::InvalidArgumentError(absl::StrCat(path, ": expected a file"));
  }
  const std::unique_ptr<std::FILE, int (*)(std::FILE*)> file(std::fopen(path.c_str(), "rb"),
                                                             &std::fclose);
  if (file == nullptr) {
    return absl::InvalidArgumentError(absl::StrCat(path, ": ", std::strerror(errno)));
  }
  // One byte more than is allowed, so that the reader sees that the file is too large.
  std::string text(kMaxYamlBytes + 1, '\0');
  text.resize(std::fread(text.data(), 1, text.size(), file.get()));
  return text;
}

// In text proto a section is `word {`, without the colon that YAML needs.
bool LooksLikeTextProto(const std::string& text) {
  std::istringstream lines(text);
  for (std::string line; std::getline(lines, line);) {
    const std::string word(absl::StripAsciiWhitespace(line.substr(0, line.find('{'))));
    if (line.find('{') == std::string::npos || word.empty()) continue;
    if (word.find_first_not_of("abcdefghijklmnopqrstuvwxyz_") == std::string::npos) return true;
  }
  return false;
}

bool IsTextProto(const std::string& path, const std::string& text) {
  for (const char* end : {".textproto", ".txtpb", ".pbtxt"}) {
    if (absl::EndsWith(path, end)) return true;
  }
  for (const char* end : {".yaml", ".yml", ".json"}) {
    if (absl::EndsWith(path, end)) return false;
  }
  return LooksLikeTextProto(text);
}

absl::Status ReadFields(const std::string& text, const YamlContext& context, Job* job) {
  const std::string& name = context.source;
  if (IsTextProto(name, text)) {
    if (text.size() > kMaxYamlBytes) {
      return absl::InvalidArgumentError(
          absl::StrCat(name, ": more than ", kMaxYamlBytes, " bytes"));
    }
    if (!IsUtf8Text(text)) {
      return absl::InvalidArgumentError(absl::StrCat(name, ": not UTF-8 text"));
    }
    ReadTextFields(text, context, job);
    return context.errors->status();
  }
  STATOR_ASSIGN_OR_RETURN(const YamlNode root, ParseYaml(text, name));
  if (root.kind == YamlNode::Kind::kNull) {
    return absl::InvalidArgumentError(
        absl::StrCat(name, ": expected a map of fields, found nothing"));
  }
  ReadYamlFields(root, context, "", job);
  return context.errors->status();
}

absl::Status ApplySet(const std::string& set, const EnvironmentLookup& environment,
                      JobErrors* errors, JobPlaces* places, Job* job) {
  const std::string source = absl::StrCat("--set ", set.substr(0, 120));
  const size_t equals = set.find('=');
  if (equals == std::string::npos || equals == 0) {
    return absl::InvalidArgumentError(absl::StrCat(source, ": expected FIELD.PATH=VALUE"));
  }
  STATOR_ASSIGN_OR_RETURN(const YamlNode value, ParseYaml(set.substr(equals + 1), source));
  ReadYamlField(value, {source, false, environment, errors, places}, set.substr(0, equals), job);
  return absl::OkStatus();
}

// Calls `change` on every string of `message` and below.
template <typename Change>
void ChangeStrings(const Change& change, google::protobuf::Message* message) {
  using google::protobuf::FieldDescriptor;
  const google::protobuf::Reflection& reflection = *message->GetReflection();
  std::vector<const FieldDescriptor*> fields;
  reflection.ListFields(*message, &fields);
  for (const FieldDescriptor* field : fields) {
    const int size = field->is_repeated() ? reflection.FieldSize(*message, field) : 1;
    for (int i = 0; i < size; ++i) {
      if (field->cpp_type() == FieldDescriptor::CPPTYPE_MESSAGE) {
        ChangeStrings(change, field->is_repeated()
                                  ? reflection.MutableRepeatedMessage(message, field, i)
                                  : reflection.MutableMessage(message, field));
      } else if (field->cpp_type() == FieldDescriptor::CPPTYPE_STRING) {
        if (field->is_repeated()) {
          reflection.SetRepeatedString(message, field, i,
                                       change(reflection.GetRepeatedString(*message, field, i)));
        } else {
          reflection.SetString(message, field, change(reflection.GetString(*message, field)));
        }
      }
    }
  }
}

}  // namespace

absl::StatusOr<Job> ParseJob(const std::string& text, const std::string& path,
                             const JobOverrides& overrides) {
  Job job;
  JobErrors errors;
  JobPlaces places(path);
  STATOR_RETURN_IF_ERROR(
      ReadFields(text, {path, true, overrides.environment, &errors, &places}, &job));
  for (const std::string& set : overrides.sets) {
    STATOR_RETURN_IF_ERROR(ApplySet(set, overrides.environment, &errors, &places, &job));
  }
  STATOR_RETURN_IF_ERROR(errors.status());
  for (const std::string& arg : overrides.program_args) {
    if (!IsUtf8Text(arg)) {
      return absl::InvalidArgumentError("an argument of the program is not UTF-8 text");
    }
    job.mutable_program()->add_args(arg);
  }
  ResolveJob(places, &job);
  STATOR_RETURN_IF_ERROR(ValidateJob(job, places, overrides.check_files));
  return job;
}

absl::StatusOr<Job> ReadJob(const std::string& path, const JobOverrides& overrides) {
  STATOR_ASSIGN_OR_RETURN(const std::string text, ReadText(path));
  return ParseJob(text, path, overrides);
}

std::string FormatJob(const Job& job) {
  Job escaped = job;
  ChangeStrings(&EscapeVariables, &escaped);
  google::protobuf::TextFormat::Printer printer;
  printer.SetUseUtf8StringEscaping(true);
  std::string text;
  printer.PrintToString(escaped, &text);
  return text;
}

int TaskCount(const Job& job) { return job.roles().worker() + job.roles().evaluator(); }

int ReplicaCount(const Job& job) { return job.roles().worker() * job.strategy().devices(); }

PortRange PortsOf(const Job& job) {
  PortRange ports;
  ParsePorts(job.network().ports(), &ports.first, &ports.last);
  return ports;
}

}  // namespace stator::distribute
