// Tensors for people (like NumPy prints them), for programs (JSON), and in .npy files.
#ifndef STATOR_TOOLS_STATOR_TENSOR_TEXT_H_
#define STATOR_TOOLS_STATOR_TENSOR_TEXT_H_

#include <string>
#include <utility>
#include <vector>

#include "absl/status/statusor.h"
#include "runtime/core/tensor.h"

namespace stator::tools {

// "[[1, 2],\n [3, 4]]"; of more than 1000 elements, only the first and last three of each
// dimension. Numbers have as few digits as tell them apart.
std::string TensorText(const runtime::Tensor& tensor);

// {"dtype": "float", "dims": [2, 2], "values": [1, 2, 3, 4]}, values in row-major order. What JSON
// has no number for is a string: "NaN", "Infinity", "-Infinity".
std::string TensorJson(const runtime::Tensor& tensor);

absl::StatusOr<runtime::Tensor> ReadTensor(const std::string& path);
// The tensors of "TENSOR=FILE.npy" texts, which `option` was given, each name once.
absl::StatusOr<std::vector<std::pair<std::string, runtime::Tensor>>> ReadFeeds(
    const std::string& option, const std::vector<std::string>& texts);
absl::Status WriteTensor(const std::string& path, const runtime::Tensor& tensor);

}  // namespace stator::tools

#endif  // STATOR_TOOLS_STATOR_TENSOR_TEXT_H_
