#ifndef STATOR_COMPILER_DIALECT_PANELS_H_
#define STATOR_COMPILER_DIALECT_PANELS_H_

#include <cstdint>
#include <optional>
#include <string>

#include "compiler/dialect/core_dialect.h"
#include "executable/panels.h"

// Right-hand sides of contractions that lie in memory as code reads them: panels of 16 columns, [N/16][K][16]. In the
// module the panels are an ordinary tensor; what the contraction takes is reshape(transpose(panels)), of the right-hand
// side's own shape, so that every reader of the module sees the plain meaning. Fusion keeps the two ops in the
// contraction's kernel, where code generation knows them by PanelsOf and reads the panels.

namespace stator::core {

using executable::kPanelColumns;
// The kind of fusions that make panels.
inline constexpr char kPackKind[] = "pack";

// The right-hand side of a dot_general or convolution as a matrix.
struct RhsMatrix {
  int64_t columns = 0;       // N: the contraction's free dimensions
  int64_t depth = 0;         // K, in the order of the sum
  bool columns_last = true;  // N is the last dimension; else the first
};

// Nothing where the sizes are not static, or where no such matrix lies in memory.
std::optional<RhsMatrix> RhsMatrixOf(mlir::Operation* contraction);

// The panels behind the right-hand side, or null. The ops between are the defining op of the right-hand side (a reshape)
// and that one's operand's (a transpose).
mlir::Value PanelsOf(mlir::Operation* contraction);

// The tensor of panels that `matrix` becomes.
mlir::RankedTensorType PanelsType(const RhsMatrix& matrix, mlir::Type element);
// As images name it.
executable::Layout PanelsLayout(bool columns_last);
// How to get from the panels to [K, N] or [N, K].
llvm::ArrayRef<int64_t> PanelsPermutation(const RhsMatrix& matrix);

// A variable of the module may stand for panels: it has their type, and callers see another one. The image says so in
// executable::Variable::layout.
struct StoredPanels {
  mlir::RankedTensorType type;  // that callers see
  bool columns_last = true;
};
std::optional<StoredPanels> StoredPanelsOf(VariableOp variable);
void SetStoredPanels(VariableOp variable, const StoredPanels& panels);

// The variable's name for callers: shared name, with the container's before it.
std::string CallersName(VariableOp variable);

}  // namespace stator::core

#endif  // STATOR_COMPILER_DIALECT_PANELS_H_
