// Lowerings of narrowing float conversions that x86 lacks or rounds differently.
#ifndef STATOR_COMPILER_CODEGEN_CPU_FLOAT_CONVERSION_H_
#define STATOR_COMPILER_CODEGEN_CPU_FLOAT_CONVERSION_H_

#include "mlir/Conversion/LLVMCommon/TypeConverter.h"
#include "mlir/IR/PatternMatch.h"

namespace stator::compiler {

// arith.truncf f32|f64 → bf16 and f64 → f16, and arith.extf from bf16, scalars and 1-D vectors, as
// integer arithmetic. One rounding to nearest even, subnormals kept, NaN stays NaN: the same bits
// on every CPU (vcvtneps2bf16 flushes subnormals, and elsewhere LLVM would call a library).
void PopulateFloatConversionPatterns(mlir::LLVMTypeConverter& types,
                                     mlir::RewritePatternSet& patterns);

}  // namespace stator::compiler

#endif  // STATOR_COMPILER_CODEGEN_CPU_FLOAT_CONVERSION_H_
