#include "compiler/codegen/cpu/iteration_space.h"

#include <algorithm>
#include <set>

#include "compiler/codegen/cpu/element_arith.h"
#include "llvm/ADT/DenseMap.h"
#include "llvm/ADT/TypeSwitch.h"

namespace stator::compiler {
namespace {

using core::DimExpr;
using core::Dims;
using mlir::Value;

// Which dimensions of the loop a value's dimension covers; -1 when it is none of them.
struct Cover {
  int first = -1;
  int last = -1;
  bool operator<(const Cover& other) const {
    return std::make_pair(first, last) < std::make_pair(other.first, other.last);
  }
};
using Covers = std::vector<Cover>;

class Walker {
 public:
  Walker(int rank, const IsStored& is_stored)
      : is_stored_(is_stored), joinable_(std::max(0, rank - 1), true) {}

  void Walk(Value value, const Covers& covers) {
    if (is_stored_(value) || value.getDefiningOp() == nullptr) return;
    if (!seen_.insert({value.getAsOpaquePointer(), covers}).second) return;
    mlir::Operation* op = value.getDefiningOp();
    if (op->hasTrait<core::ElementwiseOp>() ||
        mlir::isa<core::AssumeDimsOp, core::StopGradientOp>(op)) {
      for (Value operand : op->getOperands()) Walk(operand, covers);
      return;
    }
    llvm::TypeSwitch<mlir::Operation*>(op)
        .Case([&](core::OptimizationBarrierOp c) {
          Walk(c.getOperand(mlir::cast<mlir::OpResult>(value).getResultNumber()), covers);
        })
        .Case<core::ConstantOp, core::RngBitsOp>([&](auto) {})
        .Case([&](core::BroadcastInDimOp c) { WalkBroadcast(c, covers); })
        .Case([&](core::TransposeOp c) { WalkTranspose(c, covers); })
        .Case([&](core::ReshapeOp c) { WalkReshape(c, covers); })
        .Case([&](core::SliceOp c) { WalkPartial(c, c.getOperand(), covers); })
        .Case([&](core::PadOp c) { WalkPartial(c, c.getOperand(), covers); })
        .Case([&](core::DynamicSliceOp c) { WalkPartial(c, c.getOperand(), covers); })
        .Case([&](core::ConcatenateOp c) {
          CutAround(covers, static_cast<int>(c.getDimension()));
          for (Value input : c.getInputs()) Walk(input, covers);
        })
        .Case([&](core::ReverseOp c) {
          for (int64_t dim : c.getDimensions()) CutAround(covers, static_cast<int>(dim));
          Walk(c.getOperand(), covers);
        })
        .Default([&](mlir::Operation* other) { WalkOther(other, covers); });
  }

  std::vector<bool> joinable() const { return joinable_; }

 private:
  // Dimensions i and i + 1 of a value may not be joined.
  void Cut(const Covers& covers, int i) {
    if (i < 0 || i + 1 >= static_cast<int>(covers.size())) return;
    const Cover a = covers[i], b = covers[i + 1];
    if (a.last >= 0 && b.first == a.last + 1) joinable_[a.last] = false;
    // Not neighbours: nothing was joined there, but they end what they cover.
  }
  void CutAround(const Covers& covers, int i) {
    Cut(covers, i - 1);
    Cut(covers, i);
  }
  void CutAll(const Covers& covers) {
    for (int i = 0; i + 1 < static_cast<int>(covers.size()); ++i) Cut(covers, i);
  }

  void WalkBroadcast(core::BroadcastInDimOp op, const Covers& covers) {
    const Dims from = core::DimsOf(op.getOperand()), to = core::DimsOf(op.getResult());
    std::vector<int> operand_dim(covers.size(), -1);
    Covers inner(from.size());
    for (auto [i, dim] : llvm::enumerate(op.getBroadcastDimensions())) {
      if (from[i].IsConstant(1) && !to[dim].IsConstant(1)) continue;
      operand_dim[dim] = static_cast<int>(i);
      inner[i] = covers[dim];
    }
    CutWhereSplit(covers, operand_dim);
    Walk(op.getOperand(), inner);
  }

  void WalkTranspose(core::TransposeOp op, const Covers& covers) {
    std::vector<int> operand_dim(covers.size());
    Covers inner(covers.size());
    for (auto [i, dim] : llvm::enumerate(op.getPermutation())) {
      operand_dim[i] = static_cast<int>(dim);
      inner[dim] = covers[i];
    }
    CutWhereSplit(covers, operand_dim);
    Walk(op.getOperand(), inner);
  }

  // Neighbours stay joined when both vanish or are neighbours in the operand.
  void CutWhereSplit(const Covers& covers, const std::vector<int>& operand_dim) {
    for (int i = 0; i + 1 < static_cast<int>(covers.size()); ++i) {
      const int a = operand_dim[i], b = operand_dim[i + 1];
      if (!((a < 0 && b < 0) || (a >= 0 && b == a + 1))) Cut(covers, i);
    }
  }

  void WalkReshape(core::ReshapeOp op, const Covers& covers) {
    const Dims to = core::DimsOf(op.getResult()), from = core::DimsOf(op.getOperand());
    Covers inner(from.size());
    size_t i = 0, j = 0;
    while (i < to.size() && j < from.size()) {
      const size_t i0 = i, j0 = j;
      DimExpr a = to[i++], b = from[j++];
      while (a != b && (i < to.size() || j < from.size())) {
        if (i < to.size() && (j == from.size() || core::DivideExactly(b, a))) a = a * to[i++];
        else b = b * from[j++];
      }
      if (i == to.size() || j == from.size()) {
        i = to.size();
        j = from.size();
      }
      inner[j0].first = covers[i0].first;
      inner[j - 1].last = covers[i - 1].last;
    }
    Walk(op.getOperand(), inner);
  }

  // Dimensions whose size differs or whose positions change are on their own.
  void WalkPartial(mlir::Operation* op, Value operand, const Covers& covers) {
    const Dims to = core::DimsOf(op->getResult(0)), from = core::DimsOf(operand);
    auto slice = mlir::dyn_cast<core::SliceOp>(op);
    auto pad = mlir::dyn_cast<core::PadOp>(op);
    for (int i = 0; i < static_cast<int>(to.size()); ++i) {
      bool changes = to[i] != from[i];
      if (slice) changes |= !slice.getStartIndices().getDims()[i].IsConstant(0);
      if (pad) changes |= !pad.getEdgePaddingLow().getDims()[i].IsConstant(0);
      if (changes) CutAround(covers, i);
    }
    Walk(operand, covers);
  }

  void WalkOther(mlir::Operation* op, const Covers& covers) {
    CutAll(covers);
    for (Value operand : op->getOperands()) Walk(operand, Covers(core::RankOf(operand)));
  }

  const IsStored& is_stored_;
  std::vector<bool> joinable_;
  std::set<std::pair<void*, Covers>> seen_;
};

// Operands that `value` reads at its own row-major position only (`same`), or otherwise (`other`).
void CollectReads(Value value, bool same_position, std::set<std::pair<void*, bool>>* seen,
                  std::set<int>* same, std::set<int>* other) {
  if (!seen->insert({value.getAsOpaquePointer(), same_position}).second) return;
  if (auto argument = mlir::dyn_cast<mlir::BlockArgument>(value)) {
    (same_position ? same : other)->insert(static_cast<int>(argument.getArgNumber()));
    return;
  }
  mlir::Operation* op = value.getDefiningOp();
  const bool keeps = op->hasTrait<core::ElementwiseOp>() ||
                     mlir::isa<core::ReshapeOp, core::AssumeDimsOp, core::StopGradientOp,
                               core::OptimizationBarrierOp>(op);
  for (Value operand : op->getOperands()) {
    CollectReads(operand, same_position && keeps, seen, same, other);
  }
}

}  // namespace

std::vector<bool> JoinableDims(llvm::ArrayRef<Value> values, const IsStored& is_stored) {
  const int rank = static_cast<int>(core::RankOf(values.front()));
  Walker walker(rank, is_stored);
  Covers covers(rank);
  for (int i = 0; i < rank; ++i) covers[i] = {i, i};
  for (Value value : values) walker.Walk(value, covers);
  return walker.joinable();
}

std::vector<Dims> CollapsedDims(llvm::ArrayRef<DimExpr> dims, const std::vector<bool>& joinable) {
  std::vector<Dims> groups;
  for (size_t i = 0; i < dims.size(); ++i) {
    if (i == 0 || !joinable[i - 1]) groups.emplace_back();
    groups.back().push_back(dims[i]);
  }
  return groups;
}

std::vector<std::pair<int, int>> InPlacePairs(core::FusionOp fusion) {
  mlir::Operation* end = fusion.getBody().front().getTerminator();
  std::set<std::pair<void*, bool>> seen;
  std::set<int> same, other;
  for (Value value : end->getOperands()) {
    if (core::DimsOf(value) != core::DimsOf(end->getOperand(0))) return {};
    CollectReads(value, true, &seen, &same, &other);
  }
  std::vector<std::pair<int, int>> pairs;
  for (int operand : same) {
    if (other.count(operand) != 0) continue;
    const mlir::Type from = core::ElementTypeOf(fusion->getOperand(operand));
    for (auto [result, value] : llvm::enumerate(end->getOperands())) {
      const mlir::Type to = core::ElementTypeOf(value);
      if (IsKernelElement(from) && IsKernelElement(to) && ElementBytes(from) == ElementBytes(to)) {
        pairs.emplace_back(operand, static_cast<int>(result));
      }
    }
  }
  return pairs;
}

}  // namespace stator::compiler
