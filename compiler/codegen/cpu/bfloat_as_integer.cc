#include "compiler/codegen/cpu/bfloat_as_integer.h"

#include <vector>

#include "absl/strings/str_cat.h"
#include "llvm/IR/Constants.h"
#include "llvm/IR/InstIterator.h"
#include "llvm/IR/Instructions.h"
#include "llvm/IR/Module.h"

namespace stator::compiler {
namespace {

bool IsBfloat(llvm::Type* type) { return type->getScalarType()->isBFloatTy(); }

llvm::Type* IntegerLike(llvm::Type* type) {
  llvm::Type* integer = llvm::Type::getInt16Ty(type->getContext());
  if (auto* vector = llvm::dyn_cast<llvm::VectorType>(type)) {
    return llvm::VectorType::get(integer, vector->getElementCount());
  }
  return integer;
}

bool Touches(const llvm::Instruction& instruction) {
  if (IsBfloat(instruction.getType())) return true;
  for (const llvm::Use& operand : instruction.operands()) {
    if (IsBfloat(operand->getType())) return true;
  }
  return false;
}

bool Moves(const llvm::Instruction& instruction) {
  return llvm::isa<llvm::LoadInst, llvm::StoreInst, llvm::PHINode, llvm::SelectInst,
                   llvm::ShuffleVectorInst, llvm::InsertElementInst, llvm::ExtractElementInst,
                   llvm::BitCastInst, llvm::FreezeInst>(instruction);
}

void Replace(llvm::Instruction& instruction) {
  for (llvm::Use& operand : instruction.operands()) {
    auto* constant = llvm::dyn_cast<llvm::Constant>(operand.get());
    if (constant != nullptr && IsBfloat(constant->getType())) {
      operand.set(llvm::ConstantExpr::getBitCast(constant, IntegerLike(constant->getType())));
    }
  }
  if (IsBfloat(instruction.getType())) {
    instruction.mutateType(IntegerLike(instruction.getType()));
  }
}

}  // namespace

absl::Status ReplaceBfloatByInteger(llvm::Module& module) {
  std::vector<llvm::Instruction*> instructions, casts;
  for (llvm::Function& function : module) {
    for (llvm::Instruction& instruction : llvm::instructions(function)) {
      if (auto* address = llvm::dyn_cast<llvm::GetElementPtrInst>(&instruction)) {
        llvm::Type* element = address->getSourceElementType();
        if (IsBfloat(element)) {
          address->setSourceElementType(IntegerLike(element));
          address->setResultElementType(IntegerLike(address->getResultElementType()));
        }
      } else if (auto* slot = llvm::dyn_cast<llvm::AllocaInst>(&instruction)) {
        llvm::Type* element = slot->getAllocatedType();
        if (IsBfloat(element)) slot->setAllocatedType(IntegerLike(element));
      } else if (Touches(instruction)) {
        if (!Moves(instruction)) {
          return absl::InternalError(
              absl::StrCat("a kernel computes with bf16: ", instruction.getOpcodeName()));
        }
        instructions.push_back(&instruction);
        if (llvm::isa<llvm::BitCastInst>(instruction)) casts.push_back(&instruction);
      }
    }
  }
  for (llvm::Instruction* instruction : instructions) Replace(*instruction);
  for (llvm::Instruction* cast : casts) {
    if (cast->getType() != cast->getOperand(0)->getType()) continue;
    cast->replaceAllUsesWith(cast->getOperand(0));
    cast->eraseFromParent();
  }
  return absl::OkStatus();
}

}  // namespace stator::compiler
