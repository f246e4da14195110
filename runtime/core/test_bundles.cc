#include "runtime/core/test_bundles.h"

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "runtime/core/test_programs.h"

namespace stator::runtime {
namespace {

using executable::Access;
using executable::BufferKind;
using executable::SymbolLife;

using Bytes = std::vector<uint8_t>;

Bytes Finish(TestProgram* t) {
  t->model.producer = "test 1";
  return executable::Serialize(t->model);
}

template <typename Program, typename... Arguments>
Bytes Make(Arguments... arguments) {
  Program t(arguments...);
  return Finish(&t);
}

Bytes NamedChain() {
  Chain t;
  t.model.symbols[0].name = "batch";
  t.model.symbols[0].max = 4096;
  t.model.target.name = "test";
  t.model.nodes.clear();
  for (executable::Wave& wave : t.model.blocks[0].waves) wave.steps[0].source_node = kNone;
  t.model.entry_points[0].guards[0].message = "batch of x must equal batch of y";
  return Finish(&t);
}

Bytes Tomorrow() {
  Chain t;
  t.model.target.features.push_back("of-tomorrow");
  return Finish(&t);
}

Bytes HalfFixed(const float* initial) {
  Training t(initial);
  t.model.fixed_weights.push_back({"w", "folded in entry main"});
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

Bytes Labels() {
  TestProgram t;
  const int32_t out = t.Sized("out", BufferKind::kOutput, t.exprs.Const(16), 0, 9, DType::kString);
  t.model.buffers[out].dims = {t.exprs.Const(2)};
  const int32_t main = t.Block("main");
  t.Add(
      main, 0,
      executable::HostCall{"StringConstant",
                           {},
                           {out},
                           R"({has_side_effect = false, values = ["cat", "say \22meow\22\0A"]})"});
  t.Entry(main);
  t.AddFetch("out:0", out);
  return Finish(&t);
}

Bytes TwoEntries() {
  TestProgram t;
  const int32_t scale = t.AddKernel({"scale"}, {{Access::kRead}, {Access::kWrite}}, 2);
  for (int32_t i = 0; i < 2; ++i) {
    const int32_t n = t.AddSymbol("batch", SymbolLife::kInput);
    t.model.symbols[i].max = i == 0 ? 8 : 16;
    const int32_t x = t.Vector("x", BufferKind::kInput, n, i, i);
    const int32_t y = t.Vector("y", BufferKind::kOutput, n, i, i);
    const int32_t block = t.Block("main");
    t.Add(block, i, t.Launch(scale, {x, y}, {n, t.exprs.Const(2)}));
    executable::EntryPoint& entry = t.Entry(block);
    entry.name = i == 0 ? "small" : "large";
    entry.feeds.push_back({"x:0", DType::kFloat32, {n}, x, kNone});
    entry.fetches.push_back({"y:0", DType::kFloat32, {n}, y, kNone});
  }
  return Finish(&t);
}

Bytes External(const float* initial) {
  Training t(initial);
  t.model.producer = "test 1";
  return *executable::Serialize({t.model}, true);
}

Bytes ExternalWeights(const float* initial) {
  return executable::SerializeConstants(Training(initial).model);
}

}  // namespace
}  // namespace stator::runtime

extern "C" const void* stator_test_bundle(const char* name, size_t* size) {
  using namespace stator::runtime;  // NOLINT: a test
  static const float kWeights[4] = {0.5f, 1.5f, 2.5f, 3.5f};
  static const float kOthers[4] = {9, 9, 9, 9};
  static const float* const kZeros = nullptr;
  static const auto* bundles = new std::map<std::string, Bytes>{
      {"chain", NamedChain()},
      {"train", Make<Training>(kZeros)},
      {"weights", Make<Training>(static_cast<const float*>(kWeights))},
      {"positive", Make<Positive>()},
      {"words", Make<Words>()},
      {"branch", Make<Branch>()},
      {"doubling", Make<Doubling>()},
      {"growing", Make<Growing>()},
      {"lists", Make<Lists>()},
      {"half_fixed", HalfFixed(kWeights)},
      {"slow", Slow()},
      {"labels", Labels()},
      {"two_entries", TwoEntries()},
      {"external", External(kWeights)},
      {"external_weights", ExternalWeights(kWeights)},
      {"other_weights", ExternalWeights(kOthers)},
      {"tomorrow", Tomorrow()},
      {"same", Same()}};
  const auto at = bundles->find(name);
  if (at == bundles->end()) return nullptr;
  *size = at->second.size();
  return at->second.data();
}
