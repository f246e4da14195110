#include "compiler/codegen/cpu/kernel_module.h"

#include <algorithm>
#include <cstddef>

#include "absl/strings/str_cat.h"
#include "executable/kernel_frame.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/ControlFlow/IR/ControlFlow.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"
#include "mlir/Target/LLVMIR/Dialect/Builtin/BuiltinToLLVMIRTranslation.h"
#include "mlir/Target/LLVMIR/Dialect/LLVMIR/LLVMToLLVMIRTranslation.h"

namespace stator::compiler {
namespace {

using mlir::Attribute;
using mlir::Type;
using mlir::Value;

using executable::ErrorSlot;
using executable::Frame;

mlir::LLVM::LLVMPointerType PointerType(mlir::MLIRContext* context) {
  return mlir::LLVM::LLVMPointerType::get(context);
}

// Of a scalar, or of one element of a vector; what memory accesses may rely on.
int64_t ElementBytes(Type type) {
  if (auto vector = mlir::dyn_cast<mlir::VectorType>(type)) type = vector.getElementType();
  if (mlir::isa<mlir::LLVM::LLVMPointerType>(type)) return 8;
  return std::max<int64_t>(1, type.getIntOrFloatBitWidth() / 8);
}

}  // namespace

std::unique_ptr<mlir::MLIRContext> CreateKernelContext() {
  mlir::DialectRegistry registry;
  mlir::registerBuiltinDialectTranslation(registry);
  mlir::registerLLVMDialectTranslation(registry);
  auto context =
      std::make_unique<mlir::MLIRContext>(registry, mlir::MLIRContext::Threading::DISABLED);
  context->loadDialect<mlir::arith::ArithDialect, mlir::cf::ControlFlowDialect,
                       mlir::func::FuncDialect, mlir::LLVM::LLVMDialect, mlir::math::MathDialect,
                       mlir::scf::SCFDialect, mlir::vector::VectorDialect>();
  return context;
}

KernelModule::KernelModule(mlir::MLIRContext* context, KernelSignature signature)
    : signature_(std::move(signature)),
      module_(mlir::ModuleOp::create(mlir::UnknownLoc::get(context))) {
  auto domain = mlir::LLVM::AliasScopeDomainAttr::get(context);
  const int count = signature_.buffers + 1;
  std::vector<Attribute> scopes;
  for (int i = 0; i < count; ++i) {
    scopes.push_back(mlir::LLVM::AliasScopeAttr::get(domain));
    scopes_.push_back(mlir::ArrayAttr::get(context, scopes.back()));
  }
  for (int i = 0; i < count; ++i) {
    std::vector<Attribute> others;
    for (int j = 0; j < count; ++j) {
      const std::pair<int, int> pair(std::min(i, j), std::max(i, j));
      const bool alias =
          std::any_of(signature_.may_alias.begin(), signature_.may_alias.end(), [&](auto p) {
            return std::pair<int, int>(std::min(p.first, p.second), std::max(p.first, p.second)) ==
                   pair;
          });
      if (i != j && !alias) others.push_back(scopes[j]);
    }
    disjoint_.push_back(mlir::ArrayAttr::get(context, others));
  }
}

std::string KernelModule::PhaseName(int phase) const {
  return absl::StrCat(signature_.name, "_", phase);
}

mlir::func::FuncOp KernelModule::AddPhase() {
  mlir::OpBuilder builder(module_->getContext());
  builder.setInsertionPointToEnd(module_->getBody());
  const mlir::Location loc = module_->getLoc();
  auto type = builder.getFunctionType({PointerType(builder.getContext()), builder.getI64Type(),
                                       builder.getI64Type(), builder.getI32Type()},
                                      builder.getI32Type());
  auto function = builder.create<mlir::func::FuncOp>(loc, PhaseName(phases_++), type);
  builder.setInsertionPointToStart(function.addEntryBlock());
  Value zero = builder.create<mlir::arith::ConstantIntOp>(loc, 0, 32);
  builder.create<mlir::func::ReturnOp>(loc, zero);
  return function;
}

void KernelModule::MarkAccess(mlir::Operation* op, int buffer) const {
  auto access = mlir::dyn_cast<mlir::LLVM::AliasAnalysisOpInterface>(op);
  if (access == nullptr) return;
  const int index = buffer == kScratch ? signature_.buffers : buffer;
  access.setAliasScopes(scopes_[index]);
  if (!disjoint_[index].empty()) access.setNoAliasScopes(disjoint_[index]);
}

PhaseBuilder::PhaseBuilder(KernelModule* kernel)
    : kernel_(kernel),
      function_(kernel->AddPhase()),
      builder_(function_.getContext()),
      loc_(function_.getLoc()),
      buffer_pointers_(kernel->signature().buffers),
      scalar_values_(kernel->signature().scalars) {
  mlir::Block& entry = function_.getBody().front();
  prologue_end_ = &entry.front();  // the return value's constant
  builder_.setInsertionPoint(entry.getTerminator());
}

Value PhaseBuilder::Once(Value* slot, const std::function<Value()>& emit) {
  if (*slot == nullptr) {
    mlir::OpBuilder::InsertionGuard guard(builder_);
    builder_.setInsertionPointAfter(prologue_end_);
    *slot = emit();
    prologue_end_ = slot->getDefiningOp();
  }
  return *slot;
}

Value PhaseBuilder::LoadInvariant(Value pointer, Type type, int64_t byte_offset) {
  Value address = pointer;
  if (byte_offset != 0) address = Offset(pointer, builder_.getI8Type(), byte_offset);
  auto load = builder_.create<mlir::LLVM::LoadOp>(loc_, type, address, /*alignment=*/8);
  load.setInvariant(true);
  return load;
}

Value PhaseBuilder::FrameField(int64_t byte_offset, Type type) {
  return LoadInvariant(function_.getArgument(0), type, byte_offset);
}

Value PhaseBuilder::BufferPointer(int buffer) {
  Type pointer = PointerType(builder_.getContext());
  Once(&buffers_, [&] { return FrameField(offsetof(Frame, buffers), pointer); });
  return Once(&buffer_pointers_[buffer],
              [&] { return LoadInvariant(buffers_, pointer, 8 * buffer); });
}

Value PhaseBuilder::Scalar(int scalar) {
  Once(&scalars_,
       [&] { return FrameField(offsetof(Frame, scalars), PointerType(builder_.getContext())); });
  return Once(&scalar_values_[scalar],
              [&] { return LoadInvariant(scalars_, builder_.getI64Type(), 8 * scalar); });
}

Value PhaseBuilder::ScratchPointer() {
  return Once(&scratch_, [&] {
    Value base = FrameField(offsetof(Frame, scratch), PointerType(builder_.getContext()));
    Value stride = FrameField(offsetof(Frame, scratch_stride), builder_.getI64Type());
    Value number = builder_.create<mlir::arith::ExtSIOp>(loc_, builder_.getI64Type(), worker());
    Value offset = builder_.create<mlir::arith::MulIOp>(loc_, stride, number);
    return Offset(base, builder_.getI8Type(), offset);
  });
}

Value PhaseBuilder::ErrorPointer() {
  return Once(&error_, [&] {
    return FrameField(offsetof(Frame, error), PointerType(builder_.getContext()));
  });
}

void PhaseBuilder::RecordError(Value condition, int32_t check, Value index) {
  if (failed_ == nullptr) {
    // Memory because structured loops have no early exit; LLVM turns it into a register.
    mlir::OpBuilder::InsertionGuard guard(builder_);
    builder_.setInsertionPointToStart(&function_.getBody().front());
    Value one = builder_.create<mlir::arith::ConstantIntOp>(loc_, 1, 32);
    Value zero = builder_.create<mlir::arith::ConstantIntOp>(loc_, 0, 32);
    failed_ = builder_.create<mlir::LLVM::AllocaOp>(loc_, PointerType(builder_.getContext()),
                                                    builder_.getI32Type(), one);
    builder_.create<mlir::LLVM::StoreOp>(loc_, zero, failed_);
    mlir::Operation* done = function_.getBody().front().getTerminator();
    builder_.setInsertionPoint(done);
    Value result = builder_.create<mlir::LLVM::LoadOp>(loc_, builder_.getI32Type(), failed_);
    done->setOperand(0, result);
  }
  Value slot = ErrorPointer();
  Value index_slot = Offset(slot, builder_.getI8Type(), offsetof(ErrorSlot, index));
  auto if_failed = builder_.create<mlir::scf::IfOp>(loc_, condition, /*withElse=*/false);
  mlir::OpBuilder::InsertionGuard guard(builder_);
  builder_.setInsertionPointToStart(if_failed.thenBlock());
  Value before = builder_.create<mlir::LLVM::LoadOp>(loc_, builder_.getI32Type(), failed_);
  Value none = builder_.create<mlir::arith::ConstantIntOp>(loc_, 0, 32);
  Value first =
      builder_.create<mlir::arith::CmpIOp>(loc_, mlir::arith::CmpIPredicate::eq, before, none);
  Value recorded = builder_.create<mlir::LLVM::LoadOp>(loc_, builder_.getI64Type(), index_slot);
  Value earlier =
      builder_.create<mlir::arith::CmpIOp>(loc_, mlir::arith::CmpIPredicate::slt, index, recorded);
  Value record = builder_.create<mlir::arith::OrIOp>(loc_, first, earlier);
  auto if_record = builder_.create<mlir::scf::IfOp>(loc_, record, /*withElse=*/false);
  builder_.setInsertionPointToStart(if_record.thenBlock());
  Value one = builder_.create<mlir::arith::ConstantIntOp>(loc_, 1, 32);
  Value number = builder_.create<mlir::arith::ConstantIntOp>(loc_, check, 32);
  builder_.create<mlir::LLVM::StoreOp>(loc_, one, failed_);
  builder_.create<mlir::LLVM::StoreOp>(
      loc_, number, Offset(slot, builder_.getI8Type(), offsetof(ErrorSlot, check)));
  builder_.create<mlir::LLVM::StoreOp>(loc_, index, index_slot);
}

void PhaseBuilder::ForEachTile(const std::function<void(Value)>& body) {
  auto loop = builder_.create<mlir::scf::ForOp>(loc_, begin(), end(), Int64(1));
  mlir::OpBuilder::InsertionGuard guard(builder_);
  builder_.setInsertionPointToStart(loop.getBody());
  body(loop.getInductionVar());
}

Value PhaseBuilder::Int64(int64_t value) {
  return builder_.create<mlir::arith::ConstantIntOp>(loc_, value, 64);
}

Value PhaseBuilder::Offset(Value pointer, Type element, Value index) {
  return builder_.create<mlir::LLVM::GEPOp>(loc_, pointer.getType(), element, pointer,
                                            mlir::ValueRange{index}, /*inbounds=*/true);
}

Value PhaseBuilder::Offset(Value pointer, Type element, int64_t index) {
  if (index == 0) return pointer;
  if (index > INT32_MAX || index < INT32_MIN) return Offset(pointer, element, Int64(index));
  return builder_.create<mlir::LLVM::GEPOp>(
      loc_, pointer.getType(), element, pointer,
      llvm::ArrayRef<mlir::LLVM::GEPArg>{static_cast<int32_t>(index)}, /*inbounds=*/true);
}

Value PhaseBuilder::Load(int buffer, Value pointer, Type type) {
  auto load = builder_.create<mlir::LLVM::LoadOp>(loc_, type, pointer, ElementBytes(type));
  kernel_->MarkAccess(load, buffer);
  return load;
}

void PhaseBuilder::Store(int buffer, Value pointer, Value value) {
  auto store =
      builder_.create<mlir::LLVM::StoreOp>(loc_, value, pointer, ElementBytes(value.getType()));
  kernel_->MarkAccess(store, buffer);
}

Value PhaseBuilder::MaskedLoad(int buffer, Value pointer, Type type, Value mask) {
  Value zero = builder_.create<mlir::arith::ConstantOp>(loc_, builder_.getZeroAttr(type));
  auto load = builder_.create<mlir::LLVM::MaskedLoadOp>(
      loc_, type, pointer, mask, mlir::ValueRange{zero}, static_cast<uint32_t>(ElementBytes(type)));
  kernel_->MarkAccess(load, buffer);
  return load.getResult();
}

void PhaseBuilder::MaskedStore(int buffer, Value pointer, Value value, Value mask) {
  auto store = builder_.create<mlir::LLVM::MaskedStoreOp>(
      loc_, value, pointer, mask, static_cast<uint32_t>(ElementBytes(value.getType())));
  kernel_->MarkAccess(store, buffer);
}

}  // namespace stator::compiler
