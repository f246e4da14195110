#ifndef STATOR_COMPILER_PASSES_EXTERNALIZE_WEIGHTS_EXTERNALIZE_WEIGHTS_H_
#define STATOR_COMPILER_PASSES_EXTERNALIZE_WEIGHTS_EXTERNALIZE_WEIGHTS_H_

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "compiler/dialect/core_dialect.h"

namespace stator::compiler {

struct Weight {
  std::string name;          // of the node that was the constant
  mlir::ElementsAttr value;  // lives as long as the context
};

struct Weights {
  std::vector<Weight> replaceable;
  std::map<std::string, std::string> kept;  // constants that stayed, by node, and why
};

// Every floating-point constant of a Const node, but for scalars and those whose elements are all equal, becomes a
// variable of the node's name, read at the start of @main. Whoever loads the program may replace it then. Runs right
// after import: what is folded later stays replaceable, what import folded does not.
Weights ExternalizeWeights(mlir::ModuleOp module);

}  // namespace stator::compiler

#endif  // STATOR_COMPILER_PASSES_EXTERNALIZE_WEIGHTS_EXTERNALIZE_WEIGHTS_H_
