// Conversions of element types, and sums of many tensors.

#include "absl/strings/str_cat.h"
#include "compiler/import/expansion.h"
#include "compiler/import/op_set.h"
#include "ops/schema_types.h"

namespace stator::ops {
namespace {

using compiler::Expansion;
using core::CoreBuilder;
using core::Dims;
using graph::OpSchemaBuilder;
using mlir::Value;

constexpr char kBitcastTypes[] =
    ": {bfloat16, half, float, double, int64, int32, uint8, uint16, uint32, uint64, int8, int16, "
    "complex64, complex128, "
    "qint8, quint8, qint16, quint16, qint32}";

bool IsNumber(mlir::Type element) { return element.isIntOrFloat(); }

// Clears the bits of the significand that `to` cannot hold, so that the conversion truncates
// instead of rounding.
Value DropLowBits(Expansion& e, Value x, mlir::FloatType to) {
  auto from = llvm::cast<mlir::FloatType>(core::ElementTypeOf(x));
  const int dropped =
      static_cast<int>(from.getFPMantissaWidth()) - static_cast<int>(to.getFPMantissaWidth());
  if (dropped <= 0) return x;
  mlir::Type bits = e.b.builder().getIntegerType(from.getWidth());
  Value mask = e.b.ScalarInt(bits, -(int64_t{1} << dropped));
  return e.b.BitcastConvert(e.b.And(e.b.BitcastConvert(x, bits), mask), from);
}

void ExpandCast(Expansion& e) {
  Value x = e.In("x");
  mlir::Type to = e.ElementTypeAttr("DstT");
  if (!x || !e.b.ok()) return e.Out(Value());
  mlir::Type from = core::ElementTypeOf(x);
  if (from != to && (!IsNumber(from) || !IsNumber(to))) {
    return e.Out(e.Fail("only real numbers and booleans can be converted"));
  }
  if (e.Bool("Truncate") && llvm::isa<mlir::FloatType>(from) && llvm::isa<mlir::FloatType>(to)) {
    x = DropLowBits(e, x, llvm::cast<mlir::FloatType>(to));
  }
  e.Out(e.b.Convert(x, to));
}

mlir::Type UnsignedOfWidth(Expansion& e, unsigned width) {
  return e.b.builder().getIntegerType(width, /*isSigned=*/false);
}

// One element becomes `ratio` narrower ones along a new last dimension, the low bits first.
Value SplitElements(Expansion& e, Value x, mlir::Type to, unsigned ratio) {
  mlir::Type wide = UnsignedOfWidth(e, to.getIntOrFloatBitWidth() * ratio);
  mlir::Type narrow = UnsignedOfWidth(e, to.getIntOrFloatBitWidth());
  Value bits = e.b.BitcastConvert(x, wide);
  Dims dims = core::DimsOf(x);
  dims.push_back(e.b.Dim(1));
  CoreBuilder::Values parts;
  for (unsigned i = 0; i < ratio; ++i) {
    Value shifted = e.b.Binary<core::ShiftRightLogicalOp>(
        bits, e.b.ScalarInt(wide, i * narrow.getIntOrFloatBitWidth()));
    parts.push_back(e.b.Reshape(e.b.BitcastConvert(e.b.Convert(shifted, narrow), to), dims));
  }
  return e.b.Concatenate(parts, static_cast<int64_t>(dims.size()) - 1);
}

// The inverse: the last dimension, of size `ratio`, becomes one element.
Value JoinElements(Expansion& e, Value x, mlir::Type to, unsigned ratio) {
  Dims dims = core::DimsOf(x);
  if (dims.empty() ||
      !e.b.AssumeEqual(dims.back(), e.b.Dim(ratio), "the last dimension must make one element")) {
    return e.Fail("the last dimension must have size " + llvm::Twine(ratio));
  }
  mlir::Type wide = UnsignedOfWidth(e, to.getIntOrFloatBitWidth());
  mlir::Type narrow = UnsignedOfWidth(e, to.getIntOrFloatBitWidth() / ratio);
  const int64_t last = static_cast<int64_t>(dims.size()) - 1;
  Dims result = dims;
  result.pop_back();
  Value joined;
  for (unsigned i = 0; i < ratio; ++i) {
    Value part = e.b.Reshape(e.b.SliceDim(x, last, e.b.Dim(i), e.b.Dim(i + 1)), result);
    part = e.b.Convert(e.b.BitcastConvert(part, narrow), wide);
    part = e.b.Binary<core::ShiftLeftOp>(part,
                                         e.b.ScalarInt(wide, i * narrow.getIntOrFloatBitWidth()));
    joined = joined ? e.b.Or(joined, part) : part;
  }
  return e.b.BitcastConvert(joined, to);
}

void ExpandBitcast(Expansion& e) {
  Value x = e.In("input");
  mlir::Type to = e.ElementTypeAttr("type");
  if (!x || !e.b.ok()) return e.Out(Value());
  mlir::Type from = core::ElementTypeOf(x);
  if (from == to) return e.Out(x);
  if (!IsNumber(from) || !IsNumber(to))
    return e.Out(e.Fail("only the bits of real numbers can be cast"));
  const unsigned from_width = from.getIntOrFloatBitWidth(), to_width = to.getIntOrFloatBitWidth();
  if (from_width == to_width) return e.Out(e.b.BitcastConvert(x, to));
  e.Out(from_width > to_width ? SplitElements(e, x, to, from_width / to_width)
                              : JoinElements(e, x, to, to_width / from_width));
}

// Adds from the left, as TensorFlow's kernel does.
void ExpandAddN(Expansion& e) {
  CoreBuilder::Values inputs = e.InList("inputs");
  if (!e.b.ok()) return e.Out(Value());
  Value sum = inputs[0];
  for (Value input : llvm::ArrayRef<Value>(inputs).drop_front()) {
    sum = e.b.Add(sum,
                  e.b.AssumeDims(input, core::DimsOf(sum), "all inputs must have the same shape"));
    if (!sum) break;
  }
  e.Out(sum);
}

}  // namespace

void RegisterConversions(compiler::OpSet& ops) {
  ops.Add(OpSchemaBuilder("Cast")
              .Input("x: SrcT")
              .Output("y: DstT")
              .Attr("SrcT: type")
              .Attr("DstT: type")
              .Attr("Truncate: bool = false")
              .Summary("x as another element type"),
          ExpandCast);
  ops.Add(OpSchemaBuilder("Bitcast")
              .Input("input: T")
              .Output("output: type")
              .Attr(absl::StrCat("T", kBitcastTypes))
              .Attr(absl::StrCat("type", kBitcastTypes))
              .Summary("the same bytes as another element type"),
          ExpandBitcast);
  ops.Add(OpSchemaBuilder("AddN")
              .Input("inputs: N * T")
              .Output("sum: T")
              .Attr("N: int >= 1")
              .Attr("T: {float, double, int32, uint8, int16, int8, complex64, int64, qint8, "
                    "quint8, qint32, bfloat16, "
                    "uint16, complex128, half, uint32, uint64, variant}")
              .SetIsCommutative()
              .SetIsAggregate()
              .Summary("the sum of all inputs"),
          ExpandAddN);
}

}  // namespace stator::ops
