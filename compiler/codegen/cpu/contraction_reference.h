// For tests: dot_general and convolution by their definition, one scalar chain per element.
#ifndef STATOR_COMPILER_CODEGEN_CPU_CONTRACTION_REFERENCE_H_
#define STATOR_COMPILER_CODEGEN_CPU_CONTRACTION_REFERENCE_H_

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstdint>
#include <map>
#include <string>
#include <type_traits>
#include <vector>

#include "compiler/codegen/cpu/testing.h"

namespace stator::compiler {

// bfloat16, with the rounding of a conversion from float.
struct Bf16 {
  uint16_t bits = 0;
  Bf16() = default;
  explicit Bf16(float value) {
    const uint32_t b = std::bit_cast<uint32_t>(value);
    bits = static_cast<uint16_t>((b + 0x7fff + ((b >> 16) & 1)) >> 16);
  }
  explicit operator float() const { return std::bit_cast<float>(uint32_t{bits} << 16); }
};

struct F16 {
  _Float16 value = 0;
  F16() = default;
  explicit F16(float v) : value(static_cast<_Float16>(v)) {}
  explicit operator float() const { return static_cast<float>(value); }
};

// What sums of T are kept in.
template <typename T>
struct SumOf {
  using Type = std::conditional_t<std::is_integral_v<T>, uint64_t, float>;
};
template <>
struct SumOf<double> {
  using Type = double;
};

// a and b are the operand elements of each step of the sum, in order.
template <typename T, typename S = typename SumOf<T>::Type>
class ChainOfSums {
 public:
  void Add(T a, T b) {
    if (count_ == 4096) EndChunk();
    if constexpr (std::is_integral_v<S>) {
      chunk_ += static_cast<S>(a) * static_cast<S>(b);
    } else {
      chunk_ = std::fma(static_cast<S>(a), static_cast<S>(b), chunk_);
    }
    ++count_;
  }
  T Result() {
    EndChunk();
    return static_cast<T>(sum_);
  }

 private:
  void EndChunk() {
    sum_ = first_ ? chunk_ : sum_ + chunk_;
    chunk_ = 0;
    count_ = 0;
    first_ = false;
  }
  S chunk_ = 0, sum_ = 0;
  int64_t count_ = 0;
  bool first_ = true;
};

inline std::vector<int64_t> SizesOf(mlir::Value value,
                                    const std::map<std::string, int64_t>& symbols) {
  std::vector<int64_t> sizes;
  for (core::DimExpr dim : core::DimsOf(value)) sizes.push_back(Evaluate(dim, symbols));
  return sizes;
}

// Calls body(position) for each position of the box, in row-major order.
template <typename Body>
void ForEachPosition(const std::vector<int64_t>& sizes, const Body& body) {
  std::vector<int64_t> at(sizes.size(), 0);
  for (int64_t size : sizes) {
    if (size == 0) return;
  }
  while (true) {
    body(static_cast<const std::vector<int64_t>&>(at));
    size_t i = sizes.size();
    while (i > 0 && ++at[i - 1] == sizes[i - 1]) at[--i] = 0;
    if (i == 0) return;
  }
}

inline int64_t RowMajor(const std::vector<int64_t>& at, const std::vector<int64_t>& sizes) {
  int64_t linear = 0;
  for (size_t i = 0; i < at.size(); ++i) linear = linear * sizes[i] + at[i];
  return linear;
}

template <typename T>
std::vector<T> ReferenceDot(core::DotGeneralOp op, const std::map<std::string, int64_t>& symbols,
                            const std::vector<T>& a, const std::vector<T>& b) {
  const std::vector<int64_t> lhs = SizesOf(op.getLhs(), symbols);
  const std::vector<int64_t> rhs = SizesOf(op.getRhs(), symbols);
  std::vector<int64_t> k_sizes;
  for (int64_t dim : op.getLhsContractingDimensions()) k_sizes.push_back(lhs[dim]);
  std::vector<T> result;
  ForEachPosition(SizesOf(op.getResult(), symbols), [&](const std::vector<int64_t>& out) {
    std::vector<int64_t> at_a(lhs.size(), -1), at_b(rhs.size(), -1);
    size_t next = 0;
    for (size_t i = 0; i < op.getLhsBatchingDimensions().size(); ++i) {
      at_a[op.getLhsBatchingDimensions()[i]] = at_b[op.getRhsBatchingDimensions()[i]] = out[next++];
    }
    for (int64_t dim : op.getLhsContractingDimensions()) at_a[dim] = 0;
    for (int64_t dim : op.getRhsContractingDimensions()) at_b[dim] = 0;
    for (auto* at : {&at_a, &at_b}) {
      for (int64_t& index : *at) {
        if (index < 0) index = out[next++];
      }
    }
    ChainOfSums<T> sum;
    ForEachPosition(k_sizes, [&](const std::vector<int64_t>& k) {
      for (size_t i = 0; i < k.size(); ++i) {
        at_a[op.getLhsContractingDimensions()[i]] = at_b[op.getRhsContractingDimensions()[i]] = k[i];
      }
      sum.Add(a[RowMajor(at_a, lhs)], b[RowMajor(at_b, rhs)]);
    });
    result.push_back(sum.Result());
  });
  return result;
}

// Of a convolution without padding and input dilation.
template <typename T>
std::vector<T> ReferenceConvolution(core::ConvolutionOp op,
                                    const std::map<std::string, int64_t>& symbols,
                                    const std::vector<T>& a, const std::vector<T>& b) {
  const std::vector<int64_t> lhs = SizesOf(op.getLhs(), symbols);
  const std::vector<int64_t> rhs = SizesOf(op.getRhs(), symbols);
  const std::vector<int64_t> sizes = SizesOf(op.getResult(), symbols);
  const core::ConvDimensionsAttr n = op.getDimensionNumbers();
  const int64_t group_features =
      std::max<int64_t>(1, rhs[n.getKernelOutputFeature()] / static_cast<int64_t>(op.getFeatureGroupCount()));
  std::vector<int64_t> k_sizes = rhs;
  k_sizes[n.getKernelOutputFeature()] = 1;
  std::vector<T> result;
  ForEachPosition(sizes, [&](const std::vector<int64_t>& out) {
    const int64_t feature = out[n.getOutputFeature()];
    const int64_t group = feature / group_features;
    ChainOfSums<T> sum;
    ForEachPosition(k_sizes, [&](const std::vector<int64_t>& k) {
      std::vector<int64_t> at_a(lhs.size()), at_b = k;
      at_b[n.getKernelOutputFeature()] = feature;
      at_a[n.getInputBatch()] = out[n.getOutputBatch()];
      at_a[n.getInputFeature()] =
          group * rhs[n.getKernelInputFeature()] + k[n.getKernelInputFeature()];
      for (size_t i = 0; i < n.getInputSpatial().size(); ++i) {
        at_a[n.getInputSpatial()[i]] = out[n.getOutputSpatial()[i]] * op.getWindowStrides()[i] +
                                       k[n.getKernelSpatial()[i]] * op.getRhsDilation()[i];
      }
      sum.Add(a[RowMajor(at_a, lhs)], b[RowMajor(at_b, rhs)]);
    });
    result.push_back(sum.Result());
  });
  return result;
}

}  // namespace stator::compiler

#endif  // STATOR_COMPILER_CODEGEN_CPU_CONTRACTION_REFERENCE_H_
