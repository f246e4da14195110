#include "compiler/dialect/core_dialect.h"

#include <string>

#include "compiler/dialect/dim_expr_parse.h"
#include "llvm/ADT/TypeSwitch.h"
#include "mlir/IR/Builders.h"
#include "mlir/IR/DialectImplementation.h"
#include "mlir/IR/Matchers.h"

#include "compiler/dialect/core_dialect.cc.inc"
#include "compiler/dialect/core_enums.cc.inc"
#define GET_ATTRDEF_CLASSES
#include "compiler/dialect/core_attrs.cc.inc"
#define GET_TYPEDEF_CLASSES
#include "compiler/dialect/core_types.cc.inc"

namespace stator::core {

void CoreDialect::initialize() {
  dims_ = std::make_unique<DimContext>();
  addAttributes<
#define GET_ATTRDEF_LIST
#include "compiler/dialect/core_attrs.cc.inc"
      >();
  addTypes<
#define GET_TYPEDEF_LIST
#include "compiler/dialect/core_types.cc.inc"
      >();
  addOperations<
#define GET_OP_LIST
#include "compiler/dialect/elementwise_ops.cc.inc"
      >();
  addOperations<
#define GET_OP_LIST
#include "compiler/dialect/tensor_ops.cc.inc"
      >();
  addOperations<
#define GET_OP_LIST
#include "compiler/dialect/control_ops.cc.inc"
      >();
}

mlir::Operation* CoreDialect::materializeConstant(mlir::OpBuilder& builder, mlir::Attribute value,
                                                  mlir::Type type, mlir::Location loc) {
  if (auto dims = llvm::dyn_cast<DimsAttr>(value)) {
    return builder.create<DimValuesOp>(loc, type, dims);
  }
  if (auto elements = llvm::dyn_cast<mlir::ElementsAttr>(value)) {
    if (elements.getType() == type) return builder.create<ConstantOp>(loc, type, elements);
  }
  return nullptr;
}

mlir::Attribute DimsAttr::parse(mlir::AsmParser& parser, mlir::Type) {
  DimContext& context = DimContextOf(parser.getContext());
  Dims dims;
  auto parse_one = [&]() -> mlir::ParseResult {
    std::string text;
    llvm::SMLoc loc = parser.getCurrentLocation();
    if (parser.parseString(&text)) return mlir::failure();
    absl::StatusOr<DimExpr> expr = ParseDimExpr(context, text);
    if (!expr.ok()) {
      return parser.emitError(loc) << "bad dimension expression '" << text << "': " << expr.status().ToString();
    }
    dims.push_back(*expr);
    return mlir::success();
  };
  if (parser.parseCommaSeparatedList(mlir::AsmParser::Delimiter::LessGreater, parse_one)) return {};
  return DimsAttr::get(parser.getContext(), dims);
}

void DimsAttr::print(mlir::AsmPrinter& printer) const {
  printer << '<';
  llvm::interleaveComma(getDims(), printer.getStream(),
                        [&](DimExpr dim) { printer << '"' << dim.ToString() << '"'; });
  printer << '>';
}

mlir::LogicalResult DimsAttr::verifyEncoding(
    llvm::ArrayRef<int64_t> shape, mlir::Type,
    llvm::function_ref<mlir::InFlightDiagnostic()> emit_error) const {
  if (getDims().size() != shape.size()) {
    return emit_error() << "encoding has " << getDims().size() << " dimensions, the type " << shape.size();
  }
  bool any_dynamic = false;
  for (auto [size, dim] : llvm::zip(shape, getDims())) {
    std::optional<int64_t> constant = dim.AsConstant();
    any_dynamic |= !constant;
    if (size != (constant ? *constant : mlir::ShapedType::kDynamic)) {
      return emit_error() << "dimension " << dim.ToString() << " disagrees with the type's size";
    }
  }
  if (!any_dynamic) return emit_error() << "a static shape carries no encoding";
  return mlir::success();
}

DimContext& DimContextOf(mlir::MLIRContext* context) {
  return context->getOrLoadDialect<CoreDialect>()->dims();
}

Dims DimsOf(mlir::RankedTensorType type) {
  if (auto encoding = llvm::dyn_cast_or_null<DimsAttr>(type.getEncoding())) return Dims(encoding.getDims());
  DimContext& context = DimContextOf(type.getContext());
  Dims dims;
  for (int64_t size : type.getShape()) dims.push_back(context.Constant(size));
  return dims;
}

Dims DimsOf(mlir::Value value) { return DimsOf(llvm::cast<mlir::RankedTensorType>(value.getType())); }

mlir::RankedTensorType TensorType(llvm::ArrayRef<DimExpr> dims, mlir::Type element) {
  llvm::SmallVector<int64_t, 4> shape;
  bool is_static = true;
  for (DimExpr dim : dims) {
    std::optional<int64_t> constant = dim.AsConstant();
    is_static &= constant.has_value();
    shape.push_back(constant.value_or(mlir::ShapedType::kDynamic));
  }
  if (is_static) return mlir::RankedTensorType::get(shape, element);
  return mlir::RankedTensorType::get(shape, element, DimsAttr::get(element.getContext(), dims));
}

mlir::Type ElementTypeOf(mlir::Value value) {
  return llvm::cast<mlir::RankedTensorType>(value.getType()).getElementType();
}

std::optional<Dims> KnownValues(mlir::Attribute constant, mlir::MLIRContext* context) {
  if (auto dims = llvm::dyn_cast_or_null<DimsAttr>(constant)) return Dims(dims.getDims());
  auto dense = llvm::dyn_cast_or_null<mlir::DenseIntElementsAttr>(constant);
  if (!dense || dense.getNumElements() > kMaxKnownValues) return std::nullopt;
  DimContext& dim_context = DimContextOf(context);
  const bool is_unsigned = dense.getElementType().isUnsignedInteger() || dense.getElementType().isInteger(1);
  Dims values;
  for (const llvm::APInt& element : dense.getValues<llvm::APInt>()) {
    if (element.getBitWidth() > 64) return std::nullopt;
    if (is_unsigned && element.getActiveBits() > 63) return std::nullopt;
    values.push_back(dim_context.Constant(is_unsigned ? static_cast<int64_t>(element.getZExtValue())
                                                      : element.getSExtValue()));
  }
  return values;
}

std::optional<Dims> KnownValues(mlir::Value value) {
  mlir::Attribute constant;
  if (!value || !mlir::matchPattern(value, mlir::m_Constant(&constant))) return std::nullopt;
  return KnownValues(constant, value.getContext());
}

mlir::Attribute KnownValuesAttr(llvm::ArrayRef<DimExpr> values, mlir::RankedTensorType type) {
  auto element = llvm::dyn_cast<mlir::IntegerType>(type.getElementType());
  if (!element || !type.hasStaticShape() || static_cast<int64_t>(values.size()) != type.getNumElements()) return {};
  const unsigned width = element.getWidth();
  llvm::SmallVector<llvm::APInt> constants;
  for (DimExpr value : values) {
    if (!value || !value.ok()) return {};
    std::optional<int64_t> constant = value.AsConstant();
    if (!constant) {
      return width >= 32 ? mlir::Attribute(DimsAttr::get(type.getContext(), values)) : mlir::Attribute();
    }
    const bool fits = element.isUnsigned() || width == 1
                          ? *constant >= 0 && (width > 62 || *constant < (int64_t{1} << width))
                          : llvm::isIntN(width, *constant);
    if (!fits) return {};
    constants.push_back(llvm::APInt(width, static_cast<uint64_t>(*constant), /*isSigned=*/true));
  }
  return mlir::DenseElementsAttr::get(type, constants);
}

}  // namespace stator::core
