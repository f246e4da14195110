#include "compiler/codegen/cpu/fusion_kernel.h"

#include <algorithm>

#include "absl/strings/str_cat.h"
#include "compiler/codegen/cpu/element_arith.h"
#include "compiler/codegen/cpu/link_blob.h"
#include "compiler/codegen/cpu/lower_to_object.h"
#include "graph/status_macros.h"
#include "llvm/Support/raw_ostream.h"

namespace stator::compiler {
namespace {

KernelSignature SignatureOf(core::FusionOp fusion, std::vector<std::pair<int, int>> in_place) {
  KernelSignature signature;
  signature.name = "kernel";
  const int operands = static_cast<int>(fusion->getNumOperands());
  signature.buffers = operands + static_cast<int>(fusion->getNumResults()) +
                      FusionKernel::kMaxWorkspaces;
  signature.scalars = ScalarTable::kMaxScalars;
  for (auto [operand, result] : in_place) signature.may_alias.emplace_back(operand, operands + result);
  return signature;
}

}  // namespace

FusionKernel::FusionKernel(core::FusionOp fusion, const CpuTarget& target,
                           const CodegenOptions& options, mlir::MLIRContext* kernel_context,
                           std::vector<std::pair<int, int>> in_place)
    : fusion_(fusion),
      operand_count_(static_cast<int>(fusion->getNumOperands())),
      target_(target),
      options_(options),
      context_(kernel_context),
      in_place_(in_place),
      module_(kernel_context, SignatureOf(fusion, std::move(in_place))) {
  for (mlir::BlockArgument argument : body().getArguments()) {
    buffers_[argument] = {static_cast<int>(argument.getArgNumber()), core::DimsOf(argument),
                          core::ElementTypeOf(argument)};
  }
}

const KernelBuffer* FusionKernel::BufferOf(mlir::Value value) const {
  auto found = buffers_.find(value);
  return found == buffers_.end() ? nullptr : &found->second;
}

KernelBuffer FusionKernel::Result(int result) {
  return {static_cast<int>(fusion_->getNumOperands()) + result,
          core::DimsOf(fusion_->getResult(result)),
          core::ElementTypeOf(fusion_->getResult(result))};
}

KernelBuffer FusionKernel::AddWorkspace(llvm::ArrayRef<core::DimExpr> dims, mlir::Type element) {
  const int number = static_cast<int>(fusion_->getNumOperands() + fusion_->getNumResults() +
                                      workspaces_.size());
  workspaces_.push_back(core::Product(this->dims(), dims) * ElementBytes(element));
  return {number, core::Dims(dims), element};
}

KernelBuffer FusionKernel::Materialize(mlir::Value value) {
  for (unsigned i = 0; i < fusion_->getNumResults(); ++i) {
    if (Returned(static_cast<int>(i)) == value) return Result(static_cast<int>(i));
  }
  return AddWorkspace(core::DimsOf(value), core::ElementTypeOf(value));
}

bool FusionKernel::IsConstantMemory(int buffer) const {
  if (buffer < 0 || buffer >= operand_count_) return false;
  return std::none_of(in_place_.begin(), in_place_.end(),
                      [&](auto pair) { return pair.first == buffer; });
}

int64_t FusionKernel::ReserveScratch(int64_t bytes) {
  const int64_t offset = scratch_bytes_;
  scratch_bytes_ += (bytes + 63) / 64 * 64;
  return offset;
}

absl::StatusOr<CompiledKernel> FusionKernel::Finish() {
  if (scalars_.scalars().size() > ScalarTable::kMaxScalars || workspaces_.size() > kMaxWorkspaces) {
    return absl::ResourceExhaustedError(
        absl::StrCat("a kernel takes at most ", ScalarTable::kMaxScalars, " scalars and ",
                     kMaxWorkspaces, " workspaces; this one needs ", scalars_.scalars().size(),
                     " and ", workspaces_.size()));
  }
  CompiledKernel kernel;
  if (options_.keep_ir) {
    llvm::raw_string_ostream stream(kernel.ir);
    module_.module()->print(stream);
  }
  LowerOptions lower;
  lower.llvm_passes = options_.llvm_passes;
  STATOR_ASSIGN_OR_RETURN(std::string object, LowerToObject(module_.module(), target_, lower));
  STATOR_ASSIGN_OR_RETURN(CodeBlob blob, LinkBlob(object, target_));
  for (size_t i = 0; i < grids_.size(); ++i) {
    const BlobEntry* entry = blob.FindEntry(module_.PhaseName(static_cast<int>(i)));
    if (entry == nullptr) return absl::InternalError("a phase is missing from the kernel's code");
    kernel.phases.push_back({entry->offset, grids_[i]});
  }
  kernel.code.assign(blob.code.begin(), blob.code.end());
  kernel.alignment = blob.alignment;
  kernel.scalars = scalars_.scalars();
  kernel.workspaces = workspaces_;
  kernel.scratch_bytes_per_worker = scratch_bytes_;
  kernel.in_place = in_place_;
  return kernel;
}

}  // namespace stator::compiler
