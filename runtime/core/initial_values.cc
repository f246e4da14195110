#include "runtime/core/initial_values.h"

#include <cstring>
#include <utility>
#include <vector>

#include "executable/expr_eval.h"

namespace stator::runtime {
namespace {

Status InitializeZero(const executable::ImageModel& model, const executable::Variable& v,
                      VariableStore* store) {
  if (store->IsInitialized(v.name)) return Status::Ok();
  std::vector<int64_t> dims;
  for (int32_t e : v.read_dims) {
    STATOR_EXEC_ASSIGN_OR_RETURN(const int64_t dim,
                                 executable::EvaluateExpr(model, e, nullptr, nullptr));
    dims.push_back(dim);
  }
  STATOR_EXEC_ASSIGN_OR_RETURN(Tensor zeros, Tensor::Create(v.dtype, std::move(dims)));
  std::memset(zeros.raw(), 0, static_cast<size_t>(zeros.bytes()));
  return store->Adopt(v.name, zeros);
}

}  // namespace

Status DeclareLayouts(const Executable& executable, int32_t entry, VariableStore* store) {
  std::vector<std::pair<std::string, executable::Layout>> layouts;
  const auto& entries = executable.model().entry_points;
  for (size_t e = 0; e < entries.size(); ++e) {
    if (entry != executable::kNone && static_cast<size_t>(entry) != e) continue;
    for (const executable::Variable& v : entries[e].variables) {
      if (v.read_buffer == executable::kNone && v.write_buffer == executable::kNone) continue;
      layouts.emplace_back(v.name, v.layout);
    }
  }
  return store->SetLayouts(layouts);
}

Status InitializeCounters(const Executable& executable, int32_t entry, VariableStore* store) {
  const executable::ImageModel& model = executable.model();
  for (const executable::Variable& v : model.entry_points[entry].variables) {
    if (v.zero_initialized) STATOR_EXEC_RETURN_IF_ERROR(InitializeZero(model, v, store));
  }
  return Status::Ok();
}

Status InitializeVariables(const std::shared_ptr<Executable>& executable, VariableStore* store) {
  STATOR_EXEC_RETURN_IF_ERROR(DeclareLayouts(*executable, executable::kNone, store));
  for (const executable::StoredTensor& value : executable->model().initial_values) {
    // The buffer holds the executable, and so the mapping.
    BufferRef bytes = Buffer::WrapReadOnly(executable->Bytes(value), value.constant_size,
                                           [executable] { (void)executable; });
    STATOR_EXEC_ASSIGN_OR_RETURN(const Tensor tensor,
                                 Tensor::FromBuffer(value.dtype, value.dims, std::move(bytes)));
    STATOR_EXEC_RETURN_IF_ERROR(store->Adopt(value.name, tensor, executable->initial_version()));
  }
  for (size_t e = 0; e < executable->model().entry_points.size(); ++e) {
    STATOR_EXEC_RETURN_IF_ERROR(InitializeCounters(*executable, static_cast<int32_t>(e), store));
  }
  return Status::Ok();
}

}  // namespace stator::runtime
