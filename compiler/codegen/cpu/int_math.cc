#include "compiler/codegen/cpu/int_math.h"

#include <algorithm>

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"

namespace stator::compiler {
namespace {

namespace arith = mlir::arith;
using mlir::Value;

int Depth(mlir::Block* block) {
  int depth = 0;
  for (mlir::Operation* op = block->getParentOp(); op != nullptr; op = op->getParentOp()) ++depth;
  return depth;
}

int64_t LanesOf(Value value) {
  auto vector = mlir::dyn_cast<mlir::VectorType>(value.getType());
  return vector == nullptr ? 1 : vector.getNumElements();
}

}  // namespace

void SetInsertionPointAfterOperands(mlir::OpBuilder& builder, llvm::ArrayRef<Value> operands) {
  mlir::Block* block = nullptr;
  mlir::Operation* last = nullptr;
  int depth = -1;
  for (Value operand : operands) {
    mlir::Block* operand_block = operand.getParentBlock();
    mlir::Operation* op = operand.getDefiningOp();
    const int operand_depth = operand_block == block ? depth : Depth(operand_block);
    if (operand_depth < depth) continue;
    if (operand_depth > depth) {
      block = operand_block;
      depth = operand_depth;
      last = op;
    } else if (op != nullptr && (last == nullptr || last->isBeforeInBlock(op))) {
      last = op;
    }
  }
  if (last == nullptr) {
    builder.setInsertionPointToStart(block);
  } else {
    builder.setInsertionPointAfter(last);
  }
}

int ScalarTable::Number(core::DimExpr expr) {
  auto found = std::find(scalars_.begin(), scalars_.end(), expr);
  if (found != scalars_.end()) return static_cast<int>(found - scalars_.begin());
  scalars_.push_back(expr);
  return static_cast<int>(scalars_.size()) - 1;
}

Int IntMath::Dim(core::DimExpr expr) {
  if (std::optional<int64_t> constant = expr.AsConstant()) return *constant;
  const int number = scalars_.Number(expr);
  if (number >= ScalarTable::kMaxScalars) return 0;  // the kernel's compile fails in the end
  return Int(phase_.Scalar(number));
}

Int IntMath::PositiveDim(core::DimExpr expr) {
  return Dim(core::ProvablyPositive(expr) ? expr : core::Max(expr, 1));
}

Value IntMath::Constant(int64_t value) {
  Value& constant = constants_[value];
  if (constant == nullptr) {
    mlir::OpBuilder b(phase_.builder().getContext());
    b.setInsertionPointToStart(mlir::cast<mlir::BlockArgument>(phase_.begin()).getOwner());
    constant = b.create<arith::ConstantIntOp>(phase_.loc(), value, 64);
  }
  return constant;
}

Value IntMath::Get(Int a) { return a.IsConstant() ? Constant(a.constant) : a.value; }

mlir::Type IntMath::VectorType(int lanes) {
  return mlir::VectorType::get({lanes}, phase_.builder().getI64Type());
}

Value IntMath::LaneNumbers(int lanes) {
  Value& numbers = lane_numbers_[lanes];
  if (numbers == nullptr) {
    mlir::OpBuilder b(phase_.builder().getContext());
    b.setInsertionPointToStart(mlir::cast<mlir::BlockArgument>(phase_.begin()).getOwner());
    std::vector<int64_t> values(lanes);
    for (int i = 0; i < lanes; ++i) values[i] = i;
    numbers = b.create<arith::ConstantOp>(
        phase_.loc(), mlir::DenseIntElementsAttr::get(
                          mlir::cast<mlir::VectorType>(VectorType(lanes)), values));
  }
  return numbers;
}

Value IntMath::Splat(Value a, int lanes) {
  Value& splat = emitted_[{-lanes, a.getAsOpaquePointer(), nullptr}];
  if (splat == nullptr) {
    mlir::OpBuilder b(phase_.builder().getContext());
    SetInsertionPointAfterOperands(b, {a});
    splat = b.create<mlir::vector::BroadcastOp>(
        phase_.loc(), mlir::VectorType::get({lanes}, a.getType()), a);
  }
  return splat;
}

Value IntMath::Emit(Op op, Value a, Value b) {
  if (LanesOf(a) != LanesOf(b)) {
    if (LanesOf(a) == 1) a = Splat(a, static_cast<int>(LanesOf(b)));
    if (LanesOf(b) == 1) b = Splat(b, static_cast<int>(LanesOf(a)));
  }
  Value& result = emitted_[{op, a.getAsOpaquePointer(), b.getAsOpaquePointer()}];
  if (result != nullptr) return result;
  mlir::OpBuilder builder(phase_.builder().getContext());
  SetInsertionPointAfterOperands(builder, {a, b});
  const mlir::Location loc = phase_.loc();
  using Predicate = arith::CmpIPredicate;
  switch (op) {
    case kAdd: result = builder.create<arith::AddIOp>(loc, a, b); break;
    case kSub: result = builder.create<arith::SubIOp>(loc, a, b); break;
    case kMul: result = builder.create<arith::MulIOp>(loc, a, b); break;
    case kDiv: result = builder.create<arith::DivUIOp>(loc, a, b); break;
    case kRem: result = builder.create<arith::RemUIOp>(loc, a, b); break;
    case kMin: result = builder.create<arith::MinSIOp>(loc, a, b); break;
    case kMax: result = builder.create<arith::MaxSIOp>(loc, a, b); break;
    case kLess: result = builder.create<arith::CmpIOp>(loc, Predicate::slt, a, b); break;
    case kLessOrEqual: result = builder.create<arith::CmpIOp>(loc, Predicate::sle, a, b); break;
    case kEqual: result = builder.create<arith::CmpIOp>(loc, Predicate::eq, a, b); break;
    case kAnd: result = builder.create<arith::AndIOp>(loc, a, b); break;
    case kNot: {
      mlir::Type type = a.getType();
      Value ones = builder.create<arith::ConstantOp>(
          loc, type, mlir::isa<mlir::VectorType>(type)
                         ? mlir::TypedAttr(mlir::DenseElementsAttr::get(
                               mlir::cast<mlir::VectorType>(type), true))
                         : mlir::TypedAttr(builder.getBoolAttr(true)));
      result = builder.create<arith::XOrIOp>(loc, a, ones);
      break;
    }
  }
  return result;
}

Int IntMath::Fold(Op op, Int a, Int b) {
  if (a.IsConstant() && b.IsConstant()) {
    switch (op) {
      case kAdd: return a.constant + b.constant;
      case kSub: return a.constant - b.constant;
      case kMul: return a.constant * b.constant;
      case kDiv: return a.constant / b.constant;
      case kRem: return a.constant % b.constant;
      case kMin: return std::min(a.constant, b.constant);
      case kMax: return std::max(a.constant, b.constant);
      default: break;
    }
  }
  return Int(Emit(op, Get(a), Get(b)));
}

Int IntMath::Add(Int a, Int b) {
  if (a.Is(0)) return b;
  if (b.Is(0)) return a;
  if (a.IsConstant()) std::swap(a, b);
  return Fold(kAdd, a, b);
}
Int IntMath::Sub(Int a, Int b) {
  if (b.Is(0)) return a;
  if (a == b) return 0;
  return b.IsConstant() ? Add(a, -b.constant) : Fold(kSub, a, b);
}
Int IntMath::Mul(Int a, Int b) {
  if (a.Is(0) || b.Is(0)) return 0;
  if (a.Is(1)) return b;
  if (b.Is(1)) return a;
  if (a.IsConstant()) std::swap(a, b);
  return Fold(kMul, a, b);
}
Int IntMath::Div(Int a, Int b) { return b.Is(1) || a.Is(0) ? a : Fold(kDiv, a, b); }
Int IntMath::Rem(Int a, Int b) { return b.Is(1) || a.Is(0) ? Int(0) : Fold(kRem, a, b); }
Int IntMath::Min(Int a, Int b) { return a == b ? a : Fold(kMin, a, b); }
Int IntMath::Max(Int a, Int b) { return a == b ? a : Fold(kMax, a, b); }
Int IntMath::AlignDown(Int a, int64_t b) { return Sub(a, Rem(a, b)); }

Value IntMath::Vector(const LaneIndex& a, int lanes) {
  if (a.vector != nullptr) return a.vector;
  Value base = Splat(Get(a.base), lanes);
  if (a.step.Is(0)) return base;
  Value offsets = LaneNumbers(lanes);
  if (!a.step.Is(1)) offsets = Emit(kMul, offsets, Get(a.step));
  return Emit(kAdd, base, offsets);
}

LaneIndex IntMath::OfVector(Value vector) {
  if (!mlir::isa<mlir::VectorType>(vector.getType())) return Int(vector);
  LaneIndex index;
  index.vector = vector;
  index.lanes = static_cast<int>(LanesOf(vector));
  return index;
}

LaneIndex IntMath::Lanewise(Op op, const LaneIndex& a, const LaneIndex& b) {
  if (a.IsUniform() && b.IsUniform()) {
    switch (op) {
      case kDiv: return Div(a.base, b.base);
      case kRem: return Rem(a.base, b.base);
      case kMin: return Min(a.base, b.base);
      case kMax: return Max(a.base, b.base);
      default: return Fold(op, a.base, b.base);
    }
  }
  const int lanes = std::max(a.lanes, b.lanes);
  return OfVector(Emit(op, Vector(a, lanes), Vector(b, lanes)));
}

LaneIndex IntMath::Add(const LaneIndex& a, const LaneIndex& b) {
  if (a.IsUniform() && a.base.Is(0)) return b;
  if (b.IsUniform() && b.base.Is(0)) return a;
  if (a.vector != nullptr || b.vector != nullptr) return Lanewise(kAdd, a, b);
  return LaneIndex(Add(a.base, b.base), Add(a.step, b.step), std::max(a.lanes, b.lanes));
}
LaneIndex IntMath::Sub(const LaneIndex& a, const LaneIndex& b) {
  if (b.IsUniform() && b.base.Is(0)) return a;
  if (a.vector != nullptr || b.vector != nullptr) return Lanewise(kSub, a, b);
  return LaneIndex(Sub(a.base, b.base), Sub(a.step, b.step), std::max(a.lanes, b.lanes));
}
LaneIndex IntMath::Mul(const LaneIndex& a, Int b) {
  if (b.Is(1)) return a;
  if (b.Is(0)) return 0;
  if (a.vector != nullptr) return Lanewise(kMul, a, b);
  return LaneIndex(Mul(a.base, b), Mul(a.step, b), a.lanes);
}
LaneIndex IntMath::Div(const LaneIndex& a, Int b) { return b.Is(1) ? a : Lanewise(kDiv, a, b); }
LaneIndex IntMath::Rem(const LaneIndex& a, Int b) { return b.Is(1) ? LaneIndex(0) : Lanewise(kRem, a, b); }
LaneIndex IntMath::Min(const LaneIndex& a, Int b) { return Lanewise(kMin, a, b); }
LaneIndex IntMath::Max(const LaneIndex& a, Int b) { return Lanewise(kMax, a, b); }

Int IntMath::Lane(const LaneIndex& a, Value lane) {
  if (a.vector == nullptr) return Add(a.base, Mul(a.step, Int(lane)));
  mlir::OpBuilder b(phase_.builder().getContext());
  SetInsertionPointAfterOperands(b, {a.vector, lane});
  Value position = b.create<arith::IndexCastOp>(phase_.loc(), b.getIndexType(), lane);
  return Int(b.create<mlir::vector::ExtractElementOp>(phase_.loc(), a.vector, position));
}

Pred IntMath::Compare(Op op, const LaneIndex& a, const LaneIndex& b) {
  if (a.IsUniform() && b.IsUniform()) {
    if (a.base.IsConstant() && b.base.IsConstant()) {
      const int64_t x = a.base.constant, y = b.base.constant;
      return {op == kLess ? x < y : op == kEqual ? x == y : x <= y, nullptr};
    }
    return {std::nullopt, Emit(op, Get(a.base), Get(b.base))};
  }
  const int lanes = std::max(a.lanes, b.lanes);
  return {std::nullopt, Emit(op, Vector(a, lanes), Vector(b, lanes))};
}
Pred IntMath::Less(const LaneIndex& a, Int b) { return Compare(kLess, a, b); }
Pred IntMath::LessOrEqual(Int a, const LaneIndex& b) { return Compare(kLessOrEqual, a, b); }
Pred IntMath::Equal(const LaneIndex& a, Int b) { return Compare(kEqual, a, b); }

Pred IntMath::And(const Pred& a, const Pred& b) {
  if (a.known) return *a.known ? b : a;
  if (b.known) return *b.known ? a : b;
  return {std::nullopt, Emit(kAnd, a.value, b.value)};
}

Pred IntMath::Not(const Pred& a) {
  if (a.known) return {!*a.known, nullptr};
  return {std::nullopt, Emit(kNot, a.value, a.value)};
}

Value IntMath::Get(const Pred& a) {
  if (!a.known) return a.value;
  mlir::OpBuilder b(phase_.builder().getContext());
  b.setInsertionPointToStart(mlir::cast<mlir::BlockArgument>(phase_.begin()).getOwner());
  return b.create<arith::ConstantIntOp>(phase_.loc(), *a.known, 1);
}

Value IntMath::GetVector(const Pred& a, int lanes) {
  Value value = Get(a);
  return mlir::isa<mlir::VectorType>(value.getType()) ? value : Splat(value, lanes);
}

}  // namespace stator::compiler
