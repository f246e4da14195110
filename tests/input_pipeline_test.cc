// Input pipelines beside the rest: a map that is a compiled program.

#include <gtest/gtest.h>

#include <memory>
#include <numeric>
#include <vector>

#include "data/dataset.h"
#include "data/loader.h"
#include "ops/wrappers.h"
#include "stator.h"

namespace stator::tests {
namespace {

using runtime::Tensor;

TEST(InputPipeline, MapsByACompiledProgramInParallel) {
  const graph::Scope program = NewProgram();
  const graph::Output x = ops::Placeholder(program.WithOpName("x"), DT_FLOAT, {});
  ops::Add(program.WithOpName("y"), ops::Mul(program, x, x), x);
  auto session = NewSession(program);
  ASSERT_TRUE(session.ok()) << session.status();
  const auto callable = (*session)->MakeCallable({"x"}, {"y"}, {});
  ASSERT_TRUE(callable.ok()) << callable.status();

  std::vector<float> values(64);
  std::iota(values.begin(), values.end(), 0.0f);
  const auto numbers = data::FromArrays({Tensor::Of<float>({64}, values)});
  const auto batches = data::Batch(*numbers, {.size = 8});
  const auto mapped = data::Map(
      *batches, [&](data::Element element, const data::MapPlace&) -> absl::StatusOr<data::Element> {
        data::Element outputs;
        const absl::Status status = (*callable)->Run(element, &outputs);
        if (!status.ok()) return status;
        return outputs;
      });
  data::LoaderOptions options;
  options.threads = 3;
  options.epochs = 2;
  const auto loader = data::Loader::Start(*mapped, options);
  ASSERT_TRUE(loader.ok());
  for (int i = 0; i < 128; i += 8) {
    const auto element = (*loader)->Next();
    ASSERT_TRUE(element.ok() && element->has_value()) << element.status();
    for (int k = 0; k < 8; ++k) {
      const float v = static_cast<float>((i + k) % 64);
      EXPECT_EQ((**element)[0].data<float>()[k], v * v + v);
    }
  }
  EXPECT_FALSE((*loader)->Next()->has_value());
}

}  // namespace
}  // namespace stator::tests
