#include "compiler/passes/promote_variables/promote_variables.h"

#include <map>
#include <set>
#include <string>

#include "graph/status_macros.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/IR/Builders.h"
#include "mlir/IR/SymbolTable.h"

namespace stator::compiler {
namespace {

using mlir::Operation;
using mlir::Value;

// Current value of each variable, by symbol; ordered, so that the result does not depend on addresses.
using Environment = std::map<std::string, Value>;

std::set<std::string> Touched(Operation* op, bool assigned_only) {
  std::set<std::string> names;
  op->walk([&](Operation* inner) {
    if (auto assign = llvm::dyn_cast<core::AssignVariableOp>(inner)) names.insert(assign.getVariable().str());
    if (auto read = llvm::dyn_cast<core::ReadVariableOp>(inner); read && !assigned_only) {
      names.insert(read.getVariable().str());
    }
  });
  return names;
}

class Promoter {
 public:
  explicit Promoter(mlir::ModuleOp module) : module_(module) {}

  absl::Status Run() {
    auto main = module_.lookupSymbol<mlir::func::FuncOp>("main");
    if (!main) return absl::OkStatus();
    mlir::Block& body = main.front();
    Environment environment;
    STATOR_RETURN_IF_ERROR(PromoteBlock(body, environment));
    mlir::OpBuilder builder(body.getTerminator());
    for (const std::string& name : assigned_) {
      Value value = environment.at(name);
      // Assigning what was read changes nothing.
      auto read = value.getDefiningOp<core::ReadVariableOp>();
      if (read && read.getVariable() == name) continue;
      builder.create<core::AssignVariableOp>(value.getLoc(), name, value);
    }
    return absl::OkStatus();
  }

 private:
  // The variable's value before `op`, read there if it has none yet.
  Value Current(const std::string& name, Operation* op, Environment& environment) {
    Value& value = environment[name];
    if (!value) {
      auto variable = module_.lookupSymbol<core::VariableOp>(name);
      mlir::OpBuilder builder(op);
      value = builder.create<core::ReadVariableOp>(op->getLoc(), variable.getType(), name);
    }
    return value;
  }

  absl::Status PromoteBlock(mlir::Block& block, Environment& environment) {
    for (Operation& op : llvm::make_early_inc_range(block)) {
      if (auto read = llvm::dyn_cast<core::ReadVariableOp>(op)) {
        const std::string name = read.getVariable().str();
        if (Value value = environment[name]) {
          STATOR_ASSIGN_OR_RETURN(value, WithType(value, read.getType(), &op));
          read.getResult().replaceAllUsesWith(value);
          read.erase();
        } else {
          environment[name] = read.getResult();
        }
      } else if (auto assign = llvm::dyn_cast<core::AssignVariableOp>(op)) {
        environment[assign.getVariable().str()] = assign.getValue();
        assigned_.insert(assign.getVariable().str());
        assign.erase();
      } else if (auto query = llvm::dyn_cast<core::VariableInitializedOp>(op)) {
        // What was assigned here is; of anything else only the run knows.
        auto it = environment.find(query.getVariable().str());
        if (it == environment.end() || !it->second || it->second.getDefiningOp<core::ReadVariableOp>()) continue;
        mlir::OpBuilder builder(query);
        auto type = llvm::cast<mlir::RankedTensorType>(query.getType());
        query.replaceAllUsesWith(
            builder.create<core::ConstantOp>(query.getLoc(), mlir::DenseElementsAttr::get(type, true)).getResult());
        query.erase();
      } else if (op.getNumRegions() > 0) {
        for (const std::string& name : Touched(&op, false)) Current(name, &op, environment);
        STATOR_RETURN_IF_ERROR(PromoteRegions(&op, environment));
      }
    }
    return absl::OkStatus();
  }

  // A reader that was typed before the assignment was known sees the assigned value under its own dimensions.
  static absl::StatusOr<Value> WithType(Value value, mlir::Type type, Operation* before) {
    if (value.getType() == type) return value;
    auto have = llvm::cast<mlir::RankedTensorType>(value.getType()), want = llvm::cast<mlir::RankedTensorType>(type);
    if (have.getRank() != want.getRank() || have.getElementType() != want.getElementType()) {
      return absl::InvalidArgumentError("a variable is read with another dtype or rank than it was assigned");
    }
    mlir::OpBuilder builder(before);
    return Value(builder.create<core::AssumeDimsOp>(before->getLoc(), type, value));
  }

  absl::Status PromoteRegions(Operation* op, Environment& environment) {
    const std::set<std::string> assigned = Touched(op, true);
    auto loop = llvm::dyn_cast<core::WhileOp>(op);
    std::vector<std::string> names(assigned.begin(), assigned.end());
    for (mlir::Region& region : op->getRegions()) {
      if (region.empty()) continue;
      mlir::Block& block = region.front();
      Environment inner = environment;
      if (loop) {
        for (const std::string& name : names) inner[name] = block.addArgument(environment.at(name).getType(), op->getLoc());
      }
      STATOR_RETURN_IF_ERROR(PromoteBlock(block, inner));
      if (loop && &region == &loop.getCond()) continue;
      Operation* terminator = block.getTerminator();
      for (const std::string& name : names) {
        STATOR_ASSIGN_OR_RETURN(Value value, WithType(inner.at(name), environment.at(name).getType(), terminator));
        terminator->insertOperands(terminator->getNumOperands(), value);
      }
    }
    if (names.empty()) return absl::OkStatus();
    Rebuild(op, names, environment);
    return absl::OkStatus();
  }

  // The op again, with a result (and for a loop an operand) more per variable.
  void Rebuild(Operation* op, const std::vector<std::string>& names, Environment& environment) {
    mlir::OperationState state(op->getLoc(), op->getName());
    state.addOperands(op->getOperands());
    state.addTypes(op->getResultTypes());
    state.addAttributes(op->getAttrs());
    for (const std::string& name : names) {
      state.addTypes(environment.at(name).getType());
      if (llvm::isa<core::WhileOp>(op)) state.addOperands(environment.at(name));
    }
    for (mlir::Region& region : op->getRegions()) state.addRegion()->takeBody(region);
    mlir::OpBuilder builder(op);
    Operation* rebuilt = builder.create(state);
    const unsigned old_results = op->getNumResults();
    op->replaceAllUsesWith(rebuilt->getResults().take_front(old_results));
    for (size_t i = 0; i < names.size(); ++i) environment[names[i]] = rebuilt->getResult(old_results + static_cast<unsigned>(i));
    op->erase();
  }

  mlir::ModuleOp module_;
  std::set<std::string> assigned_;
};

}  // namespace

absl::Status PromoteVariables(mlir::ModuleOp module) { return Promoter(module).Run(); }

}  // namespace stator::compiler
