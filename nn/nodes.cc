#include "nn/nodes.h"

#include "graph/tensor_shape.h"

namespace stator::nn::nodes {

using graph::NodeBuilder;
using graph::PartialShape;

namespace {

Output Reduce(const Scope& s, const char* op, const Output& x, const std::vector<int>& axes,
              bool keep_dims) {
  const Output list = Constant(s, graph::Literal(axes));
  return NodeBuilder(s, op).Input(x).Input(list).Attr("keep_dims", keep_dims).Finalize().output(0);
}

Output Pool(const Scope& s, const char* op, const Output& x, const Ints& window,
            const Ints& strides, const std::string& padding) {
  return NodeBuilder(s, op)
      .Input(x)
      .Attr("ksize", window)
      .Attr("strides", strides)
      .Attr("padding", padding)
      .Finalize()
      .output(0);
}

Output Random(const Scope& s, const char* op, const Output& shape, uint64_t key, const Output& step,
              DataType dtype) {
  const auto word = [&](int64_t value) { return Constant(s, graph::Literal(value), DT_UINT64); };
  const Output key_vector =
      Constant(s, graph::Literal(std::vector<int64_t>{static_cast<int64_t>(key)}), DT_UINT64);
  const Output high = step.valid() ? Cast(s, step, DT_UINT64) : word(0);
  const Output counter = NodeBuilder(s, "Pack")
                             .InputList(std::vector<Output>{word(0), high})
                             .Attr("axis", 0)
                             .Finalize()
                             .output(0);
  constexpr int kPhilox = 1;
  return NodeBuilder(s, op)
      .Input(shape)
      .Input(key_vector)
      .Input(counter)
      .Input(kPhilox)
      .Attr("dtype", dtype)
      .Finalize()
      .output(0);
}

Operation Assign(const Scope& s, const char* op, const Output& handle, const Output& value) {
  return NodeBuilder(s, op).Input(handle).Input(value).Attr("dtype", value.dtype()).Finalize();
}

}  // namespace

Output AddN(const Scope& s, const std::vector<Output>& xs) {
  return NodeBuilder(s, "AddN").InputList(xs).Finalize().output(0);
}

Output Cast(const Scope& s, const Output& x, DataType dtype) {
  return NodeBuilder(s, "Cast").Input(x).Attr("DstT", dtype).Finalize().output(0);
}

Output Reshape(const Scope& s, const Output& x, const Ints& dims) {
  return NodeBuilder(s, "Reshape").Input(x).Input(Shape(s, dims)).Finalize().output(0);
}

Output Shape(const Scope& s, const Ints& dims) {
  return Constant(s, graph::Literal(dims), DT_INT32);
}

Output ShapeOf(const Scope& s, const Output& x) { return Unary(s, "Shape", x); }

Output Fill(const Scope& s, const Ints& dims, float value, DataType dtype) {
  const bool is_integer = dtype == DT_INT32 || dtype == DT_INT64;
  const Output element = is_integer
                             ? Constant(s, graph::Literal(static_cast<int64_t>(value)), dtype)
                             : Constant(s, graph::Literal(value), dtype);
  return NodeBuilder(s, "Fill").Input(Shape(s, dims)).Input(element).Finalize().output(0);
}

Output ConstantFloat(const Scope& s, float value) { return Constant(s, graph::Literal(value)); }

Output ConstantInt64(const Scope& s, int64_t value) {
  return Constant(s, graph::Literal(value), DT_INT64);
}

Output Mean(const Scope& s, const Output& x, const std::vector<int>& axes, bool keep_dims) {
  return Reduce(s, "Mean", x, axes, keep_dims);
}

Output Sum(const Scope& s, const Output& x, const std::vector<int>& axes, bool keep_dims) {
  return Reduce(s, "Sum", x, axes, keep_dims);
}

Output ArgMax(const Scope& s, const Output& x, int axis, DataType dtype) {
  return NodeBuilder(s, "ArgMax")
      .Input(x)
      .Input(axis)
      .Attr("output_type", dtype)
      .Finalize()
      .output(0);
}

Output Conv2D(const Scope& s, const Output& x, const Output& kernel, const Ints& strides,
              const std::string& padding) {
  return NodeBuilder(s, "Conv2D")
      .Input(x)
      .Input(kernel)
      .Attr("strides", strides)
      .Attr("padding", padding)
      .Finalize()
      .output(0);
}

Output MaxPool(const Scope& s, const Output& x, const Ints& window, const Ints& strides,
               const std::string& padding) {
  return Pool(s, "MaxPool", x, window, strides, padding);
}

Output AvgPool(const Scope& s, const Output& x, const Ints& window, const Ints& strides,
               const std::string& padding) {
  return Pool(s, "AvgPool", x, window, strides, padding);
}

Output SparseSoftmaxCrossEntropyWithLogits(const Scope& s, const Output& logits,
                                           const Output& labels) {
  return Binary(s, "SparseSoftmaxCrossEntropyWithLogits", logits, labels);
}

BatchNormResult FusedBatchNorm(const Scope& s, const Output& x, const Output& scale,
                               const Output& offset, const Output& mean, const Output& variance,
                               float epsilon, bool training) {
  const Operation op = NodeBuilder(s, "FusedBatchNormV3")
                           .Input(x)
                           .Input(scale)
                           .Input(offset)
                           .Input(mean)
                           .Input(variance)
                           .Attr("epsilon", epsilon)
                           .Attr("is_training", training)
                           .Finalize();
  return {op.output(0), op.output(1), op.output(2)};
}

Output StatelessRandomUniform(const Scope& s, const Output& shape, uint64_t key, const Output& step,
                              DataType dtype) {
  return Random(s, "StatelessRandomUniformV2", shape, key, step, dtype);
}

Output StatelessRandomNormal(const Scope& s, const Output& shape, uint64_t key, const Output& step,
                             DataType dtype) {
  return Random(s, "StatelessRandomNormalV2", shape, key, step, dtype);
}

Output VarHandleOp(const Scope& s, DataType dtype, const Ints& dims, const std::string& name) {
  return NodeBuilder(s, "VarHandleOp")
      .Attr("dtype", dtype)
      .Attr("shape", PartialShape(dims))
      .Attr("shared_name", name)
      .Finalize()
      .output(0);
}

Output ReadVariableOp(const Scope& s, const Output& handle, DataType dtype) {
  return NodeBuilder(s, "ReadVariableOp").Input(handle).Attr("dtype", dtype).Finalize().output(0);
}

Operation AssignVariableOp(const Scope& s, const Output& handle, const Output& value) {
  return Assign(s, "AssignVariableOp", handle, value);
}

Operation AssignAddVariableOp(const Scope& s, const Output& handle, const Output& value) {
  return Assign(s, "AssignAddVariableOp", handle, value);
}

Operation AssignSubVariableOp(const Scope& s, const Output& handle, const Output& value) {
  return Assign(s, "AssignSubVariableOp", handle, value);
}

Operation NoOp(const Scope& s) { return NodeBuilder(s, "NoOp").Finalize(); }

Output Placeholder(const Scope& s, DataType dtype, const Ints& dims) {
  return NodeBuilder(s, "Placeholder")
      .Attr("dtype", dtype)
      .Attr("shape", PartialShape(dims))
      .Finalize()
      .output(0);
}

Operation ResourceApplyGradientDescent(const Scope& s, const Output& var, const Output& rate,
                                       const Output& gradient) {
  return NodeBuilder(s, "ResourceApplyGradientDescent")
      .Input(var)
      .Input(rate)
      .Input(gradient)
      .Finalize();
}

Operation ResourceApplyMomentum(const Scope& s, const Output& var, const Output& speed,
                                const Output& rate, const Output& gradient, float momentum,
                                bool nesterov) {
  return NodeBuilder(s, "ResourceApplyMomentum")
      .Input(var)
      .Input(speed)
      .Input(rate)
      .Input(gradient)
      .Input(momentum)
      .Attr("use_nesterov", nesterov)
      .Finalize();
}

Operation ResourceApplyAdam(const Scope& s, const Output& var, const Output& m, const Output& v,
                            const Output& power1, const Output& power2, const Output& rate,
                            float beta1, float beta2, float epsilon, const Output& gradient) {
  return NodeBuilder(s, "ResourceApplyAdam")
      .Input(var)
      .Input(m)
      .Input(v)
      .Input(power1)
      .Input(power2)
      .Input(rate)
      .Input(beta1)
      .Input(beta2)
      .Input(epsilon)
      .Input(gradient)
      .Finalize();
}

std::vector<Output> Gradients(const Scope& s, const std::vector<Output>& ys,
                              const std::vector<Output>& xs) {
  const Operation op = NodeBuilder(s, "Gradients")
                           .InputList(ys)
                           .InputList(std::vector<Output>())  // each y weighs 1
                           .InputList(xs)
                           .Finalize();
  std::vector<Output> gradients;
  for (size_t i = 0; i < xs.size(); ++i) gradients.push_back(op.output(static_cast<int>(i)));
  return gradients;
}

}  // namespace stator::nn::nodes
