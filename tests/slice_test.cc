#include <gtest/gtest.h>

#include <iostream>

#include "compiler/pipeline.h"
#include "executable/printer.h"
#include "google/protobuf/text_format.h"
#include "graph/graph.h"
#include "ops/register_all.h"
#include "runtime/core/executable.h"
#include "runtime/core/runner.h"

namespace stator {
namespace {

constexpr char kGraph[] = R"pb(
  node { name: "x" op: "Placeholder"
    attr { key: "dtype" value { type: DT_FLOAT } }
    attr { key: "shape" value { shape { dim { size: -1 } dim { size: 4 } } } } }
  node { name: "c" op: "Const"
    attr { key: "dtype" value { type: DT_FLOAT } }
    attr { key: "value" value { tensor { dtype: DT_FLOAT tensor_shape { dim { size: 4 } } float_val: [1, 2, -3, 4] } } } }
  node { name: "w" op: "Const"
    attr { key: "dtype" value { type: DT_FLOAT } }
    attr { key: "value" value { tensor { dtype: DT_FLOAT tensor_shape { dim { size: 4 } dim { size: 4 } } float_val: [1, 2, -3, 4, 5, 6, 7, 8, 9, 0, 1, 2, 3, 4, 5, 6] } } } }
  node { name: "add" op: "AddV2" input: "x" input: "c" attr { key: "T" value { type: DT_FLOAT } } }
  node { name: "y" op: "Relu" input: "add" attr { key: "T" value { type: DT_FLOAT } } }
  node { name: "mm" op: "MatMul" input: "y" input: "w" attr { key: "T" value { type: DT_FLOAT } } }
  node { name: "axes" op: "Const"
    attr { key: "dtype" value { type: DT_INT32 } }
    attr { key: "value" value { tensor { dtype: DT_INT32 tensor_shape { dim { size: 2 } } int_val: [0, 1] } } } }
  node { name: "sum" op: "Sum" input: "mm" input: "axes" attr { key: "T" value { type: DT_FLOAT } }
    attr { key: "Tidx" value { type: DT_INT32 } } }
  node { name: "v" op: "VarHandleOp"
    attr { key: "dtype" value { type: DT_FLOAT } }
    attr { key: "shared_name" value { s: "v" } }
    attr { key: "shape" value { shape { } } } }
  node { name: "update" op: "AssignAddVariableOp" input: "v" input: "sum" attr { key: "dtype" value { type: DT_FLOAT } } }
  node { name: "read" op: "ReadVariableOp" input: "v" input: "^update" attr { key: "dtype" value { type: DT_FLOAT } } }
)pb";


using runtime::Tensor;

class SliceTest : public testing::TestWithParam<int64_t> {
 protected:
  SliceTest() { ops::RegisterAll(ops_); }

  // The executable for these fetches and targets; x is fed.
  std::shared_ptr<runtime::Executable> Compile(std::vector<std::string> fetches, std::vector<std::string> targets) {
    GraphDef def;
    EXPECT_TRUE(google::protobuf::TextFormat::ParseFromString(kGraph, &def));
    auto graph = graph::Graph::FromGraphDef(def, &ops_);
    EXPECT_TRUE(graph.ok()) << graph.status();
    executable::CompileRequest request;
    request.feeds.push_back({"x:0", executable::DType::kFloat32, false, {}});
    request.fetches = std::move(fetches);
    request.targets = std::move(targets);
    compiler::GraphCompiler compiler(&*graph, &ops_, /*seed=*/1);
    auto image = compiler.Compile(request);
    EXPECT_TRUE(image.ok()) << image.status().ToString();
    if (!image.ok()) return nullptr;
    for (auto& [stage, ns] : image->stage_ns) std::cout << stage << " " << ns / 1000 << " us\n";
    runtime::LoadOptions options;
    options.check_plans = true;
    auto loaded = runtime::Executable::Load(image->bytes.data(), image->bytes.size(), options);
    EXPECT_TRUE(loaded.ok()) << loaded.status().ToString();
    if (!loaded.ok()) return nullptr;
    std::cout << executable::PrintImage((*loaded)->model());
    return *loaded;
  }

  static Tensor Input(int64_t batch) {
    std::vector<float> x(batch * 4);
    for (size_t i = 0; i < x.size(); ++i) x[i] = static_cast<float>(static_cast<int>(i * 7 % 11) - 5);
    return Tensor::Of<float>({batch, 4}, x);
  }

  compiler::OpSet ops_;
};

TEST_P(SliceTest, Elementwise) {
  auto executable = Compile({"y:0"}, {});
  ASSERT_NE(executable, nullptr);
  auto runner = runtime::Runner::Create(executable, 0, nullptr);
  ASSERT_TRUE(runner.ok()) << runner.status().ToString();
  const Tensor x = Input(GetParam());
  std::vector<Tensor> fetched;
  runtime::Status status = (*runner)->Run({x}, {}, &fetched);
  ASSERT_TRUE(status.ok()) << status.ToString();
  ASSERT_EQ(fetched.size(), 1u);
  ASSERT_EQ(fetched[0].dims(), x.dims());
  const float c[] = {1, 2, -3, 4};
  for (int64_t i = 0; i < x.num_elements(); ++i) {
    EXPECT_EQ(fetched[0].data<float>()[i], std::max(0.0f, x.data<float>()[i] + c[i % 4])) << i;
  }
}

TEST_P(SliceTest, MatMulSumAndVariableUpdate) {
  auto executable = Compile({"sum:0", "read:0"}, {"update"});
  ASSERT_NE(executable, nullptr);
  runtime::VariableStore variables;
  ASSERT_TRUE(variables.Write("v", Tensor::Scalar(100.0f)).ok());
  auto runner = runtime::Runner::Create(executable, 0, &variables);
  ASSERT_TRUE(runner.ok()) << runner.status().ToString();
  const Tensor x = Input(GetParam());
  // Small integers: every order of summation gives the same float.
  const float c[] = {1, 2, -3, 4};
  const float w[4][4] = {{1, 2, -3, 4}, {5, 6, 7, 8}, {9, 0, 1, 2}, {3, 4, 5, 6}};
  float expected = 0;
  for (int64_t i = 0; i < x.num_elements(); ++i) {
    for (int j = 0; j < 4; ++j) expected += std::max(0.0f, x.data<float>()[i] + c[i % 4]) * w[i % 4][j];
  }
  for (int run = 1; run <= 3; ++run) {
    std::vector<Tensor> fetched;
    runtime::Status status = (*runner)->Run({x}, {}, &fetched);
    ASSERT_TRUE(status.ok()) << status.ToString();
    EXPECT_EQ(*fetched[0].data<float>(), expected);
    EXPECT_EQ(*fetched[1].data<float>(), 100 + run * expected);
  }
  EXPECT_EQ(*variables.Read("v")->data<float>(), 100 + 3 * expected);
}

INSTANTIATE_TEST_SUITE_P(Batch, SliceTest, testing::Values(0, 1, 3, 32, 257));

}  // namespace
}  // namespace stator
