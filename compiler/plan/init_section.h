#ifndef STATOR_COMPILER_PLAN_INIT_SECTION_H_
#define STATOR_COMPILER_PLAN_INIT_SECTION_H_

#include "compiler/plan/entry_ports.h"
#include "compiler/plan/launches.h"
#include "compiler/plan/plan_draft.h"

namespace stator::compiler {

// Work on constants alone runs once per load, packing of weights once per version of the variable:
// emits it as the entry's init block, whose results persist. Returns the ops that the main block
// must leave out. Reservations must be made before.
absl::StatusOr<llvm::DenseSet<mlir::Operation*>> EmitInitSection(mlir::Block& body,
                                                                 EntryPorts* ports,
                                                                 Launches* launches,
                                                                 PlanDraft* draft);

}  // namespace stator::compiler

#endif  // STATOR_COMPILER_PLAN_INIT_SECTION_H_
