#ifndef STATOR_COMPILER_PLAN_CONSTANTS_H_
#define STATOR_COMPILER_PLAN_CONSTANTS_H_

#include "compiler/plan/plan_draft.h"

namespace stator::compiler {

// Writes the constant's bytes into the image, once, and makes its buffer.
absl::Status EmitConstant(core::ConstantOp op, PlanDraft* draft);

}  // namespace stator::compiler

#endif  // STATOR_COMPILER_PLAN_CONSTANTS_H_
