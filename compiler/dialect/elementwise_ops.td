// Elementwise primitives. Operands have equal types; broadcasting is explicit (`broadcast_in_dim`).

#ifndef STATOR_COMPILER_DIALECT_ELEMENTWISE_OPS_TD_
#define STATOR_COMPILER_DIALECT_ELEMENTWISE_OPS_TD_

include "compiler/dialect/core_base.td"

class Core_Unary<string mnemonic, string what> : Core_Op<mnemonic, [Pure, SameOperandsAndResultType, Core_Elementwise]> {
  let summary = what;
  let arguments = (ins Core_Tensor:$operand);
  let results = (outs Core_Tensor:$result);
  let assemblyFormat = "$operand attr-dict `:` type($result)";
}

def Core_AbsOp : Core_Unary<"abs", "absolute value; the smallest integer wraps to itself">;
def Core_NegateOp : Core_Unary<"negate", "negation; integers wrap"> { let hasFolder = 1; }
def Core_SignOp : Core_Unary<"sign", "-1, 0 or 1; NaN and signed zero pass through">;
def Core_ExponentialOp : Core_Unary<"exponential", "e to the operand">;
def Core_ExponentialMinusOneOp : Core_Unary<"exponential_minus_one", "e to the operand, minus one">;
def Core_LogOp : Core_Unary<"log", "natural logarithm">;
def Core_LogPlusOneOp : Core_Unary<"log_plus_one", "natural logarithm of one plus the operand">;
def Core_SqrtOp : Core_Unary<"sqrt", "square root, correctly rounded">;
def Core_RsqrtOp : Core_Unary<"rsqrt", "reciprocal of the square root">;
def Core_CbrtOp : Core_Unary<"cbrt", "cube root">;
def Core_SineOp : Core_Unary<"sine", "sine">;
def Core_CosineOp : Core_Unary<"cosine", "cosine">;
def Core_TanOp : Core_Unary<"tan", "tangent">;
def Core_AsinOp : Core_Unary<"asin", "inverse sine">;
def Core_AcosOp : Core_Unary<"acos", "inverse cosine">;
def Core_AtanOp : Core_Unary<"atan", "inverse tangent">;
def Core_SinhOp : Core_Unary<"sinh", "hyperbolic sine">;
def Core_CoshOp : Core_Unary<"cosh", "hyperbolic cosine">;
def Core_TanhOp : Core_Unary<"tanh", "hyperbolic tangent">;
def Core_AsinhOp : Core_Unary<"asinh", "inverse hyperbolic sine">;
def Core_AcoshOp : Core_Unary<"acosh", "inverse hyperbolic cosine">;
def Core_AtanhOp : Core_Unary<"atanh", "inverse hyperbolic tangent">;
def Core_LogisticOp : Core_Unary<"logistic", "1 / (1 + e^-x)">;
def Core_ErfOp : Core_Unary<"erf", "error function">;
def Core_ErfcOp : Core_Unary<"erfc", "one minus the error function">;
def Core_ErfInvOp : Core_Unary<"erf_inv", "inverse of the error function">;
def Core_LgammaOp : Core_Unary<"lgamma", "logarithm of the absolute value of the gamma function">;
def Core_DigammaOp : Core_Unary<"digamma", "derivative of lgamma">;
def Core_FloorOp : Core_Unary<"floor", "largest integer not above">;
def Core_CeilOp : Core_Unary<"ceil", "smallest integer not below">;
def Core_RoundNearestEvenOp : Core_Unary<"round_nearest_even", "nearest integer, ties to even">;
def Core_RoundNearestAfzOp : Core_Unary<"round_nearest_afz", "nearest integer, ties away from zero">;
def Core_NotOp : Core_Unary<"not", "bitwise complement; logical not of i1">;
def Core_PopcntOp : Core_Unary<"popcnt", "number of one bits">;
def Core_CountLeadingZerosOp : Core_Unary<"count_leading_zeros", "zero bits above the highest one">;

def Core_IsFiniteOp : Core_Op<"is_finite", [Pure, SameOperandsAndResultShape, Core_Elementwise]> {
  let summary = "neither NaN nor infinite";
  let arguments = (ins Core_Tensor:$operand);
  let results = (outs Core_PredTensor:$result);
  let assemblyFormat = "$operand attr-dict `:` functional-type(operands, results)";
}

class Core_Binary<string mnemonic, string what, list<Trait> traits = []>
    : Core_Op<mnemonic, !listconcat(traits, [Pure, SameOperandsAndResultType, Core_Elementwise])> {
  let summary = what;
  let arguments = (ins Core_Tensor:$lhs, Core_Tensor:$rhs);
  let results = (outs Core_Tensor:$result);
  let assemblyFormat = "$lhs `,` $rhs attr-dict `:` type($result)";
}

def Core_AddOp : Core_Binary<"add", "sum; integers wrap; logical or of i1", [Commutative]> { let hasFolder = 1; }
def Core_SubtractOp : Core_Binary<"subtract", "difference; integers wrap"> { let hasFolder = 1; }
def Core_MulOp : Core_Binary<"multiply", "product; integers wrap; logical and of i1", [Commutative]> { let hasFolder = 1; }
def Core_DivOp : Core_Binary<"divide", [{
  quotient; integers truncate toward zero, x / 0 is -1 (all ones), the smallest integer / -1 is itself
}]> { let hasFolder = 1; }
def Core_RemOp : Core_Binary<"remainder", [{
  x - trunc(x / y) * y with the sign of x (C's fmod); integer x rem 0 is x, the smallest integer rem -1 is 0
}]> { let hasFolder = 1; }
def Core_PowOp : Core_Binary<"power", [{
  x to the y; integers by repeated squaring with wrapping, a negative exponent gives 0 except for base 1 and -1
}]>;
def Core_MaxOp : Core_Binary<"maximum", "larger; NaN if either is NaN; -0 < +0", [Commutative]> { let hasFolder = 1; }
def Core_MinOp : Core_Binary<"minimum", "smaller; NaN if either is NaN; -0 < +0", [Commutative]> { let hasFolder = 1; }
def Core_Atan2Op : Core_Binary<"atan2", "angle of the point (rhs, lhs)">;
def Core_AndOp : Core_Binary<"and", "bitwise and", [Commutative]>;
def Core_OrOp : Core_Binary<"or", "bitwise or", [Commutative]>;
def Core_XorOp : Core_Binary<"xor", "bitwise exclusive or", [Commutative]>;
def Core_ShiftLeftOp : Core_Binary<"shift_left", "zero where the amount is not in [0, width)">;
def Core_ShiftRightArithmeticOp : Core_Binary<"shift_right_arithmetic", "sign fill where the amount is not in [0, width)">;
def Core_ShiftRightLogicalOp : Core_Binary<"shift_right_logical", "zero where the amount is not in [0, width)">;

def Core_CompareOp : Core_Op<"compare", [Pure, SameTypeOperands, SameOperandsAndResultShape, Core_Elementwise]> {
  let summary = "IEEE comparison (false on NaN, NE true); signed or unsigned by the integer type";
  let arguments = (ins Core_ComparisonDirectionAttr:$direction, Core_Tensor:$lhs, Core_Tensor:$rhs);
  let results = (outs Core_PredTensor:$result);
  let assemblyFormat = "$direction $lhs `,` $rhs attr-dict `:` functional-type(operands, results)";
  let hasFolder = 1;
}

def Core_SelectOp : Core_Op<"select", [Pure, AllTypesMatch<["onTrue", "onFalse", "result"]>, SameOperandsAndResultShape,
                                       Core_Elementwise]> {
  let summary = "on_true where pred, else on_false";
  let arguments = (ins Core_PredTensor:$pred, Core_Tensor:$onTrue, Core_Tensor:$onFalse);
  let results = (outs Core_Tensor:$result);
  let assemblyFormat = "$pred `,` $onTrue `,` $onFalse attr-dict `:` type($pred) `,` type($result)";
  let hasFolder = 1;
}

def Core_ClampOp : Core_Op<"clamp", [Pure, SameOperandsAndResultType, Core_Elementwise]> {
  let summary = "minimum(maximum(operand, min), max)";
  let arguments = (ins Core_Tensor:$min, Core_Tensor:$operand, Core_Tensor:$max);
  let results = (outs Core_Tensor:$result);
  let assemblyFormat = "$min `,` $operand `,` $max attr-dict `:` type($result)";
}

def Core_ConvertOp : Core_Op<"convert", [Pure, SameOperandsAndResultShape, Core_Elementwise]> {
  let summary = "change of element type";
  let description = [{
    To floating point: round to nearest even. Float to integer: truncate toward zero, NaN is 0, out of range saturates.
    Integer to integer: wraps or extends by the source's signedness. To i1: not equal to zero (NaN is true).
  }];
  let arguments = (ins Core_Tensor:$operand);
  let results = (outs Core_Tensor:$result);
  let assemblyFormat = "$operand attr-dict `:` functional-type(operands, results)";
  let hasFolder = 1;
}

def Core_BitcastConvertOp : Core_Op<"bitcast_convert", [Pure, SameOperandsAndResultShape, Core_Elementwise]> {
  let summary = "same bits, another element type of equal width";
  let arguments = (ins Core_Tensor:$operand);
  let results = (outs Core_Tensor:$result);
  let assemblyFormat = "$operand attr-dict `:` functional-type(operands, results)";
  let hasVerifier = 1;
}

#endif  // STATOR_COMPILER_DIALECT_ELEMENTWISE_OPS_TD_
