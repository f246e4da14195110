#ifndef STATOR_OPS_GRADIENTS_H_
#define STATOR_OPS_GRADIENTS_H_

#include <source_location>
#include <vector>

#include "graph/scope.h"

namespace stator::ops {

// How a program asks for gradients: one node, `Gradients`, which the compiler replaces by reverse
// mode over the primitives between `ys` and `xs`, through functions, If and While.
//
//   Output loss = ...;
//   std::vector<Output> d = AddGradients(scope, {loss}, {w, b});   // d loss / d w, d loss / d b
//
// The gradient of the sum of all elements of `ys`, each weighted by `grad_ys` (empty: ones; else
// one tensor per y, of its type and shape), with respect to each of `xs`, in their order and with
// their types and shapes. They are ordinary tensors: fetch, clip, apply them, or take gradients of
// them (not yet through a While).
//
// - An x is a tensor, and any tensor may be one. For a variable it is what a ReadVariableOp gave,
//   the one from which ys are computed: another read of the same variable is another tensor.
// - An x that no y depends on gets zeros; so does one that ys reach only through integers,
//   booleans, StopGradient, or functions that are flat (Floor, Sign, comparisons).
// - ys and xs must be floating point: an error of the scope otherwise, on the caller's line.
// - A y that depends on an x through an op without a gradient makes the compile fail with
//   Unimplemented, naming that node; what a run does not fetch is never differentiated.
std::vector<graph::Output> AddGradients(
    const graph::Scope& scope, const std::vector<graph::Output>& ys,
    const std::vector<graph::Output>& xs, const std::vector<graph::Output>& grad_ys = {},
    const std::source_location& location = std::source_location::current());

}  // namespace stator::ops

#endif  // STATOR_OPS_GRADIENTS_H_
