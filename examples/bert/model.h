#ifndef STATOR_EXAMPLES_BERT_MODEL_H_
#define STATOR_EXAMPLES_BERT_MODEL_H_

#include <cstdint>

#include "graph/scope.h"
#include "nn/variables.h"

namespace stator::examples {

// Sizes of the encoder; those of BERT base.
struct BertSizes {
  int64_t layers = 12;
  int64_t hidden = 768;
  int64_t heads = 12;  // divides `hidden`
  int64_t inner = 3072;
};

// BERT's encoder: layers of self-attention and a two-layer perceptron, each added to its input and
// normalized. Batch and length of the sequences are left open: one executable serves them all.
class BertModel {
 public:
  // Adds the encoder to the program. A mistake in the sizes is an error of the scope.
  BertModel(const graph::Scope& scope, const BertSizes& sizes, uint64_t seed);

  // In order of creation, for each layer: kernel and bias of query, key, value and attention's
  // output; gamma and beta of its norm; kernels and biases of the perceptron; gamma and beta.
  nn::Variables& variables() { return variables_; }
  // Fed: [batch, length, hidden], the embeddings of the tokens.
  const graph::Output& embeddings() const { return embeddings_; }
  // Of the same shape.
  const graph::Output& encoded() const { return encoded_; }

 private:
  nn::Variables variables_;
  graph::Output embeddings_;
  graph::Output encoded_;
};

}  // namespace stator::examples

#endif  // STATOR_EXAMPLES_BERT_MODEL_H_
