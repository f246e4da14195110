#ifndef STATOR_COMPILER_DIALECT_DIM_MONOMIAL_H_
#define STATOR_COMPILER_DIALECT_DIM_MONOMIAL_H_

// Products of powers of atoms, as sorted factor lists: what the files of DimExpr share. Internal to
// this folder.

#include "compiler/dialect/dim_expr.h"

namespace stator::core {

// The sum of the powers.
uint32_t Degree(llvm::ArrayRef<DimFactor> factors);

// Negative, zero or positive: graded lexicographic order, largest monomial first. This is an
// admissible monomial order, which long division relies on.
int CompareMonomials(llvm::ArrayRef<DimFactor> a, llvm::ArrayRef<DimFactor> b);

llvm::SmallVector<DimFactor, 2> MultiplyMonomials(llvm::ArrayRef<DimFactor> a,
                                                  llvm::ArrayRef<DimFactor> b);

}  // namespace stator::core

#endif  // STATOR_COMPILER_DIALECT_DIM_MONOMIAL_H_
