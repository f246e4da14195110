#include "compiler/import/expansion.h"
#include "compiler/import/op_set.h"

namespace stator::ops {
namespace {

using compiler::Expansion;
using mlir::Value;

constexpr int kInvalidArgument = 3;

// The text of string constants among the data becomes part of the message; numbers are printed when
// the check fails.
void ExpandAssert(Expansion& e) {
  Value condition = e.In("condition");
  if (condition && core::RankOf(condition) != 0) {
    e.Fail("'condition' must be a scalar");
    return;
  }
  std::string message = "assertion failed:";
  core::CoreBuilder::Values data;
  for (Value value : e.InList("data")) {
    if (!value) return;
    if (!llvm::isa<core::ObjectType>(core::ElementTypeOf(value))) {
      data.push_back(value);
      continue;
    }
    auto call = value.getDefiningOp<core::HostCallOp>();
    auto texts = call ? call.getConfig().getAs<mlir::ArrayAttr>("values") : mlir::ArrayAttr();
    if (!texts) continue;
    for (mlir::Attribute text : texts) {
      if (auto string = llvm::dyn_cast<mlir::StringAttr>(text)) message += " " + string.str();
    }
  }
  e.b.Check(condition, kInvalidArgument, message, data);
}

}  // namespace

void RegisterAssert(compiler::OpSet& ops) {
  ops.Add(graph::OpSchemaBuilder("Assert")
              .Input("condition: bool")
              .Input("data: T")
              .Attr("T: list(type) >= 1")
              .Attr("summarize: int = 3")
              .SetIsStateful()
              .Summary("an error unless the condition holds"),
          ExpandAssert);
}

}  // namespace stator::ops
