#include "compiler/dialect/core_builder.h"

#include <cmath>

#include "compiler/dialect/infer_dims.h"
#include "llvm/ADT/Twine.h"

namespace stator::core {

using mlir::Value;
using Values = CoreBuilder::Values;

bool UsesInputSymbolsOnly(DimExpr expr) {
  bool input_only = true;
  expr.ForEachSymbol([&](const DimSymbol& symbol) { input_only &= symbol.facts().life == DimLife::kInput; });
  return input_only;
}

Value CoreBuilder::Fail(const llvm::Twine& message) {
  if (error_.empty()) error_ = message.str();
  return {};
}

Value CoreBuilder::FailElementTypes(llvm::StringRef op, Value a, Value b) {
  std::string text;
  llvm::raw_string_ostream(text) << op << " needs equal element types, found " << ElementTypeOf(a) << " and "
                                 << ElementTypeOf(b);
  return Fail(text);
}

bool CoreBuilder::CheckDims(llvm::ArrayRef<DimExpr> dims) {
  for (DimExpr dim : dims) {
    if (!dim || !dim.ok()) {
      Fail("a dimension of " + ToString(dims) + " overflows");
      return false;
    }
  }
  return true;
}

template <typename OpT, typename... Args>
Value CoreBuilder::Make(llvm::ArrayRef<DimExpr> dims, Type element, Args&&... args) {
  if (!ok() || !CheckDims(dims)) return {};
  return builder_.createOrFold<OpT>(loc_, TensorType(dims, element), std::forward<Args>(args)...);
}

Dims CoreBuilder::StaticDims(Axes sizes) {
  Dims result;
  for (int64_t size : sizes) result.push_back(Dim(size));
  return result;
}

// Constants and known values ----------------------------------------------------------------------------------------

Value CoreBuilder::Constant(mlir::ElementsAttr value) { return builder_.create<ConstantOp>(loc_, value.getType(), value); }

Value CoreBuilder::Scalar(Type element, double value) {
  auto type = mlir::RankedTensorType::get({}, element);
  if (auto float_type = llvm::dyn_cast<mlir::FloatType>(element)) {
    return Constant(mlir::DenseElementsAttr::get(type, builder_.getFloatAttr(float_type, value)));
  }
  if (llvm::isa<mlir::IntegerType>(element)) return ScalarInt(element, static_cast<int64_t>(value));
  std::string text;
  llvm::raw_string_ostream(text) << "no constants of element type " << element;
  return Fail(text);
}

Value CoreBuilder::ScalarInt(Type element, int64_t value) {
  if (llvm::isa<mlir::FloatType>(element)) return Scalar(element, static_cast<double>(value));
  auto type = mlir::RankedTensorType::get({}, element);
  llvm::APInt bits(element.getIntOrFloatBitWidth(), static_cast<uint64_t>(value), /*isSigned=*/true);
  return Constant(mlir::DenseElementsAttr::get(type, bits));
}

Value CoreBuilder::Splat(Type element, llvm::ArrayRef<DimExpr> dims, double value) {
  return BroadcastInDim(Scalar(element, value), {}, dims);
}

Value CoreBuilder::SplatLike(Value like, double value) {
  return like ? Splat(ElementTypeOf(like), DimsOf(like), value) : Value();
}

Value CoreBuilder::VectorInt(Type element, Axes values) {
  Dims dims;
  for (int64_t value : values) dims.push_back(Dim(value));
  return DimVector(dims, element);
}

Value CoreBuilder::DimVector(llvm::ArrayRef<DimExpr> values, Type element) {
  if (!ok() || !CheckDims(values)) return {};
  auto type = mlir::RankedTensorType::get({static_cast<int64_t>(values.size())}, element);
  mlir::Attribute attr = KnownValuesAttr(values, type);
  if (!attr) return Fail("dimensions " + ToString(values) + " do not fit the element type");
  if (auto dims_attr = llvm::dyn_cast<DimsAttr>(attr)) return builder_.create<DimValuesOp>(loc_, type, dims_attr);
  return Constant(llvm::cast<mlir::ElementsAttr>(attr));
}

Value CoreBuilder::DimScalar(DimExpr value, Type element) { return Reshape(DimVector({value}, element), {}); }

DimExpr CoreBuilder::ValueAsDim(Value scalar, llvm::StringRef symbol_prefix) {
  if (!scalar || !ok()) return dims().Constant(0);
  if (std::optional<Dims> known = KnownValues(scalar); known && known->size() == 1) return (*known)[0];
  DimFacts facts;
  facts.life = DimLife::kStep;
  DimExpr symbol = dims().FreshSymbol(symbol_prefix, facts);
  builder_.create<BindDimOp>(loc_, Convert(scalar, builder_.getI64Type()), symbol.symbol()->name());
  return symbol;
}

Dims CoreBuilder::ValuesAsDims(Value vector, llvm::StringRef symbol_prefix) {
  if (!vector || !ok()) return {};
  if (std::optional<Dims> known = KnownValues(vector)) return *known;
  Dims vector_dims = DimsOf(vector), result;
  if (vector_dims.size() > 1 || (vector_dims.size() == 1 && !vector_dims[0].IsConstant())) {
    Fail("a vector of known length is needed to give dimensions, found the shape " + ToString(vector_dims));
    return {};
  }
  if (vector_dims.empty()) return {ValueAsDim(vector, symbol_prefix)};
  for (int64_t i = 0; i < *vector_dims[0].AsConstant(); ++i) {
    result.push_back(ValueAsDim(Reshape(SliceDim(vector, 0, Dim(i), Dim(i + 1)), {}), symbol_prefix));
  }
  return result;
}

// Facts ---------------------------------------------------------------------------------------------------------------

bool CoreBuilder::Assume(DimExpr a, ComparisonDirection relation, DimExpr b, const llvm::Twine& message) {
  if (UsesInputSymbolsOnly(a) && UsesInputSymbolsOnly(b)) {
    builder_.create<GuardOp>(loc_, Attr({a}), relation, Attr({b}), builder_.getStringAttr(message));
    return true;
  }
  mlir::Type i64 = builder_.getI64Type();
  constexpr int32_t kInvalidArgument = 3;
  Check(Compare(relation, DimScalar(a, i64), DimScalar(b, i64)), kInvalidArgument, message);
  return ok();
}

bool CoreBuilder::AssumeEqual(DimExpr a, DimExpr b, const llvm::Twine& message) {
  if (!ok() || !CheckDims({a, b})) return false;
  if (ProvablyEqual(a, b)) return true;
  if (ProvablyLessEqual(a + 1, b) || ProvablyLessEqual(b + 1, a)) {
    Fail(message + ": " + a.ToString() + " must equal " + b.ToString());
    return false;
  }
  return Assume(a, ComparisonDirection::kEq, b, message);
}

bool CoreBuilder::AssumeLessEqual(DimExpr a, DimExpr b, const llvm::Twine& message) {
  if (!ok() || !CheckDims({a, b})) return false;
  if (ProvablyLessEqual(a, b)) return true;
  if (ProvablyLessEqual(b + 1, a)) {
    Fail(message + ": " + a.ToString() + " must be at most " + b.ToString());
    return false;
  }
  return Assume(a, ComparisonDirection::kLe, b, message);
}

Value CoreBuilder::AssumeDims(Value value, llvm::ArrayRef<DimExpr> dims, const llvm::Twine& message) {
  if (!value || !ok()) return {};
  Dims found = DimsOf(value);
  if (found.size() != dims.size()) return Fail(message + ": rank " + llvm::Twine(dims.size()) + " expected, found " + ToString(found));
  for (auto [a, b] : llvm::zip(found, dims)) {
    if (!AssumeEqual(a, b, message)) return {};
  }
  return Make<AssumeDimsOp>(dims, ElementTypeOf(value), value);
}

// Elementwise -----------------------------------------------------------------------------------------------------------

Value CoreBuilder::IsFinite(Value x) {
  return x ? Make<IsFiniteOp>(DimsOf(x), builder_.getI1Type(), x) : Value();
}

Value CoreBuilder::Compare(ComparisonDirection direction, Value a, Value b) {
  Values v{a, b};
  if (!Broadcast(v)) return {};
  if (ElementTypeOf(v[0]) != ElementTypeOf(v[1])) return FailElementTypes("compare", v[0], v[1]);
  return Make<CompareOp>(DimsOf(v[0]), builder_.getI1Type(), direction, v[0], v[1]);
}

Value CoreBuilder::Select(Value pred, Value on_true, Value on_false) {
  Values v{pred, on_true, on_false};
  if (!Broadcast(v)) return {};
  if (ElementTypeOf(v[1]) != ElementTypeOf(v[2])) return FailElementTypes("select", v[1], v[2]);
  return Make<SelectOp>(DimsOf(v[1]), ElementTypeOf(v[1]), v[0], v[1], v[2]);
}

Value CoreBuilder::Clamp(Value min, Value x, Value max) {
  Values v{min, x, max};
  if (!Broadcast(v)) return {};
  if (ElementTypeOf(v[0]) != ElementTypeOf(v[1])) return FailElementTypes("clamp", v[0], v[1]);
  if (ElementTypeOf(v[2]) != ElementTypeOf(v[1])) return FailElementTypes("clamp", v[2], v[1]);
  return Make<ClampOp>(DimsOf(v[1]), ElementTypeOf(v[1]), v[0], v[1], v[2]);
}

Value CoreBuilder::Convert(Value x, Type element) {
  if (!x || !ok()) return {};
  return ElementTypeOf(x) == element ? x : Make<ConvertOp>(DimsOf(x), element, x);
}

Value CoreBuilder::BitcastConvert(Value x, Type element) {
  return x ? Make<BitcastConvertOp>(DimsOf(x), element, x) : Value();
}

// Shape -------------------------------------------------------------------------------------------------------------------

bool CoreBuilder::Broadcast(llvm::MutableArrayRef<Value> values) {
  if (!ok()) return false;
  int64_t rank = 0;
  bool equal = true;
  for (Value value : values) {
    if (!value) return false;
    rank = std::max(rank, RankOf(value));
    equal &= DimsOf(value) == DimsOf(values[0]);
  }
  if (equal) return true;
  Dims result(rank, Dim(1));
  // A dimension that is not 1 wins; among several, a constant (the most is known of it), else the first.
  for (Value value : values) {
    Dims found = DimsOf(value);
    for (size_t i = 0; i < found.size(); ++i) {
      DimExpr& dim = result[rank - found.size() + i];
      if (dim.IsConstant(1) || (!dim.IsConstant() && found[i].IsConstant() && !found[i].IsConstant(1))) dim = found[i];
    }
  }
  for (Value& value : values) {
    value = BroadcastTo(value, result);
    if (!value) return false;
  }
  return true;
}

Value CoreBuilder::BroadcastTo(Value x, llvm::ArrayRef<DimExpr> dims) {
  if (!x || !ok()) return {};
  Dims found = DimsOf(x);
  if (found.size() > dims.size()) return Fail("cannot broadcast " + ToString(found) + " to " + ToString(dims));
  Dims assumed = found;
  llvm::SmallVector<int64_t> axes;
  for (size_t i = 0; i < found.size(); ++i) {
    const size_t axis = dims.size() - found.size() + i;
    axes.push_back(static_cast<int64_t>(axis));
    if (found[i].IsConstant(1) || found[i] == dims[axis]) continue;
    if (!AssumeEqual(found[i], dims[axis], "cannot broadcast " + ToString(found) + " to " + ToString(dims))) return {};
    assumed[i] = dims[axis];
  }
  if (assumed != found) x = Make<AssumeDimsOp>(assumed, ElementTypeOf(x), x);
  return BroadcastInDim(x, axes, dims);
}

Value CoreBuilder::BroadcastInDim(Value x, Axes broadcast_dimensions, llvm::ArrayRef<DimExpr> dims) {
  if (!x || !ok()) return {};
  InferredDims inferred = InferBroadcastInDim(DimsOf(x), broadcast_dimensions, Dims(dims));
  if (!inferred) return Fail(inferred.error);
  return Make<BroadcastInDimOp>(dims, ElementTypeOf(x), x, builder_.getDenseI64ArrayAttr(broadcast_dimensions));
}

Value CoreBuilder::Reshape(Value x, llvm::ArrayRef<DimExpr> dims) {
  if (!x || !ok()) return {};
  Dims found = DimsOf(x);
  if (found == Dims(dims)) return x;
  DimContext& context = this->dims();
  if (!AssumeEqual(Product(context, found), Product(context, dims),
                   "cannot reshape " + ToString(found) + " to " + ToString(dims))) {
    return {};
  }
  return Make<ReshapeOp>(dims, ElementTypeOf(x), x);
}

Value CoreBuilder::Transpose(Value x, Axes permutation) {
  if (!x || !ok()) return {};
  InferredDims inferred = InferTranspose(DimsOf(x), permutation);
  if (!inferred) return Fail(inferred.error);
  return Make<TransposeOp>(inferred.dims, ElementTypeOf(x), x, builder_.getDenseI64ArrayAttr(permutation));
}

Value CoreBuilder::Slice(Value x, llvm::ArrayRef<DimExpr> start, llvm::ArrayRef<DimExpr> limit, Axes strides) {
  if (!x || !ok()) return {};
  InferredDims inferred = InferSlice(DimsOf(x), start, limit, strides);
  if (!inferred) return Fail(inferred.error);
  return Make<SliceOp>(inferred.dims, ElementTypeOf(x), x, Attr(start), Attr(limit), builder_.getDenseI64ArrayAttr(strides));
}

Value CoreBuilder::SliceDim(Value x, int64_t dim, DimExpr start, DimExpr limit, int64_t stride) {
  if (!x || !ok()) return {};
  Dims limits = DimsOf(x), starts(limits.size(), Dim(0));
  llvm::SmallVector<int64_t> strides(limits.size(), 1);
  starts[dim] = start;
  limits[dim] = limit;
  strides[dim] = stride;
  return Slice(x, starts, limits, strides);
}

Value CoreBuilder::DynamicSlice(Value x, llvm::ArrayRef<Value> starts, llvm::ArrayRef<DimExpr> sizes) {
  if (!x || llvm::is_contained(starts, Value())) return {};
  return Make<DynamicSliceOp>(sizes, ElementTypeOf(x), x, mlir::ValueRange(starts));
}

Value CoreBuilder::DynamicUpdateSlice(Value x, Value update, llvm::ArrayRef<Value> starts) {
  if (!x || !update || llvm::is_contained(starts, Value())) return {};
  return Make<DynamicUpdateSliceOp>(DimsOf(x), ElementTypeOf(x), x, update, mlir::ValueRange(starts));
}

Value CoreBuilder::Pad(Value x, Value padding, llvm::ArrayRef<DimExpr> low, llvm::ArrayRef<DimExpr> high, Axes interior) {
  if (!x || !padding || !ok()) return {};
  InferredDims inferred = InferPad(DimsOf(x), low, high, interior);
  if (!inferred) return Fail(inferred.error);
  auto is_zero = [](DimExpr e) { return e.IsConstant(0); };
  if (llvm::all_of(low, is_zero) && llvm::all_of(high, is_zero) && llvm::all_of(interior, [](int64_t i) { return i == 0; })) {
    return x;
  }
  return Make<PadOp>(inferred.dims, ElementTypeOf(x), x, padding, Attr(low), Attr(high),
                     builder_.getDenseI64ArrayAttr(interior));
}

Value CoreBuilder::Concatenate(llvm::ArrayRef<Value> values, int64_t dim) {
  if (!ok() || values.empty() || llvm::is_contained(values, Value())) return values.empty() ? Fail("nothing to concatenate") : Value();
  Values operands(values.begin(), values.end());
  Dims first = DimsOf(values[0]);
  llvm::SmallVector<Dims> all;
  for (Value& value : operands) {
    Dims wanted = first;
    Dims found = DimsOf(value);
    if (found.size() != first.size() || dim < 0 || dim >= static_cast<int64_t>(first.size())) {
      return Fail("cannot concatenate " + ToString(first) + " and " + ToString(found) + " along dimension " + llvm::Twine(dim));
    }
    wanted[dim] = found[dim];
    value = AssumeDims(value, wanted, "cannot concatenate " + ToString(first) + " and " + ToString(found));
    if (!value) return {};
    if (ElementTypeOf(value) != ElementTypeOf(values[0])) return FailElementTypes("concatenate", values[0], value);
    all.push_back(wanted);
  }
  InferredDims inferred = InferConcatenate(all, dim);
  if (!inferred) return Fail(inferred.error);
  return Make<ConcatenateOp>(inferred.dims, ElementTypeOf(values[0]), mlir::ValueRange(operands),
                             builder_.getI64IntegerAttr(dim));
}

Value CoreBuilder::Reverse(Value x, Axes dims) {
  if (!x || !ok() || dims.empty()) return x;
  return Make<ReverseOp>(DimsOf(x), ElementTypeOf(x), x, builder_.getDenseI64ArrayAttr(dims));
}

Value CoreBuilder::Gather(Value x, Value indices, int64_t axis, int64_t batch_dims) {
  if (!x || !indices || !ok()) return {};
  InferredDims inferred = InferGather(DimsOf(x), DimsOf(indices), axis, batch_dims);
  if (!inferred) return Fail(inferred.error);
  return Make<GatherOp>(inferred.dims, ElementTypeOf(x), x, indices, builder_.getI64IntegerAttr(axis),
                        builder_.getI64IntegerAttr(batch_dims));
}

Value CoreBuilder::Scatter(ScatterKind kind, Value x, Value indices, Value updates, int64_t axis, int64_t batch_dims) {
  if (!x || !indices || !updates || !ok()) return {};
  InferredDims inferred = InferGather(DimsOf(x), DimsOf(indices), axis, batch_dims);
  if (!inferred) return Fail(inferred.error);
  updates = AssumeDims(updates, inferred.dims, "scatter's updates");
  if (!updates) return {};
  return Make<ScatterOp>(DimsOf(x), ElementTypeOf(x), x, indices, updates, builder_.getI64IntegerAttr(axis),
                         builder_.getI64IntegerAttr(batch_dims), ScatterKindAttr::get(context(), kind));
}

Value CoreBuilder::Iota(Type element, llvm::ArrayRef<DimExpr> dims, int64_t dim) {
  return Make<IotaOp>(dims, element, builder_.getI64IntegerAttr(dim));
}

Value CoreBuilder::Compact(Value x, Value mask, llvm::StringRef symbol_prefix) {
  if (!x || !mask || !ok()) return {};
  Value count = ReduceAdd(Convert(mask, builder_.getI64Type()), {0});
  DimExpr size = ValueAsDim(count, symbol_prefix);
  if (const DimSymbol* symbol = size.symbol()) {
    if (std::optional<int64_t> bound = DimsOf(mask)[0].Bounds().hi) {
      DimFacts facts;
      facts.life = DimLife::kStep;
      facts.max = bound;
      dims().Narrow(symbol, facts);
    }
  }
  Dims result = DimsOf(x);
  result[0] = size;
  return Make<CompactOp>(result, ElementTypeOf(x), x, mask);
}

// Contraction ---------------------------------------------------------------------------------------------------------------

Value CoreBuilder::DotGeneral(Value a, Value b, Axes a_batch, Axes b_batch, Axes a_contract, Axes b_contract) {
  if (!a || !b || !ok()) return {};
  if (ElementTypeOf(a) != ElementTypeOf(b)) return FailElementTypes("dot_general", a, b);
  Dims a_dims = DimsOf(a), b_dims = DimsOf(b);
  // Unproved equal sizes become a guard; the rhs is seen under the lhs's names.
  auto unify = [&](Axes from, Axes to) {
    for (auto [l, r] : llvm::zip(from, to)) {
      if (l < 0 || r < 0 || l >= static_cast<int64_t>(a_dims.size()) || r >= static_cast<int64_t>(b_dims.size())) return;
      b_dims[r] = a_dims[l];
    }
  };
  unify(a_batch, b_batch);
  unify(a_contract, b_contract);
  b = AssumeDims(b, b_dims, "cannot contract " + ToString(a_dims) + " with " + ToString(DimsOf(b)));
  if (!b) return {};
  InferredDims inferred = InferDotGeneral(a_dims, b_dims, a_batch, b_batch, a_contract, b_contract);
  if (!inferred) return Fail(inferred.error);
  return Make<DotGeneralOp>(inferred.dims, ElementTypeOf(a), a, b, builder_.getDenseI64ArrayAttr(a_batch),
                            builder_.getDenseI64ArrayAttr(b_batch), builder_.getDenseI64ArrayAttr(a_contract),
                            builder_.getDenseI64ArrayAttr(b_contract), AccumulateAttr());
}

Value CoreBuilder::Convolution(Value x, Value kernel, const Conv& conv) {
  if (!x || !kernel || !ok()) return {};
  if (ElementTypeOf(x) != ElementTypeOf(kernel)) return FailElementTypes("convolution", x, kernel);
  ConvolutionShape shape{conv.strides, conv.padding_low, conv.padding_high, conv.lhs_dilation, conv.rhs_dilation,
                         conv.dimension_numbers, conv.feature_group_count};
  InferredDims inferred = InferConvolution(DimsOf(x), DimsOf(kernel), shape);
  if (!inferred) return Fail(inferred.error);
  return Make<ConvolutionOp>(inferred.dims, ElementTypeOf(x), x, kernel, builder_.getDenseI64ArrayAttr(conv.strides),
                             Attr(conv.padding_low), Attr(conv.padding_high),
                             builder_.getDenseI64ArrayAttr(conv.lhs_dilation),
                             builder_.getDenseI64ArrayAttr(conv.rhs_dilation), conv.dimension_numbers,
                             builder_.getI64IntegerAttr(conv.feature_group_count), AccumulateAttr());
}

// Reduction -------------------------------------------------------------------------------------------------------------------

Value CoreBuilder::Reduce(ReduceKind kind, Value x, Axes dims, bool keep_dims) {
  if (!x || !ok()) return {};
  InferredDims inferred = InferReduce(DimsOf(x), kind, dims);
  if (!inferred) return Fail(inferred.error);
  Value result = Make<ReduceOp>(inferred.dims, ElementTypeOf(x), x, ReduceKindAttr::get(context(), kind),
                                builder_.getDenseI64ArrayAttr(dims), AccumulateAttr());
  if (!keep_dims) return result;
  Dims kept = DimsOf(x);
  for (int64_t dim : dims) kept[dim] = Dim(1);
  return Reshape(result, kept);
}

Value CoreBuilder::ArgReduce(ReduceKind kind, Value x, int64_t dim, Type index_type) {
  if (!x || !ok()) return {};
  InferredDims inferred = InferReduce(DimsOf(x), kind, {dim});
  if (!inferred) return Fail(inferred.error);
  return Make<ReduceOp>(inferred.dims, index_type, x, ReduceKindAttr::get(context(), kind),
                        builder_.getDenseI64ArrayAttr({dim}), AccumulateAttr());
}

Value CoreBuilder::ReduceWindow(ReduceKind kind, Value x, const Window& window) {
  if (!x || !ok()) return {};
  llvm::SmallVector<int64_t> ones(window.sizes.size(), 1);
  InferredDims inferred =
      InferReduceWindow(DimsOf(x), window.sizes, window.strides, ones, window.padding_low, window.padding_high);
  if (!inferred) return Fail(inferred.error);
  return Make<ReduceWindowOp>(inferred.dims, ElementTypeOf(x), x, ReduceKindAttr::get(context(), kind),
                              builder_.getDenseI64ArrayAttr(window.sizes), builder_.getDenseI64ArrayAttr(window.strides),
                              builder_.getDenseI64ArrayAttr(ones), Attr(window.padding_low), Attr(window.padding_high));
}

Value CoreBuilder::SelectAndScatter(Value x, Value source, const Window& window) {
  if (!x || !source || !ok()) return {};
  return Make<SelectAndScatterOp>(DimsOf(x), ElementTypeOf(x), x, source, builder_.getDenseI64ArrayAttr(window.sizes),
                                  builder_.getDenseI64ArrayAttr(window.strides), Attr(window.padding_low),
                                  Attr(window.padding_high));
}

Value CoreBuilder::Cumulative(ReduceKind kind, Value x, int64_t dim, bool exclusive, bool reverse) {
  if (!x || !ok()) return {};
  return Make<CumulativeOp>(DimsOf(x), ElementTypeOf(x), x, ReduceKindAttr::get(context(), kind),
                            builder_.getI64IntegerAttr(dim), builder_.getBoolAttr(exclusive),
                            builder_.getBoolAttr(reverse));
}

Value CoreBuilder::RngBits(Value key, Value counter, Type element, llvm::ArrayRef<DimExpr> dims) {
  if (!key || !counter) return {};
  return Make<RngBitsOp>(dims, element, key, counter);
}

// Effects ---------------------------------------------------------------------------------------------------------------

void CoreBuilder::Check(Value pred, int32_t code, const llvm::Twine& message, mlir::ValueRange data) {
  if (!pred || !ok()) return;
  if (std::optional<Dims> known = KnownValues(pred)) {
    bool all_true = true;
    for (DimExpr value : *known) all_true &= !value.IsConstant(0);
    if (all_true) return;
  }
  builder_.create<CheckOp>(loc_, pred, static_cast<uint32_t>(code), builder_.getStringAttr(message).getValue(), data);
}

Values CoreBuilder::HostCall(llvm::StringRef function, mlir::ValueRange operands, mlir::TypeRange results,
                             mlir::DictionaryAttr config) {
  if (!ok() || llvm::is_contained(operands, Value())) return Values(results.size());
  auto op = builder_.create<HostCallOp>(loc_, results, builder_.getStringAttr(function), operands, config);
  return Values(op.getResults());
}

Value CoreBuilder::ReadVariable(llvm::StringRef symbol, Type type) {
  return ok() ? Value(builder_.create<ReadVariableOp>(loc_, type, symbol)) : Value();
}

void CoreBuilder::AssignVariable(llvm::StringRef symbol, Value value) {
  if (value && ok()) builder_.create<AssignVariableOp>(loc_, symbol, value);
}

}  // namespace stator::core
