// Verifiers of control flow, sizes and the fusion region.

#include "compiler/dialect/core_dialect.h"
#include "compiler/dialect/infer_dims.h"
#include "mlir/IR/Builders.h"

namespace stator::core {
namespace {

using mlir::LogicalResult;

// The region's terminator must return values of these types.
LogicalResult ExpectReturns(mlir::Operation* op, llvm::StringRef what, mlir::Region& region, mlir::TypeRange types) {
  if (region.empty()) return op->emitOpError() << what << " must have a block";
  auto terminator = llvm::dyn_cast<ReturnOp>(region.front().getTerminator());
  if (!terminator) return op->emitOpError() << what << " must end with core.return";
  if (terminator.getOperands().getTypes() != types) {
    return op->emitOpError() << what << " must return " << types << ", found " << terminator.getOperands().getTypes();
  }
  return mlir::success();
}

LogicalResult ExpectArguments(mlir::Operation* op, llvm::StringRef what, mlir::Region& region, mlir::TypeRange types) {
  if (region.getArgumentTypes() == types) return mlir::success();
  return op->emitOpError() << what << " must take " << types << ", found " << region.getArgumentTypes();
}

LogicalResult ExpectScalar(mlir::Operation* op, llvm::StringRef what, mlir::Value value) {
  if (RankOf(value) == 0) return mlir::success();
  return op->emitOpError() << what << " must be a scalar, found " << value.getType();
}

// Equal but for dimensions that name one of `symbols`.
bool MatchesUpToSymbols(mlir::Type a, mlir::Type b) {
  if (a == b) return true;
  auto x = llvm::dyn_cast<mlir::RankedTensorType>(a), y = llvm::dyn_cast<mlir::RankedTensorType>(b);
  return x && y && x.getRank() == y.getRank() && x.getElementType() == y.getElementType();
}

}  // namespace

LogicalResult IfOp::verify() {
  if (mlir::failed(ExpectScalar(*this, "pred", getPred()))) return mlir::failure();
  if (mlir::failed(ExpectReturns(*this, "true branch", getTrueBranch(), getResultTypes()))) return mlir::failure();
  return ExpectReturns(*this, "false branch", getFalseBranch(), getResultTypes());
}

LogicalResult CaseOp::verify() {
  if (getBranches().empty()) return emitOpError() << "at least one branch expected";
  if (mlir::failed(ExpectScalar(*this, "index", getIndex()))) return mlir::failure();
  for (mlir::Region& branch : getBranches()) {
    if (mlir::failed(ExpectReturns(*this, "branch", branch, getResultTypes()))) return mlir::failure();
  }
  return mlir::success();
}

LogicalResult WhileOp::verify() {
  if (getOperands().size() != getResults().size()) return emitOpError() << "as many results as operands expected";
  const bool has_symbols = getLoopSymbols() && !getLoopSymbols()->empty();
  if (has_symbols && (!getInitialDims() || getInitialDims()->getDims().size() != getLoopSymbols()->size())) {
    return emitOpError() << "one initial dimension per loop symbol expected";
  }
  for (auto [operand, result] : llvm::zip(getOperands(), getResults())) {
    if (has_symbols ? !MatchesUpToSymbols(operand.getType(), result.getType())
                    : operand.getType() != result.getType()) {
      return emitOpError() << "operand " << operand.getType() << " must match result " << result.getType();
    }
  }
  if (mlir::failed(ExpectArguments(*this, "cond", getCond(), getResultTypes())) ||
      mlir::failed(ExpectArguments(*this, "body", getBody(), getResultTypes()))) {
    return mlir::failure();
  }
  auto pred = mlir::RankedTensorType::get({}, mlir::IntegerType::get(getContext(), 1));
  if (mlir::failed(ExpectReturns(*this, "cond", getCond(), mlir::TypeRange(mlir::ArrayRef<mlir::Type>(pred))))) return mlir::failure();
  if (getBody().empty()) return emitOpError() << "body must have a block";
  mlir::ValueRange next = getBody().front().getTerminator()->getOperands();
  if (next.size() != getResults().size()) return emitOpError() << "body must return the carried values";
  for (auto [value, result] : llvm::zip(next, getResults())) {
    if (has_symbols ? !MatchesUpToSymbols(value.getType(), result.getType()) : value.getType() != result.getType()) {
      return emitOpError() << "body returns " << value.getType() << " where " << result.getType() << " is carried";
    }
  }
  return mlir::success();
}

LogicalResult CallOp::verifySymbolUses(mlir::SymbolTableCollection& symbols) {
  if (!symbols.lookupNearestSymbolFrom(*this, getCalleeAttr())) {
    return emitOpError() << "calls " << getCallee() << ", which is not in the module";
  }
  return mlir::success();
}

LogicalResult CompositeOp::verify() {
  if (mlir::failed(ExpectArguments(*this, "body", getBody(), getOperandTypes())) ||
      mlir::failed(ExpectReturns(*this, "body", getBody(), getResultTypes()))) {
    return mlir::failure();
  }
  if (getVjp().empty()) return mlir::success();
  llvm::SmallVector<mlir::Type> types(getOperandTypes());
  types.append(getResultTypes().begin(), getResultTypes().end());
  types.append(getResultTypes().begin(), getResultTypes().end());
  if (mlir::failed(ExpectArguments(*this, "vjp", getVjp(), types))) return mlir::failure();
  return ExpectReturns(*this, "vjp", getVjp(), getOperandTypes());
}

LogicalResult GradientsOp::verify() {
  if (!getGradYs().empty() && getGradYs().getTypes() != getYs().getTypes()) {
    return emitOpError() << "grad_ys must have the types of ys";
  }
  if (getXs().getTypes() != getResultTypes()) return emitOpError() << "results must have the types of xs";
  return mlir::success();
}

LogicalResult CompactOp::verify() {
  Dims operand = DimsOf(getOperand()), mask = DimsOf(getMask()), result = DimsOf(getResult());
  if (operand.empty() || mask.size() != 1 || mask[0] != operand[0] || result.size() != operand.size() ||
      !std::equal(operand.begin() + 1, operand.end(), result.begin() + 1)) {
    return emitOpError() << "operand [n, R...], mask [n] and result [s, R...] expected, found " << ToString(operand)
                         << ", " << ToString(mask) << " and " << ToString(result);
  }
  return mlir::success();
}

LogicalResult OptimizationBarrierOp::verify() {
  if (getOperands().getTypes() == getResultTypes()) return mlir::success();
  return emitOpError() << "results must have the operands' types";
}

LogicalResult FusionOp::verify() {
  if (mlir::failed(ExpectArguments(*this, "body", getBody(), getOperandTypes()))) return mlir::failure();
  return ExpectReturns(*this, "body", getBody(), getResultTypes());
}

}  // namespace stator::core

#define GET_OP_CLASSES
#include "compiler/dialect/control_ops.cc.inc"
