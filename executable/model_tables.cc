#include "executable/model_tables.h"

#include <algorithm>

namespace stator::executable {
namespace {

bool IsIndex(int32_t index, size_t size) { return index >= 0 && static_cast<size_t>(index) < size; }

}  // namespace

bool IsSmallTree(const ImageModel& model, int32_t expression) {
  std::vector<int32_t> todo = {expression};
  for (int nodes = 0; !todo.empty(); ++nodes) {
    if (nodes == 1024) return false;
    const Expr& e = model.expressions[todo.back()];
    todo.pop_back();
    if (e.kind >= ExprKind::kAdd) todo.insert(todo.end(), {e.lhs, e.rhs});
  }
  return true;
}

bool ModelTables::HasBuffer(int32_t buffer) const { return IsIndex(buffer, model_.buffers.size()); }

bool ModelTables::HasSymbol(int32_t symbol) const { return IsIndex(symbol, model_.symbols.size()); }

bool ModelTables::HasNode(int32_t node) const {
  return node == kNone || IsIndex(node, model_.nodes.size());
}

bool ModelTables::IsSize(int32_t expression) const {
  return IsIndex(expression, model_.expressions.size()) && !uses_[expression].scalar;
}

bool ModelTables::AreSizes(const std::vector<int32_t>& expressions) const {
  return std::all_of(expressions.begin(), expressions.end(),
                     [this](int32_t e) { return IsSize(e); });
}

bool ModelTables::IsBoolScalar(int32_t buffer) const {
  return HasBuffer(buffer) && model_.buffers[buffer].dtype == DType::kBool &&
         model_.buffers[buffer].dims.empty();
}

}  // namespace stator::executable
