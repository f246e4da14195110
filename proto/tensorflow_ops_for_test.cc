#include "proto/tensorflow_ops_for_test.h"

#include <cstdlib>
#include <fstream>
#include <iterator>
#include <string>

#include "absl/strings/str_replace.h"
#include "proto/serialize.h"

namespace stator {

absl::StatusOr<OpList> ReadTensorFlowOps() {
  const char* root = std::getenv("STATOR_TEST_DATA");
  if (root == nullptr) return absl::NotFoundError("STATOR_TEST_DATA is not set");
  const std::string path = std::string(root) + "/tf_core_testdata/core/ops/ops.pbtxt";
  std::ifstream file(path, std::ios::binary);
  std::string text(std::istreambuf_iterator<char>(file), {});
  // One line of the recorded file lacks its colon.
  absl::StrReplaceAll({{"type DT_INT64\n", "type: DT_INT64\n"}}, &text);
  OpList ops;
  if (absl::Status status = ParseText(text, {}, &ops); !status.ok()) return status;
  return ops;
}

}  // namespace stator
