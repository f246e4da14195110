#include "compiler/dialect/infer_dims.h"

#include "llvm/ADT/SmallBitVector.h"
#include "llvm/ADT/Twine.h"

namespace stator::core {
namespace {

InferredDims Fail(const llvm::Twine& message) { return {{}, message.str()}; }

// Empty if `axes` are distinct dimensions of a tensor of this rank; else what is wrong.
std::string CheckAxes(llvm::StringRef what, llvm::ArrayRef<int64_t> axes, size_t rank) {
  llvm::SmallBitVector seen(rank);
  for (int64_t axis : axes) {
    if (axis < 0 || axis >= static_cast<int64_t>(rank)) {
      return (what + " must be in [0, " + llvm::Twine(rank) + "), found " + llvm::Twine(axis)).str();
    }
    if (seen.test(axis)) return (what + " must be distinct, found " + llvm::Twine(axis) + " twice").str();
    seen.set(axis);
  }
  return "";
}

std::string CheckCounts(size_t rank, std::initializer_list<size_t> counts) {
  for (size_t count : counts) {
    if (count != rank) {
      return ("one entry per dimension expected (" + llvm::Twine(rank) + "), found " + llvm::Twine(count)).str();
    }
  }
  return "";
}

// A provably negative size; what cannot be proved is left to guards.
bool IsNegative(DimExpr dim) {
  std::optional<int64_t> hi = dim.Bounds().hi;
  return hi && *hi < 0;
}

// Size of one dimension after a window slides over it.
DimExpr WindowedSize(DimExpr size, DimExpr window, int64_t stride, int64_t dilation, DimExpr low, DimExpr high) {
  DimExpr reach = (window - 1) * dilation + 1;
  return FloorDiv(size + low + high - reach, stride) + 1;
}

}  // namespace

std::string ToString(llvm::ArrayRef<DimExpr> dims) {
  std::string text = "[";
  for (size_t i = 0; i < dims.size(); ++i) text += (i ? ", " : "") + dims[i].ToString();
  return text + "]";
}

InferredDims InferBroadcastInDim(const Dims& operand, llvm::ArrayRef<int64_t> broadcast_dimensions,
                                 const Dims& result) {
  if (std::string error = CheckCounts(operand.size(), {broadcast_dimensions.size()}); !error.empty()) return Fail(error);
  if (std::string error = CheckAxes("broadcast_dimensions", broadcast_dimensions, result.size()); !error.empty()) {
    return Fail(error);
  }
  for (auto [dim, target] : llvm::zip(operand, broadcast_dimensions)) {
    if (!dim.IsConstant(1) && dim != result[target]) {
      return Fail("operand dimension " + dim.ToString() + " must be 1 or equal to result dimension " +
                  result[target].ToString());
    }
  }
  return {result, ""};
}

InferredDims InferTranspose(const Dims& operand, llvm::ArrayRef<int64_t> permutation) {
  if (std::string error = CheckCounts(operand.size(), {permutation.size()}); !error.empty()) return Fail(error);
  if (std::string error = CheckAxes("permutation", permutation, operand.size()); !error.empty()) return Fail(error);
  Dims result;
  for (int64_t axis : permutation) result.push_back(operand[axis]);
  return {result, ""};
}

InferredDims InferSlice(const Dims& operand, llvm::ArrayRef<DimExpr> start, llvm::ArrayRef<DimExpr> limit,
                        llvm::ArrayRef<int64_t> strides) {
  if (std::string error = CheckCounts(operand.size(), {start.size(), limit.size(), strides.size()}); !error.empty()) {
    return Fail(error);
  }
  Dims result;
  for (size_t i = 0; i < operand.size(); ++i) {
    if (strides[i] < 1) return Fail("strides must be positive, found " + llvm::Twine(strides[i]));
    if (IsNegative(start[i]) || IsNegative(limit[i] - start[i]) || IsNegative(operand[i] - limit[i])) {
      return Fail("slice [" + start[i].ToString() + ", " + limit[i].ToString() + ") must lie in dimension " +
                  llvm::Twine(i) + " of size " + operand[i].ToString());
    }
    result.push_back(CeilDiv(limit[i] - start[i], strides[i]));
  }
  return {result, ""};
}

InferredDims InferPad(const Dims& operand, llvm::ArrayRef<DimExpr> low, llvm::ArrayRef<DimExpr> high,
                      llvm::ArrayRef<int64_t> interior) {
  if (std::string error = CheckCounts(operand.size(), {low.size(), high.size(), interior.size()}); !error.empty()) {
    return Fail(error);
  }
  Dims result;
  for (size_t i = 0; i < operand.size(); ++i) {
    if (interior[i] < 0) return Fail("interior padding must not be negative, found " + llvm::Twine(interior[i]));
    DimExpr size = operand[i] + low[i] + high[i];
    if (interior[i] > 0) size = size + Max(operand[i] - 1, 0) * interior[i];
    if (IsNegative(size)) return Fail("dimension " + llvm::Twine(i) + " would have the size " + size.ToString());
    result.push_back(size);
  }
  return {result, ""};
}

InferredDims InferConcatenate(llvm::ArrayRef<Dims> operands, int64_t dimension) {
  if (operands.empty()) return Fail("at least one operand expected");
  Dims result = operands[0];
  if (std::string error = CheckAxes("dimension", {dimension}, result.size()); !error.empty()) return Fail(error);
  for (const Dims& dims : operands.drop_front()) {
    if (std::string error = CheckCounts(result.size(), {dims.size()}); !error.empty()) return Fail(error);
    for (size_t i = 0; i < dims.size(); ++i) {
      if (static_cast<int64_t>(i) == dimension) {
        result[i] = result[i] + dims[i];
      } else if (dims[i] != result[i]) {
        return Fail("operands must agree outside dimension " + llvm::Twine(dimension) + ", found " +
                    ToString(operands[0]) + " and " + ToString(dims));
      }
    }
  }
  return {result, ""};
}

InferredDims InferGather(const Dims& operand, const Dims& indices, int64_t axis, int64_t batch_dims) {
  if (batch_dims < 0 || batch_dims > axis || axis >= static_cast<int64_t>(operand.size()) ||
      batch_dims > static_cast<int64_t>(indices.size())) {
    return Fail("0 <= batch_dims <= axis < rank expected, found batch_dims " + llvm::Twine(batch_dims) + ", axis " +
                llvm::Twine(axis) + ", rank " + llvm::Twine(operand.size()));
  }
  for (int64_t i = 0; i < batch_dims; ++i) {
    if (operand[i] != indices[i]) {
      return Fail("batch dimension " + llvm::Twine(i) + " must agree, found " + operand[i].ToString() + " and " +
                  indices[i].ToString());
    }
  }
  Dims result(operand.begin(), operand.begin() + axis);
  result.append(indices.begin() + batch_dims, indices.end());
  result.append(operand.begin() + axis + 1, operand.end());
  return {result, ""};
}

InferredDims InferDotGeneral(const Dims& lhs, const Dims& rhs, llvm::ArrayRef<int64_t> lhs_batch,
                             llvm::ArrayRef<int64_t> rhs_batch, llvm::ArrayRef<int64_t> lhs_contract,
                             llvm::ArrayRef<int64_t> rhs_contract) {
  llvm::SmallVector<int64_t> lhs_axes(lhs_batch), rhs_axes(rhs_batch);
  lhs_axes.append(lhs_contract.begin(), lhs_contract.end());
  rhs_axes.append(rhs_contract.begin(), rhs_contract.end());
  if (std::string error = CheckAxes("lhs dimensions", lhs_axes, lhs.size()); !error.empty()) return Fail(error);
  if (std::string error = CheckAxes("rhs dimensions", rhs_axes, rhs.size()); !error.empty()) return Fail(error);
  if (lhs_batch.size() != rhs_batch.size() || lhs_axes.size() != rhs_axes.size()) {
    return Fail("lhs and rhs must have as many batching and contracting dimensions");
  }
  for (auto [l, r] : llvm::zip(lhs_axes, rhs_axes)) {
    if (lhs[l] != rhs[r]) {
      return Fail("lhs dimension " + llvm::Twine(l) + " of size " + lhs[l].ToString() + " must equal rhs dimension " +
                  llvm::Twine(r) + " of size " + rhs[r].ToString());
    }
  }
  Dims result;
  for (int64_t axis : lhs_batch) result.push_back(lhs[axis]);
  for (size_t i = 0; i < lhs.size(); ++i) {
    if (!llvm::is_contained(lhs_axes, static_cast<int64_t>(i))) result.push_back(lhs[i]);
  }
  for (size_t i = 0; i < rhs.size(); ++i) {
    if (!llvm::is_contained(rhs_axes, static_cast<int64_t>(i))) result.push_back(rhs[i]);
  }
  return {result, ""};
}

InferredDims InferConvolution(const Dims& lhs, const Dims& rhs, const ConvolutionShape& conv) {
  const ConvDimensionsAttr numbers = conv.dimension_numbers;
  const size_t spatial = numbers.getInputSpatial().size();
  if (lhs.size() != spatial + 2 || rhs.size() != spatial + 2) {
    return Fail("operands of rank " + llvm::Twine(spatial + 2) + " expected, found " + llvm::Twine(lhs.size()) +
                " and " + llvm::Twine(rhs.size()));
  }
  if (std::string error =
          CheckCounts(spatial, {numbers.getKernelSpatial().size(), numbers.getOutputSpatial().size(),
                                conv.window_strides.size(), conv.padding_low.size(), conv.padding_high.size(),
                                conv.lhs_dilation.size(), conv.rhs_dilation.size()});
      !error.empty()) {
    return Fail(error);
  }
  auto axes = [&](int64_t a, int64_t b, llvm::ArrayRef<int64_t> rest) {
    llvm::SmallVector<int64_t> all{a, b};
    all.append(rest.begin(), rest.end());
    return CheckAxes("dimension numbers", all, spatial + 2);
  };
  for (const std::string& error :
       {axes(numbers.getInputBatch(), numbers.getInputFeature(), numbers.getInputSpatial()),
        axes(numbers.getKernelInputFeature(), numbers.getKernelOutputFeature(), numbers.getKernelSpatial()),
        axes(numbers.getOutputBatch(), numbers.getOutputFeature(), numbers.getOutputSpatial())}) {
    if (!error.empty()) return Fail(error);
  }
  if (conv.feature_group_count < 1) return Fail("feature_group_count must be positive");
  DimExpr in_features = lhs[numbers.getInputFeature()];
  DimExpr kernel_features = rhs[numbers.getKernelInputFeature()];
  if (in_features != kernel_features * conv.feature_group_count) {
    return Fail("input features " + in_features.ToString() + " must be kernel input features " +
                kernel_features.ToString() + " times feature_group_count " + llvm::Twine(conv.feature_group_count));
  }
  Dims result(spatial + 2, DimExpr());
  result[numbers.getOutputBatch()] = lhs[numbers.getInputBatch()];
  result[numbers.getOutputFeature()] = rhs[numbers.getKernelOutputFeature()];
  for (size_t i = 0; i < spatial; ++i) {
    if (conv.window_strides[i] < 1 || conv.lhs_dilation[i] < 1 || conv.rhs_dilation[i] < 1) {
      return Fail("strides and dilations must be positive");
    }
    DimExpr in = lhs[numbers.getInputSpatial()[i]];
    if (conv.lhs_dilation[i] > 1) in = Max(in - 1, 0) * conv.lhs_dilation[i] + 1;
    DimExpr size = WindowedSize(in, rhs[numbers.getKernelSpatial()[i]], conv.window_strides[i], conv.rhs_dilation[i],
                                conv.padding_low[i], conv.padding_high[i]);
    if (IsNegative(size)) return Fail("spatial dimension " + llvm::Twine(i) + " would have the size " + size.ToString());
    result[numbers.getOutputSpatial()[i]] = size;
  }
  return {result, ""};
}

InferredDims InferReduce(const Dims& operand, ReduceKind kind, llvm::ArrayRef<int64_t> dimensions) {
  if (std::string error = CheckAxes("dimensions", dimensions, operand.size()); !error.empty()) return Fail(error);
  if ((kind == ReduceKind::kArgMax || kind == ReduceKind::kArgMin) && dimensions.size() != 1) {
    return Fail("argmax and argmin reduce exactly one dimension, found " + llvm::Twine(dimensions.size()));
  }
  Dims result;
  for (size_t i = 0; i < operand.size(); ++i) {
    if (!llvm::is_contained(dimensions, static_cast<int64_t>(i))) result.push_back(operand[i]);
  }
  return {result, ""};
}

InferredDims InferReduceWindow(const Dims& operand, llvm::ArrayRef<int64_t> window, llvm::ArrayRef<int64_t> strides,
                               llvm::ArrayRef<int64_t> dilations, llvm::ArrayRef<DimExpr> low,
                               llvm::ArrayRef<DimExpr> high) {
  if (std::string error = CheckCounts(operand.size(), {window.size(), strides.size(), dilations.size(), low.size(),
                                                       high.size()});
      !error.empty()) {
    return Fail(error);
  }
  Dims result;
  for (size_t i = 0; i < operand.size(); ++i) {
    if (window[i] < 1 || strides[i] < 1 || dilations[i] < 1) {
      return Fail("window dimensions, strides and dilations must be positive");
    }
    DimExpr size = WindowedSize(operand[i], operand[i].context().Constant(window[i]), strides[i], dilations[i], low[i],
                                high[i]);
    if (IsNegative(size)) return Fail("dimension " + llvm::Twine(i) + " would have the size " + size.ToString());
    result.push_back(size);
  }
  return {result, ""};
}

}  // namespace stator::core
