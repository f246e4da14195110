#include "compiler/codegen/cpu/location_text.h"

#include "absl/strings/str_cat.h"
#include "compiler/dialect/node_location.h"

namespace stator::compiler {

absl::Status NotLowered(mlir::Operation* op, absl::string_view why) {
  return core::AnnotateWithNode(
      absl::UnimplementedError(absl::StrCat("cannot be compiled yet: ",
                                            op->getName().getStringRef().str(), " (", why, ")")),
      op->getLoc());
}

}  // namespace stator::compiler
