#include "compiler/plan/buffers.h"

#include "absl/strings/str_cat.h"
#include "compiler/dialect/dtype.h"
#include "compiler/dialect/node_location.h"
#include "graph/status_macros.h"

namespace stator::compiler {

using core::DimExpr;
using core::Dims;
using executable::BufferKind;
using executable::kNone;

namespace {

// The interpreter knows all types, code generation not these.
bool HasCode(executable::DType dtype) {
  switch (dtype) {
    case executable::DType::kInvalid:
    case executable::DType::kFloat8E5M2:
    case executable::DType::kFloat8E4M3FN:
    case executable::DType::kComplex64:
    case executable::DType::kComplex128:
      return false;
    default:
      return true;
  }
}

}  // namespace

DimExpr BytesOf(mlir::Value value) {
  DimExpr count = core::Product(core::DimContextOf(value.getContext()), core::DimsOf(value));
  return count * executable::DTypeSize(core::DTypeOf(core::ElementTypeOf(value)));
}

bool HasOnlyInputSymbols(llvm::ArrayRef<DimExpr> dims) {
  bool result = true;
  for (DimExpr dim : dims) {
    dim.ForEachSymbol(
        [&](const core::DimSymbol& s) { result &= s.facts().life == core::DimLife::kInput; });
  }
  return result;
}

absl::StatusOr<int32_t> Buffers::New(mlir::Type type, BufferKind kind, mlir::Location loc) {
  executable::Buffer buffer;
  Dims dims;
  if (auto tensor = llvm::dyn_cast<mlir::RankedTensorType>(type)) {
    dims = core::DimsOf(tensor);
    buffer.dtype = core::DTypeOf(tensor.getElementType());
    if (!HasCode(buffer.dtype)) {
      nodes_->Refuse(absl::StrCat("elements of type ", executable::DTypeName(buffer.dtype)), loc);
    }
  } else {
    std::string text = "values of type ";
    llvm::raw_string_ostream(text) << type;
    nodes_->Refuse(text, loc);
    buffer.dtype = executable::DType::kUInt8;
  }
  const int32_t node = nodes_->First(loc);
  buffer.name = node == kNone ? "" : model_->nodes[node].name;
  buffer.dims = exprs_->Exprs(dims);
  DimExpr bytes = core::Product(core::DimContextOf(type.getContext()), dims) *
                  executable::DTypeSize(buffer.dtype);
  if (!bytes.ok()) {
    return core::AnnotateWithNode(
        absl::InvalidArgumentError("the size of a tensor overflows"), loc);
  }
  buffer.byte_size = exprs_->Expr(bytes);
  buffer.kind =
      kind == BufferKind::kArena && !HasOnlyInputSymbols(dims) ? BufferKind::kDynamic : kind;
  buffer.first_wave = buffer.last_wave = wave_;
  model_->buffers.push_back(std::move(buffer));
  return static_cast<int32_t>(model_->buffers.size()) - 1;
}

absl::StatusOr<int32_t> Buffers::NewResult(mlir::Value value, BufferKind kind, mlir::Location loc,
                                           const std::string& name) {
  STATOR_ASSIGN_OR_RETURN(const int32_t buffer, New(value.getType(), kind, loc));
  model_->buffers[buffer].name = name;
  untouched_.insert(buffer);
  if (!HasOnlyInputSymbols(core::DimsOf(value))) dynamic_results_.insert(buffer);
  return buffer;
}

int32_t Buffers::NewWorkspace(DimExpr bytes) {
  executable::Buffer workspace;
  workspace.dtype = executable::DType::kUInt8;
  workspace.dims = {exprs_->Expr(bytes)};
  workspace.byte_size = workspace.dims[0];
  workspace.kind = HasOnlyInputSymbols({bytes}) ? BufferKind::kArena : BufferKind::kDynamic;
  workspace.first_wave = workspace.last_wave = wave_;
  model_->buffers.push_back(std::move(workspace));
  return static_cast<int32_t>(model_->buffers.size()) - 1;
}

absl::StatusOr<int32_t> Buffers::Define(mlir::Value value, BufferKind kind) {
  int32_t buffer;
  if (auto it = reserved_.find(value); it != reserved_.end()) {
    buffer = it->second;
  } else {
    STATOR_ASSIGN_OR_RETURN(buffer, New(value.getType(), kind, value.getLoc()));
  }
  Set(value, buffer);
  Touch(buffer);
  return buffer;
}

bool Buffers::Reserve(mlir::Value value, int32_t buffer, mlir::Block* block) {
  mlir::Operation* op = value.getDefiningOp();
  if (!op || op->getBlock() != block || !llvm::isa<core::FusionOp, core::HostCallOp>(op)) {
    return false;
  }
  return reserved_.try_emplace(value, buffer).second;
}

int32_t Buffers::Use(mlir::Value value) {
  const int32_t buffer = Of(value);
  for (int32_t b = buffer; b != kNone; b = model_->buffers[b].alias_of) Extend(b);
  return buffer;
}

void Buffers::Touch(int32_t buffer) {
  if (untouched_.erase(buffer)) model_->buffers[buffer].first_wave = wave_;
  Extend(buffer);
}

bool Buffers::NeedsAlloc(int32_t buffer) const {
  const BufferKind kind = model_->buffers[buffer].kind;
  return kind == BufferKind::kDynamic ||
         (kind == BufferKind::kOutput && dynamic_results_.count(buffer));
}

}  // namespace stator::compiler
