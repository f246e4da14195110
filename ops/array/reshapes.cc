// Other shapes for the same elements.

#include <algorithm>

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

// What -1 stands for when the other sizes multiply to `rest`. Where that is not exact, the guard of
// the reshape says so.
DimExpr MissingSize(DimExpr total, DimExpr rest) {
  std::optional<DimExpr> exact = core::DivideExactly(total, rest);
  return exact ? *exact : core::FloorDiv(total, rest);
}

void ExpandReshape(Expansion& e) {
  Value x = e.In("tensor"), shape = e.In("shape");
  if (!x || !shape) return e.Out(Value());
  if (core::RankOf(shape) != 1) return e.Out(e.Fail("'shape' must be a vector"));
  Dims dims = e.b.ValuesAsDims(shape, "shape");
  DimExpr rest = e.b.Dim(1);
  std::optional<size_t> missing;
  for (size_t i = 0; i < dims.size(); ++i) {
    if (dims[i].IsConstant(-1) && !missing) {
      missing = i;
    } else if (IsNegative(dims[i])) {
      return e.Out(e.Fail("size " + llvm::Twine(i) +
                          " of 'shape' must not be negative (one may be -1), found " +
                          dims[i].ToString()));
    } else {
      rest = rest * dims[i];
    }
  }
  if (missing) {
    if (rest.IsConstant(0)) return e.Out(e.Fail("-1 in 'shape' has no meaning beside a size of 0"));
    dims[*missing] = MissingSize(core::Product(e.b.dims(), core::DimsOf(x)), rest);
  }
  e.Out(e.b.Reshape(x, dims));
}

// Without axes, Squeeze drops what is surely 1. A size that might turn out to be 1 must not.
void AssumeNotOne(Expansion& e, DimExpr dim) {
  const core::DimBounds bounds = dim.Bounds();
  if ((bounds.lo && *bounds.lo > 1) || (bounds.hi && *bounds.hi < 1)) return;
  const char* message = "Squeeze without axes takes this size as different from 1";
  DimExpr one = e.b.Dim(1);
  if (core::UsesInputSymbolsOnly(dim)) {
    mlir::MLIRContext* context = e.b.context();
    e.b.builder().create<core::GuardOp>(e.b.loc(), core::DimsAttr::get(context, {dim}),
                                        core::ComparisonDirection::kNe,
                                        core::DimsAttr::get(context, {one}), message);
  } else {
    mlir::Type i64 = e.b.builder().getI64Type();
    e.b.Check(e.b.Ne(e.b.DimScalar(dim, i64), e.b.DimScalar(one, i64)), kInvalidArgument, message);
  }
}

void ExpandSqueeze(Expansion& e) {
  Value x = e.In("input");
  if (!x) return e.Out(Value());
  const Dims dims = core::DimsOf(x);
  const std::vector<int64_t> axes =
      e.NormalizeAxes(e.Ints("squeeze_dims"), static_cast<int64_t>(dims.size()));
  Dims kept;
  for (size_t i = 0; i < dims.size(); ++i) {
    const bool listed = std::find(axes.begin(), axes.end(), static_cast<int64_t>(i)) != axes.end();
    if (listed) {
      e.b.AssumeEqual(dims[i], e.b.Dim(1), "can only squeeze a dimension of size 1");
    } else if (!axes.empty() || !dims[i].IsConstant(1)) {
      if (axes.empty() && !dims[i].IsConstant()) AssumeNotOne(e, dims[i]);
      kept.push_back(dims[i]);
    }
  }
  e.Out(e.b.Reshape(x, kept));
}

void ExpandExpandDims(Expansion& e) {
  Value x = e.In("input");
  if (!x) return e.Out(Value());
  Dims dims = core::DimsOf(x);
  const int64_t axis = AxisInput(e, "dim", core::RankOf(x) + 1);
  dims.insert(dims.begin() + axis, e.b.Dim(1));
  e.Out(e.b.Reshape(x, dims));
}

void ExpandTranspose(Expansion& e) {
  Value x = e.In("x");
  std::vector<int64_t> permutation = e.RequiredInts("perm");
  if (!x) return e.Out(Value());
  for (int64_t& axis : permutation) axis = e.NormalizeAxis(axis, core::RankOf(x));
  e.Out(e.b.Transpose(x, permutation));
}

}  // namespace

void RegisterReshapes(compiler::OpSet& ops) {
  ops.Add(OpSchemaBuilder("Reshape")
              .Input("tensor: T")
              .Input("shape: Tshape")
              .Output("output: T")
              .Attr(kAnyType)
              .Attr("Tshape: {int32, int64} = DT_INT32")
              .Summary("the same elements in another shape; one size may be -1"),
          ExpandReshape);
  ops.Add(OpSchemaBuilder("Squeeze")
              .Input("input: T")
              .Output("output: T")
              .Attr(kAnyType)
              .Attr("squeeze_dims: list(int) >= 0 = []")
              .Summary("drops dimensions of size 1"),
          ExpandSqueeze);
  ops.Add(OpSchemaBuilder("ExpandDims")
              .Input("input: T")
              .Input("dim: Tdim")
              .Output("output: T")
              .Attr(kAnyType)
              .Attr("Tdim: {int32, int64} = DT_INT32")
              .Summary("a new dimension of size 1"),
          ExpandExpandDims);
  ops.Add(OpSchemaBuilder("Transpose")
              .Input("x: T")
              .Input("perm: Tperm")
              .Output("y: T")
              .Attr(kAnyType)
              .Attr("Tperm: {int32, int64} = DT_INT32")
              .Summary("dimension i of the result is dimension perm[i] of the input"),
          ExpandTranspose);
}

}  // namespace stator::ops
