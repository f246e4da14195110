#include "tools/bench/bench_models.h"

#include <gtest/gtest.h>

#include "stator.h"
#include "tools/bench/bench.h"

namespace stator::tools {
namespace {

TEST(BenchModels, TheWholeListBuilds) {
  for (const char* name : {"matmul-8x16x32", "tiny-mlp", "mlp-train", "cnn-train", "bert-base-5"}) {
    const graph::Scope program = NewProgram();
    const auto model = BuildBenchModel(name, program);
    ASSERT_TRUE(model.ok()) << name << ": " << model.status();
    EXPECT_FALSE(model->feeds.empty()) << name;
    EXPECT_EQ(model->fetches.size(), 1u) << name;
    EXPECT_GT(model->gflop, 0) << name;
  }
}

TEST(BenchModels, OtherNamesAreRefused) {
  for (const char* name :
       {"matmul-8x16", "matmul-8x16x32x", "matmul-0x1x1", "bert-base-0", "resnet"}) {
    const graph::Scope program = NewProgram();
    EXPECT_EQ(BuildBenchModel(name, program).status().code(), absl::StatusCode::kNotFound) << name;
  }
}

TEST(Bench, JsonHasEveryKey) {
  BenchResult result;
  result.name = "tiny-mlp";
  result.threads = 2;
  result.min_ms = 0.25;
  EXPECT_EQ(
      BenchJson(result),
      "{\"name\": \"tiny-mlp\", \"threads\": 2, \"min_ms\": 0.25, \"median_ms\": 0, "
      "\"first_run_ms\": 0, \"planned_bytes\": 0, \"observed_bytes\": 0}");
}

}  // namespace
}  // namespace stator::tools
