#ifndef STATOR_COMPILER_PLAN_PLAN_DRAFT_H_
#define STATOR_COMPILER_PLAN_PLAN_DRAFT_H_

#include "compiler/plan/buffers.h"
#include "compiler/plan/expr_table.h"
#include "compiler/plan/source_nodes.h"
#include "compiler/plan/waves.h"

namespace stator::compiler {

// An image in the making: what all parts of the planner write into.
struct PlanDraft {
  PlanDraft() = default;
  PlanDraft(const PlanDraft&) = delete;
  PlanDraft& operator=(const PlanDraft&) = delete;

  executable::ImageModel model;
  executable::EntryPoint entry;
  ExprTable exprs{&model};
  SourceNodes nodes{&model};
  Buffers buffers{&model, &exprs, &nodes};
  Waves waves{&model, &exprs, &nodes, &buffers};
};

}  // namespace stator::compiler

#endif  // STATOR_COMPILER_PLAN_PLAN_DRAFT_H_
