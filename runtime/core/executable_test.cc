#include "runtime/core/executable.h"

#include <cstdio>

#include "gtest/gtest.h"
#include "runtime/core/test_runner.h"

namespace stator::runtime {
namespace {

TEST(Executable, RefusesOtherMachines) {
  Chain t;
  t.model.target.features = {"avx512of-tomorrow"};
  EXPECT_EQ(t.Load().status().code(), Code::kFailedPrecondition);
  t.model.target.features = {};
  t.model.target.arch = "vax";
  EXPECT_EQ(t.Load().status().code(), Code::kFailedPrecondition);
}

TEST(Executable, LoadsFromAFile) {
  Chain t;
  const std::vector<uint8_t> bytes = executable::Serialize(t.model);
  const std::string path = testing::TempDir() + "/chain.image";
  FILE* f = std::fopen(path.c_str(), "wb");
  ASSERT_NE(f, nullptr);
  ASSERT_EQ(std::fwrite(bytes.data(), 1, bytes.size(), f), bytes.size());
  std::fclose(f);
  Result<std::shared_ptr<Executable>> e = Executable::LoadFile(path);
  ASSERT_TRUE(e.ok()) << e.status().ToString();
  auto runner = Runner::Create(*e, (*e)->FindEntry("main"), nullptr);
  std::vector<Tensor> out;
  ASSERT_TRUE((*runner)->Run({Floats({1}), Floats({2})}, {}, &out).ok());
  EXPECT_EQ(Values(out[0]), std::vector<float>{9});
  EXPECT_EQ(Executable::LoadFile(path + ".missing").status().code(), Code::kNotFound);
}

}  // namespace
}  // namespace stator::runtime
