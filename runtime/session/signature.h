// What a run asks for, with its names checked against the graph.
#ifndef STATOR_RUNTIME_SESSION_SIGNATURE_H_
#define STATOR_RUNTIME_SESSION_SIGNATURE_H_

#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "executable/dtype.h"
#include "graph/graph.h"

namespace stator::runtime {

// Tensors are written "node:k", targets as node names.
struct Signature {
  std::vector<std::string> feeds;
  std::vector<executable::DType> feed_types;
  std::vector<std::string> fetches;
  std::vector<std::string> targets;
};

// Resolves "node", "node:k", "^node" (targets only). Errors, as TensorFlow has them: unknown node,
// no such output, a tensor fed twice, a tensor fed and fetched, nothing to fetch and no target.
absl::StatusOr<Signature> ResolveSignature(const graph::Graph& graph,
                                           const std::vector<std::string>& feeds,
                                           const std::vector<std::string>& fetches,
                                           const std::vector<std::string>& targets);

// The key under which executables of a signature are kept.
std::string SignatureKey(const std::vector<std::string>& feeds,
                         const std::vector<std::string>& fetches,
                         const std::vector<std::string>& targets);

}  // namespace stator::runtime

#endif  // STATOR_RUNTIME_SESSION_SIGNATURE_H_
