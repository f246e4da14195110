#include "compiler/dialect/constant_bytes.h"

#include "mlir/IR/BuiltinAttributes.h"
#include "mlir/IR/DialectResourceBlobManager.h"

namespace stator::core {

std::optional<llvm::ArrayRef<char>> ConstantBytesInPlace(mlir::Attribute value) {
  if (auto resource = llvm::dyn_cast<mlir::DenseResourceElementsAttr>(value)) {
    // A module that comes from text may lack what it names, or give too little of it.
    const mlir::AsmResourceBlob* blob = resource.getRawHandle().getBlob();
    const mlir::ShapedType type = resource.getType();
    if (blob == nullptr || !type.getElementType().isIntOrFloat()) return std::nullopt;
    const int64_t element_bytes = (type.getElementType().getIntOrFloatBitWidth() + 7) / 8;
    if (static_cast<int64_t>(blob->getData().size()) != type.getNumElements() * element_bytes) return std::nullopt;
    return blob->getData();
  }
  auto dense = llvm::dyn_cast<mlir::DenseIntOrFPElementsAttr>(value);
  if (!dense || dense.isSplat() || dense.getElementType().isInteger(1)) return std::nullopt;
  return dense.getRawData();
}

std::optional<std::string> ConstantBytes(mlir::Attribute value) {
  if (const auto bytes = ConstantBytesInPlace(value)) return std::string(bytes->begin(), bytes->end());
  auto dense = llvm::dyn_cast<mlir::DenseIntOrFPElementsAttr>(value);
  if (!dense) return std::nullopt;
  std::string bytes;
  if (dense.getElementType().isInteger(1)) {
    for (bool bit : dense.getValues<bool>()) bytes.push_back(bit ? 1 : 0);
    return bytes;
  }
  const llvm::ArrayRef<char> element = dense.getRawData();
  for (int64_t i = 0; i < dense.getNumElements(); ++i) bytes.append(element.data(), element.size());
  return bytes;
}

}  // namespace stator::core
