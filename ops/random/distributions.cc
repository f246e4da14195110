#include "ops/random/distributions.h"

#include <numbers>

namespace stator::ops {

using core::CoreBuilder;
using core::DimExpr;
using core::Dims;
using mlir::Type;
using mlir::Value;

namespace {

Type Unsigned(CoreBuilder& b, unsigned width) {
  return b.builder().getIntegerType(width, /*isSigned=*/false);
}

// Words as numbers in [0, 1): ui32 for all types but f64, which takes ui64.
Value UnitInterval(CoreBuilder& b, Value words, Type element) {
  if (!words) return {};
  auto type = llvm::cast<mlir::FloatType>(element);
  const unsigned width = type.getWidth();
  const int64_t fraction_bits = static_cast<int64_t>(type.getFPMantissaWidth()) - 1;
  Type bits = Unsigned(b, width);
  Value fraction;
  if (width == 64) {
    // The first word gives the upper 20 bits, the second one the lower 32.
    Value upper = b.Binary<core::ShiftLeftOp>(b.And(words, b.ScalarInt(bits, 0xfffff)),
                                              b.ScalarInt(bits, 32));
    fraction = b.Or(upper, b.Binary<core::ShiftRightLogicalOp>(words, b.ScalarInt(bits, 32)));
  } else {
    fraction = b.And(b.Convert(words, bits), b.ScalarInt(bits, (int64_t{1} << fraction_bits) - 1));
  }
  const int64_t bias = (int64_t{1} << (width - 2 - fraction_bits)) - 1;  // the exponent of 1
  Value number =
      b.BitcastConvert(b.Or(fraction, b.ScalarInt(bits, bias << fraction_bits)), element);
  return b.Sub(number, b.Scalar(element, 1));
}

}  // namespace

Value Uniform(CoreBuilder& b, Value key, Value counter, Type element, const Dims& dims) {
  return UnitInterval(b, b.RngBits(key, counter, Unsigned(b, element.isF64() ? 64 : 32), dims),
                      element);
}

Value Normal(CoreBuilder& b, Value key, Value counter, Type element, const Dims& dims) {
  if (!element.isF64() && !element.isF32()) {
    Value wide = Normal(b, key, counter, b.builder().getF32Type(), dims);
    return b.Convert(wide, element);
  }
  // A pair of words gives a pair of numbers.
  DimExpr count = core::Product(b.dims(), dims), pairs = core::CeilDiv(count, 2);
  Value uniform = Uniform(b, key, counter, element, {pairs, b.Dim(2)});
  if (!uniform) return {};
  Value u = b.Max(b.SliceDim(uniform, 1, b.Dim(0), b.Dim(1)), b.Scalar(element, 1e-7));
  // The constant is rounded before it is multiplied.
  const double two_pi = element.isF32() ? 2.0f * std::numbers::pi_v<float> : 2.0 * std::numbers::pi;
  Value angle = b.Mul(b.Scalar(element, two_pi), b.SliceDim(uniform, 1, b.Dim(1), b.Dim(2)));
  Value radius = b.Sqrt(b.Mul(b.Scalar(element, -2), b.Log(u)));
  Value both = b.Concatenate({b.Mul(b.Sin(angle), radius), b.Mul(b.Cos(angle), radius)}, 1);
  Value flat = b.Reshape(both, {pairs * 2});
  return b.Reshape(b.SliceDim(flat, 0, b.Dim(0), count), dims);
}

Value UniformInt(CoreBuilder& b, Value key, Value counter, Value minval, Value maxval,
                 const Dims& dims) {
  if (!minval || !maxval) return {};
  Type element = core::ElementTypeOf(minval);
  Type bits = Unsigned(b, element.getIntOrFloatBitWidth());
  Value range = b.Convert(b.Sub(maxval, minval), bits);
  Value offset = b.Rem(b.RngBits(key, counter, bits, dims), range);
  return b.Add(minval, b.Convert(offset, element));
}

}  // namespace stator::ops
