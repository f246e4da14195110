// A compiler for tests of the session: it knows a handful of requests and answers each with an
// image built by hand.
#ifndef STATOR_RUNTIME_SESSION_FAKE_COMPILER_H_
#define STATOR_RUNTIME_SESSION_FAKE_COMPILER_H_

#include <memory>
#include <string>
#include <vector>

#include "executable/compile.h"
#include "graph/op_schema.h"
#include "proto/graph.pb.h"
#include "runtime/session/session.h"

namespace stator::runtime {

// What the compilers of one test were asked.
struct FakeCompilerLog {
  std::vector<executable::CompileRequest> requests;
  std::vector<int> graph_nodes;  // nodes in the graph at each request
  int64_t seed = 0;
};

// FakeGraph's placeholders x, y, g (float vectors of unknown size) and the nodes
//   sum = (x + y) * 3   guarded by equal sizes; where y has one element the answer is x * 5
//   train               w += g; the value after it is train:0
//   set                 w = g
//   slow                runs until it is cancelled
//   chain               x through 50 small kernels
// Any other fetch is Unimplemented.
GraphDef FakeGraph();
const graph::OpSchemas* FakeSchemas();

// Options whose compilers write to `log`, which outlives the session. May be null.
SessionOptions FakeOptions(FakeCompilerLog* log);

}  // namespace stator::runtime

#endif  // STATOR_RUNTIME_SESSION_FAKE_COMPILER_H_
