#include <array>
#include <string>

#include "compiler/math/emitted_number.h"
#include "compiler/math/emitter.h"
#include "compiler/math/huge_angle.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"
#include "mlir/IR/BuiltinOps.h"
#include "mlir/IR/TypeUtilities.h"

namespace stator::compiler::math {
namespace {

using mlir::ModuleOp;
using mlir::Type;
using mlir::Value;
using mlir::ValueRange;

constexpr char kWordsName[] = "stator_two_over_pi";

// The module's constant with the words of 2/pi.
mlir::LLVM::GlobalOp FindOrEmitWords(ModuleOp module, mlir::Location location) {
  if (auto words = module.lookupSymbol<mlir::LLVM::GlobalOp>(kWordsName)) return words;
  auto builder = mlir::OpBuilder::atBlockBegin(module.getBody());
  const int64_t count = std::size(kTwoOverPiWords);
  const auto array = mlir::LLVM::LLVMArrayType::get(builder.getI64Type(), count);
  const auto tensor = mlir::RankedTensorType::get({count}, builder.getI64Type());
  const auto value =
      mlir::DenseElementsAttr::get(tensor, llvm::ArrayRef<uint64_t>(kTwoOverPiWords));
  return builder.create<mlir::LLVM::GlobalOp>(location, array, /*isConstant=*/true,
                                              mlir::LLVM::Linkage::Internal, kWordsName, value);
}

template <typename S>
EmittedNumber<double> AngleToDouble(const EmittedNumber<S>& angle) {
  if constexpr (std::is_same_v<S, float>) {
    return WidenToDouble(angle);
  } else {
    return angle;
  }
}

// The results of ReduceHugeAngle, as numbers of type S.
template <typename S>
std::array<Value, 3> EmitReduction(Emitter* emitter, mlir::LLVM::GlobalOp words, Value angle) {
  mlir::OpBuilder& builder = emitter->builder();
  const auto pointer = mlir::LLVM::LLVMPointerType::get(builder.getContext());
  const Value base = emitter->Create<mlir::LLVM::AddressOfOp>(pointer, words.getSymName());
  const auto load_word = [&](const EmittedBits<uint64_t>& index) {
    const Value address = emitter->Create<mlir::LLVM::GEPOp>(
        pointer, builder.getI64Type(), base, llvm::ArrayRef<mlir::LLVM::GEPArg>{index.value()});
    return EmittedBits<uint64_t>(emitter->Create<mlir::LLVM::LoadOp>(builder.getI64Type(), address),
                                 emitter);
  };
  const auto reduced = ReduceHugeAngle(AngleToDouble(EmittedNumber<S>(angle, emitter)),
                                       NumberFormat<S>::kMantissaBits, load_word);
  if constexpr (std::is_same_v<S, float>) {
    const auto high = NarrowToFloat(reduced.high);
    const auto low = NarrowToFloat((reduced.high - WidenToDouble(high)) + reduced.low);
    const Value quadrant =
        emitter->Create<mlir::arith::TruncIOp>(builder.getI32Type(), reduced.quadrant.value());
    return {high.value(), low.value(), quadrant};
  } else {
    return {reduced.high.value(), reduced.low.value(), reduced.quadrant.value()};
  }
}

// The module's function that reduces one angle; outlined because it is long and rarely runs.
template <typename S>
mlir::func::FuncOp FindOrEmitFunction(ModuleOp module, mlir::Location location,
                                      const EmitOptions& options) {
  const std::string name =
      sizeof(S) == sizeof(float) ? "stator_reduce_huge_angle_f32" : "stator_reduce_huge_angle_f64";
  if (auto function = module.lookupSymbol<mlir::func::FuncOp>(name)) return function;
  mlir::LLVM::GlobalOp words = FindOrEmitWords(module, location);
  auto builder = mlir::OpBuilder::atBlockEnd(module.getBody());
  const Type scalar =
      sizeof(S) == sizeof(float) ? Type(builder.getF32Type()) : Type(builder.getF64Type());
  const Type bits = builder.getIntegerType(8 * sizeof(S));
  Emitter emitter(builder, location, scalar, options);
  const auto type = builder.getFunctionType({scalar}, {scalar, scalar, bits});
  auto function = builder.create<mlir::func::FuncOp>(location, name, type);
  function.setPrivate();
  // Symbol visibility alone would still export it from the object file.
  function->setAttr("llvm.linkage", mlir::LLVM::LinkageAttr::get(builder.getContext(),
                                                                 mlir::LLVM::Linkage::Internal));
  function->setAttr("passthrough", builder.getStrArrayAttr({"cold", "noinline"}));
  mlir::Block* block = function.addEntryBlock();
  builder.setInsertionPointToEnd(block);
  const std::array<Value, 3> results = EmitReduction<S>(&emitter, words, block->getArgument(0));
  builder.create<mlir::func::ReturnOp>(location, ValueRange(results));
  return function;
}

}  // namespace

std::array<Value, 3> Emitter::ReduceHugeAngles(Value mask, Value angle,
                                               std::array<Value, 3> usual) {
  const auto module = builder_.getInsertionBlock()->getParentOp()->getParentOfType<ModuleOp>();
  const bool is_f32 = mlir::getElementTypeOrSelf(angle.getType()).isF32();
  const mlir::func::FuncOp function = is_f32
                                          ? FindOrEmitFunction<float>(module, location_, options_)
                                          : FindOrEmitFunction<double>(module, location_, options_);
  const auto unchanged = [&](mlir::OpBuilder& builder, mlir::Location location) {
    builder.create<mlir::scf::YieldOp>(location, ValueRange(usual));
  };
  const auto reduce_scalar = [&](mlir::OpBuilder& builder, mlir::Location location) {
    auto call = builder.create<mlir::func::CallOp>(location, function, angle);
    builder.create<mlir::scf::YieldOp>(location, call.getResults());
  };
  const auto reduce_lanes = [&](mlir::OpBuilder& builder, mlir::Location location) {
    const auto index = [&](int64_t value) {
      return builder.create<mlir::arith::ConstantIndexOp>(location, value).getResult();
    };
    const auto reduce_lane = [&](mlir::OpBuilder& body, mlir::Location, Value lane,
                                 ValueRange values) {
      const Value huge = body.create<mlir::vector::ExtractElementOp>(location, mask, lane);
      auto lane_results = body.create<mlir::scf::IfOp>(
          location, huge,
          [&](mlir::OpBuilder& then, mlir::Location) {
            const Value one = then.create<mlir::vector::ExtractElementOp>(location, angle, lane);
            auto call = then.create<mlir::func::CallOp>(location, function, one);
            llvm::SmallVector<Value> inserted;
            for (auto [value, vector] : llvm::zip_equal(call.getResults(), values)) {
              inserted.push_back(
                  then.create<mlir::vector::InsertElementOp>(location, value, vector, lane));
            }
            then.create<mlir::scf::YieldOp>(location, inserted);
          },
          [&](mlir::OpBuilder& other, mlir::Location) {
            other.create<mlir::scf::YieldOp>(location, values);
          });
      body.create<mlir::scf::YieldOp>(location, lane_results.getResults());
    };
    auto loop = builder.create<mlir::scf::ForOp>(location, index(0), index(lanes_), index(1),
                                                 ValueRange(usual), reduce_lane);
    builder.create<mlir::scf::YieldOp>(location, loop.getResults());
  };
  auto branch =
      vector_ ? builder_.create<mlir::scf::IfOp>(location_, Any(mask), reduce_lanes, unchanged)
              : builder_.create<mlir::scf::IfOp>(location_, Any(mask), reduce_scalar, unchanged);
  return {branch.getResult(0), branch.getResult(1), branch.getResult(2)};
}

}  // namespace stator::compiler::math
