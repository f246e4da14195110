#ifndef STATOR_COMPILER_PASSES_PACK_WEIGHTS_PACK_WEIGHTS_H_
#define STATOR_COMPILER_PASSES_PACK_WEIGHTS_PACK_WEIGHTS_H_

#include <map>
#include <optional>
#include <set>
#include <string>

#include "compiler/dialect/core_dialect.h"

namespace stator::compiler {

struct PackOptions {
  // Variables that the program only reads are packed too, into memory of their own.
  bool variables = true;
  // Variables that the image stores as panels, by the name that callers know, as PanelChoice chose them; true: of the
  // last dimension, false: of the first.
  std::map<std::string, bool> stored;
};

// Right-hand sides of contractions that are constants, or variables which the program only reads, become panels
// (compiler/dialect/panels.h), so that no run has to pack them: constants now, variables by a fusion of kind "pack", which
// the plan runs in the init section, once per version of the variable; stored ones by who writes them. Only large ones of
// whole panels, in f32 or f64: one row, too, reads panels faster than rows, as each is one stream of memory. Must run after the last simplification, which would undo
// it.
void PackWeights(mlir::ModuleOp module, const PackOptions& options = {});

// Finds the variables that all programs of a bundle could read as panels and nothing else.
class PanelChoice {
 public:
  // A program as PackWeights would get it.
  void Add(mlir::ModuleOp module);
  // For PackOptions::stored. Does not depend on the order of the programs.
  std::map<std::string, bool> Stored() const;

 private:
  void AddRead(core::ReadVariableOp read, const std::string& name);

  std::map<std::string, bool> panels_;  // by variable: of the last dimension?
  std::set<std::string> row_major_;     // that some use wants as they are
};

}  // namespace stator::compiler

#endif  // STATOR_COMPILER_PASSES_PACK_WEIGHTS_PACK_WEIGHTS_H_
