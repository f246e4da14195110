// Binary arithmetic on numbers. Integer division is checked: TensorFlow's error is explicit, the
// primitive never traps.

#include "absl/strings/str_cat.h"
#include "compiler/import/expansion.h"
#include "compiler/import/op_set.h"
#include "ops/schema_types.h"

namespace stator::ops {
namespace {

using compiler::ExpandFunction;
using compiler::Expansion;
using compiler::OpSet;
using core::CoreBuilder;
using graph::OpSchemaBuilder;
using mlir::Value;

constexpr int kInvalidArgument = 3;

constexpr char kAddV2Types[] =
    "T: {bfloat16, half, float, double, uint8, uint16, uint32, uint64, int8, int16, int32, int64, "
    "complex64, complex128}";
constexpr char kSubTypes[] =
    "T: {bfloat16, half, float, double, uint8, int8, uint16, int16, int32, int64, complex64, "
    "complex128, uint32, uint64}";
constexpr char kMulTypes[] =
    "T: {bfloat16, half, float, double, uint8, int8, uint16, int16, int32, uint32, uint64, int64, "
    "complex64, complex128}";
constexpr char kMaximumTypes[] =
    "T: {bfloat16, half, float, double, int8, uint8, int16, uint16, int32, uint32, int64, uint64}";
constexpr char kXlogyTypes[] = "T: {half, float, double, complex64, complex128}";

using BinaryFunction = Value (*)(Expansion& e, Value x, Value y);

OpSchemaBuilder Schema(absl::string_view name, absl::string_view types, absl::string_view summary) {
  return OpSchemaBuilder(name).Input("x: T").Input("y: T").Output("z: T").Attr(types).Summary(
      summary);
}

ExpandFunction Apply(BinaryFunction function) {
  return [function](Expansion& e) { e.Out(function(e, e.In(0), e.In(1))); };
}

bool IsInteger(Value x) { return x && llvm::isa<mlir::IntegerType>(core::ElementTypeOf(x)); }
bool IsUnsigned(Value x) { return x && core::ElementTypeOf(x).isUnsignedInteger(); }
Value ScalarLike(Expansion& e, Value x, int64_t value) {
  return x ? e.b.ScalarInt(core::ElementTypeOf(x), value) : Value();
}

void CheckDivisor(Expansion& e, Value y) {
  if (IsInteger(y))
    e.b.Check(e.b.Ne(y, ScalarLike(e, y, 0)), kInvalidArgument, "Integer division by zero");
}

Value Add(Expansion& e, Value x, Value y) {
  if (x && llvm::isa<core::ObjectType>(core::ElementTypeOf(x)))
    return e.Fail("adding strings is not supported yet");
  return e.b.Add(x, y);
}
Value Sub(Expansion& e, Value x, Value y) { return e.b.Sub(x, y); }
Value Mul(Expansion& e, Value x, Value y) { return e.b.Mul(x, y); }
Value Maximum(Expansion& e, Value x, Value y) { return e.b.Max(x, y); }
Value Minimum(Expansion& e, Value x, Value y) { return e.b.Min(x, y); }

Value SquaredDifference(Expansion& e, Value x, Value y) {
  Value difference = e.b.Sub(x, y);
  return e.b.Mul(difference, difference);
}

Value Pow(Expansion& e, Value x, Value y) {
  if (IsInteger(y) && !IsUnsigned(y)) {
    e.b.Check(e.b.Ge(y, ScalarLike(e, y, 0)), kInvalidArgument,
              "Integers to negative integer powers are not allowed");
  }
  return e.b.Pow(x, y);
}

// Division and remainder
// ---------------------------------------------------------------------------

Value Div(Expansion& e, Value x, Value y) {
  CheckDivisor(e, y);
  return e.b.Div(x, y);
}

Value TruncateDiv(Expansion& e, Value x, Value y) {
  Value quotient = Div(e, x, y);
  if (!quotient || IsInteger(x)) return quotient;
  return e.b.Select(e.b.Lt(quotient, ScalarLike(e, x, 0)), e.b.Ceil(quotient), e.b.Floor(quotient));
}

Value TruncateMod(Expansion& e, Value x, Value y) {
  CheckDivisor(e, y);
  return e.b.Rem(x, y);
}

// `adjusted` where the truncated remainder is on the other side of zero than the divisor, else
// `truncated`. The signs are asked first: for sizes, which are not negative, that folds everything
// away.
Value TowardMinusInfinity(Expansion& e, Value remainder, Value y, Value adjusted, Value truncated) {
  if (!remainder || IsUnsigned(y)) return truncated;
  Value zero = ScalarLike(e, y, 0);
  Value signs_differ = e.b.Ne(e.b.Lt(remainder, zero), e.b.Lt(y, zero));
  return e.b.Select(signs_differ, e.b.Select(e.b.Ne(remainder, zero), adjusted, truncated),
                    truncated);
}

Value FloorDiv(Expansion& e, Value x, Value y) {
  Value quotient = Div(e, x, y);
  if (!IsInteger(x)) return e.b.Floor(quotient);
  return TowardMinusInfinity(e, e.b.Rem(x, y), y, e.b.Sub(quotient, ScalarLike(e, x, 1)), quotient);
}

Value FloorMod(Expansion& e, Value x, Value y) {
  Value remainder = TruncateMod(e, x, y);
  return TowardMinusInfinity(e, remainder, y, e.b.Add(remainder, y), remainder);
}

// Functions with an exception at zero. The dangerous operand is replaced there as well, so that
// neither the unused branch nor its gradient meets an infinity.

Value DivNoNan(Expansion& e, Value x, Value y) {
  Value is_zero = e.b.Eq(y, ScalarLike(e, y, 0));
  Value safe = e.b.Select(is_zero, ScalarLike(e, y, 1), y);
  return e.b.Select(is_zero, ScalarLike(e, x, 0), e.b.Div(x, safe));
}

Value MulNoNan(Expansion& e, Value x, Value y) {
  return e.b.Select(e.b.Eq(y, ScalarLike(e, y, 0)), ScalarLike(e, x, 0), e.b.Mul(x, y));
}

Value Xlogy(Expansion& e, Value x, Value y) {
  Value is_zero = e.b.Eq(x, ScalarLike(e, x, 0));
  Value safe = e.b.Select(is_zero, ScalarLike(e, y, 1), y);
  return e.b.Select(is_zero, ScalarLike(e, x, 0), e.b.Mul(x, e.b.Log(safe)));
}

Value Xdivy(Expansion& e, Value x, Value y) {
  Value is_zero = e.b.Eq(x, ScalarLike(e, x, 0));
  Value safe = e.b.Select(is_zero, ScalarLike(e, y, 1), y);
  return e.b.Select(is_zero, ScalarLike(e, x, 0), e.b.Div(x, safe));
}

void Atan2(Expansion& e) { e.Out(e.b.Binary<core::Atan2Op>(e.In("y"), e.In("x"))); }

// Bits
// ------------------------------------------------------------------------------------------------

Value BitwiseAnd(Expansion& e, Value x, Value y) { return e.b.And(x, y); }
Value BitwiseOr(Expansion& e, Value x, Value y) { return e.b.Or(x, y); }
Value BitwiseXor(Expansion& e, Value x, Value y) { return e.b.Xor(x, y); }

// As TensorFlow's kernels: a shift by less than 0 shifts by 0, one beyond the width by the width
// minus one.
Value ShiftAmount(Expansion& e, Value y) {
  if (!y) return {};
  const int64_t width = core::ElementTypeOf(y).getIntOrFloatBitWidth();
  return e.b.Clamp(ScalarLike(e, y, 0), y, ScalarLike(e, y, width - 1));
}
Value LeftShift(Expansion& e, Value x, Value y) {
  return e.b.Binary<core::ShiftLeftOp>(x, ShiftAmount(e, y));
}
Value RightShift(Expansion& e, Value x, Value y) {
  Value amount = ShiftAmount(e, y);
  return IsUnsigned(x) ? e.b.Binary<core::ShiftRightLogicalOp>(x, amount)
                       : e.b.Binary<core::ShiftRightArithmeticOp>(x, amount);
}

}  // namespace

void RegisterArithmetic(OpSet& ops) {
  ops.Add(Schema("Add",
                 "T: {bfloat16, half, float, double, uint8, int8, int16, int32, int64, complex64, "
                 "complex128, string}",
                 "x + y"),
          Apply(Add));
  ops.Add(Schema("AddV2", kAddV2Types, "x + y").SetIsCommutative().SetIsAggregate(), Apply(Add));
  ops.Add(Schema("Sub", kSubTypes, "x - y"), Apply(Sub));
  ops.Add(Schema("Mul", kMulTypes, "x * y").SetIsCommutative(), Apply(Mul));
  ops.Add(
      Schema("MulNoNan", kFloatsAndComplex, "x * y, and 0 where y is 0 even if x is not finite"),
      Apply(MulNoNan));
  ops.Add(Schema("Div", kMulTypes, "x / y; integers truncate toward zero"), Apply(Div));
  ops.Add(Schema("RealDiv", kMulTypes, "x / y"), Apply(Div));
  ops.Add(Schema("DivNoNan", "T: {half, float, bfloat16, double, complex64, complex128}",
                 "x / y, and 0 where y is 0"),
          Apply(DivNoNan));
  ops.Add(Schema("FloorDiv", kMulTypes, "the largest integer not above x / y"), Apply(FloorDiv));
  ops.Add(Schema("FloorMod",
                 "T: {int8, int16, int32, int64, uint8, uint16, uint32, uint64, bfloat16, half, "
                 "float, double}",
                 "x - floor(x / y) * y, with the sign of y"),
          Apply(FloorMod));
  ops.Add(Schema("TruncateDiv", kMulTypes, "x / y truncated toward zero"), Apply(TruncateDiv));
  ops.Add(Schema("TruncateMod", "T: {int32, int64, bfloat16, half, float, double}",
                 "the remainder of truncated division, with the sign of x"),
          Apply(TruncateMod));
  ops.Add(Schema("Mod", "T: {int32, int64, half, half, bfloat16, float, double}",
                 "the remainder of truncated division, with the sign of x"),
          Apply(TruncateMod));
  ops.Add(
      Schema("Pow",
             "T: {bfloat16, float, half, double, int8, int16, int32, int64, complex64, complex128}",
             "x to the power of y"),
      Apply(Pow));
  ops.Add(Schema("Maximum", kMaximumTypes, "the larger of x and y"), Apply(Maximum));
  ops.Add(Schema("Minimum", kMaximumTypes, "the smaller of x and y"), Apply(Minimum));
  ops.Add(Schema("SquaredDifference",
                 "T: {bfloat16, half, float, double, int32, int64, complex64, complex128}",
                 "(x - y) squared")
              .SetIsCommutative(),
          Apply(SquaredDifference));
  ops.Add(Schema("Xlogy", kXlogyTypes, "x * log(y), and 0 where x is 0"), Apply(Xlogy));
  ops.Add(Schema("Xdivy", kXlogyTypes, "x / y, and 0 where x is 0"), Apply(Xdivy));
  ops.Add(OpSchemaBuilder("Atan2").Input("y: T").Input("x: T").Output("z: T").Attr(kFloats).Summary(
              "the angle of the point (x, y)"),
          Atan2);
  ops.Add(Schema("BitwiseAnd", kIntegers, "bits set in both").SetIsCommutative(),
          Apply(BitwiseAnd));
  ops.Add(Schema("BitwiseOr", kIntegers, "bits set in either").SetIsCommutative(),
          Apply(BitwiseOr));
  ops.Add(Schema("BitwiseXor", kIntegers, "bits set in one").SetIsCommutative(), Apply(BitwiseXor));
  ops.Add(Schema("LeftShift", kIntegers, "x shifted left by y bits"), Apply(LeftShift));
  ops.Add(Schema("RightShift", kIntegers, "x shifted right by y bits, with its sign"),
          Apply(RightShift));
}

}  // namespace stator::ops
