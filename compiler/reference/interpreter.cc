#include "compiler/reference/interpreter.h"

#include <cstring>

#include "absl/strings/str_cat.h"
#include "compiler/dialect/dtype.h"
#include "compiler/reference/frame.h"
#include "compiler/reference/number.h"
#include "graph/status_macros.h"
#include "mlir/IR/DialectResourceBlobManager.h"

namespace stator::compiler::reference {
namespace {

absl::StatusOr<std::vector<Value>> RunFunctionRegion(mlir::Region& region,
                                                     std::vector<Value> arguments,
                                                     Variables& variables,
                                                     const RunOptions& options) {
  if (region.empty()) return absl::InvalidArgumentError("a function without a body");
  RunState state(variables, options);
  Frame frame(state);
  core::DimContext& dims = core::DimContextOf(region.getContext());
  for (const auto& [name, size] : options.symbols) {
    if (const core::DimSymbol* symbol = dims.FindSymbol(name)) {
      STATOR_RETURN_IF_ERROR(frame.BindSymbol(symbol, size));
    }
  }
  return frame.RunFunction(region, std::move(arguments));
}

}  // namespace

absl::StatusOr<DType> DTypeOf(mlir::Type element) {
  const DType dtype = core::DTypeOf(element);
  if (dtype != DType::kInvalid) return dtype;
  std::string text;
  llvm::raw_string_ostream(text) << element;
  return absl::UnimplementedError(absl::StrCat("elements of type ", text));
}

absl::StatusOr<Tensor> TensorOf(Budget& budget, mlir::ElementsAttr value) {
  auto type = llvm::cast<mlir::RankedTensorType>(value.getType());
  STATOR_ASSIGN_OR_RETURN(const DType dtype, DTypeOf(type.getElementType()));
  STATOR_ASSIGN_OR_RETURN(
      Tensor result, budget.Allocate(dtype, Shape(type.getShape().begin(), type.getShape().end())));
  if (auto dense = llvm::dyn_cast<mlir::DenseIntOrFPElementsAttr>(value)) {
    if (dtype == DType::kBool) {  // packed there
      int64_t i = 0;
      for (bool b : dense.getValues<bool>()) result.MutableAs<uint8_t>()[i++] = b;
      return result;
    }
    const int64_t size = result.element_size();
    for (int64_t i = 0; i < result.num_elements(); ++i) {
      std::memcpy(result.mutable_data() + i * size,
                  dense.getRawData().data() + (dense.isSplat() ? 0 : i * size), size);
    }
    return result;
  }
  if (auto resource = llvm::dyn_cast<mlir::DenseResourceElementsAttr>(value)) {
    mlir::AsmResourceBlob* blob = resource.getRawHandle().getBlob();
    if (blob && static_cast<int64_t>(blob->getData().size()) == result.num_bytes()) {
      if (result.num_bytes() != 0) {
        std::memcpy(result.mutable_data(), blob->getData().data(), result.num_bytes());
      }
      return result;
    }
  }
  return absl::UnimplementedError("a constant of this form");
}

absl::StatusOr<std::vector<Value>> Run(mlir::Operation* function, std::vector<Value> arguments,
                                       Variables& variables, const RunOptions& options) {
  if (function->getNumRegions() != 1) {
    return absl::InvalidArgumentError("a function with one region expected");
  }
  return RunFunctionRegion(function->getRegion(0), std::move(arguments), variables, options);
}

absl::StatusOr<std::vector<Value>> RunRegion(mlir::Region& region, std::vector<Value> arguments,
                                             Variables& variables, const RunOptions& options) {
  return RunFunctionRegion(region, std::move(arguments), variables, options);
}

}  // namespace stator::compiler::reference
