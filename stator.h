#ifndef STATOR_STATOR_H_
#define STATOR_STATOR_H_

// Everything that a C++ program needs to build, train and run graphs:
//
//   const stator::graph::Scope program = stator::NewProgram();
//   ... ops, layers, Minimize ...
//   STATOR_ASSIGN_OR_RETURN(auto session, stator::NewSession(program));
//   STATOR_RETURN_IF_ERROR(session->Run({{"x", x}}, {"y"}, {}, &outputs));

#include <memory>

#include "absl/status/statusor.h"
#include "graph/op_schema.h"
#include "graph/scope.h"
#include "proto/graph.pb.h"
#include "runtime/session/session.h"

namespace stator {

// Every op of the library, for the life of the process. Thread-safe.
const graph::OpSchemas& Ops();

// An empty program of those ops. Each node is checked when it is added: a mistake in types or sizes
// names the line that made it, and layers know the sizes of what they are given.
graph::Scope NewProgram();

// The compiler of such programs, for sessions and tools that are made by hand.
const runtime::CompilerFactory& ProgramCompiler();

// A session with the compiler for this machine; `options` need neither schemas nor compiler.
// The program as it is now (later nodes are not in it), or its first error.
absl::StatusOr<std::unique_ptr<runtime::Session>> NewSession(const graph::Scope& program,
                                                             runtime::SessionOptions options = {});
absl::StatusOr<std::unique_ptr<runtime::Session>> NewSession(GraphDef graph,
                                                             runtime::SessionOptions options = {});

}  // namespace stator

#endif  // STATOR_STATOR_H_
