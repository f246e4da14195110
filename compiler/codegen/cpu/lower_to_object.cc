#include "compiler/codegen/cpu/lower_to_object.h"

#include <memory>
#include <utility>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "compiler/codegen/cpu/bfloat_as_integer.h"
#include "compiler/codegen/cpu/emit_object.h"
#include "llvm/IR/LLVMContext.h"
#include "llvm/IR/Module.h"
#include "llvm/Support/raw_ostream.h"
#include "mlir/Conversion/ArithToLLVM/ArithToLLVM.h"
#include "mlir/Conversion/ControlFlowToLLVM/ControlFlowToLLVM.h"
#include "mlir/Conversion/FuncToLLVM/ConvertFuncToLLVM.h"
#include "mlir/Conversion/LLVMCommon/ConversionTarget.h"
#include "mlir/Conversion/LLVMCommon/TypeConverter.h"
#include "mlir/Conversion/MathToLLVM/MathToLLVM.h"
#include "mlir/Conversion/SCFToControlFlow/SCFToControlFlow.h"
#include "mlir/Conversion/VectorToLLVM/ConvertVectorToLLVM.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/Dialect/Vector/Transforms/LoweringPatterns.h"
#include "mlir/Dialect/Vector/Transforms/VectorRewritePatterns.h"
#include "mlir/IR/Diagnostics.h"
#include "mlir/Target/LLVMIR/ModuleTranslation.h"
#include "mlir/Transforms/DialectConversion.h"
#include "mlir/Transforms/GreedyPatternRewriteDriver.h"

namespace stator::compiler {
namespace {

bool IsMultiDimensional(mlir::Type type) {
  auto vector = mlir::dyn_cast<mlir::VectorType>(type);
  return vector != nullptr && vector.getRank() > 1;
}

// Does any op need the vector dialect's own lowerings, which run as a greedy rewrite before?
bool NeedsVectorLowering(mlir::ModuleOp module) {
  return module
      .walk([](mlir::Operation* op) {
        for (mlir::Type type : op->getResultTypes()) {
          if (IsMultiDimensional(type)) return mlir::WalkResult::interrupt();
        }
        for (mlir::Type type : op->getOperandTypes()) {
          if (IsMultiDimensional(type)) return mlir::WalkResult::interrupt();
        }
        return mlir::WalkResult::advance();
      })
      .wasInterrupted();
}

mlir::LogicalResult LowerVectors(mlir::ModuleOp module) {
  namespace vector = mlir::vector;
  mlir::RewritePatternSet patterns(module.getContext());
  vector::populateVectorToVectorCanonicalizationPatterns(patterns);
  vector::populateVectorBitCastLoweringPatterns(patterns);
  vector::populateVectorBroadcastLoweringPatterns(patterns);
  vector::populateVectorContractLoweringPatterns(patterns, vector::VectorTransformsOptions());
  vector::populateVectorMultiReductionLoweringPatterns(
      patterns, vector::VectorMultiReductionLowering::InnerParallel);
  vector::populateVectorMaskOpLoweringPatterns(patterns);
  vector::populateVectorShapeCastLoweringPatterns(patterns);
  vector::populateVectorInterleaveLoweringPatterns(patterns);
  vector::populateVectorTransposeLoweringPatterns(patterns, vector::VectorTransformsOptions());
  vector::populateVectorInsertExtractStridedSliceTransforms(patterns);
  return mlir::applyPatternsAndFoldGreedily(module, std::move(patterns));
}

// One conversion for all dialects: fewer walks, and no casts between stages to reconcile.
mlir::LogicalResult ConvertToLlvmDialect(mlir::ModuleOp module) {
  mlir::MLIRContext* context = module.getContext();
  mlir::LowerToLLVMOptions options(context);
  options.overrideIndexBitwidth(64);
  mlir::LLVMTypeConverter types(context, options);
  mlir::RewritePatternSet patterns(context);
  mlir::populateSCFToControlFlowConversionPatterns(patterns);
  mlir::arith::populateArithToLLVMConversionPatterns(types, patterns);
  mlir::cf::populateControlFlowToLLVMConversionPatterns(types, patterns);
  mlir::populateFuncToLLVMConversionPatterns(types, patterns);
  mlir::populateMathToLLVMConversionPatterns(types, patterns);
  mlir::vector::populateVectorBroadcastLoweringPatterns(patterns);
  mlir::vector::populateVectorInterleaveLoweringPatterns(patterns);
  mlir::vector::populateVectorMaskMaterializationPatterns(patterns,
                                                          /*force32BitVectorIndices=*/true);
  mlir::populateVectorToLLVMConversionPatterns(types, patterns,
                                               /*reassociateFPReductions=*/false,
                                               /*force32BitVectorIndices=*/true);
  mlir::LLVMConversionTarget target(*context);
  target.addLegalOp<mlir::ModuleOp>();
  return mlir::applyFullConversion(module, target, std::move(patterns));
}

}  // namespace

absl::StatusOr<std::string> LowerToObject(mlir::ModuleOp module, const CpuTarget& target,
                                          const LowerOptions& options) {
  std::string diagnostics;
  mlir::ScopedDiagnosticHandler handler(module.getContext(), [&](mlir::Diagnostic& diagnostic) {
    absl::StrAppend(&diagnostics, diagnostics.empty() ? "" : "; ", diagnostic.str());
    return mlir::success();
  });
  LowerTimings timings;
  double start = ThreadMilliseconds();
  if ((NeedsVectorLowering(module) && mlir::failed(LowerVectors(module))) ||
      mlir::failed(ConvertToLlvmDialect(module))) {
    return absl::InternalError(absl::StrCat("kernel cannot be lowered to LLVM: ", diagnostics));
  }
  timings.convert_ms = ThreadMilliseconds() - start;

  start = ThreadMilliseconds();
  llvm::LLVMContext llvm_context;
  std::unique_ptr<llvm::Module> llvm_module =
      mlir::translateModuleToLLVMIR(module, llvm_context, "kernel");
  if (llvm_module == nullptr) {
    return absl::InternalError(absl::StrCat("kernel cannot be translated: ", diagnostics));
  }
  if (absl::Status status = ReplaceBfloatByInteger(*llvm_module); !status.ok()) return status;
  timings.translate_ms = ThreadMilliseconds() - start;
  if (options.llvm_ir != nullptr) {
    llvm::raw_string_ostream stream(*options.llvm_ir);
    llvm_module->print(stream, nullptr);
  }

  EmitTimings emit;
  absl::StatusOr<std::string> object = EmitObject(*llvm_module, target, options.llvm_passes, &emit);
  timings.optimize_ms = emit.optimize_ms;
  timings.codegen_ms = emit.codegen_ms;
  if (options.timings != nullptr) *options.timings = timings;
  return object;
}

}  // namespace stator::compiler
