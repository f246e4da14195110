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
  if (!llvm::isa<mlir::FloatType>(type.getElementType()) || type.getNumElements() < kMinWeightElements) return false;
  auto dense = llvm::dyn_cast<mlir::DenseElementsAttr>(op.getValue());
  return dense ? !dense.isSplat() : llvm::isa<mlir::DenseResourceElementsAttr>(op.getValue());
}

}  // namespace

std::vector<Weight> ExternalizeWeights(mlir::ModuleOp module) {
  std::vector<Weight> weights;
  auto main = module.lookupSymbol<mlir::func::FuncOp>("main");
  if (!main) return weights;
  mlir::SymbolTable symbols(module);
  std::vector<core::ConstantOp> constants;
  main.walk([&](core::ConstantOp op) {
    if (IsWeight(op) && SeesMain(op, main)) constants.push_back(op);
  });
  for (core::ConstantOp op : constants) {
    const std::string name = ConstNode(op.getLoc());
    if (name.empty() || symbols.lookup(name)) continue;  // a second constant of one node stays
    mlir::OpBuilder at_module = mlir::OpBuilder::atBlockBegin(module.getBody());
    auto variable = at_module.create<core::VariableOp>(op.getLoc(), at_module.getStringAttr(name),
                                                       mlir::TypeAttr::get(op.getType()), at_module.getStringAttr(name),
                                                       at_module.getStringAttr(""), nullptr);
    symbols.insert(variable);
    mlir::OpBuilder at_start = mlir::OpBuilder::atBlockBegin(&main.front());
    auto read = at_start.create<core::ReadVariableOp>(op.getLoc(), op.getType(), name);
    weights.push_back({name, llvm::cast<mlir::ElementsAttr>(op.getValue())});
    op.getResult().replaceAllUsesWith(read.getResult());
    op.erase();
  }
  return weights;
}

}  // namespace stator::compiler
