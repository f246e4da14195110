#ifndef STATOR_COMPILER_AUTODIFF_REVERSE_H_
#define STATOR_COMPILER_AUTODIFF_REVERSE_H_

#include <string>

#include "compiler/autodiff/vjp.h"
#include "llvm/ADT/SetVector.h"
#include "mlir/IR/IRMapping.h"

namespace stator::compiler {

// What the blocks of one gradient share.
struct ReverseContext {
  core::CoreBuilder& b;
  std::string failed_at;  // of the builder's error: " (node 'x', op Y, file:line)"
};

// Only floating-point tensors carry gradients.
bool IsDifferentiable(mlir::Value value);

// "(node 'x', op Y, file:line)", or the location as MLIR prints it.
std::string NodeText(mlir::Location loc);

// Values that the regions of `op` use from outside, each once, in order.
llvm::SetVector<mlir::Value> Captures(mlir::Operation* op);

// The ops of the block before `end` (null: all) with a differentiable result that depends on a value of `reached`, in
// order; their results are added to it.
llvm::SmallVector<mlir::Operation*> Dependents(mlir::Block& block, mlir::Operation* end,
                                               llvm::DenseSet<mlir::Value>& reached);

// Reverse mode over one block: gradients with respect to `xs`, built at the builder's insertion point, which the ops of
// the block before `end` dominate.
class Reverse {
 public:
  Reverse(ReverseContext& context, mlir::Block* block, mlir::Operation* end, llvm::ArrayRef<mlir::Value> xs);

  void Seed(mlir::Value y, mlir::Value grad) { Accumulate(y, grad); }
  // False after an error, which the builder holds. A loop on the way is replaced by one that keeps what its backward
  // loop needs: values that were its results are then results of the new one.
  bool Run();
  // Null if nothing depends on x.
  mlir::Value Gradient(mlir::Value x) const { return grads_.lookup(x); }

 private:
  struct Loop;

  void Accumulate(mlir::Value value, mlir::Value grad);
  bool Backward(mlir::Operation* op);
  bool Dispatch(mlir::Operation* op, const Grads& grads);
  bool BackwardComposite(core::CompositeOp op, const Grads& grads);
  bool BackwardIf(core::IfOp op, const Grads& grads);
  bool BackwardWhile(core::WhileOp op, const Grads& grads);
  void FindActive(Loop& loop);
  bool BuildBackwardBody(Loop& loop, mlir::Region& body);
  void KeepSavedValues(Loop& loop);
  core::WhileOp BuildBackwardLoop(Loop& loop, mlir::Region& body, const Grads& grads);
  // Captured values that want gradients.
  llvm::SmallVector<mlir::Value> WantedCaptures(mlir::Operation* op);
  // Clones a region's ops into the insertion point, checks left out: they have passed in the forward pass.
  bool CloneOps(mlir::Block& from, mlir::IRMapping& mapping);
  mlir::Value OrZeros(mlir::Value grad, mlir::Value like) { return grad ? grad : b_.SplatLike(like, 0); }

  ReverseContext& context_;
  core::CoreBuilder& b_;
  mlir::Block* block_;
  mlir::Operation* end_;
  llvm::DenseSet<mlir::Value> reached_;  // depends on an x, or is one
  llvm::DenseMap<mlir::Value, mlir::Value> grads_;
};

}  // namespace stator::compiler

#endif  // STATOR_COMPILER_AUTODIFF_REVERSE_H_
