// Random ops that are functions of key and counter.

#include "compiler/import/expansion.h"
#include "compiler/import/op_set.h"
#include "ops/random/distributions.h"
#include "ops/shape_input.h"

namespace stator::ops {
namespace {

using compiler::Expansion;
using core::CoreBuilder;
using core::Dims;
using graph::OpSchemaBuilder;
using mlir::Value;

constexpr int kInvalidArgument = 3;

// TensorFlow's numbers for algorithms.
constexpr int64_t kPhilox = 1;
constexpr int64_t kAutomatic = 3;

template <Value (*function)(CoreBuilder&, Value, Value, mlir::Type, const Dims&)>
void ExpandStateless(Expansion& e) {
  CoreBuilder& b = e.b;
  const Dims dims = ShapeInput(e, "shape");
  mlir::Type element = e.ElementTypeAttr("dtype"), i32 = b.builder().getI32Type();
  Value key = b.AssumeDims(e.In("key"), {b.Dim(1)}, "'key' must have one element");
  Value counter = b.AssumeDims(e.In("counter"), {b.Dim(2)}, "'counter' must have two elements");
  Value alg = e.In("alg");
  if (!key || !counter || !alg) return e.Out(Value());
  b.Check(b.Or(b.Eq(alg, b.ScalarInt(i32, kPhilox)), b.Eq(alg, b.ScalarInt(i32, kAutomatic))),
          kInvalidArgument, "only the Philox algorithm is supported", alg);
  e.Out(function(b, b.Reshape(key, {}), counter, element, dims));
}

struct KeyCounter {
  Value key, counter;
};

// Scrambles the seed by one block of Philox under a fixed key, so that any seed gives a good
// stream.
KeyCounter FromSeed(Expansion& e) {
  CoreBuilder& b = e.b;
  Value seed = b.AssumeDims(e.In("seed"), {b.Dim(2)}, "'seed' must have two elements");
  if (!seed) return {};
  constexpr int64_t kFixedKey = 0x02461e293ec8f720;
  mlir::Type ui64 = b.builder().getIntegerType(64, /*isSigned=*/false);
  Value mixed =
      b.RngBits(b.ScalarInt(ui64, kFixedKey),
                b.Convert(b.Convert(seed, b.builder().getI64Type()), ui64), ui64, {b.Dim(2)});
  Value zero = b.Reshape(b.ScalarInt(ui64, 0), {b.Dim(1)});
  return {b.SliceDim(mixed, 0, b.Dim(0), b.Dim(1)),
          b.Concatenate({zero, b.SliceDim(mixed, 0, b.Dim(1), b.Dim(2))}, 0)};
}

void OutAlgorithm(Expansion& e) { e.Out(e.b.ScalarInt(e.b.builder().getI32Type(), kPhilox)); }

void ExpandKeyCounter(Expansion& e) {
  KeyCounter result = FromSeed(e);
  e.Out(result.key);
  e.Out(result.counter);
}

void ExpandKeyCounterAlg(Expansion& e) {
  ExpandKeyCounter(e);
  OutAlgorithm(e);
}

OpSchemaBuilder Stateless(absl::string_view name, absl::string_view summary) {
  return OpSchemaBuilder(name)
      .Input("shape: Tshape")
      .Input("key: uint64")
      .Input("counter: uint64")
      .Input("alg: int32")
      .Output("output: dtype")
      .Attr("dtype: {half, bfloat16, float, double} = DT_FLOAT")
      .Attr("Tshape: {int32, int64} = DT_INT32")
      .Summary(summary);
}

}  // namespace

void RegisterStatelessRandom(compiler::OpSet& ops) {
  ops.Add(Stateless("StatelessRandomUniformV2", "the numbers in [0, 1) of a stream"),
          ExpandStateless<Uniform>);
  ops.Add(Stateless("StatelessRandomNormalV2", "the normal numbers of a stream"),
          ExpandStateless<Normal>);
  ops.Add(OpSchemaBuilder("StatelessRandomGetKeyCounter")
              .Input("seed: Tseed")
              .Output("key: uint64")
              .Output("counter: uint64")
              .Attr("Tseed: {int32, int64} = DT_INT64")
              .Summary("key and counter of the stream of a seed"),
          ExpandKeyCounter);
  ops.Add(OpSchemaBuilder("StatelessRandomGetAlg")
              .Output("alg: int32")
              .SetIsStateful()
              .Summary("the algorithm of stateless random numbers: Philox"),
          OutAlgorithm);
  ops.Add(OpSchemaBuilder("StatelessRandomGetKeyCounterAlg")
              .Input("seed: Tseed")
              .Output("key: uint64")
              .Output("counter: uint64")
              .Output("alg: int32")
              .Attr("Tseed: {int32, int64} = DT_INT64")
              .Summary("key, counter and algorithm of the stream of a seed"),
          ExpandKeyCounterAlg);
}

}  // namespace stator::ops
