#include "tests/ops/op_coverage.h"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <utility>

#include "absl/strings/str_cat.h"
#include "compiler/import/importer.h"
#include "compiler/pipeline.h"
#include "graph/graph.h"
#include "graph/status_macros.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "tests/ops/op_sample.h"
#include "tests/ops/run_program.h"

namespace stator::ops {
namespace {

using executable::DType;
using runtime::Tensor;

bool IsNan(const Tensor& tensor, int64_t i) {
  switch (tensor.dtype()) {
    case DType::kFloat32:
      return std::isnan(tensor.data<float>()[i]);
    case DType::kFloat64:
      return std::isnan(tensor.data<double>()[i]);
    case DType::kFloat16:
      return (tensor.data<uint16_t>()[i] & 0x7FFF) > 0x7C00;
    case DType::kBFloat16:
      return (tensor.data<uint16_t>()[i] & 0x7FFF) > 0x7F80;
    default:
      return false;
  }
}

std::string Hex(const char* bytes, int64_t size) {
  std::string text;
  for (int64_t i = size - 1; i >= 0; --i) {
    absl::StrAppend(&text, absl::Hex(static_cast<uint8_t>(bytes[i]), absl::kZeroPad2));
  }
  return text;
}

// Where two lists of tensors differ in bits; which NaN it is does not count.
std::string Difference(const std::vector<Tensor>& expected, const std::vector<Tensor>& found) {
  for (size_t t = 0; t < expected.size(); ++t) {
    const Tensor &a = expected[t], &b = found[t];
    if (a.TypeToString() != b.TypeToString()) {
      return absl::StrCat("result ", t, ": ", b.TypeToString(), " instead of ", a.TypeToString());
    }
    const int64_t size = executable::DTypeSize(a.dtype());
    for (int64_t i = 0; i < a.num_elements(); ++i) {
      const char *x = a.data<char>() + i * size, *y = b.data<char>() + i * size;
      if (std::memcmp(x, y, static_cast<size_t>(size)) == 0) continue;
      if (IsNan(a, i) && IsNan(b, i)) continue;
      return absl::StrCat("result ", t, ", element ", i, ": bits ", Hex(y, size), " instead of ",
                          Hex(x, size));
    }
  }
  return "";
}

TypeCoverage Try(const OpDef& op, DataType type, const compiler::OpSet& ops) {
  TypeCoverage coverage;
  coverage.type = type;
  coverage.interpreted = coverage.compiled = absl::UnknownError("not tried");
  absl::StatusOr<OpSample> sample = MakeSample(op, type);
  if (!sample.ok()) return coverage.expands = sample.status(), coverage;
  absl::StatusOr<graph::Graph> graph = graph::Graph::FromGraphDef(sample->program.graph, &ops);
  if (!graph.ok()) return coverage.expands = graph.status(), coverage;
  mlir::MLIRContext context(mlir::MLIRContext::Threading::DISABLED);
  auto module =
      compiler::ImportGraph(*graph, ops, RequestFor(sample->program), kProgramSeed, &context);
  if (!module.ok()) return coverage.expands = module.status(), coverage;
  const absl::StatusOr<std::vector<Tensor>> expected = Interpret(**module, sample->program);
  coverage.interpreted = expected.status();
  const absl::StatusOr<std::vector<Tensor>> found = CompileAndRun(*graph, ops, sample->program);
  coverage.compiled = found.status();
  if (expected.ok() && found.ok()) coverage.difference = Difference(*expected, *found);
  return coverage;
}

// Gradients --------------------------------------------------------------------------------------

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
  *sample->program.graph.add_node() = node;
  return true;
}

absl::Status Differentiate(const graph::Graph& graph, const compiler::OpSet& ops,
                           const OpSample& sample) {
  mlir::MLIRContext context(mlir::MLIRContext::Threading::DISABLED);
  STATOR_ASSIGN_OR_RETURN(
      mlir::OwningOpRef<mlir::ModuleOp> module,
      compiler::ImportGraph(graph, ops, RequestFor(sample.program), kProgramSeed, &context));
  for (const compiler::Stage& stage : compiler::CoreStages({})) {
    STATOR_RETURN_IF_ERROR(stage.run(*module));
    if (stage.name == "differentiate") break;
  }
  return absl::OkStatus();
}

void TryGradient(const OpDef& op, const compiler::OpSet& ops, OpCoverage* coverage) {
  const std::vector<DataType> types = SampleTypes(op);
  if (std::find(types.begin(), types.end(), DT_FLOAT) == types.end()) return;
  absl::StatusOr<OpSample> sample = MakeSample(op, DT_FLOAT);
  if (!sample.ok()) return;
  auto graph = graph::Graph::FromGraphDef(sample->program.graph, &ops);
  if (!graph.ok() || !AddGradients(*graph, &*sample)) return;
  graph = graph::Graph::FromGraphDef(sample->program.graph, &ops);
  const absl::Status status = graph.ok() ? Differentiate(*graph, ops, *sample) : graph.status();
  coverage->gradient = status.ok() ? Gradient::kDerived : Gradient::kMissing;
  coverage->gradient_error = std::string(status.message());
}

}  // namespace

OpCoverage CoverageOf(const OpDef& op, const compiler::OpSet& ops) {
  OpCoverage coverage;
  coverage.op = &op;
  for (DataType type : SampleTypes(op)) coverage.types.push_back(Try(op, type, ops));
  TryGradient(op, ops, &coverage);
  return coverage;
}

std::vector<OpCoverage> AllCoverage(const compiler::OpSet& ops) {
  std::vector<OpCoverage> all;
  for (const OpDef* op : ops.List()) all.push_back(CoverageOf(*op, ops));
  return all;
}

}  // namespace stator::ops
