#ifndef STATOR_TESTS_OPS_OP_RECIPES_H_
#define STATOR_TESTS_OPS_OP_RECIPES_H_

#include <string>
#include <utility>
#include <vector>

#include "absl/strings/string_view.h"
#include "proto/types.pb.h"

namespace stator::tests {

// How to try an op. An input is one of
//   "x 2,3"    fed, of these sizes ("x": a scalar), of the type that the schema gives it
//   "i4 2,3"   fed integers from 0 to 3
//   "c 1,2"    a constant vector of integers; "c": an empty one
//   "m 1,0"    a constant matrix of integers with two columns
//   "s 1"      a constant integer
//   "t a,b"    a constant vector of strings; "p a": a constant string
//   "v 3"      a handle to a variable of these sizes that holds what is fed
// A list argument takes what the arguments around it leave. An attribute is the text of an
// AttrValue, in which $T stands for the type; a function is one of "step" (x + 10), "keep" (x) and
// "small" (x < 100).
struct OpRecipe {
  std::string op;
  std::vector<std::string> inputs;
  std::vector<std::pair<std::string, std::string>> attrs;
  std::vector<DataType> types;  // only these; empty: all
};

// Null: the op does with tensors of one shape.
const OpRecipe* FindRecipe(absl::string_view op);

}  // namespace stator::tests

#endif  // STATOR_TESTS_OPS_OP_RECIPES_H_
