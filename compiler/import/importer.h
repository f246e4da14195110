#ifndef STATOR_COMPILER_IMPORT_IMPORTER_H_
#define STATOR_COMPILER_IMPORT_IMPORTER_H_

// The part of a graph that a run needs, expanded into the core dialect: a module with @main, whose arguments are the
// feeds and whose results are the fetches, in the caller's order, and one core.variable per variable it touches.
//
// Program order is the topological order of the nodes (control edges honoured, ties by creation), calls are expanded
// where they stand. Every op's location is NameLoc("node:op", file:line).

#include <vector>

#include "absl/status/statusor.h"
#include "compiler/dialect/core_dialect.h"
#include "compiler/node_problem.h"
#include "compiler/import/op_set.h"
#include "executable/compile.h"
#include "graph/graph.h"
#include "mlir/IR/OwningOpRef.h"

namespace stator::compiler {

// Errors name the node, its op and the user's line. `seed` is the session's: ops whose own seeds are 0 draw from it.
absl::StatusOr<mlir::OwningOpRef<mlir::ModuleOp>> ImportGraph(const graph::Graph& graph, const OpSet& ops,
                                                              const executable::CompileRequest& request, uint64_t seed,
                                                              mlir::MLIRContext* context);

// Every node that ImportGraph would refuse, in program order: it goes on behind an error, without the nodes that need
// what failed. A problem of the request itself has no node.
std::vector<NodeProblem> FindImportProblems(const graph::Graph& graph, const OpSet& ops,
                                            const executable::CompileRequest& request, uint64_t seed,
                                            mlir::MLIRContext* context);

}  // namespace stator::compiler

#endif  // STATOR_COMPILER_IMPORT_IMPORTER_H_
