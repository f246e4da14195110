#include "compiler/import/expansion.h"
#include "compiler/import/op_set.h"

namespace stator::ops {

void RegisterNoOp(compiler::OpSet& ops) {
  ops.Add(graph::OpSchemaBuilder("NoOp").Summary("does nothing; joins control edges"),
          [](compiler::Expansion&) {});
}

}  // namespace stator::ops
