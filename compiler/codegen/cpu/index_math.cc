#include "compiler/codegen/cpu/index_math.h"

#include <algorithm>

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/SCF/IR/SCF.h"

namespace stator::compiler {

namespace arith = mlir::arith;
using mlir::Value;

Value IndexMath::ToValue(Index a) { return a.is_static() ? p_->Int64(a.constant()) : a.value(); }

Index IndexMath::Add(Index a, Index b) {
  if (a.is_static() && b.is_static()) return a.constant() + b.constant();
  if (a.Is(0)) return b;
  if (b.Is(0)) return a;
  return Value(p_->builder().create<arith::AddIOp>(p_->loc(), ToValue(a), ToValue(b)));
}

Index IndexMath::Sub(Index a, Index b) {
  if (a.is_static() && b.is_static()) return a.constant() - b.constant();
  if (b.Is(0)) return a;
  if (!a.is_static() && !b.is_static() && a.value() == b.value()) return 0;
  return Value(p_->builder().create<arith::SubIOp>(p_->loc(), ToValue(a), ToValue(b)));
}

Index IndexMath::Mul(Index a, Index b) {
  if (a.is_static() && b.is_static()) return a.constant() * b.constant();
  if (a.Is(0) || b.Is(0)) return 0;
  if (a.Is(1)) return b;
  if (b.Is(1)) return a;
  return Value(p_->builder().create<arith::MulIOp>(p_->loc(), ToValue(a), ToValue(b)));
}

Index IndexMath::Div(Index a, Index b) {
  if (a.is_static() && b.is_static()) return a.constant() / b.constant();
  if (b.Is(1)) return a;
  if (a.Is(0)) return 0;
  return Value(p_->builder().create<arith::DivUIOp>(p_->loc(), ToValue(a), ToValue(b)));
}

Index IndexMath::Rem(Index a, Index b) {
  if (a.is_static() && b.is_static()) return a.constant() % b.constant();
  if (b.Is(1) || a.Is(0)) return 0;
  return Value(p_->builder().create<arith::RemUIOp>(p_->loc(), ToValue(a), ToValue(b)));
}

Index IndexMath::Min(Index a, Index b) {
  if (a.is_static() && b.is_static()) return std::min(a.constant(), b.constant());
  return Value(p_->builder().create<arith::MinSIOp>(p_->loc(), ToValue(a), ToValue(b)));
}

Index IndexMath::Max(Index a, Index b) {
  if (a.is_static() && b.is_static()) return std::max(a.constant(), b.constant());
  return Value(p_->builder().create<arith::MaxSIOp>(p_->loc(), ToValue(a), ToValue(b)));
}

Value IndexMath::Less(Index a, Index b) {
  return p_->builder().create<arith::CmpIOp>(p_->loc(), arith::CmpIPredicate::slt, ToValue(a),
                                             ToValue(b));
}

Value IndexMath::Equal(Index a, Index b) {
  return p_->builder().create<arith::CmpIOp>(p_->loc(), arith::CmpIPredicate::eq, ToValue(a),
                                             ToValue(b));
}

Value IndexMath::Offset(Value pointer, mlir::Type element, Index index) {
  if (index.is_static()) return p_->Offset(pointer, element, index.constant());
  return p_->Offset(pointer, element, index.value());
}

std::vector<Value> IndexMath::For(Index lower, Index upper, int64_t step,
                                  const std::vector<Value>& init, const Body& body) {
  if (lower.is_static() && upper.is_static()) {
    if (lower.constant() >= upper.constant()) return init;
    if (lower.constant() + step >= upper.constant()) return body(lower, init);
  }
  mlir::OpBuilder& b = p_->builder();
  auto loop =
      b.create<mlir::scf::ForOp>(p_->loc(), ToValue(lower), ToValue(upper), p_->Int64(step), init);
  mlir::OpBuilder::InsertionGuard guard(b);
  b.setInsertionPointToStart(loop.getBody());
  auto carried = loop.getRegionIterArgs();
  std::vector<Value> results =
      body(loop.getInductionVar(), std::vector<Value>(carried.begin(), carried.end()));
  if (!init.empty()) b.create<mlir::scf::YieldOp>(p_->loc(), results);
  return std::vector<Value>(loop.getResults().begin(), loop.getResults().end());
}

void IndexMath::For(Index lower, Index upper, int64_t step,
                    const std::function<void(Index)>& body) {
  For(lower, upper, step, {}, [&](Index i, const std::vector<Value>&) {
    body(i);
    return std::vector<Value>();
  });
}

void IndexMath::If(Value condition, const std::function<void()>& then,
                   const std::function<void()>& otherwise) {
  mlir::OpBuilder& b = p_->builder();
  auto branch = b.create<mlir::scf::IfOp>(p_->loc(), condition, otherwise != nullptr);
  mlir::OpBuilder::InsertionGuard guard(b);
  b.setInsertionPointToStart(branch.thenBlock());
  then();
  if (otherwise != nullptr) {
    b.setInsertionPointToStart(branch.elseBlock());
    otherwise();
  }
}

}  // namespace stator::compiler
