// Weights that a program only reads are packed once for the kernels that use them, and the numbers
// stay.

#include <gtest/gtest.h>

#include <algorithm>
#include <string>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_join.h"
#include "graph/tensor_proto.h"
#include "tests/program/graph_program.h"

namespace stator::tests {
namespace {

template <typename T>
std::pair<std::string, AttrValue> Attr(const std::string& name, const T& value) {
  return {name, graph::ToAttr(value)};
}

class PackedWeightsTest : public testing::Test {
 protected:
  Tensor Numbers(const Shape& dims) {
    return MakeValues(DType::kFloat32, dims, Fill::kModerate, random_);
  }
  Output Const(const Shape& dims) {
    const Tensor numbers = Numbers(dims);
    graph::DenseTensor tensor;
    tensor.dtype = DT_FLOAT;
    tensor.shape = dims;
    tensor.bytes.assign(numbers.data(), numbers.num_bytes());
    return graph::Constant(s_, tensor);
  }
  Output Weight(const std::string& name, const Shape& dims) {
    handle_ = Variable(s_, name, DT_FLOAT, dims);
    variables_[name] = Numbers(dims);
    return Op(s_, "ReadVariableOp", {handle_}, {Attr("dtype", DT_FLOAT)});
  }
  Output Feed(const Shape& dims) {
    feeds_.push_back(dims);
    const Output fed = Placeholder(s_, DT_FLOAT, dims);
    program_.feeds.push_back(fed.name());
    return fed;
  }
  void Fetch(const std::vector<Output>& outputs) {
    for (const Output& output : outputs) program_.fetches.push_back(output.name());
  }

  // Runs in every way, unknown sizes being 1, 7 and 40; `packs` of the kernels pack weights.
  void Expect(int64_t packs) {
    ASSERT_TRUE(s_.ok()) << s_.status();
    std::vector<RunInput> runs;
    for (int64_t size : {7, 1, 40}) {
      RunInput run{"size " + std::to_string(size), {}, variables_};
      for (Shape dims : feeds_) {
        std::replace(dims.begin(), dims.end(), int64_t{-1}, size);
        run.feeds.push_back(Numbers(dims));
      }
      runs.push_back(std::move(run));
    }
    const Program program = MakeProgram(s_, program_, std::move(runs));
    const auto kernels = KernelsOf(program);
    ASSERT_TRUE(kernels.ok()) << kernels.status();
    EXPECT_EQ(std::count_if(kernels->begin(), kernels->end(),
                            [](const std::string& k) { return absl::StartsWith(k, "pack"); }),
              packs)
        << absl::StrJoin(*kernels, "\n");
    EXPECT_TRUE(SameInEveryWay(program, {.may_fail = false, .concrete_runs = 1}));
  }

  Scope s_ = NewScope();
  GraphProgram program_;
  Output handle_;

 private:
  Random random_{5};
  std::vector<Shape> feeds_;
  std::map<std::string, Tensor> variables_;
};

TEST_F(PackedWeightsTest, OfConstantsAndVariables) {
  const Output x = Feed({-1, 96});
  const Output y = Op(s_, "Relu", {Op(s_, "MatMul", {x, Const({96, 112})})});
  Fetch({Op(s_, "MatMul", {y, Weight("w", {112, 128})})});
  Expect(1);  // the constant is packed when it is compiled
}

TEST_F(PackedWeightsTest, OfATransposedMatrixAndMoreRowsThanAChunk) {
  const Output x = Feed({-1, 4200});
  Fetch({Op(s_, "MatMul", {x, Weight("w", {32, 4200})}, {Attr("transpose_b", true)})});
  Expect(1);
}

TEST_F(PackedWeightsTest, OnceForAllUses) {
  const Output w = Weight("w", {128, 128});
  const Output x = Feed({-1, -1, 128});
  const Output y = Op(s_, "Tanh", {Op(s_, "BatchMatMulV2", {x, w})});
  Fetch({Op(s_, "BatchMatMulV2", {y, w}), y});
  Expect(1);
}

TEST_F(PackedWeightsTest, OfConvolutions) {
  const Output image = Feed({-1, 9, 9, 16});
  Fetch({Op(s_, "Conv2D", {image, Weight("w", {3, 3, 16, 64})},
            {Attr("strides", std::vector<int>{1, 2, 2, 1}), Attr("padding", std::string("SAME"))})});
  Expect(1);
}

TEST_F(PackedWeightsTest, NotWherePanelsDoNotFit) {
  const Output x = Feed({-1, 128});
  Fetch({Op(s_, "MatMul", {x, Weight("w", {128, 100})})});
  Expect(0);
}

TEST_F(PackedWeightsTest, OfFewRows) {
  const Output w = Weight("w", {128, 128});
  Fetch({Op(s_, "MatMul", {Feed({1, 128}), w}), Op(s_, "MatMul", {Feed({4, 128}), w})});
  Expect(1);
}

TEST_F(PackedWeightsTest, NotOfWhatTheProgramWrites) {
  const Output w = Weight("w", {128, 128});
  Fetch({Op(s_, "MatMul", {Feed({-1, 128}), w})});
  program_.targets = {graph::NodeBuilder(s_, "AssignAddVariableOp")
                          .Input(handle_)
                          .Input(Op(s_, "Mul", {w, 0.5}))
                          .Finalize()
                          .node()
                          .name()};
  Expect(0);
}

}  // namespace
}  // namespace stator::tests
