#include "ops/gradients.h"

#include <utility>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "graph/node_builder.h"

namespace stator::ops {

namespace {

using graph::Output;

bool IsFloat(DataType dtype) {
  return dtype == DT_FLOAT || dtype == DT_DOUBLE || dtype == DT_HALF || dtype == DT_BFLOAT16;
}

}  // namespace

std::vector<Output> AddGradients(const graph::Scope& scope, const std::vector<Output>& ys,
                                 const std::vector<Output>& xs, const std::vector<Output>& grad_ys,
                                 const std::source_location& location) {
  for (const auto& [role, outputs] : {std::pair("ys", &ys), std::pair("xs", &xs)}) {
    for (size_t i = 0; i < outputs->size(); ++i) {
      const Output& output = (*outputs)[i];
      if (!output.valid() || IsFloat(output.dtype())) continue;
      scope.UpdateStatus(absl::InvalidArgumentError(absl::StrCat(
          location.file_name(), ":", location.line(), ": gradients need floating-point tensors, but ", role, "[", i,
          "], '", output.name(), "', has type ", DataType_Name(output.dtype()))));
    }
  }
  const graph::Operation op = graph::NodeBuilder(scope, "Gradients", location)
                                  .InputList(ys)
                                  .InputList(grad_ys)
                                  .InputList(xs)
                                  .Finalize();
  std::vector<Output> gradients;
  for (size_t i = 0; i < xs.size(); ++i) gradients.push_back(op.output(static_cast<int>(i)));
  return gradients;
}

}  // namespace stator::ops
