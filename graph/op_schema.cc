#include "graph/op_schema.h"

#include <set>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/ascii.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"
#include "absl/types/optional.h"
#include "graph/attr_value.h"
#include "graph/data_type.h"
#include "graph/status_macros.h"

namespace stator::graph {
namespace {

// Reads tokens off the front of a specification.
class Scanner {
 public:
  explicit Scanner(absl::string_view text) : text_(text) {}

  bool Consume(absl::string_view token) {
    Skip();
    return absl::ConsumePrefix(&text_, token);
  }

  // Letters, digits and underscores; empty when something else stands there.
  absl::string_view Identifier() {
    Skip();
    size_t size = 0;
    while (size < text_.size() && (absl::ascii_isalnum(text_[size]) || text_[size] == '_')) ++size;
    return Take(size);
  }

  absl::optional<int64_t> Integer() {
    Skip();
    size_t size = !text_.empty() && text_[0] == '-' ? 1 : 0;
    while (size < text_.size() && absl::ascii_isdigit(text_[size])) ++size;
    int64_t value;
    if (!absl::SimpleAtoi(Take(size), &value)) return absl::nullopt;
    return value;
  }

  // The text between quotes of either kind; nothing when there is none.
  absl::optional<absl::string_view> Quoted() {
    Skip();
    if (text_.empty() || (text_[0] != '\'' && text_[0] != '"')) return absl::nullopt;
    const size_t end = text_.find(text_[0], 1);
    if (end == absl::string_view::npos) return absl::nullopt;
    const absl::string_view inner = text_.substr(1, end - 1);
    text_.remove_prefix(end + 1);
    return inner;
  }

  absl::string_view Rest() {
    Skip();
    return Take(text_.size());
  }

  bool AtEnd() {
    Skip();
    return text_.empty();
  }

 private:
  void Skip() { text_ = absl::StripLeadingAsciiWhitespace(text_); }
  absl::string_view Take(size_t size) {
    const absl::string_view taken = text_.substr(0, size);
    text_.remove_prefix(size);
    return taken;
  }

  absl::string_view text_;
};

absl::Status Expected(absl::string_view what, Scanner* scanner) {
  return absl::InvalidArgumentError(
      absl::StrCat("expected ", what, ", found '", scanner->Rest(), "'"));
}

bool IsAttrName(absl::string_view name) { return !name.empty() && absl::ascii_isalpha(name[0]); }

bool IsArgName(absl::string_view name) {
  return !name.empty() && absl::ascii_islower(name[0]) && name == absl::AsciiStrToLower(name);
}

void AddTypes(const std::vector<DataType>& types, AttrValue::ListValue* out) {
  for (const DataType type : types) out->add_type(type);
}

// A name that stands for several types; false for any other.
bool AddTypeGroup(absl::string_view name, AttrValue::ListValue* out) {
  if (name == "numbertype" || name == "numerictype") {
    AddTypes(NumberTypes(), out);
  } else if (name == "realnumbertype" || name == "realnumerictype") {
    AddTypes(RealNumberTypes(), out);
  } else if (name == "quantizedtype") {
    AddTypes(QuantizedTypes(), out);
  } else {
    return false;
  }
  return true;
}

// After "{": `int32, numbertype}` or `'a', 'b'}`. Returns "type" or "string".
absl::StatusOr<std::string> ParseAllowed(Scanner* scanner, AttrValue::ListValue* allowed) {
  do {
    if (scanner->Consume("}")) break;  // a comma before the brace is accepted, as in TensorFlow
    if (const auto text = scanner->Quoted()) {
      allowed->add_s(std::string(*text));
      continue;
    }
    const absl::string_view name = scanner->Identifier();
    if (AddTypeGroup(name, allowed)) continue;
    const absl::optional<DataType> type = ParseDataType(name);
    if (!type) return Expected("an element type or a quoted string in braces", scanner);
    allowed->add_type(*type);
  } while (scanner->Consume(",") || !scanner->Consume("}"));
  if ((allowed->s_size() > 0) == (allowed->type_size() > 0)) {
    return absl::InvalidArgumentError("expected either types or strings in braces");
  }
  return std::string(allowed->type_size() > 0 ? "type" : "string");
}

absl::StatusOr<std::string> ParseElementType(Scanner* scanner, OpDef::AttrDef* attr) {
  AttrValue::ListValue allowed;
  std::string type;
  if (scanner->Consume("{")) {
    STATOR_ASSIGN_OR_RETURN(type, ParseAllowed(scanner, &allowed));
  } else {
    const absl::string_view name = scanner->Identifier();
    type = AddTypeGroup(name, &allowed) ? "type" : std::string(name);
  }
  if (allowed.s_size() + allowed.type_size() > 0) {
    *attr->mutable_allowed_values()->mutable_list() = std::move(allowed);
  }
  for (absl::string_view known :
       {"int", "float", "bool", "string", "type", "shape", "tensor", "func"}) {
    if (type == known) return type;
  }
  return absl::InvalidArgumentError(absl::StrCat("expected an attribute type, found '", type, "'"));
}

absl::Status ParseAttr(absl::string_view spec, OpDef* op) {
  Scanner scanner(spec);
  OpDef::AttrDef* attr = op->add_attr();
  attr->set_name(std::string(scanner.Identifier()));
  if (!IsAttrName(attr->name())) return Expected("a name that starts with a letter", &scanner);
  if (!scanner.Consume(":")) return Expected("':' after the name", &scanner);
  if (scanner.Consume("list(")) {
    STATOR_ASSIGN_OR_RETURN(const std::string type, ParseElementType(&scanner, attr));
    if (!scanner.Consume(")")) return Expected("')' after the type of a list", &scanner);
    attr->set_type(absl::StrCat("list(", type, ")"));
  } else {
    STATOR_ASSIGN_OR_RETURN(const std::string type, ParseElementType(&scanner, attr));
    attr->set_type(type);
  }
  if (scanner.Consume(">=")) {
    const absl::optional<int64_t> minimum = scanner.Integer();
    if (!minimum) return Expected("an integer after '>='", &scanner);
    attr->set_has_minimum(true);
    attr->set_minimum(*minimum);
  }
  if (scanner.Consume("=")) {
    STATOR_ASSIGN_OR_RETURN(*attr->mutable_default_value(),
                            ParseAttrValue(attr->type(), scanner.Rest()));
  }
  if (!scanner.AtEnd()) return Expected("nothing more", &scanner);
  return absl::OkStatus();
}

OpDef::AttrDef* MutableAttr(OpDef* op, absl::string_view name) {
  for (OpDef::AttrDef& attr : *op->mutable_attr()) {
    if (attr.name() == name) return &attr;
  }
  return nullptr;
}

// The number of arguments that a length attribute stands for is at least one unless it says
// otherwise.
void DefaultMinimum(OpDef::AttrDef* attr) {
  if (attr->has_minimum()) return;
  attr->set_has_minimum(true);
  attr->set_minimum(1);
}

absl::Status ParseArg(absl::string_view spec, OpDef* op, OpDef::ArgDef* arg) {
  Scanner scanner(spec);
  arg->set_name(std::string(scanner.Identifier()));
  if (!IsArgName(arg->name())) return Expected("a lower-case name", &scanner);
  if (!scanner.Consume(":")) return Expected("':' after the name", &scanner);
  bool is_ref = scanner.Consume("Ref(");
  absl::string_view name = scanner.Identifier();
  if (!is_ref && scanner.Consume("*")) {
    arg->set_number_attr(std::string(name));
    is_ref = scanner.Consume("Ref(");
    name = scanner.Identifier();
  }
  if (is_ref && !scanner.Consume(")")) return Expected("')' after Ref(...", &scanner);
  if (!scanner.AtEnd()) return Expected("nothing more", &scanner);
  arg->set_is_ref(is_ref);
  if (!arg->number_attr().empty()) {
    OpDef::AttrDef* number = MutableAttr(op, arg->number_attr());
    if (number != nullptr) DefaultMinimum(number);
  }
  if (OpDef::AttrDef* attr = MutableAttr(op, name)) {
    if (attr->type() == "list(type)") {
      arg->set_type_list_attr(std::string(name));
      DefaultMinimum(attr);
    } else {
      arg->set_type_attr(std::string(name));
    }
    return absl::OkStatus();
  }
  const absl::optional<DataType> type = ParseDataType(name);
  if (!type) {
    return absl::InvalidArgumentError(
        absl::StrCat("expected an element type or an attribute, found '", name, "'"));
  }
  arg->set_type(*type);
  return absl::OkStatus();
}

absl::Status CheckArg(const OpDef& op, const OpDef::ArgDef& arg) {
  const auto check_attr = [&](const std::string& name, absl::string_view type) {
    const OpDef::AttrDef* attr = FindAttrDef(op, name);
    if (attr != nullptr && attr->type() == type) return absl::OkStatus();
    return absl::InvalidArgumentError(
        absl::StrCat("argument '", arg.name(), "': expected an attribute '", name, "' of type ",
                     type, ", found ", attr == nullptr ? "none" : attr->type()));
  };
  const int sources =
      (arg.type() != DT_INVALID) + !arg.type_attr().empty() + !arg.type_list_attr().empty();
  if (sources != 1 || (!arg.type_list_attr().empty() && !arg.number_attr().empty())) {
    return absl::InvalidArgumentError(absl::StrCat(
        "argument '", arg.name(), "': expected exactly one of type, type_attr, type_list_attr"));
  }
  if (!DataType_IsValid(arg.type())) {
    return absl::InvalidArgumentError(absl::StrCat(
        "argument '", arg.name(), "': expected an element type, found ", DataTypeName(arg.type())));
  }
  if (!arg.number_attr().empty()) STATOR_RETURN_IF_ERROR(check_attr(arg.number_attr(), "int"));
  if (!arg.type_attr().empty()) STATOR_RETURN_IF_ERROR(check_attr(arg.type_attr(), "type"));
  if (!arg.type_list_attr().empty()) {
    STATOR_RETURN_IF_ERROR(check_attr(arg.type_list_attr(), "list(type)"));
  }
  return absl::OkStatus();
}

absl::Status CheckParts(const OpDef& op) {
  const auto check_name = [](absl::string_view kind, const std::string& name,
                             std::set<std::string>* seen) {
    if (!name.empty() && seen->insert(name).second) return absl::OkStatus();
    return absl::InvalidArgumentError(absl::StrCat(
        "expected ", kind, " names that are unique and not empty, found '", name, "'"));
  };
  if (op.name().empty()) return absl::InvalidArgumentError("expected a name, found none");
  std::set<std::string> attrs;
  for (const OpDef::AttrDef& attr : op.attr()) {
    STATOR_RETURN_IF_ERROR(check_name("attribute", attr.name(), &attrs));
    if (!attr.has_default_value()) continue;
    // TensorFlow's own schemas have defaults below the minimum of a list: "not given".
    OpDef::AttrDef without_minimum = attr;
    if (attr.type() != "int") without_minimum.set_has_minimum(false);
    const absl::Status status = CheckAttrValue(attr.default_value(), without_minimum);
    if (!status.ok()) {
      return absl::InvalidArgumentError(
          absl::StrCat("default of attribute '", attr.name(), "': ", status.message()));
    }
  }
  std::set<std::string> inputs;
  for (const OpDef::ArgDef& arg : op.input_arg()) {
    STATOR_RETURN_IF_ERROR(check_name("input", arg.name(), &inputs));
    STATOR_RETURN_IF_ERROR(CheckArg(op, arg));
  }
  std::set<std::string> outputs;
  for (const OpDef::ArgDef& arg : op.output_arg()) {
    STATOR_RETURN_IF_ERROR(check_name("output", arg.name(), &outputs));
    STATOR_RETURN_IF_ERROR(CheckArg(op, arg));
  }
  return absl::OkStatus();
}

absl::Status InSpec(const absl::Status& status, absl::string_view op, absl::string_view spec) {
  if (status.ok()) return status;
  return absl::InvalidArgumentError(
      absl::StrCat("schema of op ", op, ", \"", spec, "\": ", status.message()));
}

}  // namespace

OpSchemaBuilder::OpSchemaBuilder(absl::string_view name) { flags_.set_name(std::string(name)); }

OpSchemaBuilder& OpSchemaBuilder::Input(absl::string_view spec) {
  inputs_.emplace_back(spec);
  return *this;
}

OpSchemaBuilder& OpSchemaBuilder::Output(absl::string_view spec) {
  outputs_.emplace_back(spec);
  return *this;
}

OpSchemaBuilder& OpSchemaBuilder::Attr(absl::string_view spec) {
  attrs_.emplace_back(spec);
  return *this;
}

OpSchemaBuilder& OpSchemaBuilder::ControlOutput(absl::string_view name) {
  flags_.add_control_output(std::string(name));
  return *this;
}

OpSchemaBuilder& OpSchemaBuilder::Summary(absl::string_view text) {
  flags_.set_summary(std::string(text));
  return *this;
}

OpSchemaBuilder& OpSchemaBuilder::Description(absl::string_view text) {
  flags_.set_description(std::string(text));
  return *this;
}

OpSchemaBuilder& OpSchemaBuilder::Deprecated(int version, absl::string_view explanation) {
  flags_.mutable_deprecation()->set_version(version);
  flags_.mutable_deprecation()->set_explanation(std::string(explanation));
  return *this;
}

OpSchemaBuilder& OpSchemaBuilder::SetIsAggregate() {
  flags_.set_is_aggregate(true);
  return *this;
}

OpSchemaBuilder& OpSchemaBuilder::SetIsStateful() {
  flags_.set_is_stateful(true);
  return *this;
}

OpSchemaBuilder& OpSchemaBuilder::SetIsCommutative() {
  flags_.set_is_commutative(true);
  return *this;
}

OpSchemaBuilder& OpSchemaBuilder::SetAllowsUninitializedInput() {
  flags_.set_allows_uninitialized_input(true);
  return *this;
}

OpSchemaBuilder& OpSchemaBuilder::SetIsDistributedCommunication() {
  flags_.set_is_distributed_communication(true);
  return *this;
}

absl::StatusOr<OpDef> OpSchemaBuilder::Build() const {
  OpDef op = flags_;
  if (op.name().empty() || !absl::ascii_isupper(op.name()[op.name()[0] == '_' ? 1 : 0])) {
    return absl::InvalidArgumentError(
        absl::StrCat("schema of op '", op.name(), "': expected a name in CamelCase"));
  }
  for (const std::string& spec : attrs_) {
    STATOR_RETURN_IF_ERROR(InSpec(ParseAttr(spec, &op), op.name(), spec));
  }
  for (const std::string& spec : inputs_) {
    STATOR_RETURN_IF_ERROR(InSpec(ParseArg(spec, &op, op.add_input_arg()), op.name(), spec));
  }
  for (const std::string& spec : outputs_) {
    STATOR_RETURN_IF_ERROR(InSpec(ParseArg(spec, &op, op.add_output_arg()), op.name(), spec));
  }
  STATOR_RETURN_IF_ERROR(CheckOpDef(op));
  return op;
}

absl::Status CheckOpDef(const OpDef& op) {
  const absl::Status status = CheckParts(op);
  if (status.ok()) return status;
  return absl::InvalidArgumentError(
      absl::StrCat("schema of op '", op.name(), "': ", status.message()));
}

absl::Status OpSchemaTable::Add(OpDef op) {
  STATOR_RETURN_IF_ERROR(CheckOpDef(op));
  std::string name = op.name();
  auto owned = std::make_unique<const OpDef>(std::move(op));
  if (!ops_.emplace(name, std::move(owned)).second) {
    return absl::AlreadyExistsError(absl::StrCat("op '", name, "' has a schema already"));
  }
  return absl::OkStatus();
}

const OpDef* OpSchemaTable::Find(absl::string_view op) const {
  const auto it = ops_.find(op);
  return it == ops_.end() ? nullptr : it->second.get();
}

std::vector<const OpDef*> OpSchemaTable::List() const {
  std::vector<const OpDef*> list;
  list.reserve(ops_.size());
  for (const auto& [name, op] : ops_) list.push_back(op.get());
  return list;
}

const OpDef::AttrDef* FindAttrDef(const OpDef& op, absl::string_view name) {
  for (const OpDef::AttrDef& attr : op.attr()) {
    if (attr.name() == name) return &attr;
  }
  return nullptr;
}

const OpDef::ArgDef* FindInputArg(const OpDef& op, absl::string_view name) {
  for (const OpDef::ArgDef& arg : op.input_arg()) {
    if (arg.name() == name) return &arg;
  }
  return nullptr;
}

}  // namespace stator::graph
