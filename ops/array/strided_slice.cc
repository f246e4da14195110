// StridedSlice: Python's x[begin:end:stride, ..., newaxis, i], with TensorFlow's five masks.
//
// The sparse specification (one entry per index expression) is expanded to a dense one (one entry
// per dimension of the input), each dimension becomes bounds for the primitive, and the result is
// reshaped for new and dropped axes. Bounds that are known are expressions over the dimensions;
// computed ones become symbols that the run binds.

#include <vector>

#include "compiler/import/expansion.h"
#include "compiler/import/op_set.h"
#include "ops/schema_types.h"
#include "ops/shape_input.h"

namespace stator::ops {
namespace {

using compiler::Expansion;
using core::DimExpr;
using core::Dims;
using mlir::Value;

constexpr int kInvalidArgument = 3;
constexpr int kNewAxis = -1;

// How one dimension of the input is indexed.
struct AxisSpec {
  KnownOrComputed begin, end;  // not used where masked
  int64_t stride = 1;
  bool begin_masked = true;
  bool end_masked = true;
  bool shrink = false;
};

struct SliceSpec {
  std::vector<AxisSpec> axes;  // one per dimension of the input
  std::vector<int>
      result;  // dimensions of the result: an axis, or kNewAxis; shrunk axes are absent
};

SliceSpec ReadSpec(Expansion& e, int64_t rank) {
  SliceSpec spec;
  std::vector<KnownOrComputed> begin = VectorElements(e, "begin"), end = VectorElements(e, "end");
  std::vector<int64_t> strides = e.RequiredInts("strides");
  if (!e.b.ok()) return spec;
  const size_t count = strides.size();
  if (begin.size() != count || end.size() != count || count > 32) {
    e.Fail("'begin', 'end' and 'strides' must have equal sizes of at most 32");
    return spec;
  }
  auto bit = [&](const char* mask, size_t i) { return ((e.Int(mask) >> i) & 1) != 0; };
  // Where the ellipsis stands (at the end if there is none), and how many input dimensions the
  // other entries take.
  size_t ellipsis = count, taken = 0;
  for (size_t i = 0; i < count; ++i) {
    if (bit("ellipsis_mask", i)) {
      if (ellipsis != count) e.Fail("multiple ellipses in slice spec not allowed");
      ellipsis = i;
    } else if (!bit("new_axis_mask", i)) {
      ++taken;
    }
  }
  if (static_cast<int64_t>(taken) > rank) {
    e.Fail("indexes " + llvm::Twine(taken) + " dimensions of a tensor of rank " +
           llvm::Twine(rank));
  }
  if (!e.b.ok()) return spec;
  auto add_axis = [&](AxisSpec axis) {
    if (!axis.shrink) spec.result.push_back(static_cast<int>(spec.axes.size()));
    spec.axes.push_back(std::move(axis));
  };
  for (size_t i = 0; i <= count; ++i) {
    if (i == ellipsis) {
      for (size_t n = 0; n < rank - taken; ++n) add_axis(AxisSpec());
    } else if (i < count && bit("new_axis_mask", i)) {
      spec.result.push_back(kNewAxis);
    } else if (i < count) {
      add_axis({begin[i], end[i], strides[i], bit("begin_mask", i), bit("end_mask", i),
                bit("shrink_axis_mask", i)});
    }
  }
  return spec;
}

// A position counted from the front, limited to [low, high].
DimExpr Position(Expansion& e, const KnownOrComputed& element, DimExpr size, DimExpr low,
                 DimExpr high) {
  if (element.known) {
    DimExpr position = *element.known;
    if (IsNegative(position)) {
      position = size + position;
    } else if (!IsNonNegative(position)) {
      e.b.AssumeLessEqual(e.b.Dim(0), position,
                          "this slice bound is taken as counted from the front");
    }
    return core::Max(core::Min(position, high), low);
  }
  core::CoreBuilder& b = e.b;
  mlir::Type i64 = b.builder().getI64Type();
  Value value = b.Convert(element.scalar, i64);
  Value from_front =
      b.Select(b.Lt(value, b.ScalarInt(i64, 0)), b.Add(value, b.DimScalar(size, i64)), value);
  Value clamped = b.Clamp(b.DimScalar(low, i64), from_front, b.DimScalar(high, i64));
  // A symbol is not negative, `low` may be -1.
  return b.ValueAsDim(b.Sub(clamped, b.DimScalar(low, i64)), "slice") + low;
}

// The bounds of the primitive in one dimension: start, limit and |stride|, after a reversal for
// negative strides.
struct Bounds {
  DimExpr start, limit;
  int64_t stride;
  bool reversed;
};

Bounds AxisBounds(Expansion& e, const AxisSpec& axis, DimExpr size) {
  DimExpr zero = e.b.Dim(0);
  if (axis.stride > 0) {
    DimExpr start = axis.begin_masked ? zero : Position(e, axis.begin, size, zero, size);
    DimExpr limit = axis.end_masked ? size : Position(e, axis.end, size, zero, size);
    return {start, core::Max(limit, start), axis.stride, false};
  }
  // Positions lie in [-1, size - 1]; position p is position size - 1 - p of the reversed dimension.
  DimExpr low = zero - 1, high = size - 1;
  DimExpr start = axis.begin_masked ? zero : high - Position(e, axis.begin, size, low, high);
  DimExpr limit = axis.end_masked ? size : high - Position(e, axis.end, size, low, high);
  return {start, core::Max(limit, start), -axis.stride, true};
}

// The position of a dropped axis when it is known; it must lie inside.
DimExpr ShrunkPosition(Expansion& e, DimExpr position, DimExpr size) {
  if (IsNegative(position)) position = size + position;
  const char* const message = "slice index out of bounds";
  e.b.AssumeLessEqual(e.b.Dim(0), position, message);
  e.b.AssumeLessEqual(position + 1, size, message);
  return position;
}

// Takes the computed positions of dropped axes: those dimensions have size 1 then.
Value TakeComputed(Expansion& e, Value x, const SliceSpec& spec) {
  core::CoreBuilder& b = e.b;
  mlir::Type i64 = b.builder().getI64Type();
  Dims sizes = core::DimsOf(x);
  core::CoreBuilder::Values starts(sizes.size(), b.ScalarInt(i64, 0));
  bool any = false;
  for (size_t i = 0; i < sizes.size(); ++i) {
    const AxisSpec& axis = spec.axes[i];
    if (!axis.shrink || axis.begin_masked || axis.begin.known) continue;
    Value value = b.Convert(axis.begin.scalar, i64), zero = b.ScalarInt(i64, 0),
          size = b.DimScalar(sizes[i], i64);
    Value position = b.Select(b.Lt(value, zero), b.Add(value, size), value);
    b.Check(b.And(b.Ge(position, zero), b.Lt(position, size)), kInvalidArgument,
            "slice index of dimension " + llvm::Twine(i) + " out of bounds");
    starts[i] = position;
    sizes[i] = b.Dim(1);
    any = true;
  }
  return any ? b.DynamicSlice(x, starts, sizes) : x;
}

void ExpandStridedSlice(Expansion& e) {
  Value x = e.In("input");
  if (!x) return e.Out(Value());
  const SliceSpec spec = ReadSpec(e, core::RankOf(x));
  if (!e.b.ok()) return e.Out(Value());
  const Dims sizes = core::DimsOf(x);
  Dims starts, limits;
  llvm::SmallVector<int64_t> strides, reversed;
  for (size_t i = 0; i < sizes.size(); ++i) {
    const AxisSpec& axis = spec.axes[i];
    if (axis.stride == 0) return e.Out(e.Fail("strides[" + llvm::Twine(i) + "] must be non-zero"));
    if (axis.shrink && axis.stride < 0)
      return e.Out(e.Fail("only stride 1 allowed on non-range indexing"));
    Bounds bounds{e.b.Dim(0), e.b.Dim(1), 1, false};
    if (!axis.shrink) {
      bounds = AxisBounds(e, axis, sizes[i]);
    } else if (axis.begin_masked || axis.begin.known) {
      bounds.start =
          ShrunkPosition(e, axis.begin_masked ? e.b.Dim(0) : *axis.begin.known, sizes[i]);
      bounds.limit = bounds.start + 1;
    }
    starts.push_back(bounds.start);
    limits.push_back(bounds.limit);
    strides.push_back(bounds.stride);
    if (bounds.reversed) reversed.push_back(static_cast<int64_t>(i));
  }
  x = e.b.Reverse(TakeComputed(e, x, spec), reversed);
  Value slice = e.b.Slice(x, starts, limits, strides);
  if (!slice) return e.Out(Value());
  Dims result;
  for (int axis : spec.result)
    result.push_back(axis == kNewAxis ? e.b.Dim(1) : core::DimsOf(slice)[axis]);
  e.Out(e.b.Reshape(slice, result));
}

}  // namespace

void RegisterStridedSlice(compiler::OpSet& ops) {
  ops.Add(graph::OpSchemaBuilder("StridedSlice")
              .Input("input: T")
              .Input("begin: Index")
              .Input("end: Index")
              .Input("strides: Index")
              .Output("output: T")
              .Attr(kAnyType)
              .Attr("Index: {int32, int64}")
              .Attr("begin_mask: int = 0")
              .Attr("end_mask: int = 0")
              .Attr("ellipsis_mask: int = 0")
              .Attr("new_axis_mask: int = 0")
              .Attr("shrink_axis_mask: int = 0")
              .Summary(
                  "elements begin, begin + stride, ... before end of each dimension, as in Python"),
          ExpandStridedSlice);
}

}  // namespace stator::ops
