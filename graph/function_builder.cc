#include "graph/function_builder.h"

#include <utility>

#include "absl/strings/str_cat.h"
#include "graph/node_builder.h"
#include "graph/status_macros.h"

namespace stator::graph {
namespace {

std::string FreeName(const Graph& graph, absl::string_view name) {
  std::string free(name);
  for (int number = 1; graph.FindOp(free) != nullptr; ++number) {
    free = absl::StrCat(name, "_", number);
  }
  return free;
}

// `node:out_arg:index`, as tensors are written in functions; an argument is just its name.
absl::StatusOr<std::string> Reference(const Graph& body, Endpoint endpoint) {
  const Node& node = body.node(endpoint.node);
  if (node.op() == kArgOp) return node.name();
  for (const OpDef::ArgDef& arg : node.schema()->output_arg()) {
    STATOR_ASSIGN_OR_RETURN(const auto range, node.OutputRange(arg.name()));
    if (endpoint.index < range.first || endpoint.index >= range.second) continue;
    return absl::StrCat(node.name(), ":", arg.name(), ":", endpoint.index - range.first);
  }
  return absl::InternalError(absl::StrCat(node.Title(), ": has no output ", endpoint.index));
}

Scope BodyScope(const Scope& program, const OpSchemas* schemas) {
  ScopeOptions options;
  options.limits = program.graph().limits();
  options.constant_op = program.constant_op();
  options.program = std::make_shared<const Scope>(program);
  return Scope::NewRoot(schemas, std::move(options));
}

}  // namespace

FunctionBuilder::FunctionBuilder(const Scope& program, absl::string_view name)
    : program_(program),
      name_(FreeName(program.graph(), name)),
      schemas_(std::make_shared<BodySchemas>(&program.graph())),
      body_(BodyScope(program, schemas_.get())) {}

Output FunctionBuilder::Arg(absl::string_view name, DataType dtype,
                            const std::source_location& location) {
  const Output arg = NodeBuilder(body_.WithOpName(name), kArgOp, location)
                         .Attr("T", dtype)
                         .Attr("index", static_cast<int>(args_.size()))
                         .Finalize()
                         .output(0);
  args_.push_back(arg);
  return arg;
}

void FunctionBuilder::AlsoRun(const Operation& operation) { also_run_.push_back(operation); }

NameAttrList FunctionBuilder::Finish(const std::vector<Output>& results) {
  NameAttrList function;
  function.set_name(name_);
  absl::StatusOr<FunctionDef> def = MakeFunction(results);
  if (def.ok()) {
    program_.AddFunction(*std::move(def), &body_.graph());
  } else {
    program_.UpdateStatus(absl::Status(
        def.status().code(), absl::StrCat("function '", name_, "': ", def.status().message())));
  }
  return function;
}

absl::StatusOr<FunctionDef> FunctionBuilder::MakeFunction(
    const std::vector<Output>& results) const {
  STATOR_RETURN_IF_ERROR(body_.status());
  const Graph& graph = body_.graph();
  FunctionDef def;
  OpDef* signature = def.mutable_signature();
  signature->set_name(name_);
  for (const Output& arg : args_) {
    OpDef::ArgDef* input = signature->add_input_arg();
    input->set_name(arg.operation().node().name());
    input->set_type(arg.dtype());
  }
  for (int id = 0; id < graph.num_nodes(); ++id) {
    const Node& node = graph.node(id);
    if (node.op() == kArgOp) continue;
    if (node.schema()->is_stateful()) signature->set_is_stateful(true);
    NodeDef* copy = def.add_node_def();
    *copy = node.def();
    for (size_t i = 0; i < node.inputs().size(); ++i) {
      STATOR_ASSIGN_OR_RETURN(*copy->mutable_input(static_cast<int>(i)),
                              Reference(graph, node.inputs()[i]));
    }
  }
  for (size_t i = 0; i < results.size(); ++i) {
    if (!body_.Owns(results[i])) {
      return absl::InvalidArgumentError(
          absl::StrCat("result ", i, ": expected a tensor of the body, found another"));
    }
    OpDef::ArgDef* output = signature->add_output_arg();
    output->set_name(absl::StrCat("result_", i));
    output->set_type(results[i].dtype());
    STATOR_ASSIGN_OR_RETURN((*def.mutable_ret())[output->name()],
                            Reference(graph, results[i].endpoint()));
  }
  for (const Operation& operation : also_run_) {
    if (!operation.valid()) {
      return absl::InvalidArgumentError("expected an operation of the body to run, found none");
    }
    const std::string& name = operation.node().name();
    signature->add_control_output(name);
    (*def.mutable_control_ret())[name] = name;
  }
  return def;
}

}  // namespace stator::graph
