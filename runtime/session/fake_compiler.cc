#include "runtime/session/fake_compiler.h"

#include <cstdlib>

#include "runtime/core/test_program.h"

namespace stator::runtime {
namespace {

using executable::Access;
using executable::BufferKind;
using executable::SymbolLife;

void Sum(TestProgram* t, bool y_is_one) {
  const int32_t n = t->AddSymbol("size of x", SymbolLife::kInput);
  const int32_t m = y_is_one ? t->exprs.Const(1) : t->AddSymbol("size of y", SymbolLife::kInput);
  const int32_t x = t->Vector("x", BufferKind::kInput, n, 0, 1);
  const int32_t y = t->Vector("y", BufferKind::kInput, m, 0, 1);
  const int32_t sum = t->Vector("sum", BufferKind::kArena, n, 0, 1);
  const int32_t out = t->Vector("out", BufferKind::kOutput, n, 0, 1);
  const int32_t add =
      t->AddKernel({"add"}, {{Access::kRead}, {Access::kRead}, {Access::kWrite}}, 1);
  const int32_t scale = t->AddKernel({"scale"}, {{Access::kRead}, {Access::kWrite, 0}}, 2);
  const int32_t main = t->Block("main");
  t->model.nodes.push_back({"sum", "Sum", "model.cc", 7});
  executable::LaunchKernel first = y_is_one ? t->Launch(scale, {x, sum}, {n, t->exprs.Const(5)})
                                            : t->Launch(add, {x, y, sum}, {n});
  first.report.source_nodes = {0};
  first.report.why = "a \"test\"";
  t->Add(main, 0, first, 0);
  t->Add(main, 1, t->Launch(scale, {sum, out}, {n, t->exprs.Const(y_is_one ? 1 : 3)}), 0);
  t->Entry(main);
  t->AddFeed("x:0", x);
  t->AddFeed("y:0", y);
  t->AddFetch("sum:0", out);
  if (y_is_one) return;
  t->model.entry_points[0].guards.push_back(
      {n, m, executable::Relation::kEqual, "size of x must equal size of y", executable::kNone});
}

// w += g, or w = g.
void Train(TestProgram* t, bool set, bool fetch) {
  const int32_t n = t->AddSymbol("size of w", SymbolLife::kInput);
  const int32_t g = t->Vector("g", BufferKind::kInput, n, 0, 9);
  const int32_t write = t->Vector("w/write", BufferKind::kVariableWrite, n, 0, 9);
  int32_t read = executable::kNone;
  const int32_t main = t->Block("main");
  t->model.nodes.push_back({"train", "Train", "", 0});
  if (set) {
    t->Add(main, 0, executable::Copy{g, write}, 0);
  } else {
    read = t->Vector("w/read", BufferKind::kVariableRead, n, 0, 9);
    const int32_t add =
        t->AddKernel({"add"}, {{Access::kRead}, {Access::kRead}, {Access::kWrite, 0}}, 1);
    t->Add(main, 0, t->Launch(add, {read, g, write}, {n}), 0);
  }
  const int32_t out = fetch ? t->Vector("out", BufferKind::kOutput, n, 0, 9) : executable::kNone;
  if (fetch) t->Add(main, 1, executable::Copy{write, out});
  t->Entry(main);
  t->AddFeed("g:0", g);
  if (fetch) t->AddFetch("train:0", out);
  executable::Variable w;
  w.name = "w";
  w.dtype = DType::kFloat32;
  if (!set) w.read_dims = {n};
  w.write_dims = {n};
  w.read_buffer = read;
  w.write_buffer = write;
  w.in_place = !set;
  w.source_node = 0;
  t->model.entry_points[0].variables.push_back(w);
}

void Slow(TestProgram* t) {
  const int32_t out = t->Buffer("out", BufferKind::kOutput, 8, 0, 9, DType::kInt64);
  const int32_t slow = t->AddKernel({"slow"}, {{Access::kWrite}}, 1, true);
  const int32_t main = t->Block("main");
  t->Add(main, 0, t->Launch(slow, {out}, {t->exprs.Const(INT64_MAX)}));
  t->Entry(main);
  t->AddFetch("slow:0", out);
}

void Chain(TestProgram* t) {
  constexpr int kSteps = 50;
  const int32_t n = t->AddSymbol("n", SymbolLife::kInput);
  const int32_t x = t->Vector("x", BufferKind::kInput, n, 0, kSteps);
  const int32_t scale = t->AddKernel({"scale"}, {{Access::kRead}, {Access::kWrite, 0}}, 2);
  const int32_t main = t->Block("main");
  int32_t last = x;
  for (int i = 0; i < kSteps; ++i) {
    const bool end = i + 1 == kSteps;
    const int32_t next =
        t->Vector("v", end ? BufferKind::kOutput : BufferKind::kArena, n, i, end ? i : i + 1);
    if (i > 0 && !end) t->model.buffers[next].in_place_of = last;
    t->Add(main, i, t->Launch(scale, {last, next}, {n, t->exprs.Const(1)}));
    last = next;
  }
  t->Entry(main);
  t->AddFeed("x:0", x);
  t->AddFetch("chain:0", last);
}

class FakeCompiler : public executable::Compiler {
 public:
  FakeCompiler(const graph::Graph* graph, FakeCompilerLog* log) : graph_(graph), log_(log) {}

  Result<executable::CompiledImage> Compile(const executable::CompileRequest& request) override {
    if (log_ != nullptr) {
      log_->requests.push_back(request);
      log_->graph_nodes.push_back(graph_->num_nodes());
    }
    const std::string fetch = request.fetches.empty() ? "" : request.fetches[0];
    const std::string target = request.targets.empty() ? "" : request.targets[0];
    TestProgram t;
    if (fetch == "sum:0") {
      Sum(&t, !request.facts.empty());
    } else if (fetch == "train:0" || target == "train") {
      Train(&t, /*set=*/false, !fetch.empty());
    } else if (target == "set") {
      Train(&t, /*set=*/true, /*fetch=*/false);
    } else if (fetch == "slow:0") {
      Slow(&t);
    } else if (fetch == "chain:0") {
      Chain(&t);
    } else {
      return executable::Unimplemented("node " + fetch + ": the fake compiler does not know it");
    }
    executable::CompiledImage image;
    image.bytes = executable::Serialize(t.model);
    image.stage_ns = {{"fake", 1}};
    return image;
  }

 private:
  const graph::Graph* const graph_;
  FakeCompilerLog* const log_;
};

void MustBeOk(const absl::Status& status) {
  if (!status.ok()) std::abort();
}

NodeDef* AddNode(GraphDef* graph, const std::string& name, const std::string& op,
                 const std::vector<std::string>& inputs) {
  NodeDef* node = graph->add_node();
  node->set_name(name);
  node->set_op(op);
  for (const std::string& input : inputs) node->add_input(input);
  return node;
}

}  // namespace

const graph::OpSchemas* FakeSchemas() {
  static const graph::OpSchemas* const schemas = [] {
    auto* table = new graph::OpSchemaTable;
    const auto add = [&](const char* name, const std::vector<std::string>& inputs, bool output) {
      graph::OpSchemaBuilder builder(name);
      for (const std::string& input : inputs) builder.Input(input);
      if (output) builder.Output("out: float");
      MustBeOk(table->Add(*builder.Build()));
    };
    add("Feed", {}, true);
    add("Sum", {"x: float", "y: float"}, true);
    add("Train", {"g: float"}, true);
    add("Set", {"g: float"}, false);
    add("Slow", {}, true);
    add("Chain", {"x: float"}, true);
    return table;
  }();
  return schemas;
}

GraphDef FakeGraph() {
  GraphDef graph;
  for (const char* name : {"x", "y", "g"}) AddNode(&graph, name, "Feed", {});
  AddNode(&graph, "sum", "Sum", {"x", "y"});
  AddNode(&graph, "train", "Train", {"g"});
  AddNode(&graph, "set", "Set", {"g"});
  AddNode(&graph, "slow", "Slow", {});
  AddNode(&graph, "chain", "Chain", {"x"});
  return graph;
}

SessionOptions FakeOptions(FakeCompilerLog* log) {
  SessionOptions options;
  options.schemas = FakeSchemas();
  options.compiler = [log](const graph::Graph* graph,
                           int64_t seed) -> absl::StatusOr<std::unique_ptr<executable::Compiler>> {
    if (log != nullptr) log->seed = seed;
    return std::make_unique<FakeCompiler>(graph, log);
  };
  options.check_plans = true;
  return options;
}

}  // namespace stator::runtime
