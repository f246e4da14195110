// Small graphs with the results that TensorFlow recorded, run by the interpreter and by generated
// code; as they are, and with their constants fed, so that folding cannot answer.

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_replace.h"
#include "graph/graph.h"
#include "graph/tensor_proto.h"
#include "ops/register_all.h"
#include "proto/serialize.h"
#include "tests/program/graph_program.h"

namespace stator::tests {
namespace {

namespace fs = std::filesystem;

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

Tensor ToTensor(const graph::DenseTensor& dense) {
  return compiler::reference::MakeTensor(static_cast<DType>(dense.dtype), dense.shape,
                                         dense.bytes.data());
}

// The case as a run: its expected results by the position of the fetch.
struct Run {
  GraphProgram program;
  RunInput input;
  std::vector<Recorded> expected;
};

Run MakeRun(const Case& one, const graph::Graph& graph, bool feed_constants) {
  Run run;
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
      const Recorded fed = ReadRecorded((one.folder / file).string() + ".placeholder");
      run.input.feeds.push_back(
          MakeNumbers(static_cast<DType>(node->output_types()[0]), fed.dims, fed.values));
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
    run.input.feeds.push_back(ToTensor(*dense));
  }
  return run;
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
    const double want = expected.values[i], have = Number(found, i);
    ASSERT_LE(std::abs(have - want), Tolerance(found.dtype(), want)) << "element " << i;
  }
}

// Counts by outcome, and why the others do not run.
struct Outcomes {
  int right = 0;
  std::map<std::string, std::vector<std::string>> not_yet;
};

void Judge(const char* how, const Outcome& outcome, const Run& run, const std::string& name,
           Outcomes* outcomes) {
  SCOPED_TRACE(how);
  if (absl::IsUnimplemented(outcome.status)) {
    outcomes->not_yet[std::string(outcome.status.message())].push_back(name);
    return;
  }
  ASSERT_TRUE(outcome.status.ok()) << outcome.status;
  for (size_t i = 0; i < outcome.fetches.size(); ++i) {
    ExpectRecorded(run.expected[i], outcome.fetches[i]);
  }
  ++outcomes->right;
}

void TryCase(const Case& one, bool feed_constants, Outcomes* interpreted, Outcomes* compiled) {
  SCOPED_TRACE(absl::StrCat(one.name, feed_constants ? ", constants fed" : ""));
  for (const NodeDef& node : one.graph.node()) {
    if (ops::AllOps().FindOp(node.op()) == nullptr) return;  // counted by the caller
  }
  auto graph = graph::Graph::FromGraphDef(one.graph, &ops::AllOps());
  ASSERT_TRUE(graph.ok()) << graph.status();
  const Run run = MakeRun(one, *graph, feed_constants);
  const Program program = MakeProgram(std::make_shared<const graph::Graph>(*std::move(graph)),
                                      run.program, {run.input});
  mlir::MLIRContext context(mlir::MLIRContext::Threading::DISABLED);
  auto module = program.make(context, nullptr);
  ASSERT_TRUE(module.ok()) << module.status();
  Judge("interpreted", Interpret(**module, run.input), run, one.name, interpreted);
  Judge("compiled", CompileAndExecute(**module, run.input), run, one.name, compiled);
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
    for (const std::string& op : ops) missing[op] += ops::AllOps().FindOp(op) == nullptr;
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
}  // namespace stator::tests
