// Softmax and its losses. Rows are shifted by their maximum, which is constant to gradients: it
// cancels.

#include "compiler/import/expansion.h"
#include "compiler/import/op_set.h"
#include "ops/schema_types.h"

namespace stator::ops {
namespace {

using compiler::Expansion;
using core::CoreBuilder;
using core::ReduceKind;
using graph::OpSchemaBuilder;
using mlir::Value;
using Values = CoreBuilder::Values;

constexpr int kInvalidArgument = 3;

// A softmax over the last dimension in parts.
struct SoftmaxParts {
  Value shifted;       // x - max
  Value exponentials;  // e^shifted
  Value sum;           // of the exponentials, with the last dimension kept
};

SoftmaxParts PartsOf(CoreBuilder& b, Value x) {
  if (!x) return {};
  const int64_t last = core::RankOf(x) - 1;
  SoftmaxParts parts;
  parts.shifted =
      b.Sub(x, b.StopGradient(b.Reduce(ReduceKind::kMax, x, {last}, /*keep_dims=*/true)));
  parts.exponentials = b.Exp(parts.shifted);
  parts.sum = b.ReduceAdd(parts.exponentials, {last}, /*keep_dims=*/true);
  return parts;
}

Value Softmax(CoreBuilder& b, Value x) {
  SoftmaxParts parts = PartsOf(b, x);
  return b.Div(parts.exponentials, parts.sum);
}

Value LogSoftmax(CoreBuilder& b, Value x) {
  SoftmaxParts parts = PartsOf(b, x);
  return b.Sub(parts.shifted, b.Log(parts.sum));
}

template <Value (*function)(CoreBuilder&, Value)>
void ExpandRows(Expansion& e) {
  Value x = e.In("logits");
  if (x && core::RankOf(x) == 0) return e.Out(e.Fail("'logits' must have at least one dimension"));
  e.Out(function(e.b, x));
}

// [n, 1] to [n].
Value DropLast(CoreBuilder& b, Value x) {
  if (!x) return {};
  core::Dims dims = core::DimsOf(x);
  dims.pop_back();
  return b.Reshape(x, dims);
}

// As TensorFlow defines it, the gradient is softmax - labels also where the labels of a row do not
// sum to 1; the derived one would scale the softmax by that sum (and need another reduction).
void ExpandSoftmaxCrossEntropy(Expansion& e) {
  CoreBuilder& b = e.b;
  Values operands{e.In("features"), e.In("labels")};
  if (!operands[0] || !operands[1] || !b.Broadcast(operands)) return e.Out({Value(), Value()});
  if (core::RankOf(operands[0]) != 2) {
    e.Fail("'features' and 'labels' must be matrices, found rank " +
           llvm::Twine(core::RankOf(operands[0])));
    return e.Out({Value(), Value()});
  }
  Values loss = b.Composite(
      "softmax_cross_entropy", operands,
      [&](mlir::ValueRange args) -> Values {
        SoftmaxParts parts = PartsOf(b, args[0]);
        return {b.ReduceAdd(b.Mul(args[1], b.Sub(b.Log(parts.sum), parts.shifted)), {1})};
      },
      [&](mlir::ValueRange args) -> Values {
        Value features = args[0], labels = args[1];
        Value scale = args[3] ? b.Reshape(args[3], {core::DimsOf(args[3])[0], b.Dim(1)}) : Value();
        return {b.Mul(scale, b.Sub(Softmax(b, features), labels)),
                b.Neg(b.Mul(scale, LogSoftmax(b, features)))};
      });
  e.Out(loss.empty() ? Value() : loss[0]);
  e.Out(b.Sub(Softmax(b, operands[0]), operands[1]));
}

void ExpandSparseSoftmaxCrossEntropy(Expansion& e) {
  CoreBuilder& b = e.b;
  Value x = e.In("features"), labels = e.In("labels");
  if (!x || !labels) return e.Out({Value(), Value()});
  if (core::RankOf(x) != 2 || core::RankOf(labels) != 1) {
    e.Fail("'features' must be a matrix and 'labels' a vector, found ranks " +
           llvm::Twine(core::RankOf(x)) + " and " + llvm::Twine(core::RankOf(labels)));
    return e.Out({Value(), Value()});
  }
  const core::Dims dims = core::DimsOf(x);
  mlir::Type index = core::ElementTypeOf(labels), element = core::ElementTypeOf(x);
  labels =
      b.AssumeDims(labels, {dims[0]}, "'labels' must have one element for each row of 'features'");
  b.Check(b.And(b.Ge(labels, b.ScalarInt(index, 0)), b.Lt(labels, b.DimScalar(dims[1], index))),
          kInvalidArgument,
          "Received a label value outside the valid range of [0, " + dims[1].ToString() + ")",
          labels);
  Value is_label = b.Eq(b.BroadcastInDim(labels, {0}, dims), b.Iota(index, dims, 1));
  SoftmaxParts parts = PartsOf(b, x);
  Value chosen = b.ReduceAdd(b.Select(is_label, parts.shifted, b.Scalar(element, 0)), {1});
  e.Out(b.Sub(DropLast(b, b.Log(parts.sum)), chosen));
  e.Out(b.Sub(b.Div(parts.exponentials, parts.sum), b.Convert(is_label, element)));
}

// Half the sum of squares.
void ExpandL2Loss(Expansion& e) {
  Value x = e.In("t");
  if (!x) return e.Out(Value());
  llvm::SmallVector<int64_t> axes;
  for (int64_t i = 0; i < core::RankOf(x); ++i) axes.push_back(i);
  e.Out(e.b.Mul(e.b.ReduceAdd(e.b.Mul(x, x), axes), e.b.Scalar(core::ElementTypeOf(x), 0.5)));
}

}  // namespace

void RegisterLosses(compiler::OpSet& ops) {
  ops.Add(OpSchemaBuilder("Softmax")
              .Input("logits: T")
              .Output("softmax: T")
              .Attr(kFloatsHalfFirst)
              .Summary("e^x of each row, scaled to sum 1"),
          ExpandRows<Softmax>);
  ops.Add(OpSchemaBuilder("LogSoftmax")
              .Input("logits: T")
              .Output("logsoftmax: T")
              .Attr(kFloatsHalfFirst)
              .Summary("the logarithm of the softmax"),
          ExpandRows<LogSoftmax>);
  ops.Add(OpSchemaBuilder("SoftmaxCrossEntropyWithLogits")
              .Input("features: T")
              .Input("labels: T")
              .Output("loss: T")
              .Output("backprop: T")
              .Attr(kFloatsHalfFirst)
              .Summary("the cross entropy of each row against a distribution"),
          ExpandSoftmaxCrossEntropy);
  ops.Add(OpSchemaBuilder("SparseSoftmaxCrossEntropyWithLogits")
              .Input("features: T")
              .Input("labels: Tlabels")
              .Output("loss: T")
              .Output("backprop: T")
              .Attr(kFloatsHalfFirst)
              .Attr("Tlabels: {int32, int64} = DT_INT64")
              .Summary("the cross entropy of each row against a class"),
          ExpandSparseSoftmaxCrossEntropy);
  ops.Add(OpSchemaBuilder("L2Loss")
              .Input("t: T")
              .Output("output: T")
              .Attr(kFloatsHalfFirst)
              .Summary("half the sum of squares"),
          ExpandL2Loss);
}

}  // namespace stator::ops
