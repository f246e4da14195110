#include "runtime/core/test_programs.h"

namespace stator::runtime {

using executable::Access;
using executable::Alloc;
using executable::BufferKind;
using executable::Copy;
using executable::Free;
using executable::ListAction;
using executable::SymbolLife;
using executable::UseList;

Chain::Chain() {
  n = AddSymbol("batch of x", SymbolLife::kInput);
  m = AddSymbol("batch of y", SymbolLife::kInput);
  x = Vector("x", BufferKind::kInput, n, 0, 1);
  y = Vector("y", BufferKind::kInput, m, 0, 1);
  sum = Vector("sum", BufferKind::kArena, n, 0, 1);
  out = Vector("out", BufferKind::kOutput, n, 0, 1);
  const int32_t add = AddKernel({"add"}, {{Access::kRead}, {Access::kRead}, {Access::kWrite}}, 1);
  const int32_t scale = AddKernel({"scale"}, {{Access::kRead}, {Access::kWrite, 0}}, 2);
  const int32_t main = Block("main");
  model.nodes.push_back({"sum_node", "AddV2", "model.cc", 7});
  Add(main, 0, Launch(add, {x, y, sum}, {n}), 0);
  Add(main, 1, Launch(scale, {sum, out}, {n, exprs.Const(3)}), 0);
  Entry(main);
  AddFeed("x:0", x);
  AddFeed("y:0", y);
  AddFetch("out:0", out);
  model.entry_points[0].guards.push_back(
      {n, m, executable::Relation::kEqual, "batch of x must equal batch of y, line 42", kNone});
}

Training::Training(const float* initial) {
  const int32_t n = exprs.Const(4);
  const int32_t add =
      AddKernel({"add"}, {{Access::kRead}, {Access::kRead}, {Access::kWrite, 0}}, 1);
  const int32_t scale = AddKernel({"scale"}, {{Access::kRead}, {Access::kWrite}}, 2);
  const int32_t g = Vector("g", BufferKind::kInput, n, 0, 1);
  const int32_t read = Vector("w/read", BufferKind::kVariableRead, n, 0, 1);
  const int32_t write = Vector("w/write", BufferKind::kVariableWrite, n, 0, 1);
  const int32_t out = Vector("w", BufferKind::kOutput, n, 0, 1);
  const int32_t main = Block("train");
  Add(main, 0, Launch(add, {read, g, write}, {n}));
  Add(main, 1, Copy{write, out});
  Entry(main).name = "train";
  AddFeed("g:0", g);
  AddFetch("w:0", out);
  executable::Variable w{"w", DType::kFloat32, {n}, {n}, read, write, kNone, true};
  w.zero_initialized = true;
  model.entry_points[0].variables.push_back(w);

  const int32_t again = Vector("w", BufferKind::kVariableRead, n, 2, 3);
  const int32_t packed = Vector("packed", BufferKind::kPersistent, n, 2, 3);
  const int32_t y = Vector("y", BufferKind::kOutput, n, 2, 3);
  const int32_t init = Block("init");
  const int32_t predict = Block("predict");
  Add(init, 2, Launch(scale, {again, packed}, {n, exprs.Const(2)}));
  Add(predict, 3, Launch(scale, {packed, y}, {n, exprs.Const(5)}));
  executable::EntryPoint& entry = Entry(predict);
  entry.name = "predict";
  entry.init_block = init;
  w.read_buffer = again;
  w.write_buffer = kNone;
  w.write_dims = {};
  w.in_place = false;
  entry.variables.push_back(w);
  entry.init_variables = {0};
  entry.fetches.push_back({"y:0", DType::kFloat32, {n}, y, kNone});
  if (initial != nullptr) {
    for (executable::EntryPoint& e : model.entry_points) e.variables[0].zero_initialized = false;
    const int64_t offset = executable::AddConstant(&model, initial, 16);
    model.initial_values.push_back({"w", DType::kFloat32, {4}, offset, 16});
    model.fixed_weights.push_back({"bias", "folded into a constant"});
  }
}

Positive::Positive() {
  const int32_t n = AddSymbol("n", SymbolLife::kInput);
  const int32_t k = AddSymbol("rows", SymbolLife::kStep);
  const int32_t x = Vector("x", BufferKind::kInput, n, 0, 9);
  const int32_t count = Arena("count", 4, 0, 1, DType::kInt32);
  const int32_t dyn = Vector("dyn", BufferKind::kDynamic, k, 2, 5);
  const int32_t out = Vector("out", BufferKind::kOutput, k, 2, 9);
  const int32_t counter = AddKernel({"count"}, {{Access::kRead}, {Access::kWrite}}, 1, true);
  const int32_t compact = AddKernel({"compact"}, {{Access::kRead}, {Access::kWrite}}, 1, true);
  const int32_t scale = AddKernel({"scale"}, {{Access::kRead}, {Access::kWrite}}, 2);
  model.nodes.push_back({"where", "Where", "", 0});
  const int32_t main = Block("main");
  Add(main, 0, Launch(counter, {x, count}, {n}));
  Add(main, 1, executable::BindSymbol{1, count, 0}, 0);
  Add(main, 2, Alloc{dyn, kNone});
  Add(main, 2, Alloc{out, kNone});
  Add(main, 3, Launch(compact, {x, dyn}, {n}));
  Add(main, 4, Launch(scale, {dyn, out}, {k, exprs.Const(10)}));
  Add(main, 5, Free{dyn});
  Entry(main);
  AddFeed("x:0", x);
  AddFetch("out:0", out);
}

Words::Words() {
  const int32_t n = AddSymbol("n", SymbolLife::kInput);
  const int32_t k = AddSymbol("words", SymbolLife::kStep);
  const int32_t eight = exprs.Const(8);
  const auto strings = [&](const char* name, BufferKind kind, int32_t count) {
    const int32_t b = Sized(name, kind, exprs.Mul(count, eight), 0, 9, DType::kString);
    model.buffers[b].dims = {count};
    return b;
  };
  const int32_t x = strings("x", BufferKind::kInput, n);
  const int32_t words = strings("words", BufferKind::kDynamic, k);
  const int32_t reversed = strings("reversed", BufferKind::kDynamic, k);
  const int32_t move = AddKernel({"move8"}, {{Access::kRead}, {Access::kWrite}}, 1, true);
  model.nodes.push_back({"split", "StringSplit", "", 0});
  const int32_t main = Block("main");
  Add(main, 0, executable::HostCall{"split", {x}, {words}, ","}, 0);
  Add(main, 1, Alloc{reversed, kNone});
  Add(main, 2, Launch(move, {words, reversed}, {k}));
  Entry(main);
  AddFeed("x:0", x);
  AddFetch("out:0", reversed);
}

Branch::Branch() {
  const int32_t n = AddSymbol("n", SymbolLife::kInput);
  const int32_t x = Vector("x", BufferKind::kInput, n, 0, 9);
  const int32_t pred = Arena("pred", 1, 0, 1, DType::kBool);
  const int32_t out = Vector("out", BufferKind::kOutput, n, 0, 9);
  const int32_t less = AddKernel({"less"}, {{Access::kRead}, {Access::kWrite}}, 1, true);
  const int32_t scale = AddKernel({"scale"}, {{Access::kRead}, {Access::kWrite}}, 2);
  const int32_t main = Block("main");
  const int32_t then_block = Block("then");
  const int32_t else_block = Block("else");
  Add(main, 0, Launch(less, {x, pred}, {exprs.Const(5)}));
  Add(main, 1, executable::If{pred, then_block, else_block});
  Add(then_block, 2, Launch(scale, {x, out}, {n, exprs.Const(2)}));
  Add(else_block, 3, Launch(scale, {x, out}, {n, exprs.Const(3)}));
  Entry(main);
  AddFeed("x:0", x);
  AddFetch("out:0", out);
}

Doubling::Doubling() {
  const int32_t n = AddSymbol("n", SymbolLife::kInput);
  const int32_t x = Vector("x", BufferKind::kInput, n, 0, 9);
  const int32_t current = Vector("current", BufferKind::kArena, n, 0, 5);
  const int32_t next = Vector("next", BufferKind::kArena, n, 3, 3);
  const int32_t other = Vector("other", BufferKind::kArena, n, 3, 3);
  const int32_t pred = Arena("pred", 1, 1, 3, DType::kBool);
  const int32_t out = Vector("out", BufferKind::kOutput, n, 0, 9);
  const int32_t less = AddKernel({"less"}, {{Access::kRead}, {Access::kWrite}}, 1, true);
  const int32_t scale = AddKernel({"scale"}, {{Access::kRead}, {Access::kWrite}}, 2);
  const int32_t main = Block("main");
  const int32_t cond = Block("cond");
  const int32_t body = Block("body");
  Add(main, 0, Copy{x, current});
  Add(main, 1, executable::While{cond, pred, body, {{current, next}}, {}});
  Add(cond, 2, Launch(less, {current, pred}, {exprs.Const(100)}));
  Add(body, 3, Launch(scale, {current, next}, {n, exprs.Const(2)}));
  Add(body, 3, Launch(scale, {current, other}, {n, exprs.Const(7)}));
  Add(main, 5, Launch(scale, {current, out}, {n, exprs.Const(1)}));
  Entry(main);
  AddFeed("x:0", x);
  AddFetch("out:0", out);
}

Growing::Growing() {
  const int32_t size = AddSymbol("size", SymbolLife::kLoop);
  const int32_t one = exprs.Const(1);
  const int32_t grown = exprs.Add(size, one);
  const int32_t x = Vector("x", BufferKind::kInput, one, 0, 9);
  const int32_t current = Vector("current", BufferKind::kDynamic, size, 0, 9);
  const int32_t next = Vector("next", BufferKind::kDynamic, grown, 4, 5);
  const int32_t pred = Arena("pred", 1, 2, 5, DType::kBool);
  const int32_t append = AddKernel({"append"}, {{Access::kRead}, {Access::kWrite}}, 1, true);
  const int32_t less = AddKernel({"less"}, {{Access::kRead}, {Access::kWrite}}, 1, true);
  const int32_t last = Vector("tail", BufferKind::kDynamic, one, 2, 6);
  model.buffers[last].alias_of = current;
  model.buffers[last].alias_offset = exprs.Mul(exprs.Add(size, exprs.Const(-1)), exprs.Const(4));
  const int32_t main = Block("main");
  const int32_t cond = Block("cond");
  const int32_t body = Block("body");
  Add(main, 0, Alloc{current, exprs.Const(4)});
  Add(main, 1, Copy{x, current});
  Add(main, 2, executable::While{cond, pred, body, {{current, next}}, {{0, one, grown}}});
  Add(cond, 3, Launch(less, {last, pred}, {exprs.Const(5)}));
  Add(body, 4, Alloc{next, kNone});
  Add(body, 5, Launch(append, {current, next}, {size}));
  Entry(main);
  AddFeed("x:0", x);
  AddFetch("out:0", current);
}

Lists::Lists() {
  const int32_t n = AddSymbol("n", SymbolLife::kInput);
  const int32_t m = AddSymbol("m", SymbolLife::kInput);
  const int32_t x = Vector("x", BufferKind::kInput, n, 0, 5);
  const int32_t y = Vector("y", BufferKind::kInput, m, 0, 5);
  const int32_t a = Vector("a", BufferKind::kOutput, m, 0, 5);
  const int32_t b = Vector("b", BufferKind::kOutput, n, 0, 5);
  model.num_lists = 1;
  const int32_t main = Block("main");
  Add(main, 0, UseList{ListAction::kPush, 0, x});
  Add(main, 1, UseList{ListAction::kPush, 0, y});
  Add(main, 2, UseList{ListAction::kPop, 0, a});
  Add(main, 3, UseList{ListAction::kPop, 0, b});
  Entry(main);
  AddFeed("x:0", x);
  AddFeed("y:0", y);
  AddFetch("a:0", a);
  AddFetch("b:0", b);
}

}  // namespace stator::runtime
