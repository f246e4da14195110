// What the tests of Runner share.
#ifndef STATOR_RUNTIME_CORE_TEST_RUNNER_H_
#define STATOR_RUNTIME_CORE_TEST_RUNNER_H_

#include <memory>
#include <utility>
#include <vector>

#include "gtest/gtest.h"
#include "runtime/core/runner.h"
#include "runtime/core/test_programs.h"

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

}  // namespace stator::runtime

#endif  // STATOR_RUNTIME_CORE_TEST_RUNNER_H_
