// Evaluators of variables and lists.

#include <algorithm>

#include "absl/strings/str_cat.h"
#include "compiler/reference/frame.h"
#include "compiler/reference/number.h"
#include "graph/status_macros.h"

namespace stator::compiler::reference {
namespace {

absl::Status EvaluateRead(core::ReadVariableOp op, Frame& f) {
  auto it = f.state().variables.find(op.getVariable().str());
  if (it == f.state().variables.end()) {
    return absl::FailedPreconditionError(
        absl::StrCat("variable ", op.getVariable().str(), " is read before it is initialized"));
  }
  return f.Set(op.getResult(), it->second);
}

Value MakeList(std::vector<Tensor> elements) {
  return List{std::make_shared<const std::vector<Tensor>>(std::move(elements))};
}

// Zeros of the element's type.
absl::StatusOr<Tensor> ZeroElement(mlir::RankedTensorType type, Frame& f) {
  STATOR_ASSIGN_OR_RETURN(const DType dtype, DTypeOf(type.getElementType()));
  STATOR_ASSIGN_OR_RETURN(Shape dims, f.DimsOfType(type));
  return f.budget().Allocate(dtype, std::move(dims));
}

mlir::RankedTensorType TensorTypeOf(mlir::Value v) {
  return llvm::cast<mlir::RankedTensorType>(v.getType());
}

absl::Status EvaluateCreate(core::ListCreateOp op, Frame& f) {
  const int64_t size = std::max<int64_t>(f.integer(op.getSize()), 0);
  std::vector<Tensor> elements;
  if (size > 0) {
    auto type = llvm::cast<core::ListType>(op.getResult().getType()).getElementType();
    STATOR_ASSIGN_OR_RETURN(const Tensor zero, ZeroElement(type, f));
    STATOR_RETURN_IF_ERROR(f.budget().Allocate(DType::kInt64, {size}).status());
    elements.assign(size, zero);
  }
  return f.Set(op.getResult(), MakeList(std::move(elements)));
}

absl::Status EvaluatePush(core::ListPushOp op, Frame& f) {
  std::vector<Tensor> elements = f.list(op.getList());
  STATOR_RETURN_IF_ERROR(f.budget().ChargeWork(static_cast<int64_t>(elements.size())));
  elements.push_back(f.tensor(op.getElement()));
  return f.Set(op.getResult(), MakeList(std::move(elements)));
}

// The last of no elements is zeros, and leaves no elements.
absl::Status EvaluatePop(core::ListPopOp op, Frame& f) {
  std::vector<Tensor> elements = f.list(op.getList());
  STATOR_RETURN_IF_ERROR(f.budget().ChargeWork(static_cast<int64_t>(elements.size())));
  Tensor last;
  if (elements.empty()) {
    STATOR_ASSIGN_OR_RETURN(last, ZeroElement(TensorTypeOf(op.getElement()), f));
  } else {
    last = elements.back();
    elements.pop_back();
  }
  return f.SetAll(op->getResults(), {MakeList(std::move(elements)), last}, Binding::kRebind);
}

absl::Status EvaluateGet(core::ListGetOp op, Frame& f) {
  const std::vector<Tensor>& elements = f.list(op.getList());
  Tensor element;
  if (elements.empty()) {
    STATOR_ASSIGN_OR_RETURN(element, ZeroElement(TensorTypeOf(op.getElement()), f));
  } else {
    const int64_t last = static_cast<int64_t>(elements.size()) - 1;
    element = elements[std::clamp<int64_t>(f.integer(op.getIndex()), 0, last)];
  }
  return f.Set(op.getElement(), element, Binding::kRebind);
}

absl::Status EvaluateSet(core::ListSetOp op, Frame& f) {
  std::vector<Tensor> elements = f.list(op.getList());
  STATOR_RETURN_IF_ERROR(f.budget().ChargeWork(static_cast<int64_t>(elements.size())));
  const int64_t index = f.integer(op.getIndex());
  if (index >= 0 && index < static_cast<int64_t>(elements.size())) {
    elements[index] = f.tensor(op.getElement());
  }
  return f.Set(op.getResult(), MakeList(std::move(elements)));
}

absl::Status EvaluateLength(core::ListLengthOp op, Frame& f) {
  STATOR_ASSIGN_OR_RETURN(const DType dtype, DTypeOf(core::ElementTypeOf(op.getResult())));
  STATOR_ASSIGN_OR_RETURN(Tensor length, f.budget().Allocate(dtype, {}));
  Store<int64_t>(length, 0, static_cast<int64_t>(f.list(op.getList()).size()));
  return f.Set(op.getResult(), length);
}

absl::Status EvaluateStack(core::ListStackOp op, Frame& f) {
  const std::vector<Tensor>& elements = f.list(op.getList());
  if (elements.empty()) {
    STATOR_ASSIGN_OR_RETURN(const Tensor none, ZeroElement(TensorTypeOf(op.getResult()), f));
    return f.Set(op.getResult(), none);
  }
  Shape dims = elements[0].dims();
  dims.insert(dims.begin(), static_cast<int64_t>(elements.size()));
  STATOR_ASSIGN_OR_RETURN(Tensor result, f.budget().Allocate(elements[0].dtype(), dims));
  int64_t to = 0;
  for (const Tensor& t : elements) {
    if (t.dims() != elements[0].dims()) {
      return absl::InvalidArgumentError(absl::StrCat("stacked elements must agree, found ",
                                                     ToString(elements[0].dims()), " and ",
                                                     ToString(t.dims())));
    }
    for (int64_t i = 0; i < t.num_elements(); ++i) CopyElement(t, i, result, to++);
  }
  return f.Set(op.getResult(), result);
}

}  // namespace

void AddStateOps(OpTable& table) {
  On<core::ReadVariableOp>(table, EvaluateRead);
  On<core::AssignVariableOp>(table, [](core::AssignVariableOp op, Frame& f) {
    f.state().variables[op.getVariable().str()] = f.tensor(op.getValue());
    return absl::OkStatus();
  });
  On<core::VariableInitializedOp>(
      table, [](core::VariableInitializedOp op, Frame& f) -> absl::Status {
        STATOR_ASSIGN_OR_RETURN(Tensor result, f.budget().Allocate(DType::kBool, {}));
        Store<uint64_t>(result, 0, f.state().variables.count(op.getVariable().str()));
        return f.Set(op.getResult(), result);
      });
  On<core::ListCreateOp>(table, EvaluateCreate);
  On<core::ListPushOp>(table, EvaluatePush);
  On<core::ListPopOp>(table, EvaluatePop);
  On<core::ListGetOp>(table, EvaluateGet);
  On<core::ListSetOp>(table, EvaluateSet);
  On<core::ListLengthOp>(table, EvaluateLength);
  On<core::ListStackOp>(table, EvaluateStack);
}

}  // namespace stator::compiler::reference
