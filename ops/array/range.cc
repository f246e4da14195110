// start, start + delta, ... below limit.

#include <cmath>

#include "compiler/import/expansion.h"
#include "compiler/import/op_set.h"
#include "mlir/IR/Matchers.h"
#include "ops/shape_input.h"

namespace stator::ops {
namespace {

using compiler::Expansion;
using core::CoreBuilder;
using core::DimExpr;
using core::Dims;
using mlir::Value;

constexpr int kInvalidArgument = 3;

std::optional<DimExpr> Known(Value scalar) {
  std::optional<Dims> known = core::KnownValues(scalar);
  return known && known->size() == 1 ? std::optional<DimExpr>((*known)[0]) : std::nullopt;
}

// The number of elements between known bounds; the null expression if the sign of the step is not
// known.
DimExpr KnownSize(Expansion& e, DimExpr start, DimExpr limit, DimExpr delta) {
  const bool up = core::ProvablyPositive(delta);
  if (!up && !IsNegative(delta)) return {};
  DimExpr low = up ? start : limit, high = up ? limit : start;
  if (!e.b.AssumeLessEqual(
          low, high,
          up ? "'start' must not be above 'limit'" : "'start' must not be below 'limit'")) {
    return {};
  }
  return core::CeilDiv(high - low, up ? delta : -delta);
}

// The number of elements between computed bounds, as a symbol that the run binds.
DimExpr ComputedSize(Expansion& e, Value start, Value limit, Value delta) {
  CoreBuilder& b = e.b;
  mlir::Type element = core::ElementTypeOf(start);
  Value zero = b.ScalarInt(element, 0);
  Value is_up = b.Gt(delta, zero);
  b.Check(b.Ne(delta, zero), kInvalidArgument, "Requires delta != 0");
  b.Check(b.Select(is_up, b.Le(start, limit), b.Ge(start, limit)), kInvalidArgument,
          "Requires start <= limit when delta > 0, start >= limit when delta < 0");
  Value count;
  if (llvm::isa<mlir::FloatType>(element)) {
    count = b.Ceil(b.Abs(b.Div(b.Sub(limit, start), delta)));
  } else {
    Value distance = b.Abs(b.Sub(limit, start)), step = b.Abs(delta);
    count = b.Div(b.Sub(b.Add(distance, step), b.ScalarInt(element, 1)), step);
  }
  return b.ValueAsDim(b.Convert(count, b.builder().getI64Type()), "range");
}

std::optional<double> ConstantFloat(Value scalar) {
  mlir::DenseFPElementsAttr value;
  if (!mlir::matchPattern(scalar, mlir::m_Constant(&value)) || value.getNumElements() != 1)
    return std::nullopt;
  llvm::APFloat number = *value.value_begin<llvm::APFloat>();
  bool loses_information = false;
  number.convert(llvm::APFloat::IEEEdouble(), llvm::APFloat::rmNearestTiesToEven,
                 &loses_information);
  return number.convertToDouble();
}

// As TensorFlow counts: the quotient is rounded to the element type before its ceiling is taken.
DimExpr FloatSize(Expansion& e, double start, double limit, double delta, mlir::Type element) {
  if (delta == 0 || (delta > 0 ? start > limit : start < limit)) {
    e.Fail("requires a step that leads from 'start' to 'limit'");
    return {};
  }
  const double count =
      element.isF32() ? std::ceil(std::abs((static_cast<float>(limit) - static_cast<float>(start)) /
                                           static_cast<float>(delta)))
                      : std::ceil(std::abs((limit - start) / delta));
  if (!(count < 9e15)) {
    e.Fail("would have too many elements");
    return {};
  }
  return e.b.Dim(static_cast<int64_t>(count));
}

// Each element is the one before plus delta, rounded each time, as in TensorFlow's kernel.
Value FloatRange(Expansion& e, Value start, Value delta, DimExpr size) {
  if (size && size.IsConstant(0)) return e.b.Splat(core::ElementTypeOf(start), {size}, 0);
  Value first = e.b.Reshape(start, {e.b.Dim(1)});
  Value steps = e.b.BroadcastInDim(delta, {}, {size});
  // The last step is not needed: concatenate and drop it.
  Value all = e.b.SliceDim(e.b.Concatenate({first, steps}, 0), 0, e.b.Dim(0), size);
  return e.b.Cumulative(core::ReduceKind::kAdd, all, 0, /*exclusive=*/false, /*reverse=*/false);
}

void ExpandRange(Expansion& e) {
  Value start = e.In("start"), limit = e.In("limit"), delta = e.In("delta");
  if (!start || !limit || !delta) return e.Out(Value());
  if (core::RankOf(start) != 0 || core::RankOf(limit) != 0 || core::RankOf(delta) != 0) {
    return e.Out(e.Fail("'start', 'limit' and 'delta' must be scalars"));
  }
  mlir::Type element = core::ElementTypeOf(start);
  if (llvm::isa<mlir::FloatType>(element)) {
    std::optional<double> s = ConstantFloat(start), l = ConstantFloat(limit),
                          d = ConstantFloat(delta);
    DimExpr size =
        s && l && d ? FloatSize(e, *s, *l, *d, element) : ComputedSize(e, start, limit, delta);
    return e.Out(e.b.ok() ? FloatRange(e, start, delta, size) : Value());
  }
  std::optional<DimExpr> s = Known(start), l = Known(limit), d = Known(delta);
  DimExpr size = s && l && d ? KnownSize(e, *s, *l, *d) : DimExpr();
  if (!e.b.ok()) return e.Out(Value());
  if (size && size.IsConstant() && *size.AsConstant() <= core::kMaxKnownValues &&
      element.getIntOrFloatBitWidth() >= 32) {
    Dims values;
    for (int64_t i = 0; i < *size.AsConstant(); ++i) values.push_back(*s + *d * i);
    return e.Out(e.b.DimVector(values, element));
  }
  if (!size) size = ComputedSize(e, start, limit, delta);
  e.Out(e.b.Add(start, e.b.Mul(e.b.Iota(element, {size}, 0), delta)));
}

}  // namespace

void RegisterRange(compiler::OpSet& ops) {
  ops.Add(
      graph::OpSchemaBuilder("Range")
          .Input("start: Tidx")
          .Input("limit: Tidx")
          .Input("delta: Tidx")
          .Output("output: Tidx")
          .Attr(
              "Tidx: {bfloat16, half, float, double, int8, int16, int32, int64, uint32} = DT_INT32")
          .Summary("start, start + delta, ... as long as it is below limit"),
      ExpandRange);
}

}  // namespace stator::ops
