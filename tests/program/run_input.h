#ifndef STATOR_TESTS_PROGRAM_RUN_INPUT_H_
#define STATOR_TESTS_PROGRAM_RUN_INPUT_H_

#include <map>
#include <string>
#include <vector>

#include "tests/program/values.h"

namespace stator::tests {

struct RunInput {
  std::string name;  // for messages
  std::vector<Tensor> feeds;
  std::map<std::string, Tensor> variables = {};  // contents before the run; absent: uninitialized
};

// What to run of a graph.
struct GraphProgram {
  std::vector<std::string> feeds, fetches;  // tensors: "x:0"
  std::vector<std::string> targets = {};    // nodes
};

}  // namespace stator::tests

#endif  // STATOR_TESTS_PROGRAM_RUN_INPUT_H_
