#include "compiler/codegen/cpu/contraction_shape.h"

#include <numeric>
#include <optional>
#include <utility>

#include "compiler/codegen/cpu/location_text.h"
#include "graph/status_macros.h"

namespace stator::compiler {
namespace {

using core::DimExpr;
using core::Dims;

std::vector<DimExpr> DenseStrides(const Dims& dims, core::DimContext& context) {
  std::vector<DimExpr> strides(dims.size());
  DimExpr stride = context.Constant(1);
  for (size_t i = dims.size(); i-- > 0;) {
    strides[i] = stride;
    stride = stride * dims[i];
  }
  return strides;
}

void Add(std::vector<SymbolicDim>* list, SymbolicDim dim) {
  if (!dim.extent.IsConstant(1)) list->push_back(std::move(dim));
}

absl::Status CheckTypeAndOrder(mlir::Operation* op) {
  const mlir::Type element = core::ElementTypeOf(op->getResult(0));
  const bool integer = mlir::isa<mlir::IntegerType>(element) && !element.isInteger(1);
  if (!integer && !element.isF16() && !element.isBF16() && !element.isF32() && !element.isF64()) {
    return NotLowered(op, "elements of this type");
  }
  auto order = op->getAttrOfType<core::AccumulateAttr>("accumulate");
  if (order != nullptr && (order.getLanes() != 1 || order.getBlock() != kContractionChunk)) {
    return NotLowered(op, "this order of the sum");
  }
  return absl::OkStatus();
}

ContractionShape ShapeOfDot(core::DotGeneralOp op) {
  core::DimContext& context = core::DimContextOf(op.getContext());
  const Dims lhs = core::DimsOf(op.getLhs()), rhs = core::DimsOf(op.getRhs());
  const Dims result = core::DimsOf(op.getResult());
  const std::vector<DimExpr> a = DenseStrides(lhs, context), b = DenseStrides(rhs, context);
  const std::vector<DimExpr> out = DenseStrides(result, context);
  ContractionShape shape;
  shape.op = op;
  int at = 0;
  for (auto [l, r] : llvm::zip(op.getLhsBatchingDimensions(), op.getRhsBatchingDimensions())) {
    Add(&shape.batch, {result[at], a[l], b[r], out[at], at});
    ++at;
  }
  for (size_t i = 0; i < lhs.size(); ++i) {
    const int64_t dim = static_cast<int64_t>(i);
    if (llvm::is_contained(op.getLhsBatchingDimensions(), dim)) continue;
    if (llvm::is_contained(op.getLhsContractingDimensions(), dim)) continue;
    Add(&shape.m, {result[at], a[i], {}, out[at], at});
    ++at;
  }
  for (size_t i = 0; i < rhs.size(); ++i) {
    const int64_t dim = static_cast<int64_t>(i);
    if (llvm::is_contained(op.getRhsBatchingDimensions(), dim)) continue;
    if (llvm::is_contained(op.getRhsContractingDimensions(), dim)) continue;
    Add(&shape.n, {result[at], {}, b[i], out[at], at});
    ++at;
  }
  for (auto [l, r] :
       llvm::zip(op.getLhsContractingDimensions(), op.getRhsContractingDimensions())) {
    Add(&shape.k, {lhs[l], a[l], b[r], {}});
  }
  return shape;
}

absl::StatusOr<ContractionShape> ShapeOfConvolution(core::ConvolutionOp op) {
  auto is_zero = [](DimExpr e) { return e.IsConstant(0); };
  if (!llvm::all_of(op.getPaddingLow().getDims(), is_zero) ||
      !llvm::all_of(op.getPaddingHigh().getDims(), is_zero) ||
      llvm::any_of(op.getLhsDilation(), [](int64_t d) { return d != 1; })) {
    return NotLowered(op, "padding and input dilation must be explicit by now");
  }
  core::DimContext& context = core::DimContextOf(op.getContext());
  const Dims result = core::DimsOf(op.getResult()), kernel = core::DimsOf(op.getRhs());
  const std::vector<DimExpr> a = DenseStrides(core::DimsOf(op.getLhs()), context);
  const std::vector<DimExpr> b = DenseStrides(kernel, context);
  const std::vector<DimExpr> out = DenseStrides(result, context);
  const core::ConvDimensionsAttr numbers = op.getDimensionNumbers();
  ContractionShape shape;
  shape.op = op;
  std::vector<int> spatial_of_result(result.size(), -1), spatial_of_kernel(result.size(), -1);
  for (size_t i = 0; i < numbers.getInputSpatial().size(); ++i) {
    spatial_of_result[numbers.getOutputSpatial()[i]] = static_cast<int>(i);
    spatial_of_kernel[numbers.getKernelSpatial()[i]] = static_cast<int>(i);
  }
  const int feature = static_cast<int>(numbers.getOutputFeature());
  const int64_t groups = static_cast<int64_t>(op.getFeatureGroupCount());
  const DimExpr b_feature = b[numbers.getKernelOutputFeature()];
  const DimExpr a_feature = a[numbers.getInputFeature()];
  std::optional<DimExpr> group_features =
      core::DivideExactly(result[feature], context.Constant(groups));
  if (!group_features) return NotLowered(op, "groups of an unknown number of output features");
  const DimExpr in_features = kernel[numbers.getKernelInputFeature()];
  Add(&shape.batch, {context.Constant(groups), a_feature * in_features,
                     b_feature * *group_features, out[feature] * *group_features, feature, 1,
                     *group_features});
  Add(&shape.n, {*group_features, {}, b_feature, out[feature], feature});
  for (int i = 0; i < static_cast<int>(result.size()); ++i) {
    if (i == feature) continue;
    DimExpr stride = a[numbers.getInputBatch()];
    if (const int s = spatial_of_result[i]; s >= 0) {
      stride = a[numbers.getInputSpatial()[s]] * op.getWindowStrides()[s];
    }
    Add(&shape.m, {result[i], stride, {}, out[i], i});
  }
  for (int i = 0; i < static_cast<int>(kernel.size()); ++i) {
    if (i == numbers.getKernelOutputFeature()) continue;
    DimExpr stride = a_feature;
    if (const int s = spatial_of_kernel[i]; s >= 0) {
      stride = a[numbers.getInputSpatial()[s]] * op.getRhsDilation()[s];
    }
    Add(&shape.k, {kernel[i], stride, b[i], {}});
  }
  return shape;
}

void Join(std::vector<SymbolicDim>* list, const std::vector<bool>* joinable) {
  std::vector<SymbolicDim> joined;
  for (const SymbolicDim& dim : *list) {
    auto steps = [&](DimExpr outer, DimExpr inner) {
      return !outer || outer == dim.extent * inner;
    };
    if (!joined.empty()) {
      SymbolicDim& outer = joined.back();
      bool join = steps(outer.a, dim.a) && steps(outer.b, dim.b) && steps(outer.out, dim.out);
      if (joinable != nullptr) {
        join = join && !outer.result_scale && !dim.result_scale &&
               outer.result_dim + outer.result_dims == dim.result_dim &&
               (*joinable)[dim.result_dim - 1];
      }
      if (join) {
        outer.extent = outer.extent * dim.extent;
        outer.a = dim.a;
        outer.b = dim.b;
        outer.out = dim.out;
        outer.result_dims += dim.result_dims;
        continue;
      }
    }
    joined.push_back(dim);
  }
  *list = std::move(joined);
}

// factor * scalar with the largest factor that all of the expression has in common.
SizeRef ToSizeRef(DimExpr expr, ScalarTable* scalars) {
  if (!expr) return SizeRef::Static(0);
  if (std::optional<int64_t> constant = expr.AsConstant()) return SizeRef::Static(*constant);
  int64_t factor = 0;
  for (const core::DimTerm& term : expr.terms()) factor = std::gcd(factor, term.coefficient);
  if (factor > 1) {
    std::optional<DimExpr> rest = core::DivideExactly(expr, expr.context().Constant(factor));
    if (rest) return SizeRef::Scalar(scalars->Number(*rest), factor);
  }
  return SizeRef::Scalar(scalars->Number(expr));
}

}  // namespace

bool IsContraction(mlir::Operation* op) {
  return mlir::isa<core::DotGeneralOp, core::ConvolutionOp>(op);
}

absl::StatusOr<ContractionShape> ShapeOfContraction(mlir::Operation* op) {
  STATOR_RETURN_IF_ERROR(CheckTypeAndOrder(op));
  if (auto dot = mlir::dyn_cast<core::DotGeneralOp>(op)) return ShapeOfDot(dot);
  return ShapeOfConvolution(mlir::cast<core::ConvolutionOp>(op));
}

void JoinDims(ContractionShape* shape, const std::vector<bool>& joinable) {
  for (auto* list : {&shape->batch, &shape->m, &shape->n}) Join(list, &joinable);
  Join(&shape->k, nullptr);
}

ContractionType ContractionTypeOf(mlir::Type core_element) {
  if (core_element.isF32()) return ContractionType::kF32;
  if (core_element.isF64()) return ContractionType::kF64;
  if (core_element.isBF16()) return ContractionType::kBf16;
  if (core_element.isF16()) return ContractionType::kF16;
  switch (core_element.getIntOrFloatBitWidth()) {
    case 8:
      return ContractionType::kI8;
    case 16:
      return ContractionType::kI16;
    case 32:
      return ContractionType::kI32;
    default:
      return ContractionType::kI64;
  }
}

ContractionSpec ToSpec(const ContractionShape& shape, ScalarTable* scalars) {
  ContractionSpec spec;
  spec.type = spec.out_type = ContractionTypeOf(core::ElementTypeOf(shape.op->getResult(0)));
  auto convert = [&](const std::vector<SymbolicDim>& from, std::vector<ContractionDim>* to) {
    for (const SymbolicDim& dim : from) {
      to->push_back({ToSizeRef(dim.extent, scalars), ToSizeRef(dim.a, scalars),
                     ToSizeRef(dim.b, scalars), ToSizeRef(dim.out, scalars)});
    }
  };
  convert(shape.batch, &spec.batch);
  convert(shape.m, &spec.m);
  convert(shape.n, &spec.n);
  convert(shape.k, &spec.k);
  return spec;
}

DimExpr ToDimExpr(const SizeFormula& formula, const ScalarTable& scalars,
                  core::DimContext& context) {
  DimExpr result = context.Constant(formula.multiplier);
  for (const SizeFormula::Factor& factor : formula.factors) {
    DimExpr product = context.Constant(1);
    for (const SizeRef& size : factor.sizes) {
      product = product * size.factor;
      if (!size.is_static()) product = product * scalars.scalars()[size.scalar];
    }
    product = core::CeilDiv(product, factor.divisor);
    if (factor.minimum > 0) product = core::Max(product, factor.minimum);
    result = result * product;
  }
  return result;
}

}  // namespace stator::compiler
