#ifndef STATOR_COMPILER_IMPORT_OP_SET_H_
#define STATOR_COMPILER_IMPORT_OP_SET_H_

// The table of ops: name, schema, expansion. An op is told once, in ops/; everything else asks this table.

#include <functional>
#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/string_view.h"
#include "graph/op_schema.h"

namespace stator::compiler {

class Expansion;

// Builds a node's outputs from its inputs in the core dialect (see expansion.h). Called from any thread.
using ExpandFunction = std::function<void(Expansion&)>;

// Fill it first (ops::RegisterAll), share it then: Add is not safe beside the readers.
class OpSet : public graph::OpSchemas {
 public:
  struct Op {
    OpDef schema;
    ExpandFunction expand;
  };

  // Schemas and expansions are ours, so a bad schema or a name that is taken is a bug: it aborts with the reason.
  void Add(const graph::OpSchemaBuilder& schema, ExpandFunction expand);

  const Op* FindOp(absl::string_view name) const;
  const OpDef* Find(absl::string_view name) const override;
  std::vector<const OpDef*> List() const override;

 private:
  std::map<std::string, std::unique_ptr<const Op>, std::less<>> ops_;
};

}  // namespace stator::compiler

#endif  // STATOR_COMPILER_IMPORT_OP_SET_H_
