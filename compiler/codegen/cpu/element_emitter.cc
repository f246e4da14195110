#include "compiler/codegen/cpu/element_emitter.h"

#include <algorithm>

#include "absl/strings/str_cat.h"
#include "compiler/codegen/cpu/location_text.h"
#include "llvm/ADT/DenseSet.h"
#include "llvm/ADT/TypeSwitch.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"

namespace stator::compiler {
namespace {

namespace arith = mlir::arith;
namespace LLVM = mlir::LLVM;
using mlir::Type;
using mlir::Value;

// What loads and stores move: half-precision elements as integers, since masked moves of vectors of
// bf16 would convert them one by one.
Type MovedType(Type core_element, mlir::MLIRContext* context) {
  if (core_element.isF16() || core_element.isBF16()) return mlir::IntegerType::get(context, 16);
  return MemoryType(core_element, context);
}

Type LikeShape(Type like, Type element) {
  auto vector = mlir::dyn_cast<mlir::VectorType>(like);
  return vector == nullptr ? element : Type(vector.clone(element));
}

}  // namespace

ElementEmitter::ElementEmitter(FusionKernel* kernel, core::DimExpr grid)
    : kernel_(*kernel),
      phase_(&kernel->module()),
      math_(&phase_, &kernel->scalars()),
      sets_(&math_),
      arith_(&phase_.builder(), phase_.loc(), kernel->target()) {
  kernel->AddGrid(grid);
  phase_.builder().setListener(&hoisting_);
  memo_.emplace_back();
}

Type ElementEmitter::VectorOf(Type core_element, int lanes) {
  Type element = RegisterType(core_element, kernel_.context());
  return lanes == 1 ? element : mlir::VectorType::get({lanes}, element);
}

Value ElementEmitter::Zero(Type core_element, int lanes) {
  return builder().create<arith::ConstantOp>(loc(),
                                             builder().getZeroAttr(VectorOf(core_element, lanes)));
}

Value ElementEmitter::Fail(absl::Status status, Type core_element, int lanes) {
  if (status_.ok()) status_ = std::move(status);
  return Zero(core_element, lanes);
}

void ElementEmitter::Define(Value value, IndexSet set, Value elements) {
  memo_.back()[{value.getAsOpaquePointer(), set, mask_.getAsOpaquePointer()}] = elements;
}

Value ElementEmitter::Emit(Value value, IndexSet set) {
  const Type element = core::ElementTypeOf(value);
  if (set->lanes > 1 && set->IsUniform()) {
    return arith_.Splat(Emit(value, sets_.Scalar(set)), set->lanes);
  }
  for (auto scope = memo_.rbegin(); scope != memo_.rend(); ++scope) {
    for (void* mask : {static_cast<void*>(nullptr), mask_.getAsOpaquePointer()}) {
      auto found = scope->find({value.getAsOpaquePointer(), set, mask});
      if (found != scope->end()) return found->second;
    }
  }
  if (!status_.ok()) return Zero(element, set->lanes);
  Value elements;
  if (const KernelBuffer* buffer = kernel_.BufferOf(value)) {
    elements = Load(*buffer, set);
  } else {
    elements = EmitOp(value.getDefiningOp(), value, set);
  }
  Define(value, set, elements);
  return elements;
}

Value ElementEmitter::EmitElementwise(mlir::Operation* op, IndexSet set) {
  llvm::SmallVector<Value> operands;
  for (Value operand : op->getOperands()) operands.push_back(Emit(operand, set));
  if (!status_.ok()) return Zero(core::ElementTypeOf(op->getResult(0)), set->lanes);
  absl::StatusOr<Value> result = arith_.Emit(op, operands);
  if (result.ok()) return *result;
  return Fail(NotLowered(op, result.status().message()), core::ElementTypeOf(op->getResult(0)),
              set->lanes);
}

Value ElementEmitter::EmitOp(mlir::Operation* op, Value value, IndexSet set) {
  if (op->hasTrait<core::ElementwiseOp>()) return EmitElementwise(op, set);
  return llvm::TypeSwitch<mlir::Operation*, Value>(op)
      .Case([&](core::ConstantOp c) { return EmitConstant(c, set); })
      .Case([&](core::DimValuesOp c) { return EmitDimValues(c, set); })
      .Case([&](core::IotaOp c) { return EmitIota(c, set); })
      .Case([&](core::BroadcastInDimOp c) { return EmitBroadcast(c, set); })
      .Case([&](core::ReshapeOp c) {
        return Emit(c.getOperand(), sets_.Reshape(set, core::DimsOf(c.getOperand())));
      })
      .Case([&](core::AssumeDimsOp c) {
        return Emit(c.getOperand(), sets_.Replace(set, {}, core::DimsOf(c.getOperand())));
      })
      .Case<core::StopGradientOp, core::OptimizationBarrierOp>([&](auto c) {
        return Emit(c->getOperand(mlir::cast<mlir::OpResult>(value).getResultNumber()), set);
      })
      .Case([&](core::TransposeOp c) { return EmitTranspose(c, set); })
      .Case([&](core::SliceOp c) { return EmitSlice(c, set); })
      .Case([&](core::DynamicSliceOp c) { return EmitDynamicSlice(c, set); })
      .Case([&](core::DynamicUpdateSliceOp c) { return EmitDynamicUpdateSlice(c, set); })
      .Case([&](core::PadOp c) { return EmitPad(c, set); })
      .Case([&](core::ConcatenateOp c) { return EmitConcatenate(c, set); })
      .Case([&](core::ReverseOp c) { return EmitReverse(c, set); })
      .Case([&](core::GatherOp c) { return EmitGather(c, set); })
      .Case([&](core::RngBitsOp c) { return EmitRngBits(c, set); })
      .Case<core::DotGeneralOp, core::ConvolutionOp>(
          [&](auto c) { return EmitContraction(c, set); })
      .Case([&](core::ReduceOp c) { return EmitReduce(c, set); })
      .Case([&](core::ReduceWindowOp c) { return EmitReduceWindow(c, set); })
      .Case([&](core::SelectAndScatterOp c) { return EmitSelectAndScatter(c, set); })
      .Default([&](mlir::Operation* other) {
        return Fail(NotLowered(other, "inside a fusion of this kind"), core::ElementTypeOf(value),
                    set->lanes);
      });
}

Value ElementEmitter::AnyLane() {
  return builder().create<mlir::vector::ReductionOp>(loc(), mlir::vector::CombiningKind::OR, mask_);
}

Value ElementEmitter::LoadScalar(int buffer, Value pointer, Type type) {
  if (mask_ != nullptr && mask_may_be_empty_) {
    // Then the address may be anything; the frame is memory that can be read.
    Value frame = mlir::cast<mlir::BlockArgument>(phase_.begin()).getOwner()->getArgument(0);
    pointer = builder().create<arith::SelectOp>(loc(), AnyLane(), pointer, frame);
    return phase_.Load(buffer, pointer, type);
  }
  Value load = phase_.Load(buffer, pointer, type);
  if (kernel_.IsConstantMemory(buffer)) HoistingListener::HoistLoad(load.getDefiningOp());
  return load;
}

Value ElementEmitter::LoadGather(int buffer, Value pointer, Type type, const LaneIndex& offset,
                                 int lanes) {
  Type element = mlir::cast<mlir::VectorType>(type).getElementType();
  Type pointers = LLVM::getFixedVectorType(pointer.getType(), lanes);
  Value addresses = builder().create<LLVM::GEPOp>(
      loc(), pointers, element, pointer,
      llvm::ArrayRef<LLVM::GEPArg>{LLVM::GEPArg(math_.Vector(offset, lanes))}, /*inbounds=*/true);
  Value mask = mask_;
  if (mask == nullptr) {
    mask = arith_.IntConstant(mlir::VectorType::get({lanes}, builder().getI1Type()), -1);
  }
  Value zero = builder().create<arith::ConstantOp>(loc(), builder().getZeroAttr(type));
  auto load = builder().create<LLVM::masked_gather>(
      loc(), type, addresses, mask, mlir::ValueRange{zero},
      static_cast<uint32_t>(std::max<int64_t>(1, element.getIntOrFloatBitWidth() / 8)));
  kernel_.module().MarkAccess(load, buffer);
  return load.getRes();
}

Value ElementEmitter::LoadMemory(int buffer, Value pointer, Type core_element,
                                 const LaneIndex& offset, int lanes) {
  Type element = MovedType(core_element, kernel_.context());
  Type type = lanes == 1 ? element : Type(mlir::VectorType::get({lanes}, element));
  Value load;
  if (lanes == 1) {
    load = LoadScalar(buffer, phase_.Offset(pointer, element, math_.Get(offset.base)), type);
  } else if (offset.vector == nullptr && offset.step.Is(1)) {
    Value address = phase_.Offset(pointer, element, math_.Get(offset.base));
    load = mask_ != nullptr ? phase_.MaskedLoad(buffer, address, type, mask_)
                            : phase_.Load(buffer, address, type);
  } else if (offset.vector == nullptr && offset.step.Is(-1) && mask_ == nullptr) {
    Int last = math_.Add(offset.base, -(lanes - 1));
    Value forward = phase_.Load(buffer, phase_.Offset(pointer, element, math_.Get(last)), type);
    llvm::SmallVector<int64_t> order;
    for (int i = 0; i < lanes; ++i) order.push_back(lanes - 1 - i);
    load = builder().create<mlir::vector::ShuffleOp>(loc(), forward, forward, order);
  } else {
    load = LoadGather(buffer, pointer, type, offset, lanes);
  }
  if (mlir::isa<mlir::FloatType>(core_element) && mlir::isa<mlir::IntegerType>(element)) {
    return builder().create<arith::BitcastOp>(loc(), VectorOf(core_element, lanes), load);
  }
  if (!core_element.isInteger(1)) return load;
  return builder().create<arith::CmpIOp>(loc(), arith::CmpIPredicate::ne, load,
                                         arith_.IntConstant(type, 0));
}

Value ElementEmitter::Load(const KernelBuffer& buffer, IndexSet set) {
  return LoadMemory(buffer.number, phase_.BufferPointer(buffer.number), buffer.element,
                    sets_.Linear(set), set->lanes);
}

void ElementEmitter::Store(const KernelBuffer& buffer, IndexSet set, Value elements) {
  Type element = MovedType(buffer.element, kernel_.context());
  if (mlir::isa<mlir::FloatType>(buffer.element) && mlir::isa<mlir::IntegerType>(element)) {
    elements =
        builder().create<arith::BitcastOp>(loc(), LikeShape(elements.getType(), element), elements);
  }
  if (buffer.element.isInteger(1)) {
    Type type = set->lanes == 1 ? element : Type(mlir::VectorType::get({set->lanes}, element));
    elements = builder().create<arith::ExtUIOp>(loc(), type, elements);
  }
  const LaneIndex offset = sets_.Linear(set);
  Value pointer = phase_.BufferPointer(buffer.number);
  if (set->lanes == 1 || (offset.vector == nullptr && offset.step.Is(1))) {
    Value address = phase_.Offset(pointer, element, math_.Get(offset.base));
    if (mask_ != nullptr && set->lanes > 1) {
      phase_.MaskedStore(buffer.number, address, elements, mask_);
    } else {
      phase_.Store(buffer.number, address, elements);
    }
    return;
  }
  Type pointers = LLVM::getFixedVectorType(pointer.getType(), set->lanes);
  Value addresses = builder().create<LLVM::GEPOp>(
      loc(), pointers, element, pointer,
      llvm::ArrayRef<LLVM::GEPArg>{LLVM::GEPArg(math_.Vector(offset, set->lanes))}, true);
  Value mask = mask_;
  if (mask == nullptr) {
    mask = arith_.IntConstant(mlir::VectorType::get({set->lanes}, builder().getI1Type()), -1);
  }
  auto store = builder().create<LLVM::masked_scatter>(
      loc(), elements, addresses, mask,
      static_cast<uint32_t>(std::max<int64_t>(1, element.getIntOrFloatBitWidth() / 8)));
  kernel_.module().MarkAccess(store, buffer.number);
}

Value ElementEmitter::LoadScratch(Int byte, Type core_element, int lanes) {
  Type element = MemoryType(core_element, kernel_.context());
  Type type = lanes == 1 ? element : Type(mlir::VectorType::get({lanes}, element));
  Value address = phase_.Offset(phase_.ScratchPointer(), builder().getI8Type(), math_.Get(byte));
  Value load = phase_.Load(KernelModule::kScratch, address, type);
  if (!core_element.isInteger(1)) return load;
  return builder().create<arith::CmpIOp>(loc(), arith::CmpIPredicate::ne, load,
                                         arith_.IntConstant(type, 0));
}

void ElementEmitter::StoreScratch(Int byte, Type core_element, Value elements, bool masked) {
  if (core_element.isInteger(1)) {
    Type byte_type = builder().getI8Type();
    elements =
        builder().create<arith::ExtUIOp>(loc(), LikeShape(elements.getType(), byte_type), elements);
  }
  Value address = phase_.Offset(phase_.ScratchPointer(), builder().getI8Type(), math_.Get(byte));
  if (masked && mask_ != nullptr) {
    phase_.MaskedStore(KernelModule::kScratch, address, elements, mask_);
  } else {
    phase_.Store(KernelModule::kScratch, address, elements);
  }
}

void ElementEmitter::DefineReduced(Value value, Int position, Value element) {
  reduced_[value] = {position, element};
}

Value ElementEmitter::EmitReduce(core::ReduceOp op, IndexSet set) {
  auto found = reduced_.find(op.getResult());
  if (found != reduced_.end()) {
    const LaneIndex position = sets_.Linear(set);
    if (position.IsUniform() && position.base == found->second.first) return found->second.second;
  }
  return Fail(NotLowered(op, "inside a loop"), core::ElementTypeOf(op.getResult()), set->lanes);
}

void ElementEmitter::For(Int from, Int to, Int step, bool not_empty,
                         const std::function<void(Int)>& body) {
  For(from, to, step, not_empty, {}, [&](Int i, const Values&) {
    body(i);
    return Values();
  });
}

ElementEmitter::Values ElementEmitter::For(Int from, Int to, Int step, bool not_empty,
                                           const Values& initial,
                                           const std::function<Values(Int, const Values&)>& body) {
  auto loop = builder().create<mlir::scf::ForOp>(loc(), math_.Get(from), math_.Get(to),
                                                 math_.Get(step), initial);
  if (not_empty) HoistingListener::MarkNotEmpty(loop);
  {
    mlir::OpBuilder::InsertionGuard guard(builder());
    Scope scope(this);
    builder().setInsertionPointToStart(loop.getBody());
    auto state = loop.getRegionIterArgs();
    Values next = body(Int(loop.getInductionVar()), Values(state.begin(), state.end()));
    if (!initial.empty()) builder().create<mlir::scf::YieldOp>(loc(), next);
  }
  return Values(loop.getResults().begin(), loop.getResults().end());
}

Value ElementEmitter::If(const Pred& condition, Type type, const std::function<Value()>& on_true,
                         const std::function<Value()>& on_false) {
  if (condition.known) return *condition.known ? on_true() : on_false();
  if (condition.IsUniform()) {
    auto branch = builder().create<mlir::scf::IfOp>(loc(), type, condition.value, true);
    mlir::OpBuilder::InsertionGuard guard(builder());
    for (bool side : {true, false}) {
      Scope scope(this);
      builder().setInsertionPointToStart(side ? branch.thenBlock() : branch.elseBlock());
      Value result = side ? on_true() : on_false();
      builder().create<mlir::scf::YieldOp>(loc(), result);
    }
    return branch.getResult(0);
  }
  Value outer = mask_;
  const bool outer_may_be_empty = mask_may_be_empty_;
  auto under = [&](Value mask, const std::function<Value()>& emit) {
    if (outer != nullptr) mask = builder().create<arith::AndIOp>(loc(), outer, mask);
    mask_ = mask;
    mask_may_be_empty_ = true;
    Value result = emit();
    mask_ = outer;
    mask_may_be_empty_ = outer_may_be_empty;
    return result;
  };
  Value a = under(condition.value, on_true);
  Value b = under(math_.Not(condition).value, on_false);
  return arith_.Select(condition.value, a, b);
}

void ElementEmitter::When(const Pred& condition, const std::function<void()>& then) {
  if (condition.known) {
    if (*condition.known) then();
    return;
  }
  auto branch = builder().create<mlir::scf::IfOp>(loc(), condition.value, /*withElse=*/false);
  mlir::OpBuilder::InsertionGuard guard(builder());
  Scope scope(this);
  builder().setInsertionPointToStart(branch.thenBlock());
  then();
}

void ElementEmitter::WithFirstLanes(Int count, int lanes, const std::function<void()>& body) {
  if (lanes == 1) return body();
  Value size =
      builder().create<arith::IndexCastOp>(loc(), builder().getIndexType(), math_.Get(count));
  Value mask = builder().create<mlir::vector::CreateMaskOp>(
      loc(), mlir::VectorType::get({lanes}, builder().getI1Type()), mlir::ValueRange{size});
  std::swap(mask, mask_);
  bool may_be_empty = false;
  std::swap(may_be_empty, mask_may_be_empty_);
  body();
  mask_ = mask;
  mask_may_be_empty_ = may_be_empty;
}

Value ElementEmitter::Unmasked(Type type, const std::function<Value()>& body) {
  if (mask_ == nullptr) return body();
  Value mask = mask_;
  const bool may_be_empty = mask_may_be_empty_;
  auto run = [&] {
    mask_ = nullptr;
    Value result = body();
    mask_ = mask;
    return result;
  };
  if (!may_be_empty) return run();
  return If({std::nullopt, AnyLane()}, type, run, [&]() -> Value {
    return builder().create<arith::ConstantOp>(loc(), builder().getZeroAttr(type));
  });
}

Int ElementEmitter::ToInt64(Value element, Type core_element) {
  auto integer = mlir::cast<mlir::IntegerType>(core_element);
  Type wide = mlir::IntegerType::get(core_element.getContext(), 64);
  return Int(arith_.Convert(element, integer, wide));
}

LaneIndex ElementEmitter::ToIndex(Value elements, Type core_element) {
  return math_.OfVector(ToInt64(elements, core_element).value);
}

int NaturalLanes(const FusionKernel& kernel, llvm::ArrayRef<Value> values) {
  int widest = 8;
  llvm::DenseSet<Value> seen;
  llvm::SmallVector<Value> pending(values.begin(), values.end());
  while (!pending.empty()) {
    Value value = pending.pop_back_val();
    if (!seen.insert(value).second) continue;
    const Type element = core::ElementTypeOf(value);
    if (!IsKernelElement(element)) continue;
    int bits = static_cast<int>(element.getIntOrFloatBitWidth());
    if (mlir::isa<mlir::FloatType>(element)) bits = std::max(bits, 32);
    auto tensor = mlir::cast<mlir::RankedTensorType>(value.getType());
    const bool scalar = tensor.hasStaticShape() && tensor.getNumElements() == 1;
    if (!scalar) widest = std::max(widest, bits);
    if (kernel.BufferOf(value) == nullptr) {
      for (Value operand : value.getDefiningOp()->getOperands()) pending.push_back(operand);
    }
  }
  return kernel.target().Lanes(widest);
}

}  // namespace stator::compiler
