#include "compiler/dialect/panels.h"

#include <array>

namespace stator::core {
namespace {

constexpr char kCallersTypeAttr[] = "callers_type";
constexpr char kColumnsLastAttr[] = "columns_last";

}  // namespace

std::optional<RhsMatrix> RhsMatrixOf(mlir::Operation* contraction) {
  RhsMatrix matrix;
  if (auto dot = llvm::dyn_cast<DotGeneralOp>(contraction)) {
    if (RankOf(dot.getRhs()) != 2 || !dot.getRhsBatchingDimensions().empty()) return std::nullopt;
    if (dot.getRhsContractingDimensions().size() != 1) return std::nullopt;
    matrix.columns_last = dot.getRhsContractingDimensions()[0] == 0;
  } else if (auto convolution = llvm::dyn_cast<ConvolutionOp>(contraction)) {
    // The sum runs over all other dimensions in the order in which they lie in memory.
    const int64_t last = RankOf(convolution.getRhs()) - 1;
    if (convolution.getFeatureGroupCount() != 1) return std::nullopt;
    if (convolution.getDimensionNumbers().getKernelOutputFeature() != last) return std::nullopt;
  } else {
    return std::nullopt;
  }
  auto type = llvm::cast<mlir::RankedTensorType>(contraction->getOperand(1).getType());
  if (!type.hasStaticShape() || type.getNumElements() == 0) return std::nullopt;
  matrix.columns = matrix.columns_last ? type.getShape().back() : type.getShape().front();
  matrix.depth = type.getNumElements() / matrix.columns;
  return matrix;
}

mlir::RankedTensorType PanelsType(const RhsMatrix& matrix, mlir::Type element) {
  return mlir::RankedTensorType::get({matrix.columns / kPanelColumns, matrix.depth, kPanelColumns}, element);
}

executable::Layout PanelsLayout(bool columns_last) {
  return columns_last ? executable::Layout::kPanelsOfLast : executable::Layout::kPanelsOfFirst;
}

llvm::ArrayRef<int64_t> PanelsPermutation(const RhsMatrix& matrix) {
  static constexpr std::array<int64_t, 3> kColumnsLast = {1, 0, 2}, kColumnsFirst = {0, 2, 1};
  return matrix.columns_last ? kColumnsLast : kColumnsFirst;
}

mlir::Value PanelsOf(mlir::Operation* contraction) {
  const std::optional<RhsMatrix> matrix = RhsMatrixOf(contraction);
  if (!matrix || matrix->columns % kPanelColumns != 0) return {};
  auto reshape = contraction->getOperand(1).getDefiningOp<ReshapeOp>();
  auto transpose = reshape ? reshape.getOperand().getDefiningOp<TransposeOp>() : TransposeOp();
  if (!transpose || transpose.getPermutation() != PanelsPermutation(*matrix)) return {};
  const mlir::Type panels = transpose.getOperand().getType();
  return panels == PanelsType(*matrix, ElementTypeOf(reshape)) ? transpose.getOperand() : mlir::Value();
}

std::optional<StoredPanels> StoredPanelsOf(VariableOp variable) {
  auto type = variable->getAttrOfType<mlir::TypeAttr>(kCallersTypeAttr);
  if (!type) return std::nullopt;
  return StoredPanels{llvm::cast<mlir::RankedTensorType>(type.getValue()), variable->hasAttr(kColumnsLastAttr)};
}

void SetStoredPanels(VariableOp variable, const StoredPanels& panels) {
  variable->setAttr(kCallersTypeAttr, mlir::TypeAttr::get(panels.type));
  if (panels.columns_last) variable->setAttr(kColumnsLastAttr, mlir::UnitAttr::get(variable.getContext()));
}

std::string CallersName(VariableOp variable) {
  if (variable.getContainer().empty()) return variable.getSharedName().str();
  return (variable.getContainer() + "/" + variable.getSharedName()).str();
}

}  // namespace stator::core
