#include "compiler/import/op_set.h"

#include <cstdio>
#include <cstdlib>

namespace stator::compiler {

void OpSet::Add(const graph::OpSchemaBuilder& schema, ExpandFunction expand) {
  absl::StatusOr<OpDef> def = schema.Build();
  if (!def.ok()) {
    std::fprintf(stderr, "bad op schema: %s\n", def.status().ToString().c_str());
    std::abort();
  }
  std::string name = def->name();
  auto op = std::make_unique<const Op>(Op{*std::move(def), std::move(expand)});
  if (!ops_.emplace(name, std::move(op)).second) {
    std::fprintf(stderr, "op '%s' is registered twice\n", name.c_str());
    std::abort();
  }
}

const OpSet::Op* OpSet::FindOp(absl::string_view name) const {
  auto it = ops_.find(std::string(name));
  return it == ops_.end() ? nullptr : it->second.get();
}

const OpDef* OpSet::Find(absl::string_view name) const {
  const Op* op = FindOp(name);
  return op ? &op->schema : nullptr;
}

std::vector<const OpDef*> OpSet::List() const {
  std::vector<const OpDef*> list;
  for (const auto& [name, op] : ops_) list.push_back(&op->schema);
  return list;
}

}  // namespace stator::compiler
