#include "graph/node.h"

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "graph/attr_value.h"
#include "graph/data_type.h"
#include "graph/graph_version.h"
#include "graph/op_schema.h"
#include "graph/status_macros.h"

namespace stator::graph {
namespace {

using Args = google::protobuf::RepeatedPtrField<OpDef::ArgDef>;

absl::StatusOr<const AttrValue*> ArgAttr(const NodeDef& def, const OpDef& schema,
                                         const OpDef::ArgDef& arg, const std::string& name) {
  const AttrValue* value = FindAttr(def, schema, name);
  if (value != nullptr) return value;
  return absl::InvalidArgumentError(
      absl::StrCat("argument '", arg.name(), "': expected attribute '", name, "', found none"));
}

absl::Status AppendArg(const NodeDef& def, const OpDef& schema, const OpDef::ArgDef& arg,
                       int max_args, std::vector<DataType>* types) {
  int64_t count = 1;
  if (!arg.number_attr().empty()) {
    STATOR_ASSIGN_OR_RETURN(const AttrValue* number, ArgAttr(def, schema, arg, arg.number_attr()));
    count = number->i();
    if (count < 0) {
      return absl::InvalidArgumentError(
          absl::StrCat("attribute '", arg.number_attr(), "': expected at least 0, found ", count));
    }
  }
  std::vector<DataType> element = {arg.type()};
  if (!arg.type_attr().empty()) {
    STATOR_ASSIGN_OR_RETURN(const AttrValue* type, ArgAttr(def, schema, arg, arg.type_attr()));
    element[0] = type->type();
  } else if (!arg.type_list_attr().empty()) {
    STATOR_ASSIGN_OR_RETURN(const AttrValue* list, ArgAttr(def, schema, arg, arg.type_list_attr()));
    element.clear();
    for (const int type : list->list().type()) element.push_back(static_cast<DataType>(type));
    count = static_cast<int64_t>(element.size());
  }
  if (count > max_args - static_cast<int64_t>(types->size())) {
    return absl::ResourceExhaustedError(absl::StrCat("argument '", arg.name(),
                                                     "': expected at most ", max_args,
                                                     " in all, found more (", count, ")"));
  }
  for (int64_t i = 0; i < count; ++i) {
    const DataType type = arg.type_list_attr().empty() ? element[0] : element[i];
    types->push_back(arg.is_ref() ? MakeRef(type) : type);
  }
  return absl::OkStatus();
}

absl::StatusOr<ArgTypes> Expand(const NodeDef& def, const OpDef& schema, const Args& args,
                                int max_args) {
  ArgTypes result;
  for (const OpDef::ArgDef& arg : args) {
    result.begins.push_back(static_cast<int>(result.types.size()));
    STATOR_RETURN_IF_ERROR(AppendArg(def, schema, arg, max_args, &result.types));
  }
  result.begins.push_back(static_cast<int>(result.types.size()));
  return result;
}

absl::StatusOr<std::pair<int, int>> Range(const Node& node, const Args* args, const ArgTypes& types,
                                          absl::string_view name) {
  for (int i = 0; args != nullptr && i < args->size(); ++i) {
    if (args->Get(i).name() == name) return std::make_pair(types.begins[i], types.begins[i + 1]);
  }
  return absl::NotFoundError(absl::StrCat(node.Title(), ": has no argument '", name, "'"));
}

template <typename T, typename Repeated>
std::vector<T> ToVector(const Repeated& values) {
  std::vector<T> out;
  out.reserve(values.size());
  for (const auto& value : values) out.push_back(static_cast<T>(value));
  return out;
}

absl::Status InAttr(const std::string& name, const absl::Status& status) {
  if (status.ok()) return status;
  return absl::Status(status.code(), absl::StrCat("attribute '", name, "': ", status.message()));
}

}  // namespace

std::string NodeTitle(const NodeDef& def, const SourceLocation& source) {
  const std::string at = source.known() ? absl::StrCat(", at ", source.Text()) : std::string();
  return absl::StrCat("node '", def.name(), "' (op ", def.op(), at, ")");
}

const AttrValue* FindAttr(const NodeDef& def, const OpDef& schema, absl::string_view name) {
  const auto it = def.attr().find(std::string(name));
  if (it != def.attr().end()) return &it->second;
  const OpDef::AttrDef* attr = FindAttrDef(schema, name);
  return attr != nullptr && attr->has_default_value() ? &attr->default_value() : nullptr;
}

absl::StatusOr<ArgTypes> InputArgs(const NodeDef& def, const OpDef& schema, int max_args) {
  return Expand(def, schema, schema.input_arg(), max_args);
}

absl::StatusOr<ArgTypes> OutputArgs(const NodeDef& def, const OpDef& schema, int max_args) {
  return Expand(def, schema, schema.output_arg(), max_args);
}

absl::Status CheckAttrs(const NodeDef& def, const OpDef& schema, int producer) {
  for (const OpDef::AttrDef& attr : schema.attr()) {
    const auto it = def.attr().find(attr.name());
    if (it != def.attr().end()) {
      STATOR_RETURN_IF_ERROR(InAttr(attr.name(), CheckAttrValue(it->second, attr)));
    } else if (!attr.has_default_value()) {
      return absl::InvalidArgumentError(absl::StrCat(
          "attribute '", attr.name(), "': expected a value of type ", attr.type(), ", found none"));
    }
  }
  const std::string* foreign = nullptr;  // the first by name: attributes come in no fixed order
  for (const auto& [name, value] : def.attr()) {
    if (absl::StartsWith(name, "_") || FindAttrDef(schema, name) != nullptr) continue;
    if (producer > kGraphVersion && IsZeroAttrValue(value)) continue;
    if (foreign == nullptr || name < *foreign) foreign = &name;
  }
  if (foreign == nullptr) return absl::OkStatus();
  return absl::InvalidArgumentError(absl::StrCat("attribute '", *foreign,
                                                 "': expected a name that op ", schema.name(),
                                                 " has, or one with a leading underscore"));
}

std::string Node::Title() const { return NodeTitle(def_, source_); }

absl::Status Node::Annotate(const absl::Status& status) const {
  if (status.ok()) return status;
  return absl::Status(status.code(), absl::StrCat(Title(), ": ", status.message()));
}

absl::StatusOr<std::pair<int, int>> Node::InputRange(absl::string_view arg) const {
  return Range(*this, schema_ == nullptr ? nullptr : &schema_->input_arg(), input_args_, arg);
}

absl::StatusOr<std::pair<int, int>> Node::OutputRange(absl::string_view arg) const {
  return Range(*this, schema_ == nullptr ? nullptr : &schema_->output_arg(), output_args_, arg);
}

const AttrValue* Node::FindAttr(absl::string_view name) const {
  return graph::FindAttr(def_, schema_ == nullptr ? OpDef::default_instance() : *schema_, name);
}

absl::StatusOr<const AttrValue*> Node::AttrOfType(absl::string_view name,
                                                  absl::string_view type) const {
  const AttrValue* value = FindAttr(name);
  if (value == nullptr) {
    return absl::NotFoundError(absl::StrCat(Title(), ": has no attribute '", name, "'"));
  }
  const std::string found = AttrValueType(*value);
  const bool empty_list = found == "list()" && absl::StartsWith(type, "list(");
  if (found == type || empty_list) return value;
  return absl::InvalidArgumentError(absl::StrCat(Title(), ": attribute '", name,
                                                 "': expected a value of type ", type, ", found ",
                                                 AttrValueText(*value), " of type ", found));
}

absl::StatusOr<int64_t> Node::IntAttr(absl::string_view name) const {
  STATOR_ASSIGN_OR_RETURN(const AttrValue* value, AttrOfType(name, "int"));
  return value->i();
}

absl::StatusOr<float> Node::FloatAttr(absl::string_view name) const {
  STATOR_ASSIGN_OR_RETURN(const AttrValue* value, AttrOfType(name, "float"));
  return value->f();
}

absl::StatusOr<bool> Node::BoolAttr(absl::string_view name) const {
  STATOR_ASSIGN_OR_RETURN(const AttrValue* value, AttrOfType(name, "bool"));
  return value->b();
}

absl::StatusOr<std::string> Node::StringAttr(absl::string_view name) const {
  STATOR_ASSIGN_OR_RETURN(const AttrValue* value, AttrOfType(name, "string"));
  return value->s();
}

absl::StatusOr<DataType> Node::TypeAttr(absl::string_view name) const {
  STATOR_ASSIGN_OR_RETURN(const AttrValue* value, AttrOfType(name, "type"));
  return value->type();
}

absl::StatusOr<const TensorShapeProto*> Node::ShapeAttr(absl::string_view name) const {
  STATOR_ASSIGN_OR_RETURN(const AttrValue* value, AttrOfType(name, "shape"));
  return &value->shape();
}

absl::StatusOr<const TensorProto*> Node::TensorAttr(absl::string_view name) const {
  STATOR_ASSIGN_OR_RETURN(const AttrValue* value, AttrOfType(name, "tensor"));
  return &value->tensor();
}

absl::StatusOr<const NameAttrList*> Node::FuncAttr(absl::string_view name) const {
  STATOR_ASSIGN_OR_RETURN(const AttrValue* value, AttrOfType(name, "func"));
  return &value->func();
}

absl::StatusOr<std::vector<int64_t>> Node::IntListAttr(absl::string_view name) const {
  STATOR_ASSIGN_OR_RETURN(const AttrValue* value, AttrOfType(name, "list(int)"));
  return ToVector<int64_t>(value->list().i());
}

absl::StatusOr<std::vector<float>> Node::FloatListAttr(absl::string_view name) const {
  STATOR_ASSIGN_OR_RETURN(const AttrValue* value, AttrOfType(name, "list(float)"));
  return ToVector<float>(value->list().f());
}

absl::StatusOr<std::vector<bool>> Node::BoolListAttr(absl::string_view name) const {
  STATOR_ASSIGN_OR_RETURN(const AttrValue* value, AttrOfType(name, "list(bool)"));
  return ToVector<bool>(value->list().b());
}

absl::StatusOr<std::vector<std::string>> Node::StringListAttr(absl::string_view name) const {
  STATOR_ASSIGN_OR_RETURN(const AttrValue* value, AttrOfType(name, "list(string)"));
  return ToVector<std::string>(value->list().s());
}

absl::StatusOr<std::vector<DataType>> Node::TypeListAttr(absl::string_view name) const {
  STATOR_ASSIGN_OR_RETURN(const AttrValue* value, AttrOfType(name, "list(type)"));
  return ToVector<DataType>(value->list().type());
}

absl::StatusOr<std::vector<TensorShapeProto>> Node::ShapeListAttr(absl::string_view name) const {
  STATOR_ASSIGN_OR_RETURN(const AttrValue* value, AttrOfType(name, "list(shape)"));
  return ToVector<TensorShapeProto>(value->list().shape());
}

absl::StatusOr<std::vector<NameAttrList>> Node::FuncListAttr(absl::string_view name) const {
  STATOR_ASSIGN_OR_RETURN(const AttrValue* value, AttrOfType(name, "list(func)"));
  return ToVector<NameAttrList>(value->list().func());
}

}  // namespace stator::graph
