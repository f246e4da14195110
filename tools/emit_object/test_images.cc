#include "tools/emit_object/test_images.h"

namespace stator::tools {
namespace {

using executable::Access;
using executable::BufferKind;
using executable::Copy;
using executable::DType;
using executable::kNone;
using executable::SymbolLife;
using runtime::TestProgram;

const std::vector<executable::KernelArgument> kUnary = {{Access::kRead}, {Access::kWrite}};
const std::vector<executable::KernelArgument> kUnaryInPlace = {{Access::kRead},
                                                               {Access::kWrite, 0}};
const std::vector<executable::KernelArgument> kBinary = {
    {Access::kRead}, {Access::kRead}, {Access::kWrite, 0}};

}  // namespace

TestImagePtr Chain() {
  auto t = std::make_unique<TestProgram>();
  const int32_t n = t->AddSymbol("batch", SymbolLife::kInput);
  const int32_t m = t->AddSymbol("batch of y", SymbolLife::kInput);
  const int32_t x = t->Vector("x", BufferKind::kInput, n, 0, 1);
  const int32_t y = t->Vector("y", BufferKind::kInput, m, 0, 1);
  const int32_t sum = t->Vector("sum", BufferKind::kArena, n, 0, 1);
  const int32_t out = t->Vector("out", BufferKind::kOutput, n, 1, 2);
  const int32_t half =
      t->Vector("half", BufferKind::kArena, t->exprs.CeilDiv(n, t->exprs.Const(2)), 2, 3);
  const int32_t tail =
      t->Vector("tail", BufferKind::kOutput, t->exprs.CeilDiv(n, t->exprs.Const(2)), 3, 3);
  const int32_t add = t->AddKernel({"add"}, kBinary, 1);
  const int32_t scale = t->AddKernel({"scale"}, kUnaryInPlace, 2);
  const int32_t main = t->Block("main");
  t->model.nodes.push_back({"sum_node", "AddV2", "model.cc", 7});
  t->model.producer = "stator test";
  t->Add(main, 0, t->Launch(add, {x, y, sum}, {n}), 0);
  t->Add(main, 1, t->Launch(scale, {sum, out}, {n, t->exprs.Const(3)}), 0);
  const int32_t part = t->exprs.CeilDiv(n, t->exprs.Const(2));
  t->Add(main, 2, t->Launch(scale, {out, half}, {part, t->exprs.Const(2)}));
  t->Add(main, 3, Copy{half, tail});
  t->Entry(main);
  t->AddFeed("x:0", x);
  t->AddFeed("model/y:0", y);
  t->AddFetch("out:0", out);
  t->AddFetch("class:0", tail);
  executable::EntryPoint& entry = t->model.entry_points[0];
  entry.guards.push_back({n, m, executable::Relation::kEqual, "batches differ", kNone});
  entry.guards.push_back({n, t->exprs.Const(300), executable::Relation::kLessOrEqual,
                          "batch must be at most \"300\", line 42", 0});
  return t;
}

TestImagePtr Doubling() {
  auto t = std::make_unique<TestProgram>();
  const int32_t n = t->AddSymbol("n", SymbolLife::kInput);
  const int32_t x = t->Vector("x", BufferKind::kInput, n, 0, 9);
  const int32_t current = t->Vector("current", BufferKind::kArena, n, 0, 5);
  const int32_t next = t->Vector("next", BufferKind::kArena, n, 0, 5);
  const int32_t other = t->Vector("other", BufferKind::kArena, n, 3, 3);
  const int32_t pred = t->Arena("pred", 1, 1, 3, DType::kBool);
  const int32_t out = t->Vector("out", BufferKind::kOutput, n, 0, 9);
  const int32_t less = t->AddKernel({"less"}, kUnary, 1, true);
  const int32_t scale = t->AddKernel({"scale"}, kUnary, 2);
  const int32_t main = t->Block("main");
  const int32_t cond = t->Block("cond");
  const int32_t body = t->Block("body");
  t->Add(main, 0, Copy{x, current});
  t->Add(main, 1, executable::While{cond, pred, body, {{current, next}}, {}});
  t->Add(cond, 2, t->Launch(less, {current, pred}, {t->exprs.Const(100)}));
  t->Add(body, 3, t->Launch(scale, {current, next}, {n, t->exprs.Const(2)}));
  t->Add(body, 3, t->Launch(scale, {current, other}, {n, t->exprs.Const(7)}));
  t->Add(main, 5, t->Launch(scale, {current, out}, {n, t->exprs.Const(1)}));
  t->Entry(main);
  t->AddFeed("x:0", x);
  t->AddFetch("out:0", out);
  return t;
}

TestImagePtr Branch() {
  auto t = std::make_unique<TestProgram>();
  const int32_t n = t->AddSymbol("n", SymbolLife::kInput);
  const int32_t x = t->Vector("x", BufferKind::kInput, n, 0, 9);
  const int32_t pred = t->Arena("pred", 1, 0, 1, DType::kBool);
  const int32_t out = t->Vector("out", BufferKind::kOutput, n, 0, 9);
  const int32_t less = t->AddKernel({"less"}, kUnary, 1, true);
  const int32_t scale = t->AddKernel({"scale"}, kUnary, 2);
  const int32_t main = t->Block("main");
  const int32_t then_block = t->Block("then");
  const int32_t else_block = t->Block("else");
  t->Add(main, 0, t->Launch(less, {x, pred}, {t->exprs.Const(5)}));
  t->Add(main, 1, executable::If{pred, then_block, else_block});
  t->Add(then_block, 2, t->Launch(scale, {x, out}, {n, t->exprs.Const(2)}));
  t->Add(else_block, 3, t->Launch(scale, {x, out}, {n, t->exprs.Const(3)}));
  t->Entry(main);
  t->AddFeed("x:0", x);
  t->AddFetch("out:0", out);
  t->AddFetch("x:0", x);  // a feed that is fetched
  return t;
}

TestImagePtr Checked() {
  auto t = std::make_unique<TestProgram>();
  const int32_t n = t->AddSymbol("n", SymbolLife::kInput);
  const int32_t x = t->Vector("x", BufferKind::kInput, n, 0, 9);
  const int32_t flags = t->Buffer("flags", BufferKind::kInput, 3, 0, 9, DType::kBool);
  t->model.buffers[flags].dims = {t->exprs.Const(3)};
  const int32_t out = t->Vector("out", BufferKind::kOutput, n, 0, 9);
  const int32_t checked = t->AddKernel({"checked"}, kUnary, 2);
  t->model.kernels[checked].may_fail = true;
  t->model.nodes.push_back({"sqrt", "Sqrt", "model.cc", 3});
  t->model.nodes.push_back({"assert", "Assert", "", 0});
  t->model.checks.push_back({executable::Code::kInvalidArgument, "assertion failed", 1});
  t->model.checks.push_back({executable::Code::kOutOfRange, "negative input", 0});
  const int32_t main = t->Block("main");
  t->Add(main, 0, t->Launch(checked, {x, out}, {n, t->exprs.Const(1)}), 0);
  t->Add(main, 1, executable::Check{flags, 0}, 1);
  t->Entry(main);
  t->AddFeed("x:0", x);
  t->AddFeed("flags:0", flags);
  t->AddFetch("out:0", out);
  return t;
}

TestImagePtr Squares() {
  auto t = std::make_unique<TestProgram>();
  const int32_t n = t->AddSymbol("n", SymbolLife::kInput);
  const int32_t x = t->Vector("x", BufferKind::kInput, n, 0, 9);
  const int32_t squares = t->Vector("squares", BufferKind::kArena, n, 0, 1);
  const int32_t tiles = t->exprs.CeilDiv(n, t->exprs.Const(16));
  const int32_t partial = t->Vector("partial", BufferKind::kArena, tiles, 1, 1);
  const int32_t out = t->Vector("out", BufferKind::kOutput, t->exprs.Const(1), 0, 9);
  t->model.buffers[out].dims = {};
  const int32_t square = t->AddKernel({"square_scratch"}, kUnary, 2);
  t->model.kernels[square].scratch_bytes = t->exprs.Mul(t->exprs.Scalar(1), t->exprs.Const(4));
  const int32_t sum = t->AddKernel({"sum_partial", "sum_final"},
                                   {{Access::kRead}, {Access::kWrite}, {Access::kWrite}}, 1);
  const int32_t main = t->Block("main");
  t->Add(main, 0, t->Launch(square, {x, squares}, {n, t->exprs.Const(16)}));
  t->Add(main, 1, t->Launch(sum, {squares, partial, out}, {n}));
  t->Entry(main);
  t->AddFeed("x:0", x);
  t->AddFetch("out:0", out);
  return t;
}

TestImagePtr Prefix() {
  auto t = std::make_unique<TestProgram>();
  const int32_t n = t->AddSymbol("n", SymbolLife::kInput);
  const int32_t k = t->AddSymbol("rows", SymbolLife::kStep);
  t->model.symbols[1].max = 3;
  const int32_t x = t->Vector("x", BufferKind::kInput, n, 0, 9);
  const int32_t count = t->Arena("count", 4, 0, 1, DType::kInt32);
  const int32_t out = t->Vector("out", BufferKind::kOutput, n, 0, 9);
  const int32_t counter = t->AddKernel({"count"}, kUnary, 1, true);
  const int32_t scale = t->AddKernel({"scale"}, kUnary, 2);
  t->model.nodes.push_back({"where", "Where", "", 0});
  const int32_t main = t->Block("main");
  t->Add(main, 0, t->Launch(counter, {x, count}, {n}));
  t->Add(main, 1, executable::BindSymbol{1, count, 0}, 0);
  t->Add(main, 2, Copy{x, out});
  t->Add(main, 3, t->Launch(scale, {x, out}, {k, t->exprs.Add(k, t->exprs.Const(10))}));
  t->Entry(main);
  t->AddFeed("x:0", x);
  t->AddFetch("out:0", out);
  return t;
}

namespace {

// train_step: total = old u + 2x; u = 2x; v += x; steps += 1; fresh = 1 if it was not initialized.
void AddTrainStep(TestProgram* t, int32_t add, int32_t scale) {
  const int32_t four = t->exprs.Const(4);
  const int32_t one = t->exprs.Const(1);
  const auto vector = [&](const char* name, BufferKind kind, int32_t first, int32_t last) {
    return t->Vector(name, kind, four, first, last);
  };
  const int32_t x = vector("x", BufferKind::kInput, 0, 9);
  const int32_t old_v = vector("v", BufferKind::kVariableRead, 0, 0);
  const int32_t new_v = vector("v", BufferKind::kVariableWrite, 0, 9);
  const int32_t old_u = vector("u", BufferKind::kVariableRead, 0, 2);
  const int32_t new_u = vector("u", BufferKind::kVariableWrite, 1, 9);
  const int32_t old_steps = t->Vector("steps", BufferKind::kVariableRead, one, 0, 3);
  const int32_t new_steps = t->Vector("steps", BufferKind::kVariableWrite, one, 3, 9);
  const int32_t increment = t->Constant("one", {1});
  t->model.buffers[increment].dims = {one};
  const int32_t flag = t->Buffer("flag", BufferKind::kInput, 1, 0, 9, DType::kBool);
  const int32_t fresh = t->Vector("fresh", BufferKind::kVariableWrite, one, 5, 9);
  const int32_t total = vector("total", BufferKind::kOutput, 2, 9);
  const int32_t main = t->Block("train");
  const int32_t then_block = t->Block("known");
  const int32_t else_block = t->Block("fresh");
  t->Add(main, 0, t->Launch(add, {old_v, x, new_v}, {four}));
  t->Add(main, 1, t->Launch(scale, {x, new_u}, {four, t->exprs.Const(2)}));
  t->Add(main, 2, t->Launch(add, {old_u, new_u, total}, {four}));
  t->Add(main, 3, t->Launch(add, {old_steps, increment, new_steps}, {one}));
  t->Add(main, 4, executable::If{flag, then_block, else_block});
  t->Add(then_block, 5, Copy{increment, fresh});
  t->Add(else_block, 6, Copy{increment, fresh});
  executable::EntryPoint& entry = t->Entry(main);
  entry.name = "train_step";
  entry.feeds = {{"x:0", DType::kFloat32, {four}, x, kNone}};
  entry.fetches = {{"total:0", DType::kFloat32, {four}, total, kNone},
                   {"known:0", DType::kBool, {}, flag, kNone}};
  entry.variables.resize(4);
  const auto variable = [&](int i, const char* name, int32_t dim, int32_t read, int32_t write) {
    executable::Variable& v = entry.variables[i];
    v.name = name;
    v.dtype = DType::kFloat32;
    if (read != kNone) v.read_dims = {dim};
    v.write_dims = {dim};
    v.read_buffer = read;
    v.write_buffer = write;
  };
  variable(0, "layer/v", four, old_v, new_v);
  entry.variables[0].in_place = true;
  variable(1, "u", four, old_u, new_u);
  variable(2, "steps", one, old_steps, new_steps);
  entry.variables[2].in_place = true;
  entry.variables[2].zero_initialized = true;
  variable(3, "fresh", one, kNone, fresh);
  entry.variables[3].initialized_buffer = flag;
}

// evaluate: out = v + 2c + w, where 2c is computed by init.
void AddEvaluate(TestProgram* t, int32_t add, int32_t scale) {
  const int32_t four = t->exprs.Const(4);
  const auto vector = [&](const char* name, BufferKind kind, int32_t first, int32_t last) {
    return t->Vector(name, kind, four, first, last);
  };
  const int32_t c = t->Constant("c", {1, 2, 3, 4});
  const int32_t packed = vector("packed", BufferKind::kPersistent, 10, 19);
  const int32_t v = vector("v", BufferKind::kVariableRead, 10, 19);
  const int32_t w = vector("w", BufferKind::kVariableRead, 10, 19);
  const int32_t sum = vector("sum", BufferKind::kArena, 11, 12);
  const int32_t out = vector("out", BufferKind::kOutput, 12, 19);
  const int32_t init = t->Block("init");
  const int32_t main = t->Block("evaluate");
  t->Add(init, 10, t->Launch(scale, {c, packed}, {four, t->exprs.Const(2)}));
  t->Add(main, 11, t->Launch(add, {v, packed, sum}, {four}));
  t->Add(main, 12, t->Launch(add, {sum, w, out}, {four}));
  executable::EntryPoint& entry = t->Entry(main);
  entry.name = "evaluate";
  entry.init_block = init;
  entry.fetches = {{"out:0", DType::kFloat32, {four}, out, kNone}};
  entry.variables.resize(2);
  entry.variables[0].name = "layer/v";
  entry.variables[1].name = "w";
  for (int i = 0; i < 2; ++i) {
    entry.variables[i].dtype = DType::kFloat32;
    entry.variables[i].read_dims = {four};
    entry.variables[i].read_buffer = i == 0 ? v : w;
  }
}

}  // namespace

TestImagePtr Stateful() {
  auto t = std::make_unique<TestProgram>();
  const int32_t add = t->AddKernel({"add"}, kBinary, 1);
  const int32_t scale = t->AddKernel({"scale"}, kUnary, 2);
  AddTrainStep(t.get(), add, scale);
  AddEvaluate(t.get(), add, scale);
  const auto initial = [&](const char* name, const std::vector<float>& values) {
    const int64_t offset = executable::AddConstant(&t->model, values.data(), 16);
    t->model.initial_values.push_back({name, DType::kFloat32, {4}, offset, 16});
  };
  initial("u", {5, 6, 7, 8});
  initial("w", {-1, -2, -3, -4});
  initial("of nobody", {0, 0, 0, 0});
  return t;
}

TestImagePtr Where() {
  auto t = std::make_unique<TestProgram>();
  const int32_t n = t->AddSymbol("n", SymbolLife::kInput);
  const int32_t k = t->AddSymbol("rows", SymbolLife::kStep);
  const int32_t x = t->Vector("x", BufferKind::kInput, n, 0, 9);
  const int32_t count = t->Arena("count", 4, 0, 1, DType::kInt32);
  const int32_t out = t->Vector("out", BufferKind::kOutput, k, 2, 9);
  const int32_t counter = t->AddKernel({"count"}, kUnary, 1, true);
  const int32_t compact = t->AddKernel({"compact"}, kUnary, 1, true);
  t->model.nodes.push_back({"where", "Where", "model.cc", 9});
  t->model.nodes.push_back({"print", "Print", "", 0});
  const int32_t main = t->Block("main");
  t->Add(main, 0, t->Launch(counter, {x, count}, {n}));
  t->Add(main, 1, executable::BindSymbol{1, count, 0}, 0);
  t->Add(main, 2, executable::Alloc{out, kNone}, 0);
  t->Add(main, 3, t->Launch(compact, {x, out}, {n}), 0);
  executable::HostCall print;
  print.function = "print";
  print.inputs = {out};
  t->Add(main, 4, print, 1);
  t->Entry(main);
  t->AddFeed("x:0", x);
  t->AddFetch("out:0", out);
  return t;
}

std::vector<std::pair<std::string, TestImagePtr>> EmittableImages() {
  std::vector<std::pair<std::string, TestImagePtr>> images;
  images.emplace_back("chain", Chain());
  images.emplace_back("doubling", Doubling());
  images.emplace_back("branch", Branch());
  images.emplace_back("checked", Checked());
  images.emplace_back("squares", Squares());
  images.emplace_back("prefix", Prefix());
  images.emplace_back("stateful", Stateful());
  return images;
}

}  // namespace stator::tools
