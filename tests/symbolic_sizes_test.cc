// One executable serves every size: programs with unknown dimensions compile once.

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>

#include "graph/node_builder.h"
#include "stator.h"

namespace stator {
namespace {

using graph::NodeBuilder;
using graph::Output;
using graph::PartialShape;
using graph::Scope;
using runtime::Tensor;

Output Placeholder(const Scope& scope, const char* name, const PartialShape& shape) {
  return NodeBuilder(scope.WithOpName(name), "Placeholder")
      .Attr("dtype", DT_FLOAT)
      .Attr("shape", shape)
      .Finalize()
      .output(0);
}

// Small integers, so that every order of summation gives the same float.
Tensor Numbers(std::vector<int64_t> dims, int seed) {
  Tensor tensor = *Tensor::Create(executable::DType::kFloat32, std::move(dims));
  for (int64_t i = 0; i < tensor.num_elements(); ++i) {
    tensor.data<float>()[i] = static_cast<float>((i * 7 + seed * 5) % 11 - 5);
  }
  return tensor;
}

std::vector<float> MatMul(const float* a, const float* b, int64_t m, int64_t k, int64_t n) {
  std::vector<float> c(m * n, 0.0f);
  for (int64_t i = 0; i < m; ++i) {
    for (int64_t l = 0; l < k; ++l) {
      for (int64_t j = 0; j < n; ++j) c[i * n + j] += a[i * k + l] * b[l * n + j];
    }
  }
  return c;
}

std::vector<float> Values(const Tensor& tensor) {
  return {tensor.data<float>(), tensor.data<float>() + tensor.num_elements()};
}

class SymbolicSizesTest : public testing::Test {
 protected:
  void Start(const Scope& program) {
    ASSERT_TRUE(program.ok()) << program.status();
    runtime::SessionOptions options;
    options.check_plans = true;
    options.poison = true;
    auto session = NewSession(program, std::move(options));
    ASSERT_TRUE(session.ok()) << session.status();
    session_ = *std::move(session);
  }

  Tensor Run(const std::vector<runtime::NamedTensor>& feeds, const std::string& fetch,
             const std::vector<std::string>& targets = {}) {
    auto fetched = session_->Run(feeds, {fetch}, targets);
    EXPECT_TRUE(fetched.ok()) << fetched.status();
    return fetched.ok() ? (*fetched)[0] : Tensor();
  }

  std::unique_ptr<runtime::Session> session_;
};

TEST_F(SymbolicSizesTest, BatchesShareOneExecutable) {
  const Scope program = NewProgram();
  const Output x = Placeholder(program, "x", {-1, 5});
  const Tensor weights = Numbers({5, 7}, 1);
  const Output w = Placeholder(program, "w", {5, 7});
  const Output product = NodeBuilder(program, "MatMul").Input(x).Input(w).Finalize().output(0);
  NodeBuilder(program.WithOpName("y"), "Relu").Input(product).Finalize();
  Start(program);
  for (int64_t batch : {1, 3, 32, 257, 0}) {
    const Tensor input = Numbers({batch, 5}, 2);
    const Tensor y = Run({{"x", input}, {"w", weights}}, "y");
    ASSERT_EQ(y.dims(), (std::vector<int64_t>{batch, 7}));
    std::vector<float> expected = MatMul(input.data<float>(), weights.data<float>(), batch, 5, 7);
    for (float& v : expected) v = std::max(v, 0.0f);
    EXPECT_EQ(Values(y), expected) << "batch " << batch;
  }
  EXPECT_EQ(session_->Stats().compiles, 1);
}

TEST_F(SymbolicSizesTest, TwoUnknownDimsInOneMatMul) {
  const Scope program = NewProgram();
  const Output a = Placeholder(program, "a", {-1, -1});
  const Output b = Placeholder(program, "b", {-1, 4});
  NodeBuilder(program.WithOpName("y"), "MatMul").Input(a).Input(b).Finalize();
  Start(program);
  for (auto [m, k] : {std::pair<int64_t, int64_t>{2, 3}, {3, 2}, {17, 129}, {64, 1000}}) {
    const Tensor x = Numbers({m, k}, 1), z = Numbers({k, 4}, 3);
    const Tensor y = Run({{"a", x}, {"b", z}}, "y");
    ASSERT_EQ(y.dims(), (std::vector<int64_t>{m, 4}));
    EXPECT_EQ(Values(y), MatMul(x.data<float>(), z.data<float>(), m, k, 4)) << m << "x" << k;
  }
  EXPECT_EQ(session_->Stats().compiles, 1);
}

TEST_F(SymbolicSizesTest, ImagesOfUnknownHeightAndWidth) {
  const Scope program = NewProgram();
  const Output image = Placeholder(program, "image", {-1, -1, -1, 3});
  const Tensor kernel = Numbers({3, 3, 3, 4}, 1);
  const Output filter = Placeholder(program, "filter", {3, 3, 3, 4});
  NodeBuilder(program.WithOpName("y"), "Conv2D")
      .Input(image)
      .Input(filter)
      .Attr("strides", std::vector<int64_t>{1, 2, 2, 1})
      .Attr("padding", "SAME")
      .Finalize();
  Start(program);
  for (auto [n, h, w] : {std::array<int64_t, 3>{1, 8, 8}, {2, 9, 12}, {3, 5, 31}}) {
    const Tensor input = Numbers({n, h, w, 3}, 2);
    const Tensor y = Run({{"image", input}, {"filter", kernel}}, "y");
    const int64_t oh = (h + 1) / 2, ow = (w + 1) / 2;
    ASSERT_EQ(y.dims(), (std::vector<int64_t>{n, oh, ow, 4}));
    // TensorFlow's SAME: the odd element of padding goes behind.
    const int64_t top = std::max<int64_t>((oh - 1) * 2 + 3 - h, 0) / 2;
    const int64_t left = std::max<int64_t>((ow - 1) * 2 + 3 - w, 0) / 2;
    for (int64_t i = 0; i < y.num_elements(); ++i) {
      const int64_t o = i % 4, c = i / 4 % ow, r = i / 4 / ow % oh, image_index = i / 4 / ow / oh;
      float sum = 0;
      for (int64_t dy = 0; dy < 3; ++dy) {
        for (int64_t dx = 0; dx < 3; ++dx) {
          const int64_t py = r * 2 + dy - top, px = c * 2 + dx - left;
          if (py < 0 || py >= h || px < 0 || px >= w) continue;
          for (int64_t f = 0; f < 3; ++f) {
            sum += input.data<float>()[((image_index * h + py) * w + px) * 3 + f] *
                   kernel.data<float>()[((dy * 3 + dx) * 3 + f) * 4 + o];
          }
        }
      }
      ASSERT_EQ(y.data<float>()[i], sum) << n << "x" << h << "x" << w << " element " << i;
    }
  }
  EXPECT_EQ(session_->Stats().compiles, 1);
}

TEST_F(SymbolicSizesTest, ASumOverTheBatchUpdatesAVariable) {
  const Scope program = NewProgram();
  const Output x = Placeholder(program, "x", {-1, 4});
  const Output w = Placeholder(program, "w", {4, 4});
  const Output biased =
      NodeBuilder(program, "AddV2").Input(x).Input({1.f, 2.f, -3.f, 4.f}).Finalize().output(0);
  const Output positive = NodeBuilder(program, "Relu").Input(biased).Finalize().output(0);
  const Output product =
      NodeBuilder(program, "MatMul").Input(positive).Input(w).Finalize().output(0);
  const Output sum = NodeBuilder(program.WithOpName("sum"), "Sum")
                         .Input(product)
                         .Input({0, 1})
                         .Finalize()
                         .output(0);
  const Output handle = NodeBuilder(program, "VarHandleOp")
                            .Attr("dtype", DT_FLOAT)
                            .Attr("shared_name", "v")
                            .Attr("shape", PartialShape({}))
                            .Finalize()
                            .output(0);
  NodeBuilder(program.WithOpName("update"), "AssignAddVariableOp")
      .Input(handle)
      .Input(sum)
      .Finalize();
  Start(program);
  float total = 100;
  ASSERT_TRUE(session_->variables()->Write("v", Tensor::Scalar(total)).ok());
  const Tensor weights = Numbers({4, 4}, 1);
  for (int64_t batch : {1, 3, 0, 32, 257}) {
    Tensor rows = Numbers({batch, 4}, 2);
    const Tensor y = Run({{"x", rows}, {"w", weights}}, "sum", {"update"});
    const float bias[] = {1, 2, -3, 4};
    for (int64_t i = 0; i < rows.num_elements(); ++i) {
      rows.data<float>()[i] = std::max(0.0f, rows.data<float>()[i] + bias[i % 4]);
    }
    float expected = 0;
    for (float v : MatMul(rows.data<float>(), weights.data<float>(), batch, 4, 4)) expected += v;
    ASSERT_EQ(Values(y), std::vector<float>{expected}) << batch;
    total += expected;
    EXPECT_EQ(Values(*session_->variables()->Read("v")), std::vector<float>{total}) << batch;
  }
  EXPECT_EQ(session_->Stats().compiles, 1);
}

// The number of rows that pass is known only when the program runs.
TEST_F(SymbolicSizesTest, MatMulOnWhatWhereFound) {
  const Scope program = NewProgram();
  const Output x = Placeholder(program, "x", {-1, 3});
  const Output w = Placeholder(program, "w", {3, 2});
  const Output column =
      NodeBuilder(program, "Slice").Input(x).Input({0, 0}).Input({-1, 1}).Finalize().output(0);
  const Output flat =
      NodeBuilder(program, "Reshape").Input(column).Input({-1}).Finalize().output(0);
  const Output positive =
      NodeBuilder(program, "Greater").Input(flat).Input(0.0f).Finalize().output(0);
  const Output where = NodeBuilder(program, "Where").Input(positive).Finalize().output(0);
  const Output rows = NodeBuilder(program, "Reshape").Input(where).Input({-1}).Finalize().output(0);
  const Output chosen =
      NodeBuilder(program, "GatherV2").Input(x).Input(rows).Input(0).Finalize().output(0);
  NodeBuilder(program.WithOpName("y"), "MatMul").Input(chosen).Input(w).Finalize();
  Start(program);
  const Tensor weights = Numbers({3, 2}, 1);
  for (int64_t n : {1, 4, 50, 300}) {
    const Tensor input = Numbers({n, 3}, static_cast<int>(n));
    std::vector<float> passed;
    for (int64_t i = 0; i < n; ++i) {
      const float* row = input.data<float>() + i * 3;
      if (row[0] > 0) passed.insert(passed.end(), row, row + 3);
    }
    const int64_t count = static_cast<int64_t>(passed.size()) / 3;
    const Tensor y = Run({{"x", input}, {"w", weights}}, "y");
    ASSERT_EQ(y.dims(), (std::vector<int64_t>{count, 2}));
    EXPECT_EQ(Values(y), MatMul(passed.data(), weights.data<float>(), count, 3, 2)) << n;
  }
  EXPECT_EQ(session_->Stats().compiles, 1);
}

}  // namespace
}  // namespace stator
