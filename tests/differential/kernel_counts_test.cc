// How many kernels well-known programs need. The compiler names none of them: the counts follow
// from the rules of fusion alone. Each program also runs like the interpreter.

#include <gtest/gtest.h>

#include "absl/strings/str_join.h"
#include "tests/program/graph_program.h"

namespace stator::tests {
namespace {

template <typename T>
std::pair<std::string, AttrValue> Attr(const std::string& name, const T& value) {
  return {name, graph::ToAttr(value)};
}

class KernelCountsTest : public testing::Test {
 protected:
  Output Feed(const std::vector<int64_t>& dims, DataType dtype = DT_FLOAT) {
    const Output feed = Placeholder(s_, dtype, dims);
    program_.feeds.push_back(feed.name());
    shapes_.push_back({dtype, dims});
    return feed;
  }
  void Fetch(const Output& output) { program_.fetches.push_back(output.name()); }
  void AddVariable(const std::string& name, const std::vector<int64_t>& dims) {
    variables_[name] = {DT_FLOAT, dims};
  }

  // Unknown sizes are 3, then 32.
  void ExpectKernels(size_t count) {
    ASSERT_TRUE(s_.ok()) << s_.status();
    std::vector<RunInput> runs;
    Random random(7);
    for (int64_t size : {3, 32}) {
      RunInput run;
      run.name = "size " + std::to_string(size);
      for (const auto& [dtype, dims] : shapes_)
        run.feeds.push_back(Make(dtype, dims, size, random));
      for (const auto& [name, type] : variables_) {
        run.variables[name] = Make(type.first, type.second, size, random);
      }
      runs.push_back(std::move(run));
    }
    const Program program = MakeProgram(s_, program_, std::move(runs));
    const auto kernels = KernelsOf(program);
    ASSERT_TRUE(kernels.ok()) << kernels.status();
    EXPECT_EQ(kernels->size(), count) << absl::StrJoin(*kernels, "\n");
    EXPECT_TRUE(SameInEveryWay(program));
  }

  Scope s_ = NewScope();
  GraphProgram program_;

 private:
  static Tensor Make(DataType dtype, const std::vector<int64_t>& dims, int64_t size,
                     Random& random) {
    Shape shape;
    for (int64_t d : dims) shape.push_back(d < 0 ? size : d);
    return MakeValues(static_cast<DType>(dtype), shape, Fill::kPositive, random);
  }

  std::vector<std::pair<DataType, std::vector<int64_t>>> shapes_;
  std::map<std::string, std::pair<DataType, std::vector<int64_t>>> variables_;
};

TEST_F(KernelCountsTest, ElementwiseChain) {
  const Output x = Feed({-1, 16}), y = Feed({-1, 16});
  const Output gate = Op(s_, "Sigmoid", {Op(s_, "Mul", {x, 1.702})});
  Fetch(Op(s_, "Tanh", {Op(s_, "AddV2", {Op(s_, "Mul", {x, gate}), y})}));
  ExpectKernels(1);
}

TEST_F(KernelCountsTest, TwoLayerPerceptron) {
  const Output x = Feed({-1, 20}), w1 = Feed({20, 16}), b1 = Feed({16}), w2 = Feed({16, 10});
  const Output hidden = Op(s_, "Relu", {Op(s_, "BiasAdd", {Op(s_, "MatMul", {x, w1}), b1})});
  Fetch(Op(s_, "MatMul", {hidden, w2}));
  ExpectKernels(2);
}

TEST_F(KernelCountsTest, Softmax) {
  Fetch(Op(s_, "Softmax", {Feed({-1, 50})}));
  ExpectKernels(1);
}

TEST_F(KernelCountsTest, LayerNorm) {
  const Output x = Feed({-1, 48}), scale = Feed({48}), offset = Feed({48});
  const auto keep = Attr("keep_dims", true);
  const Output centred = Op(s_, "Sub", {x, Op(s_, "Mean", {x, {1}}, {keep})});
  const Output variance = Op(s_, "Mean", {Op(s_, "Square", {centred}), {1}}, {keep});
  const Output inverse = Op(s_, "Rsqrt", {Op(s_, "AddV2", {variance, 1e-5})});
  const Output normal = Op(s_, "Mul", {centred, inverse});
  Fetch(Op(s_, "AddV2", {Op(s_, "Mul", {normal, scale}), offset}));
  ExpectKernels(1);
}

TEST_F(KernelCountsTest, ConvolutionBiasRelu) {
  const Output image = Feed({-1, 8, 8, 3}), kernel = Feed({3, 3, 3, 8}), bias = Feed({8});
  const Output convolved =
      Op(s_, "Conv2D", {image, kernel},
         {Attr("strides", std::vector<int>{1, 1, 1, 1}), Attr("padding", std::string("VALID"))});
  Fetch(Op(s_, "Relu", {Op(s_, "BiasAdd", {convolved, bias})}));
  ExpectKernels(1);
}

TEST_F(KernelCountsTest, Attention) {
  const Output q = Feed({-1, 12, 16}), k = Feed({-1, 12, 16}), v = Feed({-1, 12, 16});
  const Output scores =
      Op(s_, "Mul", {Op(s_, "BatchMatMulV2", {q, k}, {Attr("adj_y", true)}), 0.25});
  Fetch(Op(s_, "BatchMatMulV2", {Op(s_, "Softmax", {scores}), v}));
  ExpectKernels(3);
}

TEST_F(KernelCountsTest, Residual) {
  const Output x = Feed({-1, 24}), w = Feed({24, 24});
  Fetch(Op(s_, "AddV2", {x, Op(s_, "Tanh", {Op(s_, "MatMul", {x, w})})}));
  ExpectKernels(1);
}

TEST_F(KernelCountsTest, SquaredLoss) {
  const Output prediction = Feed({-1, 10}), target = Feed({-1, 10});
  const Output error = Op(s_, "SquaredDifference", {prediction, target});
  Fetch(Op(s_, "Mean", {error, {0, 1}}));
  // A sum over everything ends in several tiles; what uses the one result comes after.
  ExpectKernels(2);
}

TEST_F(KernelCountsTest, LinearGradient) {
  const Output x = Feed({-1, 20}), w = Feed({20, 10}), target = Feed({-1, 10});
  const Output error = Op(s_, "SquaredDifference", {Op(s_, "MatMul", {x, w}), target});
  Fetch(Gradients(s_, Op(s_, "Sum", {error, {0, 1}}), {w})[0]);
  // Forward with the loss's gradient as its epilogue, then the product with x.
  ExpectKernels(2);
}

TEST_F(KernelCountsTest, AdamUpdate) {
  const Output gradient = Feed({64});
  std::vector<graph::Input> inputs;
  for (const char* name : {"w", "m", "v"}) {
    inputs.push_back(Variable(s_, name, DT_FLOAT, {64}));
    AddVariable(name, {64});
  }
  for (double scalar : {0.9, 0.999, 0.001, 0.9, 0.999, 1e-7}) {
    inputs.push_back(Op(s_, "Identity", {graph::Constant(s_, scalar)}));
  }
  inputs.push_back(gradient);
  graph::NodeBuilder update(s_, "ResourceApplyAdam");
  for (const graph::Input& input : inputs) update.Input(input);
  program_.targets = {update.Finalize().node().name()};
  ExpectKernels(1);
}

}  // namespace
}  // namespace stator::tests
