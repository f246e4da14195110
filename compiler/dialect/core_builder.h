#ifndef STATOR_COMPILER_DIALECT_CORE_BUILDER_H_
#define STATOR_COMPILER_DIALECT_CORE_BUILDER_H_

// Builds core ops, one method per primitive. Result types, symbolic dimensions included, are inferred; known values
// fold on the way, so that shape arithmetic leaves no ops.
//
// Errors: the first one is kept (`error()`), and from then on every method returns a null value; a null operand gives a
// null result. So an expansion is written without checks and its caller looks at ok() once.
//
// Broadcasting: binary ops, Compare, Select and Clamp take operands that NumPy would broadcast. Two dimensions of which
// neither is provably 1 nor provably equal are taken as equal under a guard (CONTRACTS §1).

#include <functional>
#include <string>
#include <vector>

#include "compiler/dialect/core_dialect.h"
#include "mlir/IR/Builders.h"

namespace stator::core {

class CoreBuilder {
 public:
  using Value = mlir::Value;
  using Values = llvm::SmallVector<mlir::Value, 4>;
  using Type = mlir::Type;
  using Axes = llvm::ArrayRef<int64_t>;

  CoreBuilder(mlir::OpBuilder& builder, mlir::Location loc) : builder_(builder), loc_(loc) {}

  bool ok() const { return error_.empty(); }
  const std::string& error() const { return error_; }
  // Keeps the first error; returns a null value.
  Value Fail(const llvm::Twine& message);

  mlir::OpBuilder& builder() { return builder_; }
  mlir::Location loc() const { return loc_; }
  void set_loc(mlir::Location loc) { loc_ = loc; }
  mlir::MLIRContext* context() { return builder_.getContext(); }
  DimContext& dims() { return DimContextOf(context()); }
  DimExpr Dim(int64_t size) { return dims().Constant(size); }
  Dims StaticDims(Axes sizes);

  // Constants and known values.
  Value Constant(mlir::ElementsAttr value);
  Value Scalar(Type element, double value);   // rounded to the element type; integers by int64
  Value ScalarInt(Type element, int64_t value);
  Value Splat(Type element, llvm::ArrayRef<DimExpr> dims, double value);
  Value SplatLike(Value like, double value);
  Value VectorInt(Type element, Axes values);
  Value DimVector(llvm::ArrayRef<DimExpr> values, Type element);
  Value DimScalar(DimExpr value, Type element);
  // The elements of an integer vector as dimensions: known ones, else symbols of life `step` bound to the elements, which
  // must not be negative.
  Dims ValuesAsDims(Value vector, llvm::StringRef symbol_prefix);
  DimExpr ValueAsDim(Value scalar, llvm::StringRef symbol_prefix);

  // Facts that are assumed: true if proved, a guard or check if possible, an error if provably false.
  bool AssumeEqual(DimExpr a, DimExpr b, const llvm::Twine& message);
  bool AssumeLessEqual(DimExpr a, DimExpr b, const llvm::Twine& message);
  Value AssumeDims(Value value, llvm::ArrayRef<DimExpr> dims, const llvm::Twine& message);

  // Elementwise.
  template <typename OpT>
  Value Unary(Value x) {
    return x && ok() ? builder_.createOrFold<OpT>(loc_, x.getType(), x) : Value();
  }
  template <typename OpT>
  Value Binary(Value a, Value b) {
    Values v{a, b};
    if (!Broadcast(v)) return {};
    if (ElementTypeOf(v[0]) != ElementTypeOf(v[1])) return FailElementTypes(OpT::getOperationName(), v[0], v[1]);
    return builder_.createOrFold<OpT>(loc_, v[0].getType(), v[0], v[1]);
  }
  Value Neg(Value x) { return Unary<NegateOp>(x); }
  Value Abs(Value x) { return Unary<AbsOp>(x); }
  Value Sign(Value x) { return Unary<SignOp>(x); }
  Value Exp(Value x) { return Unary<ExponentialOp>(x); }
  Value Expm1(Value x) { return Unary<ExponentialMinusOneOp>(x); }
  Value Log(Value x) { return Unary<LogOp>(x); }
  Value Log1p(Value x) { return Unary<LogPlusOneOp>(x); }
  Value Sqrt(Value x) { return Unary<SqrtOp>(x); }
  Value Rsqrt(Value x) { return Unary<RsqrtOp>(x); }
  Value Sin(Value x) { return Unary<SineOp>(x); }
  Value Cos(Value x) { return Unary<CosineOp>(x); }
  Value Tanh(Value x) { return Unary<TanhOp>(x); }
  Value Logistic(Value x) { return Unary<LogisticOp>(x); }
  Value Floor(Value x) { return Unary<FloorOp>(x); }
  Value Ceil(Value x) { return Unary<CeilOp>(x); }
  Value Not(Value x) { return Unary<NotOp>(x); }
  Value StopGradient(Value x) { return Unary<StopGradientOp>(x); }
  Value IsFinite(Value x);
  Value Add(Value a, Value b) { return Binary<AddOp>(a, b); }
  Value Sub(Value a, Value b) { return Binary<SubtractOp>(a, b); }
  Value Mul(Value a, Value b) { return Binary<MulOp>(a, b); }
  Value Div(Value a, Value b) { return Binary<DivOp>(a, b); }
  Value Rem(Value a, Value b) { return Binary<RemOp>(a, b); }
  Value Pow(Value a, Value b) { return Binary<PowOp>(a, b); }
  Value Max(Value a, Value b) { return Binary<MaxOp>(a, b); }
  Value Min(Value a, Value b) { return Binary<MinOp>(a, b); }
  Value And(Value a, Value b) { return Binary<AndOp>(a, b); }
  Value Or(Value a, Value b) { return Binary<OrOp>(a, b); }
  Value Xor(Value a, Value b) { return Binary<XorOp>(a, b); }
  Value Compare(ComparisonDirection direction, Value a, Value b);
  Value Eq(Value a, Value b) { return Compare(ComparisonDirection::kEq, a, b); }
  Value Ne(Value a, Value b) { return Compare(ComparisonDirection::kNe, a, b); }
  Value Ge(Value a, Value b) { return Compare(ComparisonDirection::kGe, a, b); }
  Value Gt(Value a, Value b) { return Compare(ComparisonDirection::kGt, a, b); }
  Value Le(Value a, Value b) { return Compare(ComparisonDirection::kLe, a, b); }
  Value Lt(Value a, Value b) { return Compare(ComparisonDirection::kLt, a, b); }
  Value Select(Value pred, Value on_true, Value on_false);
  Value Clamp(Value min, Value x, Value max);
  Value Convert(Value x, Type element);
  Value BitcastConvert(Value x, Type element);

  // Shape.
  bool Broadcast(llvm::MutableArrayRef<Value> values);             // NumPy's rule, in place
  Value BroadcastTo(Value x, llvm::ArrayRef<DimExpr> dims);         // right-aligned
  Value BroadcastInDim(Value x, Axes broadcast_dimensions, llvm::ArrayRef<DimExpr> dims);
  Value Reshape(Value x, llvm::ArrayRef<DimExpr> dims);
  Value Transpose(Value x, Axes permutation);
  Value Slice(Value x, llvm::ArrayRef<DimExpr> start, llvm::ArrayRef<DimExpr> limit, Axes strides);
  Value SliceDim(Value x, int64_t dim, DimExpr start, DimExpr limit, int64_t stride = 1);
  Value DynamicSlice(Value x, llvm::ArrayRef<Value> starts, llvm::ArrayRef<DimExpr> sizes);
  Value DynamicUpdateSlice(Value x, Value update, llvm::ArrayRef<Value> starts);
  Value Pad(Value x, Value padding, llvm::ArrayRef<DimExpr> low, llvm::ArrayRef<DimExpr> high, Axes interior);
  Value Concatenate(llvm::ArrayRef<Value> values, int64_t dim);
  Value Reverse(Value x, Axes dims);
  Value Gather(Value x, Value indices, int64_t axis, int64_t batch_dims);
  Value Scatter(ScatterKind kind, Value x, Value indices, Value updates, int64_t axis, int64_t batch_dims);
  Value Iota(Type element, llvm::ArrayRef<DimExpr> dims, int64_t dim);
  // Collects the slices of x along dimension 0 where the vector mask is true; binds a new symbol to their number.
  Value Compact(Value x, Value mask, llvm::StringRef symbol_prefix);

  // Contraction.
  Value DotGeneral(Value a, Value b, Axes a_batch, Axes b_batch, Axes a_contract, Axes b_contract);
  Value MatMul(Value a, Value b) { return DotGeneral(a, b, {}, {}, {1}, {0}); }
  struct Conv {
    llvm::SmallVector<int64_t> strides, lhs_dilation, rhs_dilation;
    Dims padding_low, padding_high;
    ConvDimensionsAttr dimension_numbers;
    int64_t feature_group_count = 1;
  };
  Value Convolution(Value x, Value kernel, const Conv& conv);

  // Reduction.
  Value Reduce(ReduceKind kind, Value x, Axes dims, bool keep_dims = false);
  Value ReduceAdd(Value x, Axes dims, bool keep_dims = false) { return Reduce(ReduceKind::kAdd, x, dims, keep_dims); }
  Value ArgReduce(ReduceKind kind, Value x, int64_t dim, Type index_type);
  struct Window {
    llvm::SmallVector<int64_t> sizes, strides;
    Dims padding_low, padding_high;
  };
  Value ReduceWindow(ReduceKind kind, Value x, const Window& window);
  Value SelectAndScatter(Value x, Value source, const Window& window);
  Value Cumulative(ReduceKind kind, Value x, int64_t dim, bool exclusive, bool reverse);

  // Random: element is ui32 or ui64.
  Value RngBits(Value key, Value counter, Type element, llvm::ArrayRef<DimExpr> dims);

  // Control. The callbacks build the region through this same builder and return its results.
  using Build = std::function<Values(mlir::ValueRange)>;
  // Branch results whose dimensions differ get a new symbol of life `step` that each branch binds.
  Values If(Value pred, const Build& on_true, const Build& on_false);
  // Carried dimensions that change get symbols of life `loop`. `body` and `cond` may be called several times.
  Values While(mlir::ValueRange operands, const Build& cond, const Build& body);
  Values Composite(llvm::StringRef name, mlir::ValueRange operands, const Build& body, const Build& vjp = nullptr);

  // Effects.
  void Check(Value pred, int32_t code, const llvm::Twine& message, mlir::ValueRange data = {});
  Values HostCall(llvm::StringRef function, mlir::ValueRange operands, mlir::TypeRange results,
                  mlir::DictionaryAttr config);
  Value ReadVariable(llvm::StringRef symbol, Type type);
  void AssignVariable(llvm::StringRef symbol, Value value);

 private:
  Value FailElementTypes(llvm::StringRef op, Value a, Value b);
  // Builds a block that takes `types` and ends by returning what `build` gives; false on an error.
  bool FillRegion(mlir::Region& region, mlir::TypeRange types, const Build& build);
  // Creates or folds an op with one result of these dimensions.
  template <typename OpT, typename... Args>
  Value Make(llvm::ArrayRef<DimExpr> dims, Type element, Args&&... args);
  DimsAttr Attr(llvm::ArrayRef<DimExpr> dims) { return DimsAttr::get(context(), dims); }
  bool CheckDims(llvm::ArrayRef<DimExpr> dims);
  bool Assume(DimExpr a, ComparisonDirection relation, DimExpr b, const llvm::Twine& message);

  mlir::OpBuilder& builder_;
  mlir::Location loc_;
  std::string error_;
};

// Whether every symbol of the expression is bound at run start.
bool UsesInputSymbolsOnly(DimExpr expr);

}  // namespace stator::core

#endif  // STATOR_COMPILER_DIALECT_CORE_BUILDER_H_
