#ifndef STATOR_COMPILER_NODE_PROBLEM_H_
#define STATOR_COMPILER_NODE_PROBLEM_H_

#include <string>

#include "absl/status/status.h"

namespace stator::compiler {

// Why a node cannot be compiled.
struct NodeProblem {
  std::string node;  // empty: no single node is to blame
  absl::Status status;
};

}  // namespace stator::compiler

#endif  // STATOR_COMPILER_NODE_PROBLEM_H_
