// Building one kernel: a module with one function per phase, and access to the frame's contents.
//
// The functions have the type of executable/kernel_frame.h and work on plain pointers (!llvm.ptr);
// there are no memrefs. Loads and stores go through Memory so that they carry alias scopes.
#ifndef STATOR_COMPILER_CODEGEN_CPU_KERNEL_MODULE_H_
#define STATOR_COMPILER_CODEGEN_CPU_KERNEL_MODULE_H_

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/IR/Builders.h"
#include "mlir/IR/BuiltinOps.h"
#include "mlir/IR/MLIRContext.h"
#include "mlir/IR/OwningOpRef.h"

namespace stator::compiler {

// A context with the dialects that kernels consist of, for one thread (no threads of its own).
// Reusable for any number of kernels, one after the other.
std::unique_ptr<mlir::MLIRContext> CreateKernelContext();

struct KernelSignature {
  std::string name;  // phases are called NAME_0, NAME_1, …
  int buffers = 0;
  int scalars = 0;
  // Pairs of buffers that may be the same memory. All other pairs are disjoint.
  std::vector<std::pair<int, int>> may_alias;
};

class KernelModule {
 public:
  KernelModule(mlir::MLIRContext* context, KernelSignature signature);

  mlir::ModuleOp module() const { return *module_; }
  const KernelSignature& signature() const { return signature_; }
  int phases() const { return phases_; }
  std::string PhaseName(int phase) const;

  // Adds phase function number phases(), with an entry block that ends in "return 0".
  mlir::func::FuncOp AddPhase();

  // Marks a load or store (any op of the LLVM dialect with alias attributes) as one of `buffer`;
  // scratch memory is buffer kScratch. Loads and stores of different buffers may then be reordered.
  static constexpr int kScratch = -1;
  void MarkAccess(mlir::Operation* op, int buffer) const;

 private:
  KernelSignature signature_;
  mlir::OwningOpRef<mlir::ModuleOp> module_;
  int phases_ = 0;
  // Per buffer (the last is the scratch): its scope, and the scopes it cannot overlap.
  std::vector<mlir::ArrayAttr> scopes_;
  std::vector<mlir::ArrayAttr> disjoint_;
};

// Emits code of one phase. Pointers and scalars are loaded at most once, in the entry block.
class PhaseBuilder {
 public:
  explicit PhaseBuilder(KernelModule* kernel);

  // Inserts before the entry block's return at first; move it freely.
  mlir::OpBuilder& builder() { return builder_; }
  mlir::Location loc() const { return loc_; }
  KernelModule& kernel() { return *kernel_; }

  mlir::Value begin() { return function_.getArgument(1); }   // i64
  mlir::Value end() { return function_.getArgument(2); }     // i64
  mlir::Value worker() { return function_.getArgument(3); }  // i32

  mlir::Value BufferPointer(int buffer);  // !llvm.ptr
  mlir::Value Scalar(int scalar);         // i64
  mlir::Value ScratchPointer();           // !llvm.ptr, of this worker
  mlir::Value ErrorPointer();             // !llvm.ptr to the ErrorSlot

  // At run time, when `condition` (i1): notes check number `check` failed at element `index` (i64)
  // and lets the kernel return nonzero in the end. Of several failures the lowest index is kept.
  void RecordError(mlir::Value condition, int32_t check, mlir::Value index);

  // for tile in [begin, end): body(tile as i64). The builder stands in the loop meanwhile.
  void ForEachTile(const std::function<void(mlir::Value)>& body);

  mlir::Value Int64(int64_t value);  // at the insertion point
  // pointer + index * sizeof(element); index i64 or a constant.
  mlir::Value Offset(mlir::Value pointer, mlir::Type element, mlir::Value index);
  mlir::Value Offset(mlir::Value pointer, mlir::Type element, int64_t index);

  // Scalars or 1-D vectors at `pointer`, with the element's alignment only.
  mlir::Value Load(int buffer, mlir::Value pointer, mlir::Type type);
  void Store(int buffer, mlir::Value pointer, mlir::Value value);
  // The first `lanes` elements of which `mask` (vector<nxi1>) is true; others read as 0.
  mlir::Value MaskedLoad(int buffer, mlir::Value pointer, mlir::Type type, mlir::Value mask);
  void MaskedStore(int buffer, mlir::Value pointer, mlir::Value value, mlir::Value mask);

 private:
  mlir::Value LoadInvariant(mlir::Value pointer, mlir::Type type, int64_t byte_offset);
  mlir::Value FrameField(int64_t byte_offset, mlir::Type type);
  // Runs `emit` with the builder at the end of the prologue and remembers the result.
  mlir::Value Once(mlir::Value* slot, const std::function<mlir::Value()>& emit);

  KernelModule* kernel_;
  mlir::func::FuncOp function_;
  mlir::OpBuilder builder_;
  mlir::Location loc_;
  mlir::Operation* prologue_end_ = nullptr;
  mlir::Value buffers_, scalars_, scratch_, error_, failed_;
  std::vector<mlir::Value> buffer_pointers_;
  std::vector<mlir::Value> scalar_values_;
};

}  // namespace stator::compiler

#endif  // STATOR_COMPILER_CODEGEN_CPU_KERNEL_MODULE_H_
