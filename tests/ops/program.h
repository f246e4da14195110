#ifndef STATOR_TESTS_OPS_PROGRAM_H_
#define STATOR_TESTS_OPS_PROGRAM_H_

#include <string>
#include <vector>

#include "proto/graph.pb.h"
#include "runtime/core/tensor.h"

namespace stator::ops {

// A graph and one run of it.
struct Program {
  GraphDef graph;
  std::vector<std::string> feeds;  // tensors
  std::vector<runtime::Tensor> values;
  std::vector<std::string> fetches;
  std::vector<std::string> targets;
};

}  // namespace stator::ops

#endif  // STATOR_TESTS_OPS_PROGRAM_H_
