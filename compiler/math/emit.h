#ifndef STATOR_COMPILER_MATH_EMIT_H_
#define STATOR_COMPILER_MATH_EMIT_H_

#include "compiler/math/functions.h"
#include "mlir/IR/Builders.h"
#include "mlir/IR/Value.h"

namespace stator::compiler {

// What the target offers. The options choose instructions, never bits.
struct EmitOptions {
  bool avx2 = false;    // table lookups by permutation
  bool avx512 = false;  // exponent and mantissa instructions, in vectors of whole 512-bit registers
  bool converts_f16 = false;  // instructions between f16 and f32; without, integer arithmetic
  // LLVM converts vectors of 64-bit integers to f32 by way of f64, with two roundings (NEON).
  bool rounds_int64_twice = false;
};

// Emits an elementwise function: straight-line arith, math, vector and LLVM-intrinsic operations
// that lower without calls to any library on a target with fused multiply-add (rounding functions
// on x86 also need SSE 4.1). Gives the bits of Evaluate() (evaluate.h).
//
// The operands (as many as MathFunctionArity says) share one type: f16, bf16, f32, f64, or
// fixed-size vectors of them of any shape; so does the result. f16 and bf16 compute in f32 and
// round once.
//
// Dialects arith, math, vector, scf, func and llvm must be loaded. sin, cos and tan put a private
// function and a constant into the module around the insertion point, so modules must not be built
// by several threads at once, and the target's features must hold for the whole module. Rare cases
// (huge angles, negative lgamma and digamma, remainders of huge quotients) sit behind branches as
// scf.if.
mlir::Value Emit(mlir::OpBuilder& builder, mlir::Location location, MathFunction function,
                 mlir::ValueRange operands, const EmitOptions& options);

// i1: neither NaN nor infinite.
mlir::Value EmitIsFinite(mlir::OpBuilder& builder, mlir::Location location, mlir::Value operand);

// Between floating-point types, each correctly rounded, ties to even, and without library calls.
// Use these instead of arith.extf and arith.truncf where f16 or bf16 take part: LLVM lowers those
// to calls, or to an instruction that flushes subnormals (vcvtneps2bf16). The type is that of an
// element; vectors keep their shape.
mlir::Value EmitConvertFloat(mlir::OpBuilder& builder, mlir::Location location, mlir::Value operand,
                             mlir::FloatType to, const EmitOptions& options);

// Truncates towards zero; out of range saturates, NaN gives 0. Results are signless integers of the
// given width (8 to 64), which `is_signed` is about.
mlir::Value EmitIntegerFromFloat(mlir::OpBuilder& builder, mlir::Location location,
                                 mlir::Value operand, mlir::IntegerType to, bool is_signed,
                                 const EmitOptions& options);

// The nearest number, ties to even. Operands are signless integers of 1 to 64 bits.
mlir::Value EmitFloatFromInteger(mlir::OpBuilder& builder, mlir::Location location,
                                 mlir::Value operand, bool is_signed, mlir::FloatType to,
                                 const EmitOptions& options);

// Integer division rounded towards zero, and its remainder, with every case defined: x / 0 has all
// bits set, x rem 0 is x, the smallest number / -1 is itself with remainder 0. Operands are
// integers or vectors of them.
mlir::Value EmitIntegerQuotient(mlir::OpBuilder& builder, mlir::Location location,
                                mlir::Value dividend, mlir::Value divisor, bool is_signed);
mlir::Value EmitIntegerRemainder(mlir::OpBuilder& builder, mlir::Location location,
                                 mlir::Value dividend, mlir::Value divisor, bool is_signed);

}  // namespace stator::compiler

#endif  // STATOR_COMPILER_MATH_EMIT_H_
