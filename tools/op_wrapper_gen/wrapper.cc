#include "tools/op_wrapper_gen/wrapper.h"

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <cstdlib>
#include <limits>
#include <set>
#include <utility>

#include "absl/strings/escaping.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_join.h"
#include "absl/strings/strip.h"
#include "absl/types/optional.h"
#include "graph/op_schema.h"
#include "graph/status_macros.h"

namespace stator::tools {
namespace {

// What C++ keeps for itself.
const std::set<std::string>& Keywords() {
  static const auto* words = new std::set<std::string>{"alignas",       "alignof",
                                                       "and",           "and_eq",
                                                       "asm",           "auto",
                                                       "bitand",        "bitor",
                                                       "bool",          "break",
                                                       "case",          "catch",
                                                       "char",          "class",
                                                       "compl",         "concept",
                                                       "const",         "continue",
                                                       "decltype",      "default",
                                                       "delete",        "do",
                                                       "double",        "else",
                                                       "enum",          "explicit",
                                                       "export",        "extern",
                                                       "false",         "float",
                                                       "for",           "friend",
                                                       "goto",          "if",
                                                       "inline",        "int",
                                                       "long",          "mutable",
                                                       "namespace",     "new",
                                                       "noexcept",      "not",
                                                       "not_eq",        "nullptr",
                                                       "operator",      "or",
                                                       "or_eq",         "private",
                                                       "protected",     "public",
                                                       "register",      "requires",
                                                       "return",        "short",
                                                       "signed",        "sizeof",
                                                       "static",        "struct",
                                                       "switch",        "template",
                                                       "this",          "throw",
                                                       "true",          "try",
                                                       "typedef",       "typename",
                                                       "union",         "unsigned",
                                                       "using",         "virtual",
                                                       "void",          "volatile",
                                                       "while",         "xor",
                                                       "xor_eq",        "constexpr",
                                                       "consteval",     "constinit",
                                                       "co_await",      "co_return",
                                                       "co_yield",      "char8_t",
                                                       "char16_t",      "char32_t",
                                                       "wchar_t",       "typeid",
                                                       "static_cast",   "const_cast",
                                                       "dynamic_cast",  "reinterpret_cast",
                                                       "static_assert", "thread_local"};
  return *words;
}

// The first free name of `name`, `name_`, `name__`, ...; taken from then on.
std::string Claim(std::string name, std::set<std::string>* taken) {
  while (Keywords().count(name) > 0 || !taken->insert(name).second) name += "_";
  return name;
}

// Attributes that NodeBuilder deduces.
std::set<std::string> Deduced(const OpDef& op) {
  std::set<std::string> names;
  for (const OpDef::ArgDef& arg : op.input_arg()) {
    names.insert(arg.type_attr());
    names.insert(arg.number_attr());
    names.insert(arg.type_list_attr());
  }
  return names;
}

absl::StatusOr<std::string> CppType(absl::string_view type) {
  if (absl::ConsumePrefix(&type, "list(") && absl::ConsumeSuffix(&type, ")")) {
    STATOR_ASSIGN_OR_RETURN(const std::string element, CppType(type));
    return absl::StrCat("std::vector<", element, ">");
  }
  if (type == "int") return std::string("int64_t");
  if (type == "float" || type == "bool") return std::string(type);
  if (type == "string") return std::string("std::string");
  if (type == "type") return std::string("DataType");
  if (type == "shape") return std::string("PartialShape");
  if (type == "tensor") return std::string("DenseTensor");
  if (type == "func") return std::string("NameAttrList");
  return absl::InvalidArgumentError(absl::StrCat("expected an attribute type, found '", type, "'"));
}

std::string IntText(int64_t value) {
  if (value == std::numeric_limits<int64_t>::min()) return "std::numeric_limits<int64_t>::min()";
  return absl::StrCat(value);
}

std::string FloatText(float value) {
  if (std::isnan(value)) return "std::numeric_limits<float>::quiet_NaN()";
  const std::string sign = value < 0 ? "-" : "";
  if (std::isinf(value)) return sign + "std::numeric_limits<float>::infinity()";
  std::string text = absl::StrFormat("%.9g", value);
  for (int digits = 1; digits < 9; ++digits) {  // the shortest that reads back the same
    const std::string shorter = absl::StrFormat("%.*g", digits, value);
    if (std::strtof(shorter.c_str(), nullptr) == value) {
      text = shorter;
      break;
    }
  }
  if (text.find_first_of(".e") == std::string::npos) text += ".0";
  return text + "f";
}

std::string StringText(const std::string& value) {
  return absl::StrCat("\"", absl::CHexEscape(value), "\"");
}

std::string ShapeText(const TensorShapeProto& shape) {
  if (shape.unknown_rank()) return "PartialShape()";
  if (shape.dim_size() == 0) return "PartialShape::Scalar()";
  std::vector<std::string> sizes;
  for (const auto& dim : shape.dim()) sizes.push_back(absl::StrCat(dim.size()));
  return absl::StrCat("PartialShape({", absl::StrJoin(sizes, ", "), "})");
}

std::string TypeText(int type) { return DataType_Name(static_cast<DataType>(type)); }

template <typename Repeated, typename Format>
std::string ListText(const Repeated& values, Format format) {
  std::vector<std::string> items;
  for (const auto& value : values) items.push_back(format(value));
  return absl::StrCat("{", absl::StrJoin(items, ", "), "}");
}

// A default as C++ text; nothing for tensors and functions, which have none.
absl::optional<std::string> DefaultText(const AttrValue& value) {
  switch (value.value_case()) {
    case AttrValue::kI:
      return IntText(value.i());
    case AttrValue::kF:
      return FloatText(value.f());
    case AttrValue::kB:
      return std::string(value.b() ? "true" : "false");
    case AttrValue::kS:
      return StringText(value.s());
    case AttrValue::kType:
      return TypeText(value.type());
    case AttrValue::kShape:
      return ShapeText(value.shape());
    case AttrValue::kList:
      break;
    default:
      return absl::nullopt;
  }
  const AttrValue::ListValue& list = value.list();
  if (list.tensor_size() + list.func_size() > 0) return absl::nullopt;
  if (list.i_size() > 0) return ListText(list.i(), IntText);
  if (list.f_size() > 0) return ListText(list.f(), FloatText);
  if (list.b_size() > 0) return ListText(list.b(), [](bool b) { return b ? "true" : "false"; });
  if (list.s_size() > 0) return ListText(list.s(), StringText);
  if (list.type_size() > 0) return ListText(list.type(), TypeText);
  if (list.shape_size() > 0) return ListText(list.shape(), ShapeText);
  return std::string("{}");
}

absl::Status AddAttr(const OpDef::AttrDef& attr, std::set<std::string>* params,
                     std::set<std::string>* fields, Wrapper* wrapper) {
  Wrapper::Attr made;
  made.op_name = attr.name();
  STATOR_ASSIGN_OR_RETURN(made.type, CppType(attr.type()));
  if (!attr.has_default_value()) {
    made.name = Claim(attr.name(), params);
    wrapper->required.push_back(made);
    return absl::OkStatus();
  }
  made.name = Claim(attr.name(), fields);
  const absl::optional<std::string> text = DefaultText(attr.default_value());
  made.is_maybe = !text.has_value();
  if (text && *text != "{}" && *text != "\"\"" && *text != "PartialShape()") {
    made.initial = absl::StrCat(" = ", *text);
  }
  wrapper->optional.push_back(made);
  return absl::OkStatus();
}

absl::StatusOr<Wrapper> MakeWrapper(const OpDef& op, const std::string& function,
                                    std::set<std::string>* names) {
  STATOR_RETURN_IF_ERROR(graph::CheckOpDef(op));
  Wrapper wrapper;
  wrapper.op = op.name();
  wrapper.function = function;
  wrapper.summary = op.summary();
  std::set<std::string> params = {"scope", "attrs", "location", "operation"};
  for (const OpDef::ArgDef& arg : op.input_arg()) {
    const bool is_list = !arg.number_attr().empty() || !arg.type_list_attr().empty();
    wrapper.inputs.push_back({Claim(arg.name(), &params), is_list});
  }
  const std::set<std::string> deduced = Deduced(op);
  std::set<std::string> fields;
  for (const OpDef::AttrDef& attr : op.attr()) {
    if (deduced.count(attr.name()) > 0) continue;
    STATOR_RETURN_IF_ERROR(AddAttr(attr, &params, &fields, &wrapper));
  }
  std::set<std::string> members;
  bool after_list = false;
  int index = 0;
  for (const OpDef::ArgDef& arg : op.output_arg()) {
    const bool is_list = !arg.number_attr().empty() || !arg.type_list_attr().empty();
    wrapper.outputs.push_back(
        {Claim(arg.name(), &members), arg.name(), index++, is_list, after_list});
    after_list |= is_list;
  }
  if (!wrapper.optional.empty()) wrapper.attrs_struct = Claim(op.name() + "Attrs", names);
  if (wrapper.outputs.size() > 1) wrapper.outputs_struct = Claim(op.name() + "Outputs", names);
  return wrapper;
}

}  // namespace

absl::StatusOr<std::vector<Wrapper>> MakeWrappers(const std::vector<OpDef>& ops) {
  std::vector<const OpDef*> sorted;
  for (const OpDef& op : ops) {
    if (!absl::StartsWith(op.name(), "_")) sorted.push_back(&op);
  }
  std::sort(sorted.begin(), sorted.end(),
            [](const OpDef* a, const OpDef* b) { return a->name() < b->name(); });
  // The names that the generated header itself uses.
  std::set<std::string> names = {"DataType", "DenseTensor",  "Input",        "InputList",
                                 "Literal",  "NameAttrList", "Operand",      "Operation",
                                 "Output",   "OutputList",   "PartialShape", "Scope"};
  std::vector<std::string> functions;  // first, so that structs make way for them
  for (size_t i = 0; i < sorted.size(); ++i) {
    if (i > 0 && sorted[i]->name() == sorted[i - 1]->name()) {
      return absl::AlreadyExistsError(
          absl::StrCat("op '", sorted[i]->name(), "': found two schemas"));
    }
    functions.push_back(Claim(sorted[i]->name(), &names));
  }
  std::vector<Wrapper> wrappers;
  for (size_t i = 0; i < sorted.size(); ++i) {
    STATOR_ASSIGN_OR_RETURN(Wrapper wrapper, MakeWrapper(*sorted[i], functions[i], &names));
    wrappers.push_back(std::move(wrapper));
  }
  return wrappers;
}

}  // namespace stator::tools
