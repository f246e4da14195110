// Moves what does not change in a loop out of it, while the code is emitted.
#ifndef STATOR_COMPILER_CODEGEN_CPU_HOISTING_H_
#define STATOR_COMPILER_CODEGEN_CPU_HOISTING_H_

#include "mlir/IR/Builders.h"
#include "mlir/IR/Operation.h"

namespace stator::compiler {

// A listener for the builder of a phase. An op without effects and regions moves before the
// outermost loop (or the outermost branch inside it) outside of which all its operands are defined.
class HoistingListener : public mlir::OpBuilder::Listener {
 public:
  void notifyOperationInserted(mlir::Operation* op, mlir::OpBuilder::InsertPoint previous) override;

  // Marks a loop of which the emitting code knows that it runs at least once where it is reached.
  static void MarkNotEmpty(mlir::Operation* loop);
  // Moves a load out of loops that are not empty, for memory that nothing in the phase writes. It
  // stays inside branches.
  static void HoistLoad(mlir::Operation* load);
};

}  // namespace stator::compiler

#endif  // STATOR_COMPILER_CODEGEN_CPU_HOISTING_H_
