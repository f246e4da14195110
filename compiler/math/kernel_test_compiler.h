#ifndef STATOR_COMPILER_MATH_KERNEL_TEST_COMPILER_H_
#define STATOR_COMPILER_MATH_KERNEL_TEST_COMPILER_H_

#include <memory>
#include <string>
#include <vector>

#include "llvm/ADT/STLFunctionalExtras.h"
#include "llvm/ADT/StringRef.h"
#include "mlir/IR/Builders.h"
#include "mlir/IR/BuiltinOps.h"
#include "mlir/IR/MLIRContext.h"
#include "mlir/IR/OwningOpRef.h"

namespace stator::compiler::math {

// Reads a number or vector from each of two places and writes the result to a third; none need be
// aligned.
using TestKernel = void (*)(const void* a, const void* b, void* result);

// Kernels compiled for this machine; they live as long as this does.
class LoadedKernels {
 public:
  virtual ~LoadedKernels() = default;
  virtual TestKernel Find(const std::string& name) = 0;
};

// Collects kernels made of a few operations each and compiles them together, for tests of emitted
// code. Aborts on errors.
class KernelTestCompiler {
 public:
  KernelTestCompiler();

  // Adds a kernel; `emit` gets the operands' values and returns the result's.
  void Add(
      const std::string& name, mlir::Type operand,
      llvm::function_ref<mlir::Value(mlir::OpBuilder&, mlir::Location, mlir::Value, mlir::Value)>
          emit);

  // The object file for a CPU of that name ("" for this machine's). Ends the collection.
  std::string CompileToObject(llvm::StringRef cpu);

  mlir::OpBuilder& builder() { return builder_; }

 private:
  mlir::MLIRContext context_;
  mlir::OpBuilder builder_;
  mlir::OwningOpRef<mlir::ModuleOp> module_;
};

// Symbols that the object file expects from elsewhere.
std::vector<std::string> UndefinedSymbols(const std::string& object);

std::unique_ptr<LoadedKernels> LoadKernels(const std::string& object);

// Whether this machine has the feature, by LLVM's name for it ("avx512f").
bool MachineHas(llvm::StringRef feature);

}  // namespace stator::compiler::math

#endif  // STATOR_COMPILER_MATH_KERNEL_TEST_COMPILER_H_
