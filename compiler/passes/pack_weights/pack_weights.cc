#include "compiler/passes/pack_weights/pack_weights.h"

#include <optional>
#include <utility>
#include <vector>

#include "compiler/dialect/constant_bytes.h"
#include "compiler/dialect/core_builder.h"
#include "compiler/dialect/panels.h"
#include "executable/panels.h"
#include "llvm/ADT/DenseMap.h"
#include "llvm/ADT/StringSet.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/IR/AsmState.h"
#include "mlir/IR/BuiltinAttributes.h"
#include "mlir/IR/DialectResourceBlobManager.h"

namespace stator::compiler {
namespace {

using core::kPanelColumns;
using core::RhsMatrix;
using mlir::Value;

// No larger ones stay in the first-level cache as they are.
constexpr int64_t kMinBytes = 16 * 1024;

bool IsContraction(mlir::Operation* op) { return llvm::isa<core::DotGeneralOp, core::ConvolutionOp>(op); }

// The right-hand side, if it gains from being panels.
std::optional<RhsMatrix> LargeRhs(mlir::Operation* contraction) {
  const std::optional<RhsMatrix> matrix = core::RhsMatrixOf(contraction);
  if (!matrix || matrix->columns % kPanelColumns != 0 || matrix->columns == kPanelColumns) return std::nullopt;
  const mlir::Type element = core::ElementTypeOf(contraction->getOperand(1));
  if (!element.isF32() && !element.isF64()) return std::nullopt;
  const int64_t bytes = matrix->columns * matrix->depth * element.getIntOrFloatBitWidth() / 8;
  return bytes > kMinBytes ? matrix : std::nullopt;
}

// What the panels stand for, of type `type`.
Value Unpacked(core::CoreBuilder* core, Value panels, const RhsMatrix& matrix, mlir::RankedTensorType type) {
  return core->Reshape(core->Transpose(panels, core::PanelsPermutation(matrix)), core::DimsOf(type));
}

class Packer {
 public:
  Packer(mlir::ModuleOp module, bool variables) : variables_(variables) {
    module.walk([&](core::AssignVariableOp op) { assigned_.insert(op.getVariable()); });
  }

  void Visit(mlir::Operation* contraction) {
    const Value weights = contraction->getOperand(1);
    auto constant = weights.getDefiningOp<core::ConstantOp>();
    if (!constant && !IsOnlyRead(weights)) return;
    const std::optional<RhsMatrix> matrix = LargeRhs(contraction);
    if (!matrix) return;
    const Value panels = constant ? PanelsFor(constant, *matrix) : PanelsFor(weights, *matrix);
    if (!panels) return;
    mlir::OpBuilder builder(contraction);
    core::CoreBuilder core(builder, weights.getLoc());
    auto type = llvm::cast<mlir::RankedTensorType>(weights.getType());
    contraction->setOperand(1, Unpacked(&core, panels, *matrix, type));
    if (constant && constant->use_empty()) constant->erase();
  }

 private:
  // A variable that no run of this program changes.
  bool IsOnlyRead(Value weights) {
    auto read = weights.getDefiningOp<core::ReadVariableOp>();
    return variables_ && read && llvm::isa<mlir::func::FuncOp>(read->getParentOp()) &&
           !assigned_.contains(read.getVariable());
  }

  // One per variable and orientation: a kernel for the init section.
  Value PanelsFor(Value weights, const RhsMatrix& matrix) {
    Value& panels = panels_of_variables_[{weights, matrix.columns_last ? 1 : 0}];
    if (panels) return panels;
    mlir::OpBuilder builder(weights.getContext());
    builder.setInsertionPointAfterValue(weights);
    const mlir::Location loc = weights.getLoc();
    const int64_t count = matrix.columns / kPanelColumns;
    auto fusion = builder.create<core::FusionOp>(
        loc, mlir::TypeRange{core::PanelsType(matrix, core::ElementTypeOf(weights))}, mlir::ValueRange{weights},
        builder.getStringAttr(core::kPackKind), builder.getStringAttr("weights of a contraction"));
    mlir::Block* body = builder.createBlock(&fusion.getBody());
    core::CoreBuilder core(builder, loc);
    const Value argument = body->addArgument(weights.getType(), loc);
    const Value packed =
        matrix.columns_last
            ? core.Transpose(core.Reshape(argument, core.StaticDims({matrix.depth, count, kPanelColumns})), {1, 0, 2})
            : core.Transpose(core.Reshape(argument, core.StaticDims({count, kPanelColumns, matrix.depth})), {0, 2, 1});
    builder.create<core::ReturnOp>(loc, packed);
    return panels = fusion.getResult(0);
  }

  // One per constant value and orientation.
  Value PanelsFor(core::ConstantOp constant, const RhsMatrix& matrix) {
    Value& panels = panels_[{constant.getValue(), matrix.columns_last ? 1 : 0}];
    if (panels && panels.getParentBlock() == constant->getBlock()) return panels;
    const std::optional<llvm::ArrayRef<char>> bytes = core::ConstantBytesInPlace(constant.getValue());
    if (!bytes) return {};
    const mlir::RankedTensorType type = core::PanelsType(matrix, core::ElementTypeOf(constant.getResult()));
    // A resource: other attributes hash what they hold, and large weights take long.
    mlir::AsmResourceBlob blob = mlir::HeapAsmResourceBlob::allocate(bytes->size(), 64);
    const executable::Layout layout = core::PanelsLayout(matrix.columns_last);
    const std::vector<int64_t> dims = matrix.columns_last ? std::vector<int64_t>{matrix.depth, matrix.columns}
                                                          : std::vector<int64_t>{matrix.columns, matrix.depth};
    executable::ToLayout(layout, dims, type.getElementTypeBitWidth() / 8, bytes->data(), blob.getMutableData().data());
    // First in the block, so that it stands before every use.
    auto builder = mlir::OpBuilder::atBlockBegin(constant->getBlock());
    panels = builder.create<core::ConstantOp>(constant.getLoc(), type,
                                              mlir::DenseResourceElementsAttr::get(type, "panels", std::move(blob)));
    return panels;
  }

  bool variables_;
  llvm::DenseMap<std::pair<mlir::Attribute, int>, Value> panels_;
  llvm::DenseMap<std::pair<Value, int>, Value> panels_of_variables_;
  llvm::StringSet<> assigned_;
};

// The variable's type becomes that of its panels; what reads it, reads through them.
void StoreAsPanels(core::VariableOp variable, bool columns_last, mlir::ModuleOp module) {
  auto type = llvm::cast<mlir::RankedTensorType>(variable.getType());
  RhsMatrix matrix;
  matrix.columns_last = columns_last;
  matrix.columns = columns_last ? type.getShape().back() : type.getShape().front();
  matrix.depth = type.getNumElements() / matrix.columns;
  const mlir::RankedTensorType panels = core::PanelsType(matrix, type.getElementType());
  core::SetStoredPanels(variable, {type, columns_last});
  variable.setType(panels);
  module.walk([&](core::ReadVariableOp read) {
    if (read.getVariable() != variable.getSymName()) return;
    read.getResult().setType(panels);
    // One way through them for each use, so that each contraction can take its own into its kernel.
    llvm::SmallVector<mlir::OpOperand*> uses;
    for (mlir::OpOperand& use : read->getUses()) uses.push_back(&use);
    for (mlir::OpOperand* use : uses) {
      mlir::OpBuilder builder(use->getOwner());
      core::CoreBuilder core(builder, read.getLoc());
      use->set(Unpacked(&core, read, matrix, type));
    }
  });
}

}  // namespace

void PackWeights(mlir::ModuleOp module, const PackOptions& options) {
  for (auto variable : module.getOps<core::VariableOp>()) {
    const auto stored = options.stored.find(core::CallersName(variable));
    if (stored != options.stored.end()) StoreAsPanels(variable, stored->second, module);
  }
  llvm::SmallVector<mlir::Operation*> contractions;
  module.walk([&](mlir::Operation* op) {
    if (IsContraction(op)) contractions.push_back(op);
  });
  Packer packer(module, options.variables);
  for (mlir::Operation* contraction : contractions) packer.Visit(contraction);
}

void PanelChoice::Add(mlir::ModuleOp module) {
  std::map<std::string, std::string> names;  // by symbol
  for (auto variable : module.getOps<core::VariableOp>()) {
    const std::string name = core::CallersName(variable);
    names[variable.getSymName().str()] = name;
    if (variable.getZeroInitialized()) row_major_.insert(name);
  }
  module.walk([&](mlir::Operation* op) {
    if (auto assign = llvm::dyn_cast<core::AssignVariableOp>(op)) row_major_.insert(names[assign.getVariable().str()]);
    if (auto read = llvm::dyn_cast<core::ReadVariableOp>(op)) AddRead(read, names[read.getVariable().str()]);
  });
}

void PanelChoice::AddRead(core::ReadVariableOp read, const std::string& name) {
  for (mlir::OpOperand& use : read->getUses()) {
    const bool is_weight = IsContraction(use.getOwner()) && use.getOperandNumber() == 1;
    const std::optional<RhsMatrix> matrix = is_weight ? LargeRhs(use.getOwner()) : std::nullopt;
    if (!matrix || panels_.emplace(name, matrix->columns_last).first->second != matrix->columns_last) {
      row_major_.insert(name);
    }
  }
}

std::map<std::string, bool> PanelChoice::Stored() const {
  std::map<std::string, bool> stored;
  for (const auto& [name, columns_last] : panels_) {
    if (row_major_.count(name) == 0) stored.emplace(name, columns_last);
  }
  return stored;
}

}  // namespace stator::compiler
