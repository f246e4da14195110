#ifndef STATOR_COMPILER_DIALECT_DIM_MONOMIAL_H_
#define STATOR_COMPILER_DIALECT_DIM_MONOMIAL_H_

// Products of powers of atoms, as sorted factor lists: what the files of DimExpr share. Internal to
// this folder.

#include <optional>

#include "compiler/dialect/dim_expr.h"

namespace stator::core {

// The sum of the powers.
uint32_t Degree(llvm::ArrayRef<DimFactor> factors);

// Negative, zero or positive: graded lexicographic order, largest monomial first. This is an
// admissible monomial order, which long division relies on.
int CompareMonomials(llvm::ArrayRef<DimFactor> a, llvm::ArrayRef<DimFactor> b);

llvm::SmallVector<DimFactor, 2> MultiplyMonomials(llvm::ArrayRef<DimFactor> a,
                                                  llvm::ArrayRef<DimFactor> b);

// The monomial a/b, if b divides a.
std::optional<llvm::SmallVector<DimFactor, 2>> DivideMonomial(llvm::ArrayRef<DimFactor> a,
                                                              llvm::ArrayRef<DimFactor> b);

// coefficient * monomial.
DimExpr OneTerm(DimContext& context, int64_t coefficient, llvm::ArrayRef<DimFactor> monomial);

// e / (coefficient * monomial), which must divide every term.
DimExpr DivideAllTerms(DimExpr e, int64_t coefficient, llvm::ArrayRef<DimFactor> monomial);

// The call itself, without simplification; an error if an operand is one.
DimExpr Call(DimAtomKind kind, llvm::ArrayRef<DimExpr> operands);

}  // namespace stator::core

#endif  // STATOR_COMPILER_DIALECT_DIM_MONOMIAL_H_
