#ifndef STATOR_GRAPH_DEVICE_H_
#define STATOR_GRAPH_DEVICE_H_

#include <string>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/types/optional.h"

namespace stator::graph {

// A device, or part of its description: /job:worker/replica:0/task:1/device:GPU:0. A part that is
// absent or
// `*` is left open.
struct DeviceSpec {
  absl::optional<std::string> job;
  absl::optional<int> replica;
  absl::optional<int> task;
  absl::optional<std::string> type;  // upper case: CPU, GPU
  absl::optional<int> index;

  friend bool operator==(const DeviceSpec&, const DeviceSpec&) = default;
};

// Accepts TensorFlow's forms, the short /cpu:0 and /gpu:1 included. "" leaves everything open.
absl::StatusOr<DeviceSpec> ParseDevice(absl::string_view text);

// The canonical text; what is open is left out.
std::string DeviceText(const DeviceSpec& device);

// `inner` where it says something, `outer` for the rest: the device of a nested scope. An inner
// type without an index leaves the index open.
DeviceSpec MergeDevices(const DeviceSpec& outer, const DeviceSpec& inner);

}  // namespace stator::graph

#endif  // STATOR_GRAPH_DEVICE_H_
