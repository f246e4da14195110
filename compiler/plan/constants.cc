#include "compiler/plan/constants.h"

#include <optional>
#include <string>

#include "compiler/dialect/constant_bytes.h"
#include "graph/status_macros.h"

namespace stator::compiler {
namespace {

std::string StoredBytes(core::ConstantOp op, SourceNodes* nodes) {
  if (auto strings = llvm::dyn_cast<mlir::DenseStringElementsAttr>(op.getValue())) {
    std::vector<std::string> values;
    for (llvm::StringRef s : strings.getValues<llvm::StringRef>()) values.push_back(s.str());
    return executable::EncodeStrings(values);
  }
  if (std::optional<std::string> bytes = core::ConstantBytes(op.getValue())) return *bytes;
  nodes->Refuse("a constant of this form", op.getLoc());
  return "";
}

}  // namespace

absl::Status EmitConstant(core::ConstantOp op, PlanDraft* draft) {
  if (draft->buffers.Holds(op.getResult())) return absl::OkStatus();
  STATOR_ASSIGN_OR_RETURN(
      const int32_t index,
      draft->buffers.New(op.getType(), executable::BufferKind::kConstant, op.getLoc()));
  const std::string bytes = StoredBytes(op, &draft->nodes);
  const auto size = static_cast<int64_t>(bytes.size());
  executable::Buffer& buffer = draft->buffers[index];
  buffer.constant_offset = executable::AddConstant(&draft->model, bytes.data(), size);
  buffer.constant_size = size;
  draft->buffers.Set(op.getResult(), index);
  return absl::OkStatus();
}

}  // namespace stator::compiler
