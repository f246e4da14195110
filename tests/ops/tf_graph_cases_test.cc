// Small graphs with the results that TensorFlow recorded, run by the interpreter and by generated
// code; as they are, and with their constants fed, so that folding cannot answer.

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_replace.h"
#include "compiler/import/importer.h"
#include "graph/graph.h"
#include "graph/status_macros.h"
#include "graph/tensor_proto.h"
#include "ops/register_all.h"
#include "proto/serialize.h"
#include "tests/ops/program.h"
#include "tests/ops/run_program.h"

namespace stator::ops {
namespace {

namespace fs = std::filesystem;
using executable::DType;
using runtime::Tensor;

struct Recorded {
  std::vector<int64_t> dims;
  std::vector<double> values;  // none: only dims were recorded
};

std::vector<double> ReadNumbers(const fs::path& path) {
  std::vector<double> numbers;
  std::ifstream file(path);
  for (std::string line; std::getline(file, line);) {
    double number = line == "True" ? 1 : 0;
    if (!line.empty() && line != "True" && line != "False") {
      EXPECT_TRUE(absl::SimpleAtod(line, &number)) << path << ": " << line;
    }
    if (!line.empty()) numbers.push_back(number);
  }
  return numbers;
}

Recorded ReadRecorded(const std::string& base) {
  Recorded recorded;
  recorded.values = ReadNumbers(base + ".csv");
  for (double size : ReadNumbers(base + ".shape"))
    recorded.dims.push_back(static_cast<int64_t>(size));
  // A scalar's file says 0.
  if (recorded.dims == std::vector<int64_t>{0} && recorded.values.size() == 1)
    recorded.dims.clear();
  return recorded;
}

// "a____b.1" names output 1 of a/b; without a number, output 0.
std::string TensorName(const std::string& file, const graph::Graph& graph) {
  const std::string name = absl::StrReplaceAll(file, {{"____", "/"}});
  if (graph.FindNode(name) != nullptr) return name + ":0";
  const size_t dot = name.rfind('.');
  return dot == std::string::npos ? name + ":0" : name.substr(0, dot) + ":" + name.substr(dot + 1);
}

struct Case {
  std::string name;
  fs::path folder;
  GraphDef graph;
};

std::vector<Case> AllCases() {
  std::vector<Case> cases;
  const char* data = std::getenv("STATOR_TEST_DATA");
  if (data == nullptr) return cases;
  const fs::path root = fs::path(data) / "tf_graph_cases";
  if (!fs::exists(root)) return cases;
  std::set<fs::path> files;
  for (const auto& entry : fs::recursive_directory_iterator(root)) {
    if (entry.path().filename() == "frozen_model.pb") files.insert(entry.path());
  }
  for (const fs::path& file : files) {
    Case one{fs::relative(file.parent_path(), root).string(), file.parent_path(), {}};
    EXPECT_TRUE(ParseFile(file, {}, &one.graph).ok()) << file;
    cases.push_back(std::move(one));
  }
  return cases;
}

const compiler::OpSet& Ops() {
  static const auto* const ops = [] {
    auto* made = new compiler::OpSet;
    RegisterAll(*made);
    return made;
  }();
  return *ops;
}

Tensor ToTensor(const graph::DenseTensor& dense) {
  auto tensor = Tensor::FromBytes(static_cast<DType>(dense.dtype), dense.shape, dense.bytes.data(),
                                  static_cast<int64_t>(dense.bytes.size()));
  return tensor.ok() ? std::move(tensor).value() : Tensor();
}

Tensor ToTensor(const Recorded& recorded, DataType dtype) {
  const std::vector<double>& values = recorded.values;
  switch (dtype) {
    case DT_DOUBLE:
      return Tensor::Of<double>(recorded.dims, values);
    case DT_INT32:
      return Tensor::Of<int32_t>(recorded.dims, {values.begin(), values.end()});
    default:
      return Tensor::Of<float>(recorded.dims, {values.begin(), values.end()});
  }
}

// The case as a run: its expected results by the position of the fetch.
struct Run {
  Program program;
  std::vector<Recorded> expected;
};

Run MakeRun(const Case& one, const graph::Graph& graph, bool feed_constants) {
  Run run;
  run.program.graph = one.graph;
  for (const auto& entry : fs::recursive_directory_iterator(one.folder)) {
    std::string file = fs::relative(entry.path(), one.folder).string();
    const auto drop = [&](const std::string& suffix) {
      if (!absl::EndsWith(file, suffix)) return false;
      file.resize(file.size() - suffix.size());
      return true;
    };
    if (drop(".prediction.csv")) {
      run.program.fetches.push_back(TensorName(file, graph));
      run.expected.push_back(ReadRecorded((one.folder / file).string() + ".prediction"));
    } else if (drop(".placeholder.csv")) {
      const std::string tensor = TensorName(file, graph);
      const graph::Node* node = graph.FindNode(tensor.substr(0, tensor.rfind(':')));
      if (node == nullptr) continue;
      run.program.feeds.push_back(tensor);
      run.program.values.push_back(ToTensor(
          ReadRecorded((one.folder / file).string() + ".placeholder"), node->output_types()[0]));
    }
  }
  for (const NodeDef& node : one.graph.node()) {
    if (!feed_constants || node.op() != "Const") continue;
    const DataType dtype = node.attr().at("dtype").type();
    if (dtype != DT_FLOAT && dtype != DT_DOUBLE && dtype != DT_HALF && dtype != DT_BFLOAT16)
      continue;
    const auto dense = graph::DecodeTensor(node.attr().at("value").tensor());
    if (!dense.ok() || dense->num_elements() < 2) continue;
    const auto& fetches = run.program.fetches;
    if (std::find(fetches.begin(), fetches.end(), node.name() + ":0") != fetches.end()) continue;
    run.program.feeds.push_back(node.name() + ":0");
    run.program.values.push_back(ToTensor(*dense));
  }
  return run;
}

double Half(uint16_t bits) {
  const int exponent = bits >> 10 & 31;
  const double fraction = (bits & 0x3FF) / 1024.0;
  double value =
      exponent == 0 ? std::ldexp(fraction, -14) : std::ldexp(1 + fraction, exponent - 15);
  if (exponent == 31) value = fraction == 0 ? INFINITY : NAN;
  return (bits & 0x8000) != 0 ? -value : value;
}

double Element(const Tensor& tensor, int64_t i) {
  switch (tensor.dtype()) {
    case DType::kFloat32:
      return tensor.data<float>()[i];
    case DType::kFloat64:
      return tensor.data<double>()[i];
    case DType::kFloat16:
      return Half(tensor.data<uint16_t>()[i]);
    case DType::kBFloat16: {
      const uint32_t bits = static_cast<uint32_t>(tensor.data<uint16_t>()[i]) << 16;
      float value;
      std::memcpy(&value, &bits, sizeof(value));
      return value;
    }
    case DType::kInt8:
      return tensor.data<int8_t>()[i];
    case DType::kInt16:
      return tensor.data<int16_t>()[i];
    case DType::kInt32:
      return tensor.data<int32_t>()[i];
    case DType::kInt64:
      return static_cast<double>(tensor.data<int64_t>()[i]);
    case DType::kUInt16:
      return tensor.data<uint16_t>()[i];
    case DType::kUInt32:
      return tensor.data<uint32_t>()[i];
    case DType::kUInt64:
      return static_cast<double>(tensor.data<uint64_t>()[i]);
    default:
      return tensor.data<uint8_t>()[i];
  }
}

// Values were recorded with eight decimals.
double Tolerance(DType dtype, double expected) {
  if (dtype == DType::kFloat16 || dtype == DType::kBFloat16)
    return 1e-2 + 1e-2 * std::abs(expected);
  const bool is_float = dtype == DType::kFloat32 || dtype == DType::kFloat64;
  return is_float ? 1e-5 + 1e-4 * std::abs(expected) : 0;
}

void ExpectRecorded(const Recorded& expected, const Tensor& found) {
  EXPECT_EQ(found.dims(), expected.dims);
  if (expected.values.empty() || found.dims() != expected.dims) return;
  for (int64_t i = 0; i < found.num_elements(); ++i) {
    const double want = expected.values[i], have = Element(found, i);
    ASSERT_LE(std::abs(have - want), Tolerance(found.dtype(), want)) << "element " << i;
  }
}

// Counts by outcome, and why the others do not run.
struct Outcomes {
  int right = 0;
  std::map<std::string, std::vector<std::string>> not_yet;
};

void Judge(const char* how, const absl::StatusOr<std::vector<Tensor>>& results, const Run& run,
           const std::string& name, Outcomes* outcomes) {
  SCOPED_TRACE(how);
  if (absl::IsUnimplemented(results.status())) {
    outcomes->not_yet[std::string(results.status().message())].push_back(name);
    return;
  }
  ASSERT_TRUE(results.ok()) << results.status();
  for (size_t i = 0; i < results->size(); ++i) ExpectRecorded(run.expected[i], (*results)[i]);
  ++outcomes->right;
}

void TryCase(const Case& one, bool feed_constants, Outcomes* interpreted, Outcomes* compiled) {
  SCOPED_TRACE(absl::StrCat(one.name, feed_constants ? ", constants fed" : ""));
  for (const NodeDef& node : one.graph.node()) {
    if (Ops().FindOp(node.op()) == nullptr) return;  // counted by the caller
  }
  absl::StatusOr<graph::Graph> graph = graph::Graph::FromGraphDef(one.graph, &Ops());
  ASSERT_TRUE(graph.ok()) << graph.status();
  const Run run = MakeRun(one, *graph, feed_constants);
  mlir::MLIRContext context(mlir::MLIRContext::Threading::DISABLED);
  auto module =
      compiler::ImportGraph(*graph, Ops(), RequestFor(run.program), kProgramSeed, &context);
  ASSERT_TRUE(module.ok()) << module.status();
  Judge("interpreted", Interpret(**module, run.program), run, one.name, interpreted);
  Judge("compiled", CompileAndRun(*graph, Ops(), run.program), run, one.name, compiled);
}

void Print(const char* how, const Outcomes& outcomes) {
  std::cout << how << ": " << outcomes.right << " right\n";
  for (const auto& [reason, cases] : outcomes.not_yet) {
    std::cout << "  not yet: " << reason << " (" << absl::StrJoin(cases, ", ") << ")\n";
  }
}

TEST(TfGraphCasesTest, ResultsAreTensorFlows) {
  const std::vector<Case> cases = AllCases();
  if (cases.empty()) GTEST_SKIP() << "STATOR_TEST_DATA has no tf_graph_cases";
  std::map<std::string, int> missing;
  for (const Case& one : cases) {
    std::set<std::string> ops;
    for (const NodeDef& node : one.graph.node()) ops.insert(node.op());
    for (const std::string& op : ops) missing[op] += Ops().FindOp(op) == nullptr;
  }
  std::cout << "cases that use an op that is not supported:";
  for (const auto& [op, count] : missing) {
    if (count > 0) std::cout << " " << op << " " << count;
  }
  std::cout << "\n";
  Outcomes interpreted, compiled;
  for (const Case& one : cases) {
    TryCase(one, /*feed_constants=*/false, &interpreted, &compiled);
    TryCase(one, /*feed_constants=*/true, &interpreted, &compiled);
  }
  Print("interpreted", interpreted);
  Print("compiled", compiled);
}

}  // namespace
}  // namespace stator::ops
