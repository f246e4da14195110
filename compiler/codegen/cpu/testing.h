// For tests: builds a fusion, compiles it, runs its phases serially on arrays of the host.
#ifndef STATOR_COMPILER_CODEGEN_CPU_TESTING_H_
#define STATOR_COMPILER_CODEGEN_CPU_TESTING_H_

#include <cstdint>
#include <cstring>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "compiler/codegen/cpu/kernel_run.h"
#include "compiler/codegen/kernel.h"
#include "compiler/dialect/core_builder.h"
#include "compiler/dialect/core_dialect.h"
#include "mlir/IR/BuiltinOps.h"
#include "mlir/IR/OwningOpRef.h"

namespace stator::compiler {

// A dense row-major tensor.
struct HostArray {
  std::vector<int64_t> dims;
  std::vector<char> bytes;

  template <typename T>
  static HostArray Of(std::vector<int64_t> dims, const std::vector<T>& values) {
    HostArray array{std::move(dims), std::vector<char>(values.size() * sizeof(T))};
    if (!values.empty()) std::memcpy(array.bytes.data(), values.data(), array.bytes.size());
    return array;
  }
  template <typename T>
  std::vector<T> As() const {
    std::vector<T> values(bytes.size() / sizeof(T));
    if (!values.empty()) std::memcpy(values.data(), bytes.data(), bytes.size());
    return values;
  }
};

// A context with the core dialect and one fusion.
class TestFusion {
 public:
  using Build = std::function<std::vector<mlir::Value>(core::CoreBuilder&, mlir::ValueRange)>;

  TestFusion();

  mlir::MLIRContext& context() { return context_; }
  core::DimContext& dims() { return core::DimContextOf(&context_); }
  // "f32[b, 4]": element types f16 bf16 f32 f64 i1 i8 … i64 ui8 … ui64; dimensions are expressions.
  mlir::RankedTensorType Type(const std::string& text);

  // Builds the only fusion. Aborts when the builder has failed.
  core::FusionOp Create(const std::string& kind, const std::vector<std::string>& operands,
                        const Build& build);
  core::FusionOp fusion() { return fusion_; }

  // Compiles for `target` ("native", "x86-64-v3", "aarch64", …) and runs once, code for aarch64
  // under the emulator. `in_place` gives results the memory of operands wherever the kernel allows
  // it.
  absl::StatusOr<std::vector<HostArray>> Run(const std::map<std::string, int64_t>& symbols,
                                             const std::vector<HostArray>& operands,
                                             TileOrder split = TileOrder::kWhole,
                                             const std::string& target = "native",
                                             bool in_place = false);

 private:
  mlir::MLIRContext context_;
  mlir::OwningOpRef<mlir::ModuleOp> module_;
  core::FusionOp fusion_;
  std::map<std::string, std::shared_ptr<CompiledKernel>> compiled_;  // by target
};

int64_t Evaluate(core::DimExpr expr, const std::map<std::string, int64_t>& symbols);

}  // namespace stator::compiler

#endif  // STATOR_COMPILER_CODEGEN_CPU_TESTING_H_
