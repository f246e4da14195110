#include "ops/gradients.h"

#include "graph/node_builder.h"

namespace stator::ops {

using graph::Output;

std::vector<Output> AddGradients(const graph::Scope& scope, const std::vector<Output>& ys,
                                 const std::vector<Output>& xs, const std::vector<Output>& grad_ys,
                                 const std::source_location& location) {
  const graph::Operation op = graph::NodeBuilder(scope, "Gradients", location)
                                  .InputList(ys)
                                  .InputList(grad_ys)
                                  .InputList(xs)
                                  .Finalize();
  std::vector<Output> gradients;
  for (size_t i = 0; i < xs.size(); ++i) gradients.push_back(op.output(static_cast<int>(i)));
  return gradients;
}

}  // namespace stator::ops
