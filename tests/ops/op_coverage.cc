#include "tests/ops/op_coverage.h"

#include <algorithm>
#include <memory>
#include <utility>

#include "absl/strings/str_cat.h"
#include "graph/graph.h"
#include "graph/status_macros.h"
#include "ops/register_all.h"
#include "tests/ops/op_sample.h"
#include "tests/program/graph_program.h"

namespace stator::tests {
namespace {

using GraphPtr = std::shared_ptr<const graph::Graph>;

absl::StatusOr<GraphPtr> MakeGraph(const GraphDef& def) {
  STATOR_ASSIGN_OR_RETURN(graph::Graph graph, graph::Graph::FromGraphDef(def, &ops::AllOps()));
  return std::make_shared<const graph::Graph>(std::move(graph));
}

TypeCoverage Try(const OpDef& op, DataType type) {
  TypeCoverage coverage;
  coverage.type = type;
  coverage.interpreted = coverage.compiled = absl::UnknownError("not tried");
  absl::StatusOr<OpSample> sample = MakeSample(op, type);
  if (!sample.ok()) return coverage.expands = sample.status(), coverage;
  absl::StatusOr<GraphPtr> graph = MakeGraph(sample->graph);
  if (!graph.ok()) return coverage.expands = graph.status(), coverage;
  mlir::MLIRContext context(mlir::MLIRContext::Threading::DISABLED);
  auto module = MakeProgram(*graph, sample->program, {sample->run}).make(context, nullptr);
  if (!module.ok()) return coverage.expands = module.status(), coverage;
  const Outcome expected = Interpret(**module, sample->run);
  coverage.interpreted = expected.status;
  const Outcome found = CompileAndExecute(**module, sample->run);
  coverage.compiled = found.status;
  if (expected.status.ok() && found.status.ok()) coverage.difference = Difference(expected, found);
  return coverage;
}

// Adds the gradients of every floating output with respect to every floating feed. False if there
// are none of one or the other.
bool AddGradients(const graph::Graph& graph, OpSample* sample) {
  const graph::Node* op = graph.FindNode("op");
  NodeDef node;
  node.set_name("gradients");
  node.set_op("Gradients");
  auto& attrs = *node.mutable_attr();
  attrs["Tgrad_y"].mutable_list();
  for (int i = 0; op != nullptr && i < op->num_outputs(); ++i) {
    if (op->output_types()[i] != DT_FLOAT) continue;
    node.add_input(absl::StrCat("op:", i));
    attrs["Ty"].mutable_list()->add_type(DT_FLOAT);
  }
  if (node.input_size() == 0 || sample->floats.empty()) return false;
  sample->program.fetches.clear();
  for (const std::string& feed : sample->floats) {
    node.add_input(feed);
    attrs["Tx"].mutable_list()->add_type(DT_FLOAT);
    sample->program.fetches.push_back(absl::StrCat("gradients:", sample->program.fetches.size()));
  }
  *sample->graph.add_node() = node;
  return true;
}

absl::Status TryDifferentiate(const OpSample& sample) {
  STATOR_ASSIGN_OR_RETURN(const GraphPtr graph, MakeGraph(sample.graph));
  mlir::MLIRContext context(mlir::MLIRContext::Threading::DISABLED);
  STATOR_ASSIGN_OR_RETURN(auto module,
                          MakeProgram(graph, sample.program, {sample.run}).make(context, nullptr));
  return Differentiate(*module);
}

void TryGradient(const OpDef& op, OpCoverage* coverage) {
  const std::vector<DataType> types = SampleTypes(op);
  if (std::find(types.begin(), types.end(), DT_FLOAT) == types.end()) return;
  absl::StatusOr<OpSample> sample = MakeSample(op, DT_FLOAT);
  if (!sample.ok()) return;
  const absl::StatusOr<GraphPtr> graph = MakeGraph(sample->graph);
  if (!graph.ok() || !AddGradients(**graph, &*sample)) return;
  const absl::Status status = TryDifferentiate(*sample);
  coverage->gradient = status.ok() ? Gradient::kDerived : Gradient::kMissing;
  coverage->gradient_error = std::string(status.message());
}

}  // namespace

OpCoverage CoverageOf(const OpDef& op) {
  OpCoverage coverage;
  coverage.op = &op;
  for (DataType type : SampleTypes(op)) coverage.types.push_back(Try(op, type));
  TryGradient(op, &coverage);
  return coverage;
}

std::vector<OpCoverage> AllCoverage() {
  std::vector<OpCoverage> all;
  for (const OpDef* op : ops::AllOps().List()) all.push_back(CoverageOf(*op));
  return all;
}

}  // namespace stator::tests
