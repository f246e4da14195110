#include "compiler/plan/entry_ports.h"

#include "absl/strings/str_cat.h"
#include "compiler/dialect/dtype.h"
#include "compiler/plan/plan.h"
#include "graph/status_macros.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"

namespace stator::compiler {
namespace {

using executable::BufferKind;
using executable::kNone;

// The i-th of the names that the function's attribute holds.
std::string PortName(mlir::func::FuncOp main, llvm::StringRef attribute, size_t i,
                     const char* prefix) {
  auto names = main->getAttrOfType<mlir::ArrayAttr>(attribute);
  return names ? llvm::cast<mlir::StringAttr>(names[i]).str() : absl::StrCat(prefix, i);
}

executable::Port MakePort(const executable::Buffer& buffer, int32_t index, int32_t source_node) {
  executable::Port port;
  port.name = buffer.name;
  port.dtype = buffer.dtype;
  port.dims = buffer.dims;
  port.buffer = index;
  port.source_node = source_node;
  return port;
}

}  // namespace

absl::Status EntryPorts::AddFeeds(mlir::func::FuncOp main) {
  for (mlir::BlockArgument argument : main.getArguments()) {
    STATOR_ASSIGN_OR_RETURN(
        const int32_t buffer,
        draft_.buffers.New(argument.getType(), BufferKind::kInput, argument.getLoc()));
    draft_.buffers.Set(argument, buffer);
    draft_.buffers[buffer].name = PortName(main, kFeedsAttr, argument.getArgNumber(), "arg");
    const int32_t node = draft_.nodes.First(argument.getLoc());
    draft_.entry.feeds.push_back(MakePort(draft_.buffers[buffer], buffer, node));
  }
  return absl::OkStatus();
}

void EntryPorts::AddVariables(mlir::ModuleOp module) {
  for (auto op : module.getOps<core::VariableOp>()) {
    executable::Variable variable;
    variable.name = core::CallersName(op);
    auto type = llvm::cast<mlir::RankedTensorType>(op.getType());
    if (auto panels = core::StoredPanelsOf(op)) panels_[op.getSymName()] = *panels;
    variable.dtype = core::DTypeOf(type.getElementType());
    variable.source_node = draft_.nodes.First(op.getLoc());
    variable.zero_initialized = op.getZeroInitialized();
    variable_index_[op.getSymName()] = static_cast<int32_t>(draft_.entry.variables.size());
    draft_.entry.variables.push_back(std::move(variable));
  }
}

absl::Status EntryPorts::AddVariableWrites(mlir::Block& body) {
  for (auto assign : body.getOps<core::AssignVariableOp>()) {
    executable::Variable& variable = VariableNamed(assign.getVariable());
    STATOR_ASSIGN_OR_RETURN(variable.write_buffer,
                            draft_.buffers.NewResult(assign.getValue(), BufferKind::kVariableWrite,
                                                     assign.getLoc(), variable.name));
    variable.write_dims = draft_.buffers[variable.write_buffer].dims;
    if (draft_.buffers.Reserve(assign.getValue(), variable.write_buffer, &body)) {
      direct_assigns_.insert(assign);
    }
  }
  return absl::OkStatus();
}

absl::Status EntryPorts::AddFetches(mlir::func::FuncOp main) {
  mlir::Block& body = main.front();
  for (auto [i, value] : llvm::enumerate(body.getTerminator()->getOperands())) {
    STATOR_ASSIGN_OR_RETURN(const int32_t buffer,
                            draft_.buffers.NewResult(value, BufferKind::kOutput, value.getLoc(),
                                                     PortName(main, kFetchesAttr, i, "result")));
    const int32_t node = draft_.nodes.First(value.getLoc());
    draft_.entry.fetches.push_back(MakePort(draft_.buffers[buffer], buffer, node));
    if (draft_.buffers.Reserve(value, buffer, &body)) direct_fetches_.insert(i);
  }
  return absl::OkStatus();
}

void EntryPorts::FinishFetches(mlir::Operation* terminator, executable::Block& block) {
  for (auto [i, value] : llvm::enumerate(terminator->getOperands())) {
    const int32_t buffer = draft_.entry.fetches[i].buffer;
    if (!direct_fetches_.count(i)) draft_.waves.Copy(block, value, buffer, value.getLoc());
    // A result must stay until the run ends.
    draft_.buffers[buffer].last_wave = std::max(draft_.buffers.wave() - 1, 0);
  }
}

absl::Status EntryPorts::Emit(core::ReadVariableOp op) {
  executable::Variable& variable = VariableNamed(op.getVariable());
  if (variable.read_buffer == kNone) {
    STATOR_ASSIGN_OR_RETURN(
        variable.read_buffer,
        draft_.buffers.New(op.getType(), BufferKind::kVariableRead, op.getLoc()));
    executable::Buffer& buffer = draft_.buffers[variable.read_buffer];
    buffer.name = variable.name;
    buffer.first_wave = 0;
    variable.read_dims = buffer.dims;
    if (const auto panels = panels_.find(op.getVariable()); panels != panels_.end()) {
      const core::StoredPanels& stored = panels->second;
      variable.read_dims = draft_.exprs.Exprs(core::DimsOf(stored.type));
      variable.layout = core::PanelsLayout(stored.columns_last);
    }
  }
  draft_.buffers.Set(op.getResult(), variable.read_buffer);
  return absl::OkStatus();
}

absl::Status EntryPorts::EmitForInit(core::ReadVariableOp op) {
  const int32_t variable = variable_index_[op.getVariable()];
  std::vector<int32_t>& versions = draft_.entry.init_variables;
  if (!llvm::is_contained(versions, variable)) versions.push_back(variable);
  return Emit(op);
}

absl::Status EntryPorts::Emit(core::AssignVariableOp op, executable::Block& block) {
  if (direct_assigns_.contains(op)) return absl::OkStatus();
  draft_.waves.Copy(block, op.getValue(), VariableNamed(op.getVariable()).write_buffer,
                    op.getLoc());
  return absl::OkStatus();
}

absl::Status EntryPorts::Emit(core::VariableInitializedOp op) {
  executable::Variable& variable = VariableNamed(op.getVariable());
  if (variable.initialized_buffer == kNone) {
    STATOR_ASSIGN_OR_RETURN(variable.initialized_buffer,
                            draft_.buffers.New(op.getType(), BufferKind::kInput, op.getLoc()));
  }
  draft_.buffers.Set(op.getResult(), variable.initialized_buffer);
  return absl::OkStatus();
}

}  // namespace stator::compiler
