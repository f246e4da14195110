#ifndef STATOR_COMPILER_BUNDLE_H_
#define STATOR_COMPILER_BUNDLE_H_

// From a graph to what a bundle holds: several entry points, compiled for several targets, over one set of variables.

#include <map>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "compiler/node_problem.h"
#include "compiler/import/op_set.h"
#include "executable/compile.h"
#include "executable/image_model.h"
#include "graph/graph.h"
#include "graph/tensor_proto.h"

namespace stator::compiler {

// One entry point. Its feeds and fetches are named after the request's tensors, or, where these have as many elements,
// after `feed_names` and `fetch_names` (a signature's keys).
struct BundleEntry {
  std::string name;
  executable::CompileRequest request;
  std::vector<std::string> feed_names;
  std::vector<std::string> fetch_names;
};

struct BundleOptions {
  std::vector<std::string> targets = {"x86-64-v4", "x86-64-v3"};  // as CpuTarget::FromName; best first
  // What variables hold at the start, by name. Variables without a value start uninitialized.
  std::map<std::string, graph::DenseTensor> values;
  // Large floating-point constants become variables, so that whoever loads the bundle may replace them.
  bool replaceable_weights = true;
  // Weights lie in the bundle as contraction kernels read them; callers see them row by row all the same. For programs
  // that hand kernels their weights' memory themselves: false.
  bool pack_weights = true;
  // Leaves out what only people read: names of nodes, source lines, reasons.
  bool strip = false;
  int num_threads = 0;  // of the compiler; 0: as many as the machine gives
};

// One model per target, in the order of the targets, for executable::Serialize. Entry points share constants, code and
// variables. The same graph and options give the same models, for any number of threads. Errors name the entry point.
absl::StatusOr<std::vector<executable::ImageModel>> CompileBundle(const graph::Graph& graph, const OpSet& ops,
                                                                  const std::vector<BundleEntry>& entries,
                                                                  const BundleOptions& options);

// Every node of the entry point that cannot be compiled: those that cannot be imported (FindImportProblems), then what
// code generation and planning refuse of all that does not depend on them. Each node once.
std::vector<NodeProblem> FindProblems(const graph::Graph& graph, const OpSet& ops, const BundleEntry& entry,
                                      const BundleOptions& options);

}  // namespace stator::compiler

#endif  // STATOR_COMPILER_BUNDLE_H_
