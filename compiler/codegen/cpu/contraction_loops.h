// The inner pieces of a contraction kernel: element access, offsets of indices, the walk over k,
// the register-tile micro-kernel, and packing.
#ifndef STATOR_COMPILER_CODEGEN_CPU_CONTRACTION_LOOPS_H_
#define STATOR_COMPILER_CODEGEN_CPU_CONTRACTION_LOOPS_H_

#include <functional>
#include <vector>

#include "compiler/codegen/cpu/contraction_spec.h"
#include "compiler/codegen/cpu/index_math.h"
#include "compiler/codegen/cpu/kernel_module.h"

namespace stator::compiler {

mlir::Type ElementMlirType(mlir::OpBuilder& b, ContractionType type);

// Everything that emits one phase of a contraction.
class ContractionLoops {
 public:
  ContractionLoops(const ContractionPlan* plan, PhaseBuilder* phase);

  const ContractionPlan& plan() const { return *plan_; }
  const ContractionSpec& spec() const { return plan_->spec; }
  PhaseBuilder& phase() { return *p_; }
  IndexMath& math() { return math_; }

  Index Size(const SizeRef& size);
  Index Extent(const std::vector<ContractionDim>& dims);  // of the whole list
  // Row-major decoding of a linear position into one index per dimension.
  std::vector<Index> Decode(const std::vector<ContractionDim>& dims, Index linear);
  using Stride = SizeRef ContractionDim::*;
  Index OffsetOf(const std::vector<ContractionDim>& dims, Stride stride, Index linear);

  mlir::Type accumulator() const { return accumulator_; }
  mlir::Type AccumulatorVector(int lanes) const;  // the scalar type for one lane
  int64_t AccumulatorBytes() const { return accumulator_bytes_; }
  // One element, or `lanes` neighbours, of A or B, widened to the accumulator's type.
  mlir::Value LoadInput(int buffer, mlir::Value pointer, int lanes);
  // Between floating-point types, vectors too.
  mlir::Value ConvertFloat(mlir::Value value, mlir::Type element);
  mlir::Type input() const { return input_; }

  // A stretch of k along its innermost (collapsed) dimension.
  struct Run {
    Index a_offset;  // elements, of its first position
    Index b_offset;
    Index k;  // its linear k
    Index length;
    bool partial;  // a rarely taken piece of a row: emit little code
  };
  using RunBody =
      std::function<std::vector<mlir::Value>(const Run&, const std::vector<mlir::Value>&)>;
  // Walks linear positions [first, last) of `dims`, in order, carrying values. `whole` says that
  // this is all of them.
  std::vector<mlir::Value> WalkK(const std::vector<ContractionDim>& dims, Index first, Index last,
                                 bool whole, std::vector<mlir::Value> carried, const RunBody& body);

  // Where the columns of a register tile come from.
  struct Columns {
    std::vector<mlir::Value> pointers;  // of each vector of columns, at k = base
    bool packed = false;                // panels of kPanel accumulators, else B itself
    int buffer = 0;
    Index base = 0;  // packed: the linear k of the panel's first row
  };
  // sums[row * vectors + vector] += over k in [first, last).
  std::vector<mlir::Value> MicroKernel(const std::vector<mlir::Value>& rows, const Columns& columns,
                                       Index first, Index last, bool whole,
                                       std::vector<mlir::Value> sums);

  // Writes columns [column, min(column + columns, N)) of B, k in [first, last), as panels to
  // `target`, `panel_rows` apart. What is beyond N in the last panel repeats its last column.
  void PackPanels(mlir::Value b_base, Index column, int64_t columns, Index first, Index last,
                  bool whole, mlir::Value target, int target_buffer, Index panel_rows);

 private:
  std::vector<mlir::Value> MicroSteps(const std::vector<mlir::Value>& rows, const Columns& columns,
                                      const Run& run, Index position, int count,
                                      std::vector<mlir::Value> sums);
  mlir::Value MultiplyAdd(mlir::Value a, mlir::Value b, mlir::Value sum);
  mlir::Value Broadcast(mlir::Value scalar, int lanes);
  std::vector<mlir::Value> Transpose(std::vector<mlir::Value> rows);
  bool RowsAreContiguousInB() const;
  // One panel.
  void PackPanel(mlir::Value b_base, Index column, Index first, Index last, bool whole,
                 mlir::Value target, int buffer);
  // Several panels of contiguous rows.
  void PackRows(mlir::Value b_base, Index column, int64_t columns, const Run& run,
                mlir::Value target, int buffer, Index panel_rows);
  void PackTransposed(const std::vector<mlir::Value>& columns, const Run& run, mlir::Value target,
                      int buffer);
  void PackScalar(mlir::Value b_base, Index column, const Run& run, mlir::Value target, int buffer);

  const ContractionPlan* plan_;
  PhaseBuilder* p_;
  IndexMath math_;
  mlir::Type input_, accumulator_;
  int64_t accumulator_bytes_;
  std::vector<ContractionDim> k_;       // collapsed as the micro-kernel walks it
  std::vector<ContractionDim> k_in_b_;  // collapsed in B alone, for packing
  std::vector<ContractionDim> n_in_b_;
};

}  // namespace stator::compiler

#endif  // STATOR_COMPILER_CODEGEN_CPU_CONTRACTION_LOOPS_H_
