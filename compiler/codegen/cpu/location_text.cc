#include "compiler/codegen/cpu/location_text.h"

#include <string>

#include "absl/strings/str_cat.h"
#include "llvm/Support/raw_ostream.h"

namespace stator::compiler {

absl::Status NotLowered(mlir::Operation* op, absl::string_view why) {
  std::string location;
  llvm::raw_string_ostream stream(location);
  op->getLoc().print(stream);
  return absl::UnimplementedError(absl::StrCat(
      "not lowered yet: ", op->getName().getStringRef().str(), " (", why, ") at ", location));
}

}  // namespace stator::compiler
