#include "compiler/codegen/cpu/contraction_fusion.h"

#include <memory>
#include <utility>
#include <vector>

#include "compiler/codegen/cpu/contraction_kernel.h"
#include "compiler/codegen/cpu/contraction_shape.h"
#include "compiler/codegen/cpu/element_emitter.h"
#include "compiler/codegen/cpu/iteration_space.h"
#include "compiler/codegen/cpu/loop_kernel.h"
#include "compiler/dialect/panels.h"
#include "graph/status_macros.h"
#include "llvm/ADT/DenseMap.h"
#include "mlir/IR/TypeUtilities.h"

namespace stator::compiler {
namespace {

using core::DimExpr;
using core::Dims;
using mlir::Value;

// What a value of the body has to do with the contraction.
enum class Use { kNone, kSamePosition, kOther };

class Uses {
 public:
  explicit Uses(Value contraction) { uses_[contraction] = Use::kSamePosition; }

  Use Of(Value value) {
    auto found = uses_.find(value);
    if (found != uses_.end()) return found->second;
    Use use = Use::kNone;
    if (mlir::Operation* op = value.getDefiningOp()) {
      for (Value operand : op->getOperands()) use = std::max(use, Of(operand));
      const bool keeps = op->hasTrait<core::ElementwiseOp>() ||
                         mlir::isa<core::AssumeDimsOp, core::StopGradientOp>(op);
      if (use != Use::kNone && !keeps) use = Use::kOther;
    }
    return uses_[value] = use;
  }

 private:
  llvm::DenseMap<Value, Use> uses_;
};

// One contraction and, if there are outputs, its epilogue.
class ContractionPhases {
 public:
  ContractionPhases(FusionKernel* kernel, ContractionShape shape, std::vector<LoopOutput> outputs)
      : kernel_(*kernel),
        shape_(std::move(shape)),
        value_(shape_.op->getResult(0)),
        outputs_(std::move(outputs)) {}

  // Where there is no epilogue, the sums go to `target`.
  absl::Status Emit(const KernelBuffer& target) {
    const bool plain = outputs_.empty();
    JoinDims(&shape_, Joinable());
    ContractionSpec spec = ToSpec(shape_, &kernel_.scalars());
    spec.a_buffer = kernel_.BufferOf(shape_.op->getOperand(0))->number;
    const Value panels = core::PanelsOf(shape_.op);
    spec.b_prepacked = panels != nullptr;
    spec.b_buffer = kernel_.BufferOf(panels ? panels : shape_.op->getOperand(1))->number;
    spec.out_buffer = target.number;
    spec.needs_indices = !plain;
    STATOR_ASSIGN_OR_RETURN(ContractionPlan plan, PlanContraction(spec, kernel_.target()));
    kernel_.ReserveScratch(plan.scratch_bytes);
    ContractionWorkspace workspace;
    if (plan.needs_packed_buffer()) workspace.packed_buffer = AddWorkspace(plan.packed_bytes);
    if (plan.needs_partial_buffer()) workspace.partial_buffer = AddWorkspace(plan.partial_bytes);
    ContractionCallbacks callbacks;
    callbacks.add_phase = [&](int phase) {
      emitters_.push_back(std::make_unique<ElementEmitter>(
          &kernel_, ToDimExpr(plan.grids[phase], kernel_.scalars(), kernel_.dims())));
      // The loops of a contraction are placed as they are meant to be.
      listener_ = emitters_.back()->builder().getListener();
      emitters_.back()->builder().setListener(nullptr);
      return &emitters_.back()->phase();
    };
    if (!plain) {
      callbacks.store = [&](PhaseBuilder&, Value sums, const OutputPosition& at) {
        EmitEpilogue(sums, at);
      };
    }
    STATOR_RETURN_IF_ERROR(
        EmitContraction(plan, spec, workspace, callbacks, &kernel_.module()));
    for (const auto& emitter : emitters_) STATOR_RETURN_IF_ERROR(emitter->status());
    return absl::OkStatus();
  }

 private:
  std::vector<bool> Joinable() {
    llvm::SmallVector<Value> values;
    for (const LoopOutput& output : outputs_) values.push_back(output.value);
    if (values.empty()) return std::vector<bool>(core::RankOf(value_), true);
    return JoinableDims(values, [&](Value value) {
      return value == value_ || kernel_.BufferOf(value) != nullptr;
    });
  }

  int AddWorkspace(const SizeFormula& bytes) {
    const DimExpr size = ToDimExpr(bytes, kernel_.scalars(), kernel_.dims());
    return kernel_
        .AddWorkspace({size}, mlir::IntegerType::get(kernel_.fusion().getContext(), 8))
        .number;
  }

  void EmitEpilogue(Value sums, const OutputPosition& at) {
    ElementEmitter& emitter = *emitters_.back();
    emitter.builder().setListener(listener_);
    emitter.Isolated([&] {
      // f16 and bf16 are rounded, narrow integers wrapped.
      const mlir::Type kept = mlir::getElementTypeOrSelf(sums.getType());
      Value rounded = emitter.arith().Convert(sums, kept, core::ElementTypeOf(value_));
      IndexSet set = Positions(&emitter, at);
      IndexSet contraction_set = emitter.sets().Replace(set, {}, core::DimsOf(value_));
      emitter.Define(value_, contraction_set, rounded);
      EmitOutputs(&emitter, outputs_, set);
    });
    emitter.builder().setListener(nullptr);
  }

  // The positions of the sums, in the dimensions of the outputs.
  IndexSet Positions(ElementEmitter* emitter, const OutputPosition& at) {
    const Dims& sizes = outputs_.front().buffer.dims;
    std::vector<IndexGroup> groups;
    for (int dim = 0; dim < static_cast<int>(sizes.size());) {
      int count = 1, number = 0;
      LaneIndex linear = 0;
      for (const auto* list : {&shape_.batch, &shape_.m, &shape_.n}) {
        for (const SymbolicDim& d : *list) {
          const int i = number++;
          if (d.result_dim != dim) continue;
          count = d.result_dims;
          const Int base(at.indices[i]);
          const bool varies = at.lanes > 1 && i == at.vector_dim;
          LaneIndex index = varies ? LaneIndex(base, 1, at.lanes) : LaneIndex(base);
          if (d.result_scale) {
            index = emitter->math().Mul(index, emitter->math().Dim(d.result_scale));
          }
          linear = emitter->math().Add(linear, index);
        }
      }
      groups.push_back({Dims(llvm::ArrayRef<DimExpr>(sizes).slice(dim, count)), linear});
      dim += count;
    }
    return emitter->sets().Make(std::move(groups), at.lanes);
  }

  FusionKernel& kernel_;
  ContractionShape shape_;
  Value value_;
  std::vector<LoopOutput> outputs_;
  std::vector<std::unique_ptr<ElementEmitter>> emitters_;
  mlir::OpBuilder::Listener* listener_ = nullptr;
};

absl::Status StoreInWorkspace(FusionKernel* kernel, Value value) {
  if (kernel->BufferOf(value) != nullptr) return absl::OkStatus();
  const KernelBuffer buffer =
      kernel->AddWorkspace(core::DimsOf(value), core::ElementTypeOf(value));
  STATOR_RETURN_IF_ERROR(EmitLoopPhase(kernel, {{value, buffer}}));
  kernel->SetBuffer(value, buffer);
  return absl::OkStatus();
}

// Depthwise: neighbours in memory share no operand, so that a register tile would have one column.
bool IsElementwise(const ContractionShape& shape) {
  if (!shape.n.empty() || shape.batch.empty()) return false;
  const SymbolicDim& inner = shape.batch.back();
  return inner.a.IsConstant(1) && inner.out.IsConstant(1);
}

// Whether all results can be computed where the contraction's sums are.
bool IsEpilogue(FusionKernel* kernel, Value contraction) {
  Uses uses(contraction);
  const Dims dims = core::DimsOf(kernel->Returned(0));
  bool used = false;
  for (Value value : kernel->body().getTerminator()->getOperands()) {
    const Use use = uses.Of(value);
    if (use == Use::kOther || core::DimsOf(value) != dims) return false;
    used |= use == Use::kSamePosition;
  }
  return used;
}

}  // namespace

absl::StatusOr<bool> EmitContractions(FusionKernel* kernel) {
  std::vector<mlir::Operation*> contractions;
  for (mlir::Operation& op : kernel->body()) {
    if (IsContraction(&op)) contractions.push_back(&op);
  }
  for (mlir::Operation* op : contractions) {
    STATOR_ASSIGN_OR_RETURN(ContractionShape shape, ShapeOfContraction(op));
    const Value panels = core::PanelsOf(op);
    for (Value operand : {op->getOperand(0), panels ? panels : op->getOperand(1)}) {
      STATOR_RETURN_IF_ERROR(StoreInWorkspace(kernel, operand));
    }
    const Value value = op->getResult(0);
    if (IsElementwise(shape)) {
      if (op != contractions.back() || !IsEpilogue(kernel, value)) {
        STATOR_RETURN_IF_ERROR(StoreInWorkspace(kernel, value));
      }
      continue;
    }
    if (op == contractions.back() && IsEpilogue(kernel, value)) {
      const bool plain = kernel->fusion()->getNumResults() == 1 && kernel->Returned(0) == value;
      std::vector<LoopOutput> outputs;
      for (int i = 0; !plain && i < static_cast<int>(kernel->fusion()->getNumResults()); ++i) {
        outputs.push_back({kernel->Returned(i), kernel->Result(i)});
      }
      STATOR_RETURN_IF_ERROR(ContractionPhases(kernel, std::move(shape), std::move(outputs))
                                 .Emit(kernel->Result(0)));
      return true;
    }
    // Not straight into a result: another result's phase may still read an operand that it replaces.
    const KernelBuffer buffer =
        kernel->AddWorkspace(core::DimsOf(value), core::ElementTypeOf(value));
    STATOR_RETURN_IF_ERROR(ContractionPhases(kernel, std::move(shape), {}).Emit(buffer));
    kernel->SetBuffer(value, buffer);
  }
  return false;
}

}  // namespace stator::compiler
