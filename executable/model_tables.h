// What the parts of the verifier ask about a model whose symbols, expressions, buffers and kernels
// are known to be well formed.
#ifndef STATOR_EXECUTABLE_MODEL_TABLES_H_
#define STATOR_EXECUTABLE_MODEL_TABLES_H_

#include <cstdint>
#include <vector>

#include "executable/verifier.h"

namespace stator::executable {

// Whether the expression, as a tree, has at most 1024 nodes: what evaluates it recursively then
// ends soon, however often its subtrees are shared. For a table that is in order.
bool IsSmallTree(const ImageModel& model, int32_t expression);

// The model outlives it. Any index may be asked for with Has and Is; the others want a good one.
class ModelTables {
 public:
  explicit ModelTables(const ImageModel& model) : model_(model), uses_(ExprUses(model)) {}

  const ImageModel& model() const { return model_; }

  bool HasBuffer(int32_t buffer) const;
  bool HasSymbol(int32_t symbol) const;
  // kNone is no node, and fine.
  bool HasNode(int32_t node) const;
  // Expressions over symbols.
  bool IsSize(int32_t expression) const;
  bool AreSizes(const std::vector<int32_t>& expressions) const;
  bool IsBoolScalar(int32_t buffer) const;

  const ExprUse& Use(int32_t expression) const { return uses_[expression]; }

 private:
  const ImageModel& model_;
  const std::vector<ExprUse> uses_;
};

}  // namespace stator::executable

#endif  // STATOR_EXECUTABLE_MODEL_TABLES_H_
