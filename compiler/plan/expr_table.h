#ifndef STATOR_COMPILER_PLAN_EXPR_TABLE_H_
#define STATOR_COMPILER_PLAN_EXPR_TABLE_H_

#include "compiler/dialect/dim_expr.h"
#include "executable/image_builder.h"

namespace stator::compiler {

// Writes dimension expressions and their symbols into an image's tables, each once.
class ExprTable {
 public:
  explicit ExprTable(executable::ImageModel* model) : model_(model), builder_(model) {}

  int32_t Expr(core::DimExpr expr);
  int32_t Symbol(const core::DimSymbol* symbol);
  std::vector<int32_t> Exprs(llvm::ArrayRef<core::DimExpr> exprs);
  executable::ExprBuilder& builder() { return builder_; }

 private:
  int32_t Atom(const core::DimAtom& atom);

  executable::ImageModel* model_;
  executable::ExprBuilder builder_;
  llvm::DenseMap<core::DimExpr, int32_t> exprs_;
  llvm::DenseMap<const core::DimSymbol*, int32_t> symbols_;
};

}  // namespace stator::compiler

#endif  // STATOR_COMPILER_PLAN_EXPR_TABLE_H_
