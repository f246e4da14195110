#ifndef STATOR_COMPILER_IMPORT_UNSUPPORTED_OPS_H_
#define STATOR_COMPILER_IMPORT_UNSUPPORTED_OPS_H_

#include <vector>

#include "compiler/node_problem.h"
#include "compiler/import/op_set.h"
#include "graph/graph.h"

namespace stator::compiler {

// The nodes whose op is not supported in the functions that `node` calls, however deep: import stops at the first of them.
std::vector<NodeProblem> UnsupportedInFunctions(const graph::Graph& graph, const OpSet& ops, const NodeDef& node);

}  // namespace stator::compiler

#endif  // STATOR_COMPILER_IMPORT_UNSUPPORTED_OPS_H_
