#include "examples/bert/model.h"

#include <cmath>
#include <string>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "nn/context.h"
#include "nn/layers.h"
#include "ops/wrappers.h"

namespace stator::examples {
namespace {

using graph::Output;
using graph::Scope;

constexpr float kEpsilon = 1e-5f;

// One layer of the encoder while it is added to the program.
class EncoderLayer {
 public:
  EncoderLayer(const nn::Context& context, const BertSizes& sizes, const std::string& name)
      : context_(context), scope_(context.scope().SubScope(name)), sizes_(sizes), name_(name) {}

  // x and the result: [batch, length, hidden].
  Output Build(const Output& x) {
    const Output attended = Dense("output", sizes_.hidden, Attention(x));
    const Output y = Norm("attention_norm", ops::AddV2(scope_, attended, x));
    const Output inner = Dense("inner", sizes_.inner, y, nn::Gelu);
    const Output outer = Dense("outer", sizes_.hidden, inner);
    return Norm("norm", ops::AddV2(scope_, outer, y));
  }

 private:
  // Each head lets every position look at all others.
  Output Attention(const Output& x) {
    // The unknown sizes come from the input when the program runs.
    batch_and_length_ = ops::Slice(scope_, ops::Shape(scope_, x), {0}, {2});
    const Output query = SplitHeads(Dense("query", sizes_.hidden, x));
    const Output key = SplitHeads(Dense("key", sizes_.hidden, x));
    const Output value = SplitHeads(Dense("value", sizes_.hidden, x));
    const float scale = 1 / std::sqrt(static_cast<float>(sizes_.hidden / sizes_.heads));
    const Output scores =
        ops::Mul(scope_, ops::BatchMatMulV2(scope_, query, key, {.adj_y = true}), scale);
    return JoinHeads(ops::BatchMatMulV2(scope_, ops::Softmax(scope_, scores), value));
  }

  // [batch, length, hidden] to [batch, heads, length, hidden / heads].
  Output SplitHeads(const Output& x) {
    const Output sizes =
        ops::ConcatV2(scope_, {batch_and_length_, {sizes_.heads, sizes_.hidden / sizes_.heads}}, 0);
    return ops::Transpose(scope_, ops::Reshape(scope_, x, sizes), {0, 2, 1, 3});
  }
  Output JoinHeads(const Output& x) {
    const Output sizes = ops::ConcatV2(scope_, {batch_and_length_, {sizes_.hidden}}, 0);
    return ops::Reshape(scope_, ops::Transpose(scope_, x, {0, 2, 1, 3}), sizes);
  }

  Output Dense(const char* name, int64_t units, const Output& x,
               const nn::Activation& activation = {}) {
    return nn::Dense(units, {.activation = activation, .name = absl::StrCat(name_, "/", name)})
        ->Build(context_, x);
  }
  Output Norm(const char* name, const Output& x) {
    return nn::LayerNorm({.epsilon = kEpsilon, .name = absl::StrCat(name_, "/", name)})
        ->Build(context_, x);
  }

  const nn::Context& context_;
  Scope scope_;
  const BertSizes& sizes_;
  std::string name_;
  Output batch_and_length_;
};

}  // namespace

BertModel::BertModel(const Scope& scope, const BertSizes& sizes, uint64_t seed)
    : variables_(scope, seed) {
  if (sizes.heads <= 0 || sizes.hidden % sizes.heads != 0) {
    scope.UpdateStatus(absl::InvalidArgumentError(absl::StrCat(
        "expected heads that divide ", sizes.hidden, " features, found ", sizes.heads)));
    return;
  }
  embeddings_ = ops::Placeholder(scope.WithOpName("embeddings"), DT_FLOAT,
                                 {.shape = {"batch", "length", sizes.hidden}});
  const nn::Context context(scope, &variables_, /*training=*/false);
  Output x = embeddings_;
  for (int64_t i = 0; i < sizes.layers; ++i) {
    x = EncoderLayer(context, sizes, absl::StrCat("layer_", i)).Build(x);
  }
  encoded_ = ops::Identity(scope.WithOpName("encoded"), x);
}

}  // namespace stator::examples
