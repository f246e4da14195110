#include "graph/attr_value.h"

#include <algorithm>
#include <string>
#include <vector>

#include "absl/strings/ascii.h"
#include "absl/strings/escaping.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/strip.h"
#include "google/protobuf/io/tokenizer.h"
#include "google/protobuf/text_format.h"
#include "graph/data_type.h"
#include "graph/status_macros.h"
#include "graph/tensor_shape.h"

namespace stator::graph {
namespace {

constexpr int kMaxTextItems = 8;
constexpr size_t kMaxTextBytes = 60;

// Without a collector the parser prints its errors; ours names the whole text.
class Silent : public google::protobuf::io::ErrorCollector {
 public:
  void AddError(int, google::protobuf::io::ColumnNumber, const std::string&) override {}
};

// The field of AttrValue and of AttrValue.ListValue that holds values of a type.
absl::string_view FieldOf(absl::string_view type) {
  if (type == "int") return "i";
  if (type == "float") return "f";
  if (type == "bool") return "b";
  if (type == "string") return "s";
  return type;  // type, shape, tensor, func
}

bool IsAttrType(absl::string_view type) {
  for (absl::string_view known :
       {"int", "float", "bool", "string", "type", "shape", "tensor", "func"}) {
    if (type == known) return true;
  }
  return false;
}

// Removes "list(" and ")"; false when `type` is not a list.
bool ConsumeList(absl::string_view* type) {
  return absl::ConsumePrefix(type, "list(") && absl::ConsumeSuffix(type, ")");
}

std::string QuotedText(const std::string& bytes) {
  if (bytes.size() <= kMaxTextBytes) return absl::StrCat("\"", absl::CEscape(bytes), "\"");
  return absl::StrCat("\"", absl::CEscape(bytes.substr(0, kMaxTextBytes)), "...\"");
}

std::string TypeText(int type) { return DataTypeName(static_cast<DataType>(type)); }

template <typename Repeated, typename Format>
std::string ListText(const Repeated& values, Format format) {
  std::vector<std::string> items;
  for (const auto& value : values) {
    if (items.size() == kMaxTextItems) {
      items.push_back(absl::StrCat("... ", values.size(), " in all"));
      break;
    }
    items.push_back(format(value));
  }
  return absl::StrCat("[", absl::StrJoin(items, ", "), "]");
}

std::string ListValueText(const AttrValue::ListValue& list) {
  const auto number = [](auto v) { return absl::StrCat(v); };
  const auto name = [](const auto& v) { return v.name(); };
  if (list.s_size() > 0) return ListText(list.s(), QuotedText);
  if (list.i_size() > 0) return ListText(list.i(), number);
  if (list.f_size() > 0) return ListText(list.f(), number);
  if (list.b_size() > 0) return ListText(list.b(), [](bool b) { return b ? "true" : "false"; });
  if (list.type_size() > 0) return ListText(list.type(), TypeText);
  if (list.shape_size() > 0) {
    return ListText(list.shape(), [](const TensorShapeProto& s) { return ShapeText(s); });
  }
  if (list.tensor_size() > 0) return ListText(list.tensor(), [](const auto&) { return "tensor"; });
  return ListText(list.func(), name);
}

absl::Status CheckType(int type) {
  if (!DataType_IsValid(type) || type == DT_INVALID) {
    return absl::InvalidArgumentError(
        absl::StrCat("expected an element type, found ", TypeText(type)));
  }
  if (IsRefType(static_cast<DataType>(type))) {
    return absl::InvalidArgumentError(
        absl::StrCat("expected an element type that is not a reference, found ", TypeText(type)));
  }
  return absl::OkStatus();
}

absl::Status CheckTensor(const TensorProto& tensor) {
  if (tensor.dtype() == DT_INVALID || !DataType_IsValid(tensor.dtype())) {
    return absl::InvalidArgumentError(
        absl::StrCat("expected a tensor with an element type, found ", TypeText(tensor.dtype())));
  }
  return StaticShape(tensor.tensor_shape()).status();
}

int ListSize(const AttrValue::ListValue& list) {
  return list.s_size() + list.i_size() + list.f_size() + list.b_size() + list.type_size() +
         list.shape_size() + list.tensor_size() + list.func_size();
}

// The parts of a value that must be sound whatever the schema says.
absl::Status CheckWellFormed(const AttrValue& value) {
  if (value.value_case() == AttrValue::kType) STATOR_RETURN_IF_ERROR(CheckType(value.type()));
  if (value.value_case() == AttrValue::kShape) STATOR_RETURN_IF_ERROR(CheckShape(value.shape()));
  if (value.value_case() == AttrValue::kTensor) STATOR_RETURN_IF_ERROR(CheckTensor(value.tensor()));
  for (const int type : value.list().type()) STATOR_RETURN_IF_ERROR(CheckType(type));
  for (const auto& shape : value.list().shape()) STATOR_RETURN_IF_ERROR(CheckShape(shape));
  for (const auto& tensor : value.list().tensor()) STATOR_RETURN_IF_ERROR(CheckTensor(tensor));
  return absl::OkStatus();
}

absl::Status CheckMinimum(const AttrValue& value, const OpDef::AttrDef& schema) {
  if (!schema.has_minimum()) return absl::OkStatus();
  if (schema.type() == "int") {
    if (value.i() >= schema.minimum()) return absl::OkStatus();
    return absl::InvalidArgumentError(
        absl::StrCat("expected at least ", schema.minimum(), ", found ", value.i()));
  }
  if (ListSize(value.list()) >= schema.minimum()) return absl::OkStatus();
  return absl::InvalidArgumentError(absl::StrCat("expected at least ", schema.minimum(),
                                                 " elements, found ", ListSize(value.list())));
}

absl::Status CheckAllowed(const AttrValue& value, const OpDef::AttrDef& schema) {
  if (!schema.has_allowed_values()) return absl::OkStatus();
  const AttrValue::ListValue& allowed = schema.allowed_values().list();
  const auto error = [&](const std::string& found) {
    const std::string expected =
        allowed.type_size() > 0
            ? absl::StrJoin(allowed.type(), ", ",
                            [](std::string* out, int type) { out->append(TypeText(type)); })
            : absl::StrJoin(allowed.s(), ", ");
    return absl::InvalidArgumentError(
        absl::StrCat("expected one of {", expected, "}, found ", found));
  };
  const auto check_type = [&](int type) {
    const bool ok =
        std::find(allowed.type().begin(), allowed.type().end(), type) != allowed.type().end();
    return ok ? absl::OkStatus() : error(TypeText(type));
  };
  const auto check_string = [&](const std::string& text) {
    const bool ok = std::find(allowed.s().begin(), allowed.s().end(), text) != allowed.s().end();
    return ok ? absl::OkStatus() : error(QuotedText(text));
  };
  if (schema.type() == "type") return check_type(value.type());
  if (schema.type() == "string") return check_string(value.s());
  for (const int type : value.list().type()) STATOR_RETURN_IF_ERROR(check_type(type));
  for (const std::string& text : value.list().s()) STATOR_RETURN_IF_ERROR(check_string(text));
  return absl::OkStatus();
}

}  // namespace

std::string AttrValueType(const AttrValue& value) {
  switch (value.value_case()) {
    case AttrValue::kS:
      return "string";
    case AttrValue::kI:
      return "int";
    case AttrValue::kF:
      return "float";
    case AttrValue::kB:
      return "bool";
    case AttrValue::kType:
      return "type";
    case AttrValue::kShape:
      return "shape";
    case AttrValue::kTensor:
      return "tensor";
    case AttrValue::kFunc:
      return "func";
    case AttrValue::kPlaceholder:
      return "placeholder";
    case AttrValue::kList:
      break;
    case AttrValue::VALUE_NOT_SET:
      return "nothing";
  }
  const AttrValue::ListValue& list = value.list();
  std::vector<std::string> kinds;
  if (list.s_size() > 0) kinds.push_back("string");
  if (list.i_size() > 0) kinds.push_back("int");
  if (list.f_size() > 0) kinds.push_back("float");
  if (list.b_size() > 0) kinds.push_back("bool");
  if (list.type_size() > 0) kinds.push_back("type");
  if (list.shape_size() > 0) kinds.push_back("shape");
  if (list.tensor_size() > 0) kinds.push_back("tensor");
  if (list.func_size() > 0) kinds.push_back("func");
  return absl::StrCat("list(", absl::StrJoin(kinds, " and "), ")");
}

std::string AttrValueText(const AttrValue& value) {
  switch (value.value_case()) {
    case AttrValue::kS:
      return QuotedText(value.s());
    case AttrValue::kI:
      return absl::StrCat(value.i());
    case AttrValue::kF:
      return absl::StrCat(value.f());
    case AttrValue::kB:
      return value.b() ? "true" : "false";
    case AttrValue::kType:
      return TypeText(value.type());
    case AttrValue::kShape:
      return ShapeText(value.shape());
    case AttrValue::kTensor:
      return absl::StrCat("tensor of ", TypeText(value.tensor().dtype()), " ",
                          ShapeText(value.tensor().tensor_shape()));
    case AttrValue::kFunc:
      return value.func().name();
    case AttrValue::kPlaceholder:
      return absl::StrCat("$", value.placeholder());
    case AttrValue::kList:
      return ListValueText(value.list());
    case AttrValue::VALUE_NOT_SET:
      break;
  }
  return "nothing";
}

absl::StatusOr<AttrValue> ParseAttrValue(absl::string_view type, absl::string_view text) {
  const std::string found = absl::StrCat("'", text, "'");
  absl::string_view element = type;
  const bool is_list = ConsumeList(&element);
  if (!IsAttrType(element)) {
    return absl::InvalidArgumentError(
        absl::StrCat("expected an attribute type, found '", type, "'"));
  }
  text = absl::StripAsciiWhitespace(text);
  // The text format of a field, short of its name, is what schemas write.
  const bool is_message = element == "shape" || element == "tensor" || element == "func";
  std::string field = absl::StrCat(FieldOf(element), is_message && !is_list ? " " : ": ", text);
  AttrValue value;
  if (is_list) {
    absl::string_view inner = text;
    if (!absl::ConsumePrefix(&inner, "[") || !absl::ConsumeSuffix(&inner, "]")) {
      return absl::InvalidArgumentError(
          absl::StrCat("expected a list in brackets for ", type, ", found ", found));
    }
    value.mutable_list();
    if (absl::StripAsciiWhitespace(inner).empty()) return value;
    field = absl::StrCat("list { ", field, " }");
  }
  Silent silent;
  google::protobuf::TextFormat::Parser parser;
  parser.RecordErrorsTo(&silent);
  AttrValue parsed;
  if (!parser.ParseFromString(field, &parsed) ||
      AttrValueType(parsed) != (is_list ? std::string(type) : std::string(element))) {
    return absl::InvalidArgumentError(
        absl::StrCat("expected a value of ", type, ", found ", found));
  }
  return parsed;
}

absl::Status CheckAttrValue(const AttrValue& value, const OpDef::AttrDef& schema) {
  const std::string found = AttrValueType(value);
  const bool empty_list = found == "list()" && absl::StartsWith(schema.type(), "list(");
  if (found != schema.type() && !empty_list) {
    return absl::InvalidArgumentError(absl::StrCat("expected a value of type ", schema.type(),
                                                   ", found ", AttrValueText(value), " of type ",
                                                   found));
  }
  STATOR_RETURN_IF_ERROR(CheckWellFormed(value));
  STATOR_RETURN_IF_ERROR(CheckMinimum(value, schema));
  return CheckAllowed(value, schema);
}

bool IsZeroAttrValue(const AttrValue& value) {
  switch (value.value_case()) {
    case AttrValue::kS:
      return value.s().empty();
    case AttrValue::kI:
      return value.i() == 0;
    case AttrValue::kF:
      return value.f() == 0;
    case AttrValue::kB:
      return !value.b();
    case AttrValue::kFunc:
      return value.func().name().empty();
    case AttrValue::kList:
      return ListSize(value.list()) == 0;
    case AttrValue::VALUE_NOT_SET:
      return true;
    default:
      return false;
  }
}

}  // namespace stator::graph
