#include "examples/bert/weights.h"

#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "formats/npy.h"
#include "graph/status_macros.h"
#include "graph/tensor_shape.h"
#include "runtime/session/status.h"

namespace stator::examples {

absl::StatusOr<Weights> ReadWeights(const std::string& folder, const nn::Variables& variables) {
  Weights weights;
  int number = 0;
  for (const nn::Variable& variable : variables.all()) {
    const std::string path = absl::StrFormat("%s/w%03d.npy", folder, number++);
    STATOR_ASSIGN_OR_RETURN(formats::NpyArray array, formats::ReadNpy(path));
    if (array.dtype != variable.dtype || array.dims != variable.dims) {
      return absl::InvalidArgumentError(
          absl::StrCat(path, ": variable '", variable.name, "' expects ",
                       DataType_Name(variable.dtype), graph::ShapeText(variable.dims), ", found ",
                       DataType_Name(array.dtype), graph::ShapeText(array.dims)));
    }
    graph::DenseTensor& tensor = weights[variable.name];
    tensor.dtype = array.dtype;
    tensor.shape = std::move(array.dims);
    tensor.bytes = std::move(array.bytes);
  }
  return weights;
}

absl::Status SetWeights(const Weights& weights, runtime::Session* session) {
  for (const auto& [name, weight] : weights) {
    STATOR_ASSIGN_OR_RETURN(const runtime::Tensor tensor,
                            runtime::ToAbsl(runtime::Tensor::FromBytes(
                                static_cast<runtime::DType>(weight.dtype), weight.shape,
                                weight.bytes.data(), static_cast<int64_t>(weight.bytes.size()))));
    STATOR_RETURN_IF_ERROR(runtime::ToAbsl(session->variables()->Write(name, tensor)));
  }
  return absl::OkStatus();
}

}  // namespace stator::examples
