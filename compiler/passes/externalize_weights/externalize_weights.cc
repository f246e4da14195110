#include "compiler/passes/externalize_weights/externalize_weights.h"

#include "llvm/ADT/StringExtras.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/IR/Builders.h"
#include "mlir/IR/SymbolTable.h"

namespace stator::compiler {
namespace {

// The name of the Const node that the location names; empty if it names none.
std::string ConstNode(mlir::Location loc) {
  std::string name;
  loc->walk([&](mlir::Location part) {
    auto named = llvm::dyn_cast<mlir::NameLoc>(part);
    if (!named) return mlir::WalkResult::advance();
    llvm::StringRef text = named.getName().getValue();
    if (text.consume_back(":Const")) name = text.str();
    return mlir::WalkResult::interrupt();
  });
  return name;
}

// Values of @main may be used there.
bool SeesMain(mlir::Operation* op, mlir::func::FuncOp main) {
  for (op = op->getParentOp(); op != nullptr && op != main; op = op->getParentOp()) {
    if (op->hasTrait<mlir::OpTrait::IsIsolatedFromAbove>()) return false;
  }
  return op != nullptr;
}

bool IsWeight(core::ConstantOp op) {
  auto type = llvm::cast<mlir::RankedTensorType>(op.getType());
  return llvm::isa<mlir::FloatType>(type.getElementType()) && type.getRank() > 0 && type.getNumElements() > 0;
}

bool IsSplat(core::ConstantOp op) {
  auto dense = llvm::dyn_cast<mlir::DenseElementsAttr>(op.getValue());
  return dense && dense.isSplat();
}

class Externalizer {
 public:
  Externalizer(mlir::ModuleOp module, mlir::func::FuncOp main) : module_(module), main_(main), symbols_(module) {}

  Weights Run() {
    std::vector<core::ConstantOp> constants;
    main_.walk([&](core::ConstantOp op) {
      if (IsWeight(op)) constants.push_back(op);
    });
    for (core::ConstantOp op : constants) {
      const std::string name = ConstNode(op.getLoc());
      if (!name.empty()) Visit(op, name);
    }
    return std::move(weights_);
  }

 private:
  void Visit(core::ConstantOp op, const std::string& name) {
    if (IsSplat(op)) {
      weights_.kept[name] = "all its elements are equal";
    } else if (!SeesMain(op, main_)) {
      weights_.kept[name] = "it lies in a region that stands alone";
    } else if (mlir::Value read = Read(op, name)) {
      op.getResult().replaceAllUsesWith(read);
      op.erase();
    } else {
      weights_.kept[name] = "a variable has this name, or the node has a second value";
    }
  }

  // What stands for the constant: one variable for all constants of a node, which are equal.
  mlir::Value Read(core::ConstantOp op, const std::string& name) {
    if (auto known = reads_.find(name); known != reads_.end()) {
      return known->second.value == op.getValue() ? known->second.read : mlir::Value();
    }
    if (symbols_.lookup(name)) return {};
    mlir::OpBuilder at_module = mlir::OpBuilder::atBlockBegin(module_.getBody());
    symbols_.insert(at_module.create<core::VariableOp>(op.getLoc(), at_module.getStringAttr(name),
                                                       mlir::TypeAttr::get(op.getType()), at_module.getStringAttr(name),
                                                       at_module.getStringAttr(""), nullptr));
    mlir::OpBuilder at_start = mlir::OpBuilder::atBlockBegin(&main_.front());
    mlir::Value read = at_start.create<core::ReadVariableOp>(op.getLoc(), op.getType(), name);
    weights_.replaceable.push_back({name, llvm::cast<mlir::ElementsAttr>(op.getValue())});
    reads_[name] = {op.getValue(), read};
    return read;
  }

  struct Known {
    mlir::Attribute value;
    mlir::Value read;
  };
  mlir::ModuleOp module_;
  mlir::func::FuncOp main_;
  mlir::SymbolTable symbols_;
  std::map<std::string, Known> reads_;
  Weights weights_;
};

}  // namespace

Weights ExternalizeWeights(mlir::ModuleOp module) {
  auto main = module.lookupSymbol<mlir::func::FuncOp>("main");
  return main ? Externalizer(module, main).Run() : Weights();
}

}  // namespace stator::compiler
