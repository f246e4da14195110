// What the tests of the C interface share; most drive it through the C++ wrapper, which they test
// too.
#ifndef STATOR_RUNTIME_CORE_TEST_C_API_H_
#define STATOR_RUNTIME_CORE_TEST_C_API_H_

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "gtest/gtest.h"
#include "runtime/core/stator_runtime.hpp"
#include "runtime/core/test_bundles.h"

namespace stator_runtime {

inline std::string Bytes(const char* name) {
  size_t size = 0;
  const void* bytes = stator_test_bundle(name, &size);
  return std::string(static_cast<const char*>(bytes), size);
}

inline Model Load(const char* name, LoadOptions options = {}) {
  const std::string bytes = Bytes(name);
  Result<Model> model = Model::LoadMemory(bytes.data(), bytes.size(), std::move(options));
  EXPECT_TRUE(model.ok()) << model.error().message();
  return *model;
}

inline Context Make(const Model& model, ContextOptions options = {}, const State* state = nullptr) {
  Result<Context> context = Context::Create(model, std::move(options), state);
  EXPECT_TRUE(context.ok()) << context.error().message();
  return std::move(*context);
}

inline ContextOptions Threads(int32_t n) {
  ContextOptions options;
  options.threads = n;
  return options;
}

inline std::vector<float> Values(const Tensor& t) {
  return std::vector<float>(t.data<float>(), t.data<float>() + t.size());
}

inline std::vector<Tensor> List(Tensor a) {
  std::vector<Tensor> list;
  list.push_back(std::move(a));
  return list;
}
inline std::vector<Tensor> List(Tensor a, Tensor b) {
  std::vector<Tensor> list = List(std::move(a));
  list.push_back(std::move(b));
  return list;
}

inline Tensor Floats(const std::vector<float>& values) {
  return Tensor::Of<float>({static_cast<int64_t>(values.size())}, values);
}

}  // namespace stator_runtime

#endif  // STATOR_RUNTIME_CORE_TEST_C_API_H_
