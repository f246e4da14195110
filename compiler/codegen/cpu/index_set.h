// Positions in a tensor, for all lanes at once, in a form that keeps linear access linear.
#ifndef STATOR_COMPILER_CODEGEN_CPU_INDEX_SET_H_
#define STATOR_COMPILER_CODEGEN_CPU_INDEX_SET_H_

#include <memory>
#include <set>
#include <vector>

#include "compiler/codegen/cpu/int_math.h"
#include "compiler/dialect/dim_expr.h"
#include "llvm/ADT/ArrayRef.h"

namespace stator::compiler {

// Consecutive dimensions and the row-major position inside them. A reshape only regroups; single
// positions are computed by division where an op asks for one.
struct IndexGroup {
  core::Dims sizes;
  LaneIndex linear;
};

struct IndexSetData {
  int lanes = 1;
  std::vector<IndexGroup> groups;

  int rank() const;
  core::Dims sizes() const;
  bool IsUniform() const;
  bool operator<(const IndexSetData& other) const;
};

// Equal sets are one object.
using IndexSet = const IndexSetData*;

// Makes index sets, for one phase.
class IndexSets {
 public:
  explicit IndexSets(IntMath* math) : math_(*math) {}

  IntMath& math() { return math_; }

  IndexSet Make(std::vector<IndexGroup> groups, int lanes);
  // One group per dimension.
  IndexSet Of(llvm::ArrayRef<core::DimExpr> sizes, llvm::ArrayRef<LaneIndex> indices, int lanes);
  // One group for all dimensions.
  IndexSet Flat(llvm::ArrayRef<core::DimExpr> sizes, LaneIndex linear, int lanes);
  // The same positions for one lane; `set` is uniform.
  IndexSet Scalar(IndexSet set);
  // Lane `lane` (i64) of every position.
  IndexSet Lane(IndexSet set, mlir::Value lane);

  LaneIndex Dim(IndexSet set, int dim);
  LaneIndex Linear(IndexSet set);

  // Row-major order kept, other dimensions (of equal product).
  IndexSet Reshape(IndexSet set, llvm::ArrayRef<core::DimExpr> sizes);
  // Dimension i of the result is dimension source[i] of `set`, or has position 0 where that is -1.
  IndexSet Select(IndexSet set, llvm::ArrayRef<int64_t> source,
                  llvm::ArrayRef<core::DimExpr> sizes);
  // Other positions in some dimensions; the others keep size and position.
  struct Change {
    int dim;
    LaneIndex index;
  };
  IndexSet Replace(IndexSet set, llvm::ArrayRef<Change> changes,
                   llvm::ArrayRef<core::DimExpr> sizes);

 private:
  LaneIndex DimOfGroup(const IndexGroup& group, int dim);
  LaneIndex Linearize(llvm::ArrayRef<IndexGroup> groups);

  IntMath& math_;
  std::set<IndexSetData> sets_;
};

core::DimExpr ProductOf(llvm::ArrayRef<core::DimExpr> dims, core::DimContext& context);

}  // namespace stator::compiler

#endif  // STATOR_COMPILER_CODEGEN_CPU_INDEX_SET_H_
