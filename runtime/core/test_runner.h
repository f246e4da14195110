// What the tests of Runner share.
#ifndef STATOR_RUNTIME_CORE_TEST_RUNNER_H_
#define STATOR_RUNTIME_CORE_TEST_RUNNER_H_

#include <memory>
#include <utility>
#include <vector>

#include "gtest/gtest.h"
#include "runtime/core/runner.h"
#include "runtime/core/test_program.h"

namespace stator::runtime {

inline Tensor Floats(const std::vector<float>& values) {
  return Tensor::Of<float>({static_cast<int64_t>(values.size())}, values);
}

inline std::vector<float> Values(const Tensor& t) {
  return std::vector<float>(t.data<float>(), t.data<float>() + t.num_elements());
}

inline std::vector<float> Ramp(int n, float first = 1) {
  std::vector<float> out(n);
  for (int i = 0; i < n; ++i) out[i] = first + static_cast<float>(i);
  return out;
}

// A runner of the program's only entry; null, and a failure, when it does not load.
inline std::unique_ptr<Runner> MakeRunner(TestProgram* t, VariableStore* variables = nullptr,
                                          const HostRegistry* host = nullptr,
                                          ThreadPool* pool = nullptr) {
  Result<std::shared_ptr<Executable>> e = t->Load(host);
  EXPECT_TRUE(e.ok()) << e.status().ToString();
  if (!e.ok()) return nullptr;
  Result<std::unique_ptr<Runner>> runner = Runner::Create(*e, 0, variables, pool);
  EXPECT_TRUE(runner.ok()) << runner.status().ToString();
  return std::move(runner).value();
}

// out = (x + y) * 3 through the arena; batch unknown.
struct Chain : TestProgram {
  int32_t n, m, x, y, sum, out;
  Chain() {
    n = AddSymbol("batch of x", executable::SymbolLife::kInput);
    m = AddSymbol("batch of y", executable::SymbolLife::kInput);
    x = Vector("x", executable::BufferKind::kInput, n, 0, 1);
    y = Vector("y", executable::BufferKind::kInput, m, 0, 1);
    sum = Vector("sum", executable::BufferKind::kArena, n, 0, 1);
    out = Vector("out", executable::BufferKind::kOutput, n, 0, 1);
    const int32_t add = AddKernel(
        {"add"},
        {{executable::Access::kRead}, {executable::Access::kRead}, {executable::Access::kWrite}},
        1);
    const int32_t scale =
        AddKernel({"scale"}, {{executable::Access::kRead}, {executable::Access::kWrite, 0}}, 2);
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
};

}  // namespace stator::runtime

#endif  // STATOR_RUNTIME_CORE_TEST_RUNNER_H_
