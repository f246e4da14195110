#ifndef STATOR_OPS_SHAPE_INPUT_H_
#define STATOR_OPS_SHAPE_INPUT_H_

#include <cstdint>
#include <optional>
#include <vector>

#include "compiler/import/expansion.h"

// Integer inputs that describe sizes and positions, known at compile time or not.

namespace stator::ops {

// The sizes that an integer vector input gives; those not known at compile time become symbols that
// the run binds. A negative one fails the node.
core::Dims ShapeInput(compiler::Expansion& e, absl::string_view argument);

// One element of an integer vector: an expression if it is known, a scalar in any case.
struct KnownOrComputed {
  std::optional<core::DimExpr> known;
  mlir::Value scalar;
};

// The elements of an integer vector input; fails the node unless its length is known.
std::vector<KnownOrComputed> VectorElements(compiler::Expansion& e, absl::string_view argument);

// An axis of a tensor of that rank, from an input of one number that is known at compile time.
int64_t AxisInput(compiler::Expansion& e, absl::string_view argument, int64_t rank);

// Whether the facts prove that it is not negative, or that it is.
bool IsNonNegative(core::DimExpr expr);
bool IsNegative(core::DimExpr expr);

}  // namespace stator::ops

#endif  // STATOR_OPS_SHAPE_INPUT_H_
