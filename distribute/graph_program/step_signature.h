#ifndef STATOR_DISTRIBUTE_GRAPH_PROGRAM_STEP_SIGNATURE_H_
#define STATOR_DISTRIBUTE_GRAPH_PROGRAM_STEP_SIGNATURE_H_

#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "proto/meta_graph.pb.h"
#include "proto/types.pb.h"

namespace stator::distribute {

struct SignatureInput {
  std::string key;
  std::string tensor;  // "images:0"
  DataType dtype = DT_INVALID;
  bool any_shape = false;
  std::vector<int64_t> dims;  // -1: open
};

struct SignatureMetric {
  std::string key;
  std::string tensor;
  bool is_sum = false;  // over the examples, rather than a mean
};

// What a step of training or evaluation is fed, gives and does, as a SignatureDef says it:
//
//   inputs    by key: what is fed
//   outputs   tensors are metrics, named by their keys. Their values for several parts of a batch
//             are averaged, or added where the node has the attribute `_aggregation` = "sum".
//             A name without dtype and without ":N" is an op that is run: the one that updates the
//             variables, or initializes them.
struct StepSignature {
  std::string name;
  std::vector<SignatureInput> inputs;    // in the order of the keys
  std::vector<SignatureMetric> metrics;  // `loss` first, then in the order of the keys
  std::string op;                        // empty: none
};

// Signature `name`. Where it has no op and `op_signature` is not empty, its op is that of signature
// `op_signature`, if there is one: TensorFlow's `__saved_model_train_op`.
//
// NotFound lists the signatures that there are; InvalidArgument names the input or output.
absl::StatusOr<StepSignature> FindSignature(const MetaGraphDef& program, const std::string& name,
                                            const std::string& op_signature = "");

// "uint8[?, 28, 28]".
std::string TypeText(const SignatureInput& input);

// "images, labels", or "none".
std::string InputNames(const StepSignature& signature);

}  // namespace stator::distribute

#endif  // STATOR_DISTRIBUTE_GRAPH_PROGRAM_STEP_SIGNATURE_H_
