// Matrix products.

#include "compiler/import/expansion.h"
#include "compiler/import/op_set.h"
#include "ops/schema_types.h"

namespace stator::ops {
namespace {

using compiler::Expansion;
using core::DimExpr;
using core::Dims;
using graph::OpSchemaBuilder;
using mlir::Value;

void ExpandMatMul(Expansion& e) {
  Value a = e.In("a"), b = e.In("b");
  if (!a || !b) return e.Out(Value());
  if (core::RankOf(a) != 2 || core::RankOf(b) != 2) {
    return e.Out(e.Fail("both inputs must be matrices, found ranks " +
                        llvm::Twine(core::RankOf(a)) + " and " + llvm::Twine(core::RankOf(b))));
  }
  e.Out(e.b.DotGeneral(a, b, {}, {}, {e.Bool("transpose_a") ? 0 : 1},
                       {e.Bool("transpose_b") ? 1 : 0}));
}

// The dimension that two aligned batch dimensions broadcast to; what is not proved becomes a guard
// later.
DimExpr JoinBatch(DimExpr x, DimExpr y) {
  if (x.IsConstant(1)) return y;
  return y.IsConstant() && !y.IsConstant(1) ? y : x;
}

// Multiplies the matrices in the last two dimensions; the others broadcast.
void ExpandBatchMatMul(Expansion& e) {
  Value x = e.In("x"), y = e.In("y");
  if (!x || !y) return e.Out(Value());
  const int64_t x_rank = core::RankOf(x), y_rank = core::RankOf(y);
  if (x_rank < 2 || y_rank < 2) {
    return e.Out(e.Fail("both inputs must have rank 2 or more, found " + llvm::Twine(x_rank) +
                        " and " + llvm::Twine(y_rank)));
  }
  Dims x_dims = core::DimsOf(x), y_dims = core::DimsOf(y), batch;
  // A single matrix on the right needs no batch dimensions: those of x are free.
  const int64_t batch_rank = y_rank == 2 ? 0 : std::max(x_rank, y_rank) - 2;
  for (int64_t i = 0; i < batch_rank; ++i) {
    const int64_t i_x = i - (batch_rank - (x_rank - 2)), i_y = i - (batch_rank - (y_rank - 2));
    batch.push_back(
        JoinBatch(i_x >= 0 ? x_dims[i_x] : e.b.Dim(1), i_y >= 0 ? y_dims[i_y] : e.b.Dim(1)));
  }
  auto broadcast = [&](Value value, const Dims& dims) {
    Dims target = batch;
    target.append(dims.end() - 2, dims.end());
    return e.b.BroadcastTo(value, target);
  };
  int64_t x_last = x_rank - 1, y_last = y_rank - 1;
  if (batch_rank > 0) {
    x = broadcast(x, x_dims);
    y = broadcast(y, y_dims);
    x_last = y_last = batch_rank + 1;
  }
  llvm::SmallVector<int64_t> batch_axes;
  for (int64_t i = 0; i < batch_rank; ++i) batch_axes.push_back(i);
  e.Out(e.b.DotGeneral(x, y, batch_axes, batch_axes, {e.Bool("adj_x") ? x_last - 1 : x_last},
                       {e.Bool("adj_y") ? y_last : y_last - 1}));
}

OpSchemaBuilder BatchMatMul(absl::string_view name, absl::string_view types) {
  return OpSchemaBuilder(name)
      .Input("x: T")
      .Input("y: T")
      .Output("output: T")
      .Attr(types)
      .Attr("adj_x: bool = false")
      .Attr("adj_y: bool = false")
      .Summary("products of the matrices in the last two dimensions");
}

}  // namespace

void RegisterMatMul(compiler::OpSet& ops) {
  ops.Add(OpSchemaBuilder("MatMul")
              .Input("a: T")
              .Input("b: T")
              .Output("product: T")
              .Attr("transpose_a: bool = false")
              .Attr("transpose_b: bool = false")
              .Attr("T: {bfloat16, half, float, double, int32, int64, complex64, complex128}")
              .Summary("matrix product"),
          ExpandMatMul);
  ops.Add(BatchMatMul("BatchMatMul",
                      "T: {bfloat16, half, float, double, int32, int64, complex64, complex128}"),
          ExpandBatchMatMul);
  ops.Add(
      BatchMatMul("BatchMatMulV2",
                  "T: {bfloat16, half, float, double, int16, int32, int64, complex64, complex128}"),
      ExpandBatchMatMul);
}

}  // namespace stator::ops
