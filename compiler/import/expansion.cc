#include "compiler/import/expansion.h"

#include <algorithm>

#include "graph/data_type.h"
#include "graph/op_schema.h"
#include "llvm/ADT/StringExtras.h"

namespace stator::compiler {
namespace {

using mlir::Value;

llvm::StringRef Ref(absl::string_view text) { return {text.data(), text.size()}; }

// A symbol name that reads like `text`: what is not allowed in one becomes '_'.
std::string SymbolName(llvm::StringRef text, size_t axis) {
  std::string name = text.empty() ? "d" : text.str();
  for (char& c : name) {
    if (!llvm::isAlnum(c) && c != '_') c = '_';
  }
  if (!llvm::isAlpha(name[0]) && name[0] != '_') name.insert(0, "_");
  return name + "." + std::to_string(axis);
}

}  // namespace

// Inputs ----------------------------------------------------------------------------------------

std::pair<int, int> Expansion::ArgumentRange(absl::string_view argument) const {
  int begin = 0;
  for (const OpDef::ArgDef& arg : op_.input_arg()) {
    int size = 1;
    if (!arg.number_attr().empty()) {
      size = static_cast<int>(Int(arg.number_attr()));
    } else if (!arg.type_list_attr().empty()) {
      size = Attr(arg.type_list_attr()).list().type_size();
    }
    if (argument == arg.name()) return {begin, std::min(begin + size, num_inputs())};
    begin += size;
  }
  return {0, 0};
}

Value Expansion::In(int index) {
  if (!b.ok()) return {};
  if (index < 0 || index >= num_inputs()) return Fail("has no input " + llvm::Twine(index));
  if (inputs_[index].variable) {
    return Fail("input " + llvm::Twine(index) + " must be a tensor, found a handle to variable '" +
                inputs_[index].variable->symbol + "'");
  }
  return inputs_[index].value;
}

Value Expansion::In(absl::string_view argument) {
  auto [begin, end] = ArgumentRange(argument);
  if (end - begin != 1) return Fail("argument '" + Ref(argument) + "' is not one input");
  return In(begin);
}

core::CoreBuilder::Values Expansion::InList(absl::string_view argument) {
  auto [begin, end] = ArgumentRange(argument);
  core::CoreBuilder::Values values;
  for (int i = begin; i < end; ++i) values.push_back(In(i));
  return values;
}

VariableRef Expansion::VariableIn(int index) {
  if (!b.ok()) return {};
  if (index >= 0 && index < num_inputs() && inputs_[index].variable)
    return *inputs_[index].variable;
  Fail("input " + llvm::Twine(index) +
       " must be a handle to a variable that is known at compile time");
  return {};
}

// Attributes ------------------------------------------------------------------------------------

const AttrValue& Expansion::Attr(absl::string_view name) const {
  auto it = node_.attr().find(std::string(name));
  if (it != node_.attr().end()) return it->second;
  const OpDef::AttrDef* def = graph::FindAttrDef(op_, name);
  return def ? def->default_value() : AttrValue::default_instance();
}

bool Expansion::HasAttr(absl::string_view name) const {
  return Attr(name).value_case() != AttrValue::VALUE_NOT_SET;
}

int64_t Expansion::Int(absl::string_view name) const { return Attr(name).i(); }
float Expansion::Float(absl::string_view name) const { return Attr(name).f(); }
bool Expansion::Bool(absl::string_view name) const { return Attr(name).b(); }
std::string Expansion::Str(absl::string_view name) const { return Attr(name).s(); }
DataType Expansion::Type(absl::string_view name) const { return Attr(name).type(); }

std::vector<int64_t> Expansion::Ints(absl::string_view name) const {
  const auto& list = Attr(name).list().i();
  return {list.begin(), list.end()};
}

std::vector<DataType> Expansion::Types(absl::string_view name) const {
  std::vector<DataType> types;
  for (int type : Attr(name).list().type()) types.push_back(static_cast<DataType>(type));
  return types;
}

mlir::Type Expansion::ElementType(DataType dtype) {
  if (mlir::Type type = ElementTypeOfDataType(dtype, b.context())) return type;
  Fail("element type " + graph::DataTypeName(dtype) + " is not one that can be computed with");
  return b.builder().getF32Type();
}

core::Dims Expansion::ShapeAttr(absl::string_view name, llvm::StringRef symbol_prefix) {
  const TensorShapeProto& shape = Attr(name).shape();
  core::Dims dims;
  if (shape.unknown_rank()) {
    Fail("attribute '" + Ref(name) + "' must have a known rank");
    return dims;
  }
  for (const TensorShapeProto::Dim& dim : shape.dim()) {
    dims.push_back(dim.size() >= 0 ? b.Dim(dim.size())
                                   : b.dims().FreshSymbol(SymbolName(symbol_prefix, dims.size())));
  }
  return dims;
}

// Known values ----------------------------------------------------------------------------------

std::optional<std::vector<int64_t>> Expansion::ConstantInts(Value value) {
  std::optional<core::Dims> known = value ? core::KnownValues(value) : std::nullopt;
  if (!known) return std::nullopt;
  std::vector<int64_t> ints;
  for (core::DimExpr dim : *known) {
    std::optional<int64_t> constant = dim.AsConstant();
    if (!constant) return std::nullopt;
    ints.push_back(*constant);
  }
  return ints;
}

std::vector<int64_t> Expansion::RequiredInts(absl::string_view argument) {
  Value value = In(argument);
  if (!value) return {};
  if (std::optional<std::vector<int64_t>> ints = ConstantInts(value)) return *std::move(ints);
  Fail("input '" + Ref(argument) + "' must be known at compile time");
  return {};
}

int64_t Expansion::NormalizeAxis(int64_t axis, int64_t rank) {
  if (axis < -rank || axis >= rank) {
    Fail("axis " + llvm::Twine(axis) + " must be in [" + llvm::Twine(-rank) + ", " +
         llvm::Twine(rank) + ")");
    return 0;
  }
  return axis < 0 ? axis + rank : axis;
}

std::vector<int64_t> Expansion::NormalizeAxes(const std::vector<int64_t>& axes, int64_t rank) {
  std::vector<int64_t> result;
  for (int64_t axis : axes) {
    axis = NormalizeAxis(axis, rank);
    if (!b.ok()) return {};
    if (std::find(result.begin(), result.end(), axis) != result.end()) {
      Fail("axis " + llvm::Twine(axis) + " is given twice");
      return {};
    }
    result.push_back(axis);
  }
  std::sort(result.begin(), result.end());
  return result;
}

// Element types ---------------------------------------------------------------------------------

mlir::Type ElementTypeOfDataType(DataType dtype, mlir::MLIRContext* context) {
  auto integer = [&](unsigned width) { return mlir::IntegerType::get(context, width); };
  auto unsigned_integer = [&](unsigned width) {
    return mlir::IntegerType::get(context, width, mlir::IntegerType::Unsigned);
  };
  switch (dtype) {
    case DT_HALF:
      return mlir::Float16Type::get(context);
    case DT_BFLOAT16:
      return mlir::BFloat16Type::get(context);
    case DT_FLOAT:
      return mlir::Float32Type::get(context);
    case DT_DOUBLE:
      return mlir::Float64Type::get(context);
    case DT_BOOL:
      return integer(1);
    case DT_INT8:
      return integer(8);
    case DT_INT16:
      return integer(16);
    case DT_INT32:
      return integer(32);
    case DT_INT64:
      return integer(64);
    case DT_UINT8:
      return unsigned_integer(8);
    case DT_UINT16:
      return unsigned_integer(16);
    case DT_UINT32:
      return unsigned_integer(32);
    case DT_UINT64:
      return unsigned_integer(64);
    case DT_COMPLEX64:
      return mlir::ComplexType::get(mlir::Float32Type::get(context));
    case DT_COMPLEX128:
      return mlir::ComplexType::get(mlir::Float64Type::get(context));
    case DT_STRING:
      return core::ObjectType::get(context);
    default:
      return {};
  }
}

DataType DataTypeOfElementType(mlir::Type element) {
  if (!element) return DT_INVALID;
  for (DataType dtype :
       {DT_HALF, DT_BFLOAT16, DT_FLOAT, DT_DOUBLE, DT_BOOL, DT_INT8, DT_INT16, DT_INT32, DT_INT64,
        DT_UINT8, DT_UINT16, DT_UINT32, DT_UINT64, DT_COMPLEX64, DT_COMPLEX128, DT_STRING}) {
    if (ElementTypeOfDataType(dtype, element.getContext()) == element) return dtype;
  }
  return DT_INVALID;
}

}  // namespace stator::compiler
