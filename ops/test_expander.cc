#include "ops/test_expander.h"

#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/IR/Verifier.h"
#include "ops/register_all.h"
#include "proto/serialize.h"

namespace stator::ops {

using compiler::Expansion;
using compiler::NodeValue;
using compiler::VariableRef;

TestExpander::TestExpander() : mlir_builder_(&context_) {
  RegisterAll(ops_);
  context_.loadDialect<core::CoreDialect, mlir::func::FuncDialect>();
}

TestExpander::~TestExpander() = default;

NodeValue TestExpander::Lookup(const Environment& env, const std::string& name) {
  std::vector<std::string> parts(1);
  for (char c : name) {
    if (c == ':') {
      parts.emplace_back();
    } else {
      parts.back() += c;
    }
  }
  // In a function body an output is "node:argument:index"; the tests use ops with one output
  // argument there.
  size_t index = 0;
  if (parts.size() > 1 && !absl::SimpleAtoi(parts.back(), &index)) index = 0;
  auto it = env.find(parts[0]);
  if (it == env.end() || index >= it->second.size()) {
    builder_->Fail("no tensor " + name);
    return {};
  }
  return it->second[index];
}

void TestExpander::ExpandNode(const NodeDef& node, Environment& env) {
  const compiler::OpSet::Op* op = ops_.FindOp(node.op());
  if (op == nullptr) {
    builder_->Fail("no op " + node.op());
    return;
  }
  std::vector<NodeValue> inputs;
  for (const std::string& input : node.input()) {
    if (!absl::StartsWith(input, "^")) inputs.push_back(Lookup(env, input));
  }
  Expansion expansion(node, op->schema, inputs, *builder_, *this);
  if (node.op() == "Placeholder") {
    core::Dims dims = expansion.ShapeAttr("shape", node.name());
    auto type = core::TensorType(dims, expansion.ElementTypeAttr("dtype"));
    mlir::Block& entry =
        llvm::cast<mlir::func::FuncOp>(module_->lookupSymbol("main")).getBody().front();
    expansion.Out(entry.addArgument(type, builder_->loc()));
  } else {
    op->expand(expansion);
  }
  env[node.name()] = expansion.outputs();
}

std::string TestExpander::Expand(absl::string_view graph_text,
                                 const std::vector<std::string>& fetches) {
  absl::Status status = ParseText(graph_text, {}, &graph_);
  if (!status.ok()) return "error: " + std::string(status.message());
  mlir::Location loc = mlir_builder_.getUnknownLoc();
  module_ = mlir::ModuleOp::create(loc);
  mlir_builder_.setInsertionPointToEnd(module_->getBody());
  auto function =
      mlir_builder_.create<mlir::func::FuncOp>(loc, "main", mlir_builder_.getFunctionType({}, {}));
  mlir::Block* entry = function.addEntryBlock();
  mlir_builder_.setInsertionPointToStart(entry);
  builder_ = std::make_unique<core::CoreBuilder>(mlir_builder_, loc);

  Environment env;
  for (const NodeDef& node : graph_.node()) {
    ExpandNode(node, env);
    if (!builder_->ok()) return "error: " + node.name() + ": " + builder_->error();
  }
  llvm::SmallVector<mlir::Value> results;
  for (const std::string& fetch : fetches) results.push_back(Lookup(env, fetch).value);
  if (!builder_->ok()) return "error: " + builder_->error();
  mlir_builder_.create<mlir::func::ReturnOp>(loc, results);
  function.setFunctionType(mlir_builder_.getFunctionType(entry->getArgumentTypes(),
                                                         mlir::ValueRange(results).getTypes()));
  if (mlir::failed(mlir::verify(*module_))) return "error: the module is not valid";
  // What folding left without users goes, as it would in the importer.
  for (mlir::Operation& op : llvm::make_early_inc_range(llvm::reverse(*entry))) {
    if (mlir::isOpTriviallyDead(&op)) op.erase();
  }
  std::string text;
  llvm::raw_string_ostream(text) << *module_;
  return text;
}

bool TestExpander::CallFunction(const NameAttrList& function,
                                const std::vector<NodeValue>& arguments,
                                std::vector<NodeValue>* results) {
  for (const FunctionDef& def : graph_.library().function()) {
    if (def.signature().name() != function.name()) continue;
    Environment env;
    for (size_t i = 0; i < arguments.size(); ++i)
      env[def.signature().input_arg(i).name()] = {arguments[i]};
    for (const NodeDef& node : def.node_def()) {
      ExpandNode(node, env);
      if (!builder_->ok()) return false;
    }
    for (const OpDef::ArgDef& arg : def.signature().output_arg()) {
      results->push_back(Lookup(env, def.ret().at(arg.name())));
    }
    return builder_->ok();
  }
  builder_->Fail("no function " + function.name());
  return false;
}

VariableRef TestExpander::DeclareVariable(absl::string_view, absl::string_view shared_name,
                                          mlir::RankedTensorType type, bool zero_initialized) {
  const std::string name(shared_name);
  auto it = variables_.find(name);
  if (it != variables_.end()) return it->second;
  mlir::OpBuilder::InsertionGuard guard(mlir_builder_);
  mlir_builder_.setInsertionPointToStart(module_->getBody());
  mlir_builder_.create<core::VariableOp>(mlir_builder_.getUnknownLoc(), name, type, name, "",
                                         zero_initialized);
  return variables_[name] = {name, type};
}

}  // namespace stator::ops
