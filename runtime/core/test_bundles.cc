#include "runtime/core/test_bundles.h"

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "runtime/core/test_program.h"

namespace stator::runtime {
namespace {

using executable::Access;
using executable::Alloc;
using executable::BufferKind;
using executable::Copy;
using executable::Free;
using executable::SymbolLife;

using Bytes = std::vector<uint8_t>;

Bytes Finish(TestProgram* t) {
  t->model.producer = "test 1";
  return executable::Serialize(t->model);
}

Bytes Chain() {
  TestProgram t;
  const int32_t n = t.AddSymbol("batch", SymbolLife::kInput);
  const int32_t m = t.AddSymbol("batch of y", SymbolLife::kInput);
  t.model.symbols[0].max = 4096;
  const int32_t x = t.Vector("x", BufferKind::kInput, n, 0, 1);
  const int32_t y = t.Vector("y", BufferKind::kInput, m, 0, 1);
  const int32_t sum = t.Vector("sum", BufferKind::kArena, n, 0, 1);
  const int32_t out = t.Vector("out", BufferKind::kOutput, n, 0, 1);
  const int32_t add = t.AddKernel({"add"}, {{Access::kRead}, {Access::kRead}, {Access::kWrite}}, 1);
  const int32_t scale = t.AddKernel({"scale"}, {{Access::kRead}, {Access::kWrite, 0}}, 2);
  const int32_t main = t.Block("main");
  t.Add(main, 0, t.Launch(add, {x, y, sum}, {n}));
  t.Add(main, 1, t.Launch(scale, {sum, out}, {n, t.exprs.Const(3)}));
  t.Entry(main);
  t.AddFeed("x:0", x);
  t.AddFeed("y:0", y);
  t.AddFetch("out:0", out);
  t.model.entry_points[0].guards.push_back(
      {n, m, executable::Relation::kEqual, "batch of x must equal batch of y", kNone});
  return Finish(&t);
}

Bytes Train(const float* initial) {
  TestProgram t;
  const int32_t n = t.exprs.Const(4);
  const int32_t add =
      t.AddKernel({"add"}, {{Access::kRead}, {Access::kRead}, {Access::kWrite, 0}}, 1);
  const int32_t scale = t.AddKernel({"scale"}, {{Access::kRead}, {Access::kWrite}}, 2);
  const int32_t g = t.Vector("g", BufferKind::kInput, n, 0, 1);
  const int32_t read = t.Vector("w/read", BufferKind::kVariableRead, n, 0, 1);
  const int32_t write = t.Vector("w/write", BufferKind::kVariableWrite, n, 0, 1);
  const int32_t out = t.Vector("w", BufferKind::kOutput, n, 0, 1);
  const int32_t main = t.Block("train");
  t.Add(main, 0, t.Launch(add, {read, g, write}, {n}));
  t.Add(main, 1, Copy{write, out});
  t.Entry(main).name = "train";
  t.AddFeed("g:0", g);
  t.AddFetch("w:0", out);
  executable::Variable w{"w", DType::kFloat32, {n}, {n}, read, write, kNone, true};
  w.zero_initialized = true;
  t.model.entry_points[0].variables.push_back(w);

  const int32_t again = t.Vector("w", BufferKind::kVariableRead, n, 2, 3);
  const int32_t packed = t.Vector("packed", BufferKind::kPersistent, n, 2, 3);
  const int32_t y = t.Vector("y", BufferKind::kOutput, n, 2, 3);
  const int32_t init = t.Block("init");
  const int32_t predict = t.Block("predict");
  t.Add(init, 2, t.Launch(scale, {again, packed}, {n, t.exprs.Const(2)}));
  t.Add(predict, 3, t.Launch(scale, {packed, y}, {n, t.exprs.Const(5)}));
  executable::EntryPoint& entry = t.Entry(predict);
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
    for (executable::EntryPoint& e : t.model.entry_points) e.variables[0].zero_initialized = false;
    const int64_t offset = executable::AddConstant(&t.model, initial, 16);
    t.model.initial_values.push_back({"w", DType::kFloat32, {4}, offset, 16});
    t.model.fixed_weights.push_back({"bias", "folded into a constant"});
  }
  return Finish(&t);
}

Bytes Positive() {
  TestProgram t;
  const int32_t n = t.AddSymbol("n", SymbolLife::kInput);
  const int32_t k = t.AddSymbol("rows", SymbolLife::kStep);
  const int32_t x = t.Vector("x", BufferKind::kInput, n, 0, 9);
  const int32_t count = t.Arena("count", 4, 0, 1, DType::kInt32);
  const int32_t dyn = t.Vector("dyn", BufferKind::kDynamic, k, 2, 5);
  const int32_t out = t.Vector("out", BufferKind::kOutput, k, 2, 9);
  const int32_t counter = t.AddKernel({"count"}, {{Access::kRead}, {Access::kWrite}}, 1, true);
  const int32_t compact = t.AddKernel({"compact"}, {{Access::kRead}, {Access::kWrite}}, 1, true);
  const int32_t scale = t.AddKernel({"scale"}, {{Access::kRead}, {Access::kWrite}}, 2);
  const int32_t main = t.Block("main");
  t.Add(main, 0, t.Launch(counter, {x, count}, {n}));
  t.Add(main, 1, executable::BindSymbol{1, count, 0});
  t.Add(main, 2, Alloc{dyn, kNone});
  t.Add(main, 2, Alloc{out, kNone});
  t.Add(main, 3, t.Launch(compact, {x, dyn}, {n}));
  t.Add(main, 4, t.Launch(scale, {dyn, out}, {k, t.exprs.Const(10)}));
  t.Add(main, 5, Free{dyn});
  t.Entry(main);
  t.AddFeed("x:0", x);
  t.AddFetch("out:0", out);
  return Finish(&t);
}

Bytes Words() {
  TestProgram t;
  const int32_t n = t.AddSymbol("n", SymbolLife::kInput);
  const int32_t k = t.AddSymbol("words", SymbolLife::kStep);
  const int32_t eight = t.exprs.Const(8);
  const auto strings = [&](const char* name, BufferKind kind, int32_t count) {
    const int32_t b = t.Sized(name, kind, t.exprs.Mul(count, eight), 0, 9, DType::kString);
    t.model.buffers[b].dims = {count};
    return b;
  };
  const int32_t x = strings("x", BufferKind::kInput, n);
  const int32_t words = strings("words", BufferKind::kDynamic, k);
  const int32_t reversed = strings("reversed", BufferKind::kDynamic, k);
  const int32_t move = t.AddKernel({"move8"}, {{Access::kRead}, {Access::kWrite}}, 1, true);
  t.model.nodes.push_back({"split", "StringSplit", "", 0});
  const int32_t main = t.Block("main");
  t.Add(main, 0, executable::HostCall{"split", {x}, {words}, ","}, 0);
  t.Add(main, 1, Alloc{reversed, kNone});
  t.Add(main, 2, t.Launch(move, {words, reversed}, {k}));
  t.Entry(main);
  t.AddFeed("x:0", x);
  t.AddFetch("out:0", reversed);
  return Finish(&t);
}

Bytes Slow() {
  TestProgram t;
  const int32_t out = t.Buffer("out", BufferKind::kOutput, 8, 0, 9, DType::kInt64);
  const int32_t slow = t.AddKernel({"slow"}, {{Access::kWrite}}, 1, true);
  const int32_t main = t.Block("main");
  t.Add(main, 0, t.Launch(slow, {out}, {t.exprs.Const(INT64_MAX)}));
  t.Entry(main);
  t.AddFetch("out:0", out);
  return Finish(&t);
}

Bytes Same() {
  TestProgram t;
  const int32_t n = t.AddSymbol("n", SymbolLife::kInput);
  const int32_t x = t.Vector("x", BufferKind::kInput, n, 0, 1);
  const int32_t out = t.Vector("out", BufferKind::kOutput, n, 0, 1);
  const int32_t scale = t.AddKernel({"scale"}, {{Access::kRead}, {Access::kWrite}}, 2);
  const int32_t main = t.Block("main");
  t.Add(main, 0, t.Launch(scale, {x, out}, {n, t.exprs.Const(2)}));
  t.Entry(main);
  t.AddFeed("x:0", x);
  t.AddFetch("a:0", out);
  t.AddFetch("b:0", out);
  t.AddFetch("c:0", x);
  return Finish(&t);
}

}  // namespace
}  // namespace stator::runtime

extern "C" const void* stator_test_bundle(const char* name, size_t* size) {
  using namespace stator::runtime;  // NOLINT: a test
  static const float kWeights[4] = {0.5f, 1.5f, 2.5f, 3.5f};
  static const auto* bundles = new std::map<std::string, Bytes>{
      {"chain", Chain()},       {"train", Train(nullptr)}, {"weights", Train(kWeights)},
      {"positive", Positive()}, {"words", Words()},        {"slow", Slow()},
      {"same", Same()}};
  const auto at = bundles->find(name);
  if (at == bundles->end()) return nullptr;
  *size = at->second.size();
  return at->second.data();
}
