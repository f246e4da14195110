#include "graph/node_builder.h"

#include "absl/strings/str_cat.h"
#include "graph/data_type.h"
#include "graph/status_macros.h"
#include "graph/tensor_name.h"

namespace stator::graph {
namespace {

// The element type that an input brings along; DT_INVALID for a literal, which adapts.
DataType FixedType(const Input& input) {
  if (const Output* output = input.output()) return RemoveRef(output->dtype());
  if (const DenseTensor* tensor = input.tensor()) return tensor->dtype;
  return DT_INVALID;
}

DataType NaturalType(const Input& input) {
  const DataType fixed = FixedType(input);
  return fixed == DT_INVALID && input.literal() != nullptr ? input.literal()->natural_type()
                                                           : fixed;
}

}  // namespace

namespace attr_internal {

AttrValue TensorAttr(const DenseTensor& tensor) {
  AttrValue attr;
  const absl::StatusOr<TensorProto> proto = EncodeTensor(tensor);
  // A tensor that does not encode leaves the attribute empty, which the node's check reports.
  if (proto.ok()) *attr.mutable_tensor() = *proto;
  return attr;
}

}  // namespace attr_internal

absl::optional<Scope> OperatorScope(const Operand& x, const Operand& y) {
  for (const Operand* operand : {&x, &y}) {
    const Output* output = operand->input.output();
    if (output != nullptr && output->valid()) return output->scope();
  }
  return absl::nullopt;
}

NodeBuilder::NodeBuilder(const Scope& scope, absl::string_view op,
                         const std::source_location& location)
    : scope_(scope), location_(location) {
  def_.set_op(std::string(op));
}

NodeBuilder& NodeBuilder::Input(const graph::Input& input) {
  args_.push_back({{input}, false});
  return *this;
}

NodeBuilder& NodeBuilder::InputList(const graph::InputList& inputs) {
  args_.push_back({inputs.inputs(), true});
  return *this;
}

NodeBuilder& NodeBuilder::AttrProto(absl::string_view name, AttrValue value) {
  (*def_.mutable_attr())[std::string(name)] = std::move(value);
  return *this;
}

NodeBuilder& NodeBuilder::ControlInput(const Operation& operation) {
  control_.push_back(operation);
  return *this;
}

Operation NodeBuilder::Finalize() {
  if (!scope_.ok()) return Operation();
  Operation operation;
  def_.set_name(scope_.UniqueName(def_.op()));
  const absl::Status status = Build(&operation);
  if (!status.ok()) {
    scope_.UpdateStatus(absl::Status(
        status.code(),
        absl::StrCat(NodeTitle(def_, scope_.SourceFor(location_)), ": ", status.message())));
  }
  return operation;
}

absl::Status NodeBuilder::Build(Operation* operation) {
  const OpDef* schema = scope_.graph().FindOp(def_.op());
  if (schema == nullptr) {
    return absl::NotFoundError(
        absl::StrCat("expected an op or function that exists, found '", def_.op(), "'"));
  }
  if (static_cast<int>(args_.size()) != schema->input_arg_size()) {
    return absl::InvalidArgumentError(
        absl::StrCat("expected ", schema->input_arg_size(), " arguments, found ", args_.size()));
  }
  for (size_t i = 0; i < args_.size(); ++i) {
    const OpDef::ArgDef& arg = schema->input_arg(static_cast<int>(i));
    const absl::Status status = CheckArg(arg, args_[i]);
    if (status.ok()) continue;
    return absl::Status(status.code(),
                        absl::StrCat("input '", arg.name(), "': ", status.message()));
  }
  DeduceAttrs(*schema);
  DeduceFromLiterals(*schema);
  STATOR_RETURN_IF_ERROR(AddInputs(*schema));
  if (!scope_.ok()) return absl::OkStatus();  // a constant failed; the scope knows
  for (const Operation& control : control_) {
    if (!control.valid()) {
      return absl::InvalidArgumentError("control input: expected an operation, found none");
    }
    def_.add_input(TensorNameText(control.node().name(), TensorName::kControl));
  }
  // The graph's own errors name the node already.
  *operation = scope_.AddNode(def_, location_);
  return absl::OkStatus();
}

absl::Status NodeBuilder::CheckArg(const OpDef::ArgDef& schema, const Arg& arg) const {
  const bool wants_list = !schema.number_attr().empty() || !schema.type_list_attr().empty();
  if (wants_list != arg.is_list) {
    return absl::InvalidArgumentError(wants_list ? "expected a list of tensors, found one tensor"
                                                 : "expected one tensor, found a list");
  }
  for (const graph::Input& input : arg.inputs) {
    const Output* output = input.output();
    if (output == nullptr) continue;
    if (!output->valid()) {
      return absl::InvalidArgumentError("expected a tensor, found an output that was never made");
    }
    if (!scope_.Owns(*output)) {
      return absl::InvalidArgumentError(
          absl::StrCat("expected a tensor of this graph, found '", output->name(), "' of another"));
    }
  }
  return absl::OkStatus();
}

void NodeBuilder::DeduceAttrs(const OpDef& schema) {
  auto& attrs = *def_.mutable_attr();
  for (size_t i = 0; i < args_.size(); ++i) {
    const OpDef::ArgDef& arg = schema.input_arg(static_cast<int>(i));
    const std::vector<graph::Input>& inputs = args_[i].inputs;
    if (!arg.number_attr().empty() && attrs.count(arg.number_attr()) == 0) {
      attrs[arg.number_attr()].set_i(static_cast<int64_t>(inputs.size()));
    }
    if (!arg.type_list_attr().empty() && attrs.count(arg.type_list_attr()) == 0) {
      AttrValue::ListValue* list = attrs[arg.type_list_attr()].mutable_list();
      for (const graph::Input& input : inputs) list->add_type(NaturalType(input));
    }
    if (arg.type_attr().empty() || attrs.count(arg.type_attr()) > 0) continue;
    for (const graph::Input& input : inputs) {
      const DataType fixed = FixedType(input);
      if (fixed == DT_INVALID) continue;
      attrs[arg.type_attr()].set_type(fixed);
      break;
    }
  }
}

void NodeBuilder::DeduceFromLiterals(const OpDef& schema) {
  std::map<std::string, DataType> joined;  // of the literals that share a type attribute
  for (size_t i = 0; i < args_.size(); ++i) {
    const std::string& attr = schema.input_arg(static_cast<int>(i)).type_attr();
    if (attr.empty() || def_.attr().count(attr) > 0) continue;
    for (const graph::Input& input : args_[i].inputs) {
      const auto [it, is_first] = joined.emplace(attr, NaturalType(input));
      if (!is_first) it->second = Literal::Join(it->second, NaturalType(input));
    }
  }
  for (const auto& [attr, type] : joined) {
    if (type != DT_INVALID) (*def_.mutable_attr())[attr].set_type(type);
  }
}

absl::Status NodeBuilder::AddInputs(const OpDef& schema) {
  const auto& attrs = def_.attr();
  for (size_t i = 0; i < args_.size(); ++i) {
    const OpDef::ArgDef& arg = schema.input_arg(static_cast<int>(i));
    const std::vector<graph::Input>& inputs = args_[i].inputs;
    for (size_t j = 0; j < inputs.size(); ++j) {
      DataType dtype = arg.type();
      if (!arg.type_attr().empty() && attrs.count(arg.type_attr()) > 0) {
        dtype = attrs.at(arg.type_attr()).type();
      } else if (!arg.type_list_attr().empty()) {
        const auto& types = attrs.at(arg.type_list_attr()).list().type();
        dtype = static_cast<int>(j) < types.size()
                    ? static_cast<DataType>(types[static_cast<int>(j)])
                    : NaturalType(inputs[j]);
      }
      std::string name = absl::StrCat(def_.name(), "/", arg.name());
      if (args_[i].is_list) absl::StrAppend(&name, "_", j);
      const absl::Status status = AddInput(inputs[j], dtype, name);
      if (status.ok()) continue;
      return absl::Status(status.code(),
                          absl::StrCat("input '", arg.name(), "': ", status.message()));
    }
  }
  return absl::OkStatus();
}

absl::Status NodeBuilder::AddInput(const graph::Input& input, DataType dtype,
                                   const std::string& constant_name) {
  if (const Output* output = input.output()) {
    def_.add_input(TensorNameText(output->operation().node().name(), output->index()));
    return absl::OkStatus();
  }
  DenseTensor tensor;
  if (const Literal* literal = input.literal()) {
    STATOR_ASSIGN_OR_RETURN(tensor, literal->ToTensor(dtype));
  } else {
    tensor = *input.tensor();
  }
  const Operation constant = AddConstant(tensor, constant_name);
  if (constant.valid()) def_.add_input(constant.node().name());
  return absl::OkStatus();
}

Output Constant(const Scope& scope, const DenseTensor& value,
                const std::source_location& location) {
  return NodeBuilder(scope, scope.constant_op(), location)
      .Attr("dtype", value.dtype)
      .Attr("value", value)
      .Finalize()
      .output(0);
}

Output Constant(const Scope& scope, const Literal& value, DataType dtype,
                const std::source_location& location) {
  const absl::StatusOr<DenseTensor> tensor =
      value.ToTensor(dtype == DT_INVALID ? value.natural_type() : dtype);
  if (tensor.ok()) return Constant(scope, *tensor, location);
  const std::string at = scope.SourceFor(location).Text();
  scope.UpdateStatus(absl::Status(
      tensor.status().code(), absl::StrCat("constant at ", at, ": ", tensor.status().message())));
  return Output();
}

Operation NodeBuilder::AddConstant(const DenseTensor& tensor, const std::string& name) {
  NodeDef def;
  def.set_name(scope_.Reserve(name));
  def.set_op(scope_.constant_op());
  (*def.mutable_attr())["dtype"].set_type(tensor.dtype);
  (*def.mutable_attr())["value"] = attr_internal::TensorAttr(tensor);
  return scope_.AddNode(std::move(def), location_);
}

}  // namespace stator::graph
