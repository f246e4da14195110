// The digit classifier of the example, compiled on x86-64 for aarch64 and run there: reading digits
// and training both give the bits that they give here.

#include "data/digits.h"

#include <cstring>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "compiler/bundle.h"
#include "compiler/pipeline.h"
#include "examples/digits/model.h"
#include "executable/image_builder.h"
#include "graph/tensor_proto.h"
#include "gtest/gtest.h"
#include "nn/freeze.h"
#include "ops/register_all.h"
#include "stator.h"
#include "tests/aarch64/emulated_image.h"

namespace stator::tests {
namespace {

using executable::CompileRequest;
using executable::DType;
using runtime::Tensor;

constexpr int64_t kSide = data::kDigitSide;

Tensor Images(int64_t batch, int64_t first) {
  Tensor images = *Tensor::Create(DType::kFloat32, {batch, kSide, kSide, 1});
  for (int64_t i = 0; i < batch; ++i) {
    const data::Digit digit = data::DrawDigit(/*seed=*/3, static_cast<uint64_t>(first + i));
    for (int64_t p = 0; p < kSide * kSide; ++p) {
      images.data<float>()[i * kSide * kSide + p] = static_cast<float>(digit.pixels[p]) / 255;
    }
  }
  return images;
}

Tensor Labels(int64_t batch, int64_t first) {
  Tensor labels = *Tensor::Create(DType::kInt32, {batch});
  for (int64_t i = 0; i < batch; ++i) {
    labels.data<int32_t>()[i] = data::DrawDigit(/*seed=*/3, static_cast<uint64_t>(first + i)).label;
  }
  return labels;
}

void ExpectSameBits(const Tensor& found, const Tensor& expected, const std::string& what) {
  ASSERT_EQ(found.dtype(), expected.dtype()) << what;
  ASSERT_EQ(found.dims(), expected.dims()) << what;
  EXPECT_EQ(std::memcmp(found.raw(), expected.raw(), static_cast<size_t>(expected.bytes())), 0)
      << what;
}

void ExpectSameBits(const ImageResult& found, const ImageResult& expected) {
  ASSERT_TRUE(expected.status.ok()) << expected.status.ToString();
  ASSERT_TRUE(found.status.ok()) << found.status.ToString();
  ASSERT_EQ(found.fetches.size(), expected.fetches.size());
  for (size_t i = 0; i < expected.fetches.size(); ++i) {
    ExpectSameBits(found.fetches[i], expected.fetches[i], "fetch " + std::to_string(i));
  }
  ASSERT_EQ(found.variables.size(), expected.variables.size());
  for (const auto& [name, value] : expected.variables) {
    ASSERT_EQ(found.variables.count(name), 1u) << name;
    ExpectSameBits(found.variables.at(name), value, name);
  }
}

class DigitsTest : public testing::Test {
 protected:
  DigitsTest() : scope_(NewProgram()), model_(scope_, /*seed=*/5, kSide, kSide, 10) {
    ops::RegisterAll(ops_);
    auto session = NewSession(scope_);
    EXPECT_TRUE(session.ok()) << session.status();
    if (!session.ok()) return;
    session_ = *std::move(session);
    std::vector<std::string> initializers;
    for (const nn::Variable& variable : model_.variables().all()) {
      initializers.push_back(variable.initialize.node().name());
    }
    const absl::Status status = session_->Run({}, {}, initializers).status();
    EXPECT_TRUE(status.ok()) << status;
  }

  void Train(int steps) {
    const nn::TrainingPass& pass = model_.train_pass();
    for (int step = 0; step < steps; ++step) {
      const absl::Status status = session_
                                      ->Run({{pass.inputs[0].name(), Images(32, 32 * step)},
                                             {pass.inputs[1].name(), Labels(32, 32 * step)}},
                                            {pass.loss.name()}, {pass.step.node().name()})
                                      .status();
      ASSERT_TRUE(status.ok()) << status;
    }
  }

  std::map<std::string, Tensor> Variables() {
    std::map<std::string, Tensor> values;
    for (const std::string& name : session_->variables()->Names()) {
      values[name] = *session_->variables()->Read(name);
    }
    return values;
  }

  std::string Compile(const graph::Graph& graph, const CompileRequest& request,
                      const std::string& cpu) {
    compiler::PipelineOptions options;
    options.cpu = cpu;
    compiler::GraphCompiler compiler(&graph, &ops_, /*seed=*/1, options);
    auto image = compiler.Compile(request);
    EXPECT_TRUE(image.ok()) << cpu << ": " << image.status().ToString();
    return image.ok() ? std::string(image->bytes.begin(), image->bytes.end()) : "";
  }

  compiler::OpSet ops_;
  graph::Scope scope_;
  examples::DigitsModel model_;
  std::unique_ptr<runtime::Session> session_;
};

TEST_F(DigitsTest, ReadsDigits) {
  Train(8);
  std::map<std::string, graph::DenseTensor> weights;
  for (const nn::Variable& variable : model_.variables().all()) {
    const Tensor value = *session_->variables()->Read(variable.name);
    graph::DenseTensor& weight = weights[variable.name];
    weight.dtype = variable.dtype;
    weight.shape = value.dims();
    weight.bytes.assign(value.data<char>(), static_cast<size_t>(value.bytes()));
  }
  auto frozen = nn::Freeze(scope_.graph(), {"images:0"}, {"digit:0", "probabilities:0"}, weights);
  ASSERT_TRUE(frozen.ok()) << frozen.status();
  auto graph = graph::Graph::FromGraphDef(*frozen, &ops_);
  ASSERT_TRUE(graph.ok()) << graph.status();
  CompileRequest request;
  request.feeds.push_back({"images:0", DType::kFloat32, false, {}});
  request.fetches = {"digit:0", "probabilities:0"};
  // One bundle for both machines: each runs the variant that is made for it.
  compiler::BundleEntry entry;
  entry.name = "main";
  entry.request = request;
  compiler::BundleOptions options;
  options.targets = {"x86-64-v3", "aarch64"};
  auto variants = compiler::CompileBundle(*graph, ops_, {entry}, options);
  ASSERT_TRUE(variants.ok()) << variants.status();
  auto bundle = executable::Serialize(*variants);
  ASSERT_TRUE(bundle.ok()) << bundle.status().ToString();
  ImageRun here, there;
  here.image = there.image = std::string(bundle->begin(), bundle->end());
  for (int64_t batch : {1, 3, 32}) {
    here.feeds = there.feeds = {Images(batch, 1000)};
    const ImageResult expected = RunHere(here);
    for (int threads : {1, 2}) {
      there.threads = threads;
      ExpectSameBits(RunEmulated(there), expected);
      ASSERT_FALSE(HasFailure()) << "batch " << batch << ", " << threads << " threads";
    }
  }
}

TEST_F(DigitsTest, Trains) {
  const nn::TrainingPass& pass = model_.train_pass();
  CompileRequest request;
  request.feeds.push_back({pass.inputs[0].name(), DType::kFloat32, false, {}});
  request.feeds.push_back({pass.inputs[1].name(), DType::kInt32, false, {}});
  request.fetches = {pass.loss.name()};
  request.targets = {pass.step.node().name()};
  request.variables = session_->variables()->Specs();
  ImageRun here;
  here.image = Compile(scope_.graph(), request, "x86-64-v3");
  ImageRun there;
  there.image = Compile(scope_.graph(), request, "aarch64");
  ASSERT_FALSE(HasFailure());
  here.variables = there.variables = Variables();
  for (int step = 0; step < 2; ++step) {
    here.feeds = there.feeds = {Images(20, 20 * step), Labels(20, 20 * step)};
    ImageResult expected = RunHere(here);
    ExpectSameBits(RunEmulated(there), expected);
    ASSERT_FALSE(HasFailure()) << "step " << step;
    here.variables = there.variables = expected.variables;
  }
}

// An image says what it is made for, and is refused elsewhere.
TEST_F(DigitsTest, IsRefusedElsewhere) {
  CompileRequest request;
  request.feeds.push_back({"images:0", DType::kFloat32, false, {}});
  request.fetches = {"digit:0"};
  request.variables = session_->variables()->Specs();
  ImageRun run;
  run.feeds = {Images(1, 0)};
  run.variables = Variables();
  run.image = Compile(scope_.graph(), request, "aarch64");
  ImageResult result = RunHere(run);
  EXPECT_EQ(result.status.code(), executable::Code::kFailedPrecondition);
  EXPECT_NE(result.status.message().find("made for aarch64"), std::string::npos)
      << result.status.message();
  EXPECT_TRUE(RunEmulated(run).status.ok());
  run.image = Compile(scope_.graph(), request, "x86-64-v3");
  EXPECT_TRUE(RunHere(run).status.ok());
  result = RunEmulated(run);
  EXPECT_EQ(result.status.code(), executable::Code::kFailedPrecondition);
  EXPECT_NE(result.status.message().find("made for x86_64"), std::string::npos)
      << result.status.message();
}

}  // namespace
}  // namespace stator::tests
