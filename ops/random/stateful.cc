// Random ops with state: a hidden variable counts the blocks of the stream that were used.

#include "compiler/import/expansion.h"
#include "compiler/import/op_set.h"
#include "ops/random/distributions.h"
#include "ops/shape_input.h"

namespace stator::ops {
namespace {

using compiler::Expansion;
using compiler::VariableRef;
using core::CoreBuilder;
using core::Dims;
using graph::OpSchemaBuilder;
using mlir::Value;

constexpr int kInvalidArgument = 3;

// TensorFlow reserves this many blocks per element in each run.
constexpr int64_t kBlocksPerElement = 256;

struct Stream {
  Value key, counter;
};

// This run's part of the node's stream, for a tensor of these sizes; the variable moves on to the
// next part.
Stream NextPart(Expansion& e, const Dims& dims) {
  CoreBuilder& b = e.b;
  if (!b.ok()) return {};
  uint64_t seed = static_cast<uint64_t>(e.Int("seed")),
           seed2 = static_cast<uint64_t>(e.Int("seed2"));
  if (seed == 0 && seed2 == 0) {
    seed = e.context().FreshSeed();
    seed2 = e.context().FreshSeed();
  }
  mlir::Type i64 = b.builder().getI64Type(),
             ui64 = b.builder().getIntegerType(64, /*isSigned=*/false);
  VariableRef variable =
      e.context().DeclareVariable("", e.node().name() + "/random_counter",
                                  mlir::RankedTensorType::get({}, i64), /*zero_initialized=*/true);
  Value position = b.ReadVariable(variable.symbol, variable.type);
  Value used =
      b.Mul(b.DimScalar(core::Product(b.dims(), dims), i64), b.ScalarInt(i64, kBlocksPerElement));
  b.AssignVariable(variable.symbol, b.Add(position, used));
  Value low = b.Reshape(b.Convert(position, ui64), {b.Dim(1)});
  Value high = b.Reshape(b.ScalarInt(ui64, static_cast<int64_t>(seed2)), {b.Dim(1)});
  return {b.ScalarInt(ui64, static_cast<int64_t>(seed)), b.Concatenate({low, high}, 0)};
}

template <Value (*function)(CoreBuilder&, Value, Value, mlir::Type, const Dims&)>
void ExpandFloat(Expansion& e) {
  const Dims dims = ShapeInput(e, "shape");
  mlir::Type element = e.ElementTypeAttr("dtype");
  Stream stream = NextPart(e, dims);
  e.Out(function(e.b, stream.key, stream.counter, element, dims));
}

void ExpandInt(Expansion& e) {
  const Dims dims = ShapeInput(e, "shape");
  Value minval = e.In("minval"), maxval = e.In("maxval");
  if (!minval || !maxval) return e.Out(Value());
  if (core::RankOf(minval) != 0 || core::RankOf(maxval) != 0) {
    return e.Out(e.Fail("'minval' and 'maxval' must be scalars"));
  }
  e.b.Check(e.b.Lt(minval, maxval), kInvalidArgument, "Need minval < maxval");
  Stream stream = NextPart(e, dims);
  e.Out(UniformInt(e.b, stream.key, stream.counter, minval, maxval, dims));
}

OpSchemaBuilder Float(absl::string_view name, absl::string_view summary) {
  return OpSchemaBuilder(name)
      .Input("shape: T")
      .Output("output: dtype")
      .Attr("seed: int = 0")
      .Attr("seed2: int = 0")
      .Attr("dtype: {half, bfloat16, float, double}")
      .Attr("T: {int32, int64}")
      .SetIsStateful()
      .Summary(summary);
}

}  // namespace

void RegisterStatefulRandom(compiler::OpSet& ops) {
  ops.Add(Float("RandomUniform", "random numbers, uniform in [0, 1)"), ExpandFloat<Uniform>);
  ops.Add(Float("RandomStandardNormal", "random numbers, normal with mean 0 and deviation 1"),
          ExpandFloat<Normal>);
  ops.Add(OpSchemaBuilder("RandomUniformInt")
              .Input("shape: T")
              .Input("minval: Tout")
              .Input("maxval: Tout")
              .Output("output: Tout")
              .Attr("seed: int = 0")
              .Attr("seed2: int = 0")
              .Attr("Tout: {int32, int64}")
              .Attr("T: {int32, int64}")
              .SetIsStateful()
              .Summary("random integers, uniform in [minval, maxval)"),
          ExpandInt);
}

}  // namespace stator::ops
