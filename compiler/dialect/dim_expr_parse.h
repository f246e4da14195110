#ifndef STATOR_COMPILER_DIALECT_DIM_EXPR_PARSE_H_
#define STATOR_COMPILER_DIALECT_DIM_EXPR_PARSE_H_

// Text form of dimensions, as it appears in quotes inside `#core.dims<["b", "4", "b*s"]>`.
//
//   expression = term { ("+" | "-") term }
//   term       = factor { "*" factor }
//   factor     = "-" factor | integer | primary [ "^" integer ]
//   primary    = symbol | function "(" expression "," expression { "," expression } ")" |
//   "(" expression ")" function   = "floordiv" | "ceildiv" | "mod" | "min" | "max"
//
// The parser simplifies; DimExpr::ToString prints the normal form, so parsing what was printed
// gives the same expression.

#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "compiler/dialect/dim_expr.h"
#include "llvm/ADT/StringRef.h"

namespace stator::core {

// InvalidArgument (with the column) for text outside the grammar or nested deeper than 64, and for
// an expression that is an error (overflow, too large, division by zero). Symbols that the context
// does not know are created with default facts.
absl::StatusOr<DimExpr> ParseDimExpr(DimContext& context, llvm::StringRef text);

// What is known of a symbol: "b: input [0, 64] div 8", "n: step [1, )". The parser creates the
// symbol, or fails with InvalidArgument if it exists with other facts.
std::string PrintSymbolFacts(const DimSymbol& symbol);
absl::StatusOr<const DimSymbol*> ParseSymbolFacts(DimContext& context, llvm::StringRef text);

// "overflow of int64", ...: the end of a sentence about an expression.
llvm::StringRef DimErrorMessage(DimError error);

}  // namespace stator::core

#endif  // STATOR_COMPILER_DIALECT_DIM_EXPR_PARSE_H_
