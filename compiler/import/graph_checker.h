#ifndef STATOR_COMPILER_IMPORT_GRAPH_CHECKER_H_
#define STATOR_COMPILER_IMPORT_GRAPH_CHECKER_H_

// The import of a program that is still being written: every node is expanded when it is added, so
// that a mistake in element types or sizes shows at the user's line, and layers can ask for the
// sizes of what they are given.

#include <memory>

#include "compiler/import/op_set.h"
#include "graph/node_checker.h"

namespace stator::compiler {

// A checker for one graph. What cannot be known before a run (a placeholder of unknown rank, and
// what depends on it) has no sizes and is not checked further. `ops` must outlive it. Not
// thread-safe.
std::unique_ptr<graph::NodeChecker> NewGraphChecker(const OpSet* ops);

}  // namespace stator::compiler

#endif  // STATOR_COMPILER_IMPORT_GRAPH_CHECKER_H_
