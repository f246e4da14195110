#include "compiler/dialect/constant_bytes.h"

#include "mlir/IR/BuiltinAttributes.h"
#include "mlir/IR/DialectResourceBlobManager.h"

namespace stator::core {

std::optional<std::string> ConstantBytes(mlir::Attribute value) {
  std::string bytes;
  if (auto resource = llvm::dyn_cast<mlir::DenseResourceElementsAttr>(value)) {
    llvm::ArrayRef<char> data = resource.getRawHandle().getBlob()->getData();
    bytes.assign(data.begin(), data.end());
    return bytes;
  }
  auto dense = llvm::dyn_cast<mlir::DenseIntOrFPElementsAttr>(value);
  if (!dense) return std::nullopt;
  if (dense.getElementType().isInteger(1)) {
    for (bool bit : dense.getValues<bool>()) bytes.push_back(bit ? 1 : 0);
    return bytes;
  }
  llvm::ArrayRef<char> raw = dense.getRawData();
  const int64_t repeats = dense.isSplat() ? dense.getNumElements() : 1;
  for (int64_t i = 0; i < repeats; ++i) bytes.append(raw.data(), raw.size());
  return bytes;
}

}  // namespace stator::core
