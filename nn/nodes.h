#ifndef STATOR_NN_NODES_H_
#define STATOR_NN_NODES_H_

// The ops that layers, losses and optimizers are made of, with the arguments that these give them.

#include <string>
#include <vector>

#include "graph/node_builder.h"
#include "graph/scope.h"

namespace stator::nn::nodes {

using graph::Input;
using graph::Operation;
using graph::Output;
using graph::Scope;
using Ints = std::vector<int64_t>;

inline Output Unary(const Scope& s, const char* op, const Output& x) {
  return graph::NodeBuilder(s, op).Input(x).Finalize().output(0);
}
inline Output Binary(const Scope& s, const char* op, const Input& x, const Input& y) {
  return graph::NodeBuilder(s, op).Input(x).Input(y).Finalize().output(0);
}
inline Output Relu(const Scope& s, const Output& x) { return Unary(s, "Relu", x); }
inline Output Tanh(const Scope& s, const Output& x) { return Unary(s, "Tanh", x); }
inline Output Sigmoid(const Scope& s, const Output& x) { return Unary(s, "Sigmoid", x); }
inline Output Softmax(const Scope& s, const Output& x) { return Unary(s, "Softmax", x); }
inline Output Sqrt(const Scope& s, const Output& x) { return Unary(s, "Sqrt", x); }
inline Output Rsqrt(const Scope& s, const Output& x) { return Unary(s, "Rsqrt", x); }
inline Output Square(const Scope& s, const Output& x) { return Unary(s, "Square", x); }
inline Output Add(const Scope& s, const Input& x, const Input& y) {
  return Binary(s, "AddV2", x, y);
}
inline Output Sub(const Scope& s, const Input& x, const Input& y) { return Binary(s, "Sub", x, y); }
inline Output Mul(const Scope& s, const Input& x, const Input& y) { return Binary(s, "Mul", x, y); }
inline Output RealDiv(const Scope& s, const Input& x, const Input& y) {
  return Binary(s, "RealDiv", x, y);
}
inline Output Pow(const Scope& s, const Input& x, const Input& y) { return Binary(s, "Pow", x, y); }
inline Output Maximum(const Scope& s, const Input& x, const Input& y) {
  return Binary(s, "Maximum", x, y);
}
inline Output SquaredDifference(const Scope& s, const Input& x, const Input& y) {
  return Binary(s, "SquaredDifference", x, y);
}
inline Output GreaterEqual(const Scope& s, const Input& x, const Input& y) {
  return Binary(s, "GreaterEqual", x, y);
}
inline Output Equal(const Scope& s, const Input& x, const Input& y) {
  return Binary(s, "Equal", x, y);
}
inline Output MatMul(const Scope& s, const Output& x, const Output& y) {
  return Binary(s, "MatMul", x, y);
}
inline Output BiasAdd(const Scope& s, const Output& x, const Output& bias) {
  return Binary(s, "BiasAdd", x, bias);
}

Output AddN(const Scope& s, const std::vector<Output>& xs);
Output Cast(const Scope& s, const Output& x, DataType dtype);
Output Reshape(const Scope& s, const Output& x, const Ints& dims);
Output Shape(const Scope& s, const Ints& dims);   // a constant, int32
Output ShapeOf(const Scope& s, const Output& x);  // int32
Output Fill(const Scope& s, const Ints& dims, float value, DataType dtype);
Output ConstantFloat(const Scope& s, float value);
Output ConstantInt64(const Scope& s, int64_t value);
Output Mean(const Scope& s, const Output& x, const std::vector<int>& axes, bool keep_dims);
Output Sum(const Scope& s, const Output& x, const std::vector<int>& axes, bool keep_dims);
Output ArgMax(const Scope& s, const Output& x, int axis, DataType dtype);
Output Conv2D(const Scope& s, const Output& x, const Output& kernel, const Ints& strides,
              const std::string& padding);
Output MaxPool(const Scope& s, const Output& x, const Ints& window, const Ints& strides,
               const std::string& padding);
Output AvgPool(const Scope& s, const Output& x, const Ints& window, const Ints& strides,
               const std::string& padding);
// The loss of each example.
Output SparseSoftmaxCrossEntropyWithLogits(const Scope& s, const Output& logits,
                                           const Output& labels);

struct BatchNormResult {
  Output y, batch_mean, batch_variance;
};
BatchNormResult FusedBatchNorm(const Scope& s, const Output& x, const Output& scale,
                               const Output& offset, const Output& mean, const Output& variance,
                               float epsilon, bool training);

// Philox numbers of a key below 2^63. `step`, an int64 scalar, is the counter's high word; 0 if
// invalid.
Output StatelessRandomUniform(const Scope& s, const Output& shape, uint64_t key, const Output& step,
                              DataType dtype);
Output StatelessRandomNormal(const Scope& s, const Output& shape, uint64_t key, const Output& step,
                             DataType dtype);

Output VarHandleOp(const Scope& s, DataType dtype, const Ints& dims, const std::string& name);
Output ReadVariableOp(const Scope& s, const Output& handle, DataType dtype);
Operation AssignVariableOp(const Scope& s, const Output& handle, const Output& value);
Operation AssignAddVariableOp(const Scope& s, const Output& handle, const Output& value);
Operation AssignSubVariableOp(const Scope& s, const Output& handle, const Output& value);
Operation NoOp(const Scope& s);
Output Placeholder(const Scope& s, DataType dtype, const Ints& dims);  // -1: unknown size

Operation ResourceApplyGradientDescent(const Scope& s, const Output& var, const Output& rate,
                                       const Output& gradient);
Operation ResourceApplyMomentum(const Scope& s, const Output& var, const Output& speed,
                                const Output& rate, const Output& gradient, float momentum,
                                bool nesterov);
Operation ResourceApplyAdam(const Scope& s, const Output& var, const Output& m, const Output& v,
                            const Output& power1, const Output& power2, const Output& rate,
                            float beta1, float beta2, float epsilon, const Output& gradient);

// The gradients of the sum of `ys` with respect to each of `xs`.
std::vector<Output> Gradients(const Scope& s, const std::vector<Output>& ys,
                              const std::vector<Output>& xs);

}  // namespace stator::nn::nodes

#endif  // STATOR_NN_NODES_H_
