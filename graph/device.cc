#include "graph/device.h"

#include <string>
#include <vector>

#include "absl/strings/ascii.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "graph/status_macros.h"

namespace stator::graph {
namespace {

absl::Status Bad(absl::string_view text, absl::string_view expected) {
  return absl::InvalidArgumentError(
      absl::StrCat("device '", text, "': expected ", expected,
                   " (for example /job:worker/replica:0/task:1/device:GPU:0)"));
}

bool IsName(absl::string_view name) {
  if (name.empty() || !absl::ascii_isalpha(name[0])) return false;
  for (const char c : name) {
    if (!absl::ascii_isalnum(c) && c != '_') return false;
  }
  return true;
}

template <typename T>
absl::Status Set(absl::string_view text, absl::string_view part, T value,
                 absl::optional<T>* field) {
  if (field->has_value()) return Bad(text, absl::StrCat("'", part, "' only once"));
  *field = std::move(value);
  return absl::OkStatus();
}

absl::Status SetNumber(absl::string_view text, absl::string_view part, absl::string_view value,
                       absl::optional<int>* field) {
  if (value == "*") return absl::OkStatus();
  int number;
  if (!absl::SimpleAtoi(value, &number) || number < 0) {
    return Bad(text, absl::StrCat("a number or * after '", part, ":'"));
  }
  return Set(text, part, number, field);
}

absl::Status SetName(absl::string_view text, absl::string_view part, absl::string_view value,
                     absl::optional<std::string>* field) {
  if (value == "*") return absl::OkStatus();
  if (!IsName(value)) return Bad(text, absl::StrCat("a name or * after '", part, ":'"));
  return Set(text, part, std::string(value), field);
}

absl::Status ParsePart(absl::string_view text, absl::string_view part, DeviceSpec* device) {
  const std::vector<absl::string_view> words = absl::StrSplit(part, ':');
  const absl::string_view key = words[0];
  if (words.size() == 2 && key == "job") return SetName(text, key, words[1], &device->job);
  if (words.size() == 2 && key == "replica")
    return SetNumber(text, key, words[1], &device->replica);
  if (words.size() == 2 && key == "task") return SetNumber(text, key, words[1], &device->task);
  if (key == "device" && (words.size() == 2 || words.size() == 3)) {
    STATOR_RETURN_IF_ERROR(SetName(text, key, absl::AsciiStrToUpper(words[1]), &device->type));
    return words.size() == 2 ? absl::OkStatus() : SetNumber(text, key, words[2], &device->index);
  }
  const std::string type = absl::AsciiStrToUpper(key);
  if (words.size() == 2 && (type == "CPU" || type == "GPU")) {
    STATOR_RETURN_IF_ERROR(Set(text, key, type, &device->type));
    return SetNumber(text, key, words[1], &device->index);
  }
  return Bad(text, absl::StrCat("job, replica, task or device, found '", part, "'"));
}

}  // namespace

absl::StatusOr<DeviceSpec> ParseDevice(absl::string_view text) {
  DeviceSpec device;
  if (text.empty()) return device;
  if (text[0] != '/') return Bad(text, "'/' in front");
  for (absl::string_view part : absl::StrSplit(text.substr(1), '/')) {
    STATOR_RETURN_IF_ERROR(ParsePart(text, part, &device));
  }
  return device;
}

std::string DeviceText(const DeviceSpec& device) {
  std::string text;
  if (device.job) absl::StrAppend(&text, "/job:", *device.job);
  if (device.replica) absl::StrAppend(&text, "/replica:", *device.replica);
  if (device.task) absl::StrAppend(&text, "/task:", *device.task);
  if (device.type || device.index) {
    absl::StrAppend(&text, "/device:", device.type.value_or("*"));
    absl::StrAppend(&text, ":", device.index ? absl::StrCat(*device.index) : "*");
  }
  return text;
}

DeviceSpec MergeDevices(const DeviceSpec& outer, const DeviceSpec& inner) {
  DeviceSpec merged = outer;
  if (inner.job) merged.job = inner.job;
  if (inner.replica) merged.replica = inner.replica;
  if (inner.task) merged.task = inner.task;
  if (inner.type) {
    merged.type = inner.type;
    merged.index = inner.index;  // the outer index belongs to another type
  }
  if (inner.index) merged.index = inner.index;
  return merged;
}

}  // namespace stator::graph
