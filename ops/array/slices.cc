// Parts of a tensor: Slice, Split, Unpack.

#include "compiler/import/expansion.h"
#include "compiler/import/op_set.h"
#include "ops/schema_types.h"
#include "ops/shape_input.h"

namespace stator::ops {
namespace {

using compiler::Expansion;
using core::DimExpr;
using core::Dims;
using graph::OpSchemaBuilder;
using mlir::Value;

constexpr int kInvalidArgument = 3;

// A computed position with sizes that are known: one block, checked to lie inside.
Value ComputedSlice(Expansion& e, Value x, llvm::ArrayRef<KnownOrComputed> begin,
                    const Dims& sizes) {
  core::CoreBuilder& b = e.b;
  core::CoreBuilder::Values starts;
  const Dims dims = core::DimsOf(x);
  for (size_t i = 0; i < begin.size(); ++i) {
    Value start = begin[i].scalar;
    if (!start) return {};
    mlir::Type index = core::ElementTypeOf(start);
    Value inside = b.And(b.Ge(start, b.ScalarInt(index, 0)),
                         b.Le(start, b.DimScalar(dims[i] - sizes[i], index)));
    b.Check(inside, kInvalidArgument,
            "'begin' and 'size' must lie inside dimension " + llvm::Twine(i));
    starts.push_back(start);
  }
  return b.DynamicSlice(x, starts, sizes);
}

void ExpandSlice(Expansion& e) {
  Value x = e.In("input");
  std::vector<KnownOrComputed> begin = VectorElements(e, "begin"), size = VectorElements(e, "size");
  if (!x || !e.b.ok()) return e.Out(Value());
  const Dims dims = core::DimsOf(x);
  if (begin.size() != dims.size() || size.size() != dims.size()) {
    return e.Out(e.Fail("'begin' and 'size' must have one element for each of " +
                        llvm::Twine(dims.size()) + " dimensions"));
  }
  bool all_begins_known = true, all_sizes_known = true;
  for (size_t i = 0; i < dims.size(); ++i) {
    all_begins_known &= begin[i].known.has_value();
    all_sizes_known &= size[i].known.has_value() && !IsNegative(*size[i].known);
  }
  Dims starts, limits, sizes;
  for (size_t i = 0; i < dims.size(); ++i) {
    if (size[i].known) sizes.push_back(*size[i].known);
  }
  if (!all_begins_known && all_sizes_known) return e.Out(ComputedSlice(e, x, begin, sizes));
  for (size_t i = 0; i < dims.size(); ++i) {
    DimExpr start = begin[i].known ? *begin[i].known : e.b.ValueAsDim(begin[i].scalar, "begin");
    DimExpr count = size[i].known ? *size[i].known : e.b.ValueAsDim(size[i].scalar, "size");
    if (count.IsConstant(-1)) count = dims[i] - start;
    const char* const message = "'begin' and 'size' must lie inside the dimension";
    e.b.AssumeLessEqual(e.b.Dim(0), start, message);
    e.b.AssumeLessEqual(e.b.Dim(0), count, message);
    e.b.AssumeLessEqual(start + count, dims[i], message);
    starts.push_back(start);
    limits.push_back(start + count);
  }
  e.Out(e.b.Slice(x, starts, limits, llvm::SmallVector<int64_t>(dims.size(), 1)));
}

// Outputs consecutive parts of these sizes along the axis.
void OutParts(Expansion& e, Value x, int64_t axis, const Dims& sizes) {
  DimExpr start = e.b.Dim(0);
  for (DimExpr size : sizes) {
    e.Out(x && e.b.ok() ? e.b.SliceDim(x, axis, start, start + size) : Value());
    start = start + size;
  }
}

void ExpandSplit(Expansion& e) {
  Value x = e.In("value");
  const int64_t count = e.Int("num_split");
  const int64_t axis = x ? AxisInput(e, "split_dim", core::RankOf(x)) : 0;
  Dims sizes(count, e.b.Dim(0));
  if (e.b.ok()) {
    DimExpr total = core::DimsOf(x)[axis];
    std::optional<DimExpr> exact = core::DivideExactly(total, e.b.Dim(count));
    DimExpr size = exact ? *exact : core::FloorDiv(total, count);
    e.b.AssumeEqual(size * count, total, "the number of parts must divide the dimension");
    sizes.assign(count, size);
  }
  OutParts(e, x, axis, sizes);
}

void ExpandSplitV(Expansion& e) {
  Value x = e.In("value");
  const int64_t count = e.Int("num_split");
  const int64_t axis = x ? AxisInput(e, "split_dim", core::RankOf(x)) : 0;
  Dims sizes = e.b.ValuesAsDims(e.In("size_splits"), "size_split");
  if (e.b.ok() && static_cast<int64_t>(sizes.size()) != count)
    e.Fail("'size_splits' must have 'num_split' elements");
  if (!e.b.ok()) return OutParts(e, x, axis, Dims(count, e.b.Dim(0)));
  DimExpr total = core::DimsOf(x)[axis], sum = e.b.Dim(0);
  std::optional<size_t> missing;
  for (size_t i = 0; i < sizes.size(); ++i) {
    if (sizes[i].IsConstant(-1) && !missing) {
      missing = i;
    } else if (IsNegative(sizes[i])) {
      e.Fail("a size must not be negative (one may be -1), found " + sizes[i].ToString());
    } else {
      sum = sum + sizes[i];
    }
  }
  if (missing) {
    sizes[*missing] = total - sum;
    e.b.AssumeLessEqual(sum, total, "the parts must not be larger than the dimension");
  } else {
    e.b.AssumeEqual(sum, total, "the parts must make up the dimension");
  }
  OutParts(e, x, axis, sizes);
}

void ExpandUnpack(Expansion& e) {
  Value x = e.In("value");
  const int64_t count = e.Int("num");
  if (!x) return OutParts(e, x, 0, Dims(count, e.b.Dim(0)));
  const int64_t axis = e.NormalizeAxis(e.Int("axis"), core::RankOf(x));
  Dims dims = core::DimsOf(x);
  if (e.b.ok())
    e.b.AssumeEqual(dims[axis], e.b.Dim(count), "'num' must be the size of the dimension");
  if (e.b.ok()) dims.erase(dims.begin() + axis);
  for (int64_t i = 0; i < count; ++i) {
    e.Out(e.b.ok() ? e.b.Reshape(e.b.SliceDim(x, axis, e.b.Dim(i), e.b.Dim(i + 1)), dims)
                   : Value());
  }
}

}  // namespace

void RegisterSlices(compiler::OpSet& ops) {
  ops.Add(OpSchemaBuilder("Slice")
              .Input("input: T")
              .Input("begin: Index")
              .Input("size: Index")
              .Output("output: T")
              .Attr(kAnyType)
              .Attr("Index: {int32, int64}")
              .Summary("a block of the input; a size of -1 reaches to the end"),
          ExpandSlice);
  ops.Add(OpSchemaBuilder("Split")
              .Input("split_dim: int32")
              .Input("value: T")
              .Output("output: num_split * T")
              .Attr("num_split: int >= 1")
              .Attr(kAnyType)
              .Summary("equal parts along a dimension"),
          ExpandSplit);
  ops.Add(OpSchemaBuilder("SplitV")
              .Input("value: T")
              .Input("size_splits: Tlen")
              .Input("split_dim: int32")
              .Output("output: num_split * T")
              .Attr("num_split: int >= 1")
              .Attr(kAnyType)
              .Attr("Tlen: {int32, int64} = DT_INT64")
              .Summary("parts of given sizes along a dimension; one may be -1"),
          ExpandSplitV);
  ops.Add(OpSchemaBuilder("Unpack")
              .Input("value: T")
              .Output("output: num * T")
              .Attr("num: int >= 0")
              .Attr(kAnyType)
              .Attr("axis: int = 0")
              .Summary("the slices along a dimension, without it"),
          ExpandUnpack);
}

}  // namespace stator::ops
