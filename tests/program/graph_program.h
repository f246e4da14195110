#ifndef STATOR_TESTS_PROGRAM_GRAPH_PROGRAM_H_
#define STATOR_TESTS_PROGRAM_GRAPH_PROGRAM_H_

// Programs written as graphs.

#include <memory>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "graph/graph.h"
#include "graph/node_builder.h"
#include "graph/scope.h"
#include "tests/program/compare.h"

namespace stator::tests {

using graph::Output;
using graph::Scope;

// A scope whose nodes are checked when they are added.
Scope NewScope();

// Adds one node and returns its first output.
Output Op(const Scope& scope, const std::string& op, const std::vector<graph::Input>& inputs,
          const std::vector<std::pair<std::string, AttrValue>>& attrs = {});
// A list of inputs is one argument.
Output OpOfList(const Scope& scope, const std::string& op, const std::vector<Output>& list,
                const std::vector<graph::Input>& more = {},
                const std::vector<std::pair<std::string, AttrValue>>& attrs = {});

// A placeholder; -1 is an unknown size.
Output Placeholder(const Scope& scope, DataType dtype, const std::vector<int64_t>& dims);
// A variable with this shape: its handle. It goes by the node's name.
Output Variable(const Scope& scope, const std::string& name, DataType dtype,
                const std::vector<int64_t>& dims);
// Gradients of the sum of y.
std::vector<Output> Gradients(const Scope& scope, const Output& y, const std::vector<Output>& xs);

// There is a run at least; the runs' feeds are in the order of the program's. A scope has no
// errors.
Program MakeProgram(const Scope& scope, const GraphProgram& program, std::vector<RunInput> runs);
Program MakeProgram(std::shared_ptr<const graph::Graph> graph, const GraphProgram& program,
                    std::vector<RunInput> runs);

// Functions and nodes, one node a line.
std::string TextOf(const graph::Graph& graph);

// One line for each kernel that the program needs: its kind, and why its ops are together.
absl::StatusOr<std::vector<std::string>> KernelsOf(const Program& program);

}  // namespace stator::tests

#endif  // STATOR_TESTS_PROGRAM_GRAPH_PROGRAM_H_
