// CoreBuilder's regions. A region is built detached, because the types of its results are known only afterwards, and
// then moved into its op.

#include "compiler/dialect/core_builder.h"
#include "compiler/dialect/infer_dims.h"

namespace stator::core {

using mlir::Value;
using Values = CoreBuilder::Values;

namespace {

mlir::Operation* TerminatorOf(mlir::Region& region) { return region.front().getTerminator(); }

// Null unless both are tensors of equal rank and element type.
bool SameButForDims(mlir::Type a, mlir::Type b) {
  auto x = llvm::dyn_cast<mlir::RankedTensorType>(a), y = llvm::dyn_cast<mlir::RankedTensorType>(b);
  return x && y && x.getRank() == y.getRank() && x.getElementType() == y.getElementType();
}

std::string TypeText(mlir::Type type) {
  std::string text;
  llvm::raw_string_ostream(text) << type;
  return text;
}

}  // namespace

bool CoreBuilder::FillRegion(mlir::Region& region, mlir::TypeRange types, const Build& build) {
  mlir::OpBuilder::InsertionGuard guard(builder_);
  llvm::SmallVector<mlir::Location> locs(types.size(), loc_);
  mlir::Block* block = builder_.createBlock(&region, {}, types, locs);
  Values results = build(block->getArguments());
  if (llvm::is_contained(results, Value())) Fail("a region returns a value that could not be built");
  if (!ok()) return false;
  builder_.create<ReturnOp>(loc_, mlir::ValueRange(results));
  return true;
}

Values CoreBuilder::Composite(llvm::StringRef name, mlir::ValueRange operands, const Build& body, const Build& vjp) {
  if (!ok() || llvm::is_contained(operands, Value())) return {};
  mlir::Region body_region, vjp_region;
  if (!FillRegion(body_region, operands.getTypes(), body)) return {};
  llvm::SmallVector<Type> result_types(TerminatorOf(body_region)->getOperandTypes());
  if (vjp) {
    llvm::SmallVector<Type> types(operands.getTypes());
    types.append(result_types);
    types.append(result_types);
    if (!FillRegion(vjp_region, types, vjp)) return {};
  }
  auto op = builder_.create<CompositeOp>(loc_, result_types, builder_.getStringAttr(name), operands);
  op.getBody().takeBody(body_region);
  op.getVjp().takeBody(vjp_region);
  return Values(op.getResults());
}

Values CoreBuilder::If(Value pred, const Build& on_true, const Build& on_false) {
  if (!pred || !ok()) return {};
  mlir::Region regions[2];
  if (!FillRegion(regions[0], {}, on_true) || !FillRegion(regions[1], {}, on_false)) return {};
  mlir::Operation* returns[2] = {TerminatorOf(regions[0]), TerminatorOf(regions[1])};
  if (returns[0]->getNumOperands() != returns[1]->getNumOperands()) {
    Fail("branches must return as many values, found " + llvm::Twine(returns[0]->getNumOperands()) + " and " +
         llvm::Twine(returns[1]->getNumOperands()));
    return {};
  }
  llvm::SmallVector<Type> types;
  for (unsigned i = 0; i < returns[0]->getNumOperands(); ++i) {
    Type a = returns[0]->getOperand(i).getType(), b = returns[1]->getOperand(i).getType();
    if (a != b && !SameButForDims(a, b)) {
      Fail("branches must agree in result " + llvm::Twine(i) + ", found " + TypeText(a) + " and " + TypeText(b));
      return {};
    }
    if (a != b) {
      Dims x = DimsOf(returns[0]->getOperand(i)), y = DimsOf(returns[1]->getOperand(i)), joined = x;
      for (size_t d = 0; d < x.size(); ++d) {
        if (x[d] == y[d]) continue;
        DimFacts facts;
        facts.life = DimLife::kStep;
        joined[d] = dims().FreshSymbol("branch", facts);
        for (mlir::Operation* ret : returns) {
          mlir::OpBuilder::InsertionGuard guard(builder_);
          builder_.setInsertionPoint(ret);
          DimExpr size = DimsOf(ret->getOperand(i))[d];
          builder_.create<BindDimOp>(loc_, DimScalar(size, builder_.getI64Type()), joined[d].symbol()->name());
        }
      }
      auto type = TensorType(joined, llvm::cast<mlir::RankedTensorType>(a).getElementType());
      for (mlir::Operation* ret : returns) {
        mlir::OpBuilder::InsertionGuard guard(builder_);
        builder_.setInsertionPoint(ret);
        ret->setOperand(i, builder_.createOrFold<AssumeDimsOp>(loc_, type, ret->getOperand(i)));
      }
      a = type;
    }
    types.push_back(a);
  }
  auto op = builder_.create<IfOp>(loc_, types, pred);
  op.getTrueBranch().takeBody(regions[0]);
  op.getFalseBranch().takeBody(regions[1]);
  return Values(op.getResults());
}

Values CoreBuilder::While(mlir::ValueRange operands, const Build& cond, const Build& body) {
  if (!ok() || llvm::is_contained(operands, Value())) return {};
  llvm::SmallVector<Type> types(operands.getTypes());
  llvm::SmallVector<mlir::Attribute> symbols;
  Dims initial;
  mlir::Region body_region;
  // Each round finds the dimensions that the body changes and carries them as symbols; a round adds at least one.
  while (true) {
    body_region.dropAllReferences();
    body_region.getBlocks().clear();
    if (!FillRegion(body_region, types, body)) return {};
    mlir::Operation* ret = TerminatorOf(body_region);
    if (ret->getNumOperands() != types.size()) {
      Fail("a loop's body must return as many values as it takes, found " + llvm::Twine(ret->getNumOperands()) +
           " for " + llvm::Twine(types.size()));
      return {};
    }
    bool changed = false;
    for (size_t i = 0; i < types.size(); ++i) {
      Type next = ret->getOperand(i).getType();
      if (next == types[i]) continue;
      if (!SameButForDims(next, types[i])) {
        Fail("a loop must carry values of one type, found " + TypeText(types[i]) + " becoming " + TypeText(next));
        return {};
      }
      auto type = llvm::cast<mlir::RankedTensorType>(types[i]);
      Dims carried = DimsOf(type), found = DimsOf(ret->getOperand(i));
      for (size_t d = 0; d < carried.size(); ++d) {
        const DimSymbol* symbol = carried[d].symbol();
        const bool is_ours = symbol && llvm::is_contained(symbols, builder_.getStringAttr(symbol->name()));
        if (carried[d] == found[d] || is_ours) continue;
        DimFacts facts;
        facts.life = DimLife::kLoop;
        initial.push_back(DimsOf(operands[i])[d]);
        carried[d] = dims().FreshSymbol("loop", facts);
        symbols.push_back(builder_.getStringAttr(carried[d].symbol()->name()));
        changed = true;
      }
      types[i] = TensorType(carried, type.getElementType());
    }
    if (!changed) break;
  }
  mlir::Region cond_region;
  if (!FillRegion(cond_region, types, cond)) return {};
  auto op = builder_.create<WhileOp>(loc_, types, operands, symbols.empty() ? nullptr : builder_.getArrayAttr(symbols),
                                     symbols.empty() ? DimsAttr() : Attr(initial));
  op.getCond().takeBody(cond_region);
  op.getBody().takeBody(body_region);
  return Values(op.getResults());
}

}  // namespace stator::core
