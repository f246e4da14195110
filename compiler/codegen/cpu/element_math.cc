#include "compiler/codegen/cpu/element_math.h"

#include <optional>

#include "absl/strings/str_cat.h"
#include "compiler/math/emit.h"

namespace stator::compiler {

absl::StatusOr<mlir::Value> EmitMathFunction(llvm::StringRef name,
                                             llvm::ArrayRef<mlir::Value> operands,
                                             const CpuTarget& target, mlir::OpBuilder& builder,
                                             mlir::Location loc) {
  std::optional<MathFunction> function = FindMathFunction(std::string_view(name.data(), name.size()));
  if (!function) return absl::UnimplementedError(absl::StrCat("core.", name.str()));
  EmitOptions options;
  options.avx2 = true;  // every CpuTarget has it
  options.avx512 = target.has_avx512();
  options.f16c = target.has_f16c();
  return Emit(builder, loc, *function, operands, options);
}

}  // namespace stator::compiler
