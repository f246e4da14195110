#ifndef STATOR_STATOR_H_
#define STATOR_STATOR_H_

// What a C++ program that uses Stator needs: the op set, a checked program to write into, and sessions with the
// compiler in them. Link `//:stator`.
//
//   stator::graph::Scope scope = stator::NewProgram();
//   ... add nodes, layers, gradients ...
//   auto session = stator::NewSession(scope, {.num_threads = 2});

#include <memory>

#include "absl/status/statusor.h"
#include "graph/scope.h"
#include "runtime/session/session.h"

namespace stator {

// The schemas of every op in this build. Made on first use, never destroyed. Thread-safe.
const graph::OpSchemas* Ops();

// An empty program. Each node is checked when it is added (types, symbolic sizes), so that a mistake is reported at the
// line that made it.
graph::Scope NewProgram();

// Settings that most programs leave alone.
struct NewSessionOptions {
  int num_threads = 0;                // of each run and of the compiler; 0: as many as the machine gives
  uint64_t seed = 0;                  // of random ops without seeds; 0: fresh each time
  int64_t max_run_bytes = INT64_MAX;  // memory of one run beside the variables
  bool fuse = true;                   // false: one kernel per primitive (debugging)
  bool check_plans = false;           // prove each memory layout (debugging)
};

// Runs a program written into `scope`, or one that was read from a file; later changes of the scope are not seen
// (Session::Extend adds nodes). Errors of the scope are returned here.
absl::StatusOr<std::unique_ptr<runtime::Session>> NewSession(const graph::Scope& scope,
                                                             const NewSessionOptions& options = {});
absl::StatusOr<std::unique_ptr<runtime::Session>> NewSession(GraphDef graph, const NewSessionOptions& options = {});

// The options of a session with this build's ops and compiler, for those who need more of SessionOptions.
runtime::SessionOptions CompilerOptions(const NewSessionOptions& options = {});

}  // namespace stator

#endif  // STATOR_STATOR_H_
