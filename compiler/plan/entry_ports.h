#ifndef STATOR_COMPILER_PLAN_ENTRY_PORTS_H_
#define STATOR_COMPILER_PLAN_ENTRY_PORTS_H_

#include <set>

#include "compiler/dialect/panels.h"
#include "compiler/plan/plan_draft.h"

namespace mlir::func {
class FuncOp;
}

namespace stator::compiler {

// What an entry point shares with the outside: feeds, fetches and variables.
class EntryPorts {
 public:
  // The draft outlives it.
  explicit EntryPorts(PlanDraft* draft) : draft_(*draft) {}

  absl::Status AddFeeds(mlir::func::FuncOp main);
  void AddVariables(mlir::ModuleOp module);
  // Results that an op of the body computes for the caller alone are written straight into the
  // caller's memory; what is stored in variables likewise. So both are added before the body is
  // emitted, variables first.
  absl::Status AddVariableWrites(mlir::Block& body);
  absl::Status AddFetches(mlir::func::FuncOp main);
  // After the body: copies the results that could not be computed in place.
  void FinishFetches(mlir::Operation* terminator, executable::Block& block);

  absl::Status Emit(core::ReadVariableOp op);
  // For the init section, which runs again for each version that is read.
  absl::Status EmitForInit(core::ReadVariableOp op);
  absl::Status Emit(core::AssignVariableOp op, executable::Block& block);
  absl::Status Emit(core::VariableInitializedOp op);

 private:
  executable::Variable& VariableNamed(llvm::StringRef symbol) {
    return draft_.entry.variables[variable_index_[symbol]];
  }

  PlanDraft& draft_;
  llvm::StringMap<int32_t> variable_index_;
  llvm::StringMap<core::StoredPanels> panels_;  // of variables that have them
  std::set<size_t> direct_fetches_;                  // computed in place
  llvm::DenseSet<mlir::Operation*> direct_assigns_;  // whose value is computed in place
};

}  // namespace stator::compiler

#endif  // STATOR_COMPILER_PLAN_ENTRY_PORTS_H_
