// Sortable records of tensor elements: an unsigned key and the position that it came from.
#ifndef STATOR_COMPILER_CODEGEN_CPU_SORT_RECORDS_H_
#define STATOR_COMPILER_CODEGEN_CPU_SORT_RECORDS_H_

#include <optional>

#include "compiler/codegen/cpu/element_emitter.h"
#include "compiler/codegen/cpu/fusion_kernel.h"

namespace stator::compiler {

// A record in registers. Keys of up to 32 bits share a word with their position.
struct SortRecord {
  mlir::Value word;      // i64: the key, or key << 32 | position
  mlir::Value position;  // i32, only with keys of 64 bits
};

// The records of all rows along a dimension, in a workspace: [rows..., copies, length].
class SortRecords {
 public:
  // `dims` are those of the tensor that is ordered along `axis`; positions are below 2^32.
  SortRecords(FusionKernel* kernel, mlir::Type element, llvm::ArrayRef<core::DimExpr> dims,
              int64_t axis, bool descending, int64_t copies, core::DimExpr length);

  core::DimExpr rows() const;

  // Elements → keys whose unsigned order is the one asked for: NaN last, -0 equal to +0. Of the
  // element's width.
  mlir::Value Keys(ElementEmitter* emitter, mlir::Value elements) const;
  // Also for vectors of keys and of positions (i64).
  SortRecord Make(ElementEmitter* emitter, mlir::Value keys, mlir::Value positions) const;
  // What comes after every record.
  SortRecord Last(ElementEmitter* emitter) const;
  // Of two single records; of equal keys the lower position is first.
  mlir::Value Less(ElementEmitter* emitter, const SortRecord& a, const SortRecord& b) const;
  // Of keys alone.
  mlir::Value KeyOf(ElementEmitter* emitter, const SortRecord& record) const;
  static SortRecord Select(ElementEmitter* emitter, mlir::Value pred, const SortRecord& a,
                           const SortRecord& b);

  // Single records, by their number in the workspace (i64).
  SortRecord Load(ElementEmitter* emitter, Int number) const;
  void Store(ElementEmitter* emitter, Int number, const SortRecord& record) const;
  // Vectors of records of one row.
  void StoreRun(ElementEmitter* emitter, Int row, Int copy, LaneIndex index,
                const SortRecord& records) const;
  // The positions that the records of the first copy hold, for a set of positions of a tensor that
  // has the given dimension `axis` of at most `length`.
  LaneIndex Positions(ElementEmitter* emitter, IndexSet set) const;
  // The elements of one row of the ordered tensor.
  IndexSet RowSet(ElementEmitter* emitter, Int row, LaneIndex index, int lanes) const;

 private:
  bool has_positions() const { return positions_.has_value(); }

  mlir::Type element_;
  core::Dims dims_, outer_, inner_;
  int64_t axis_;
  bool descending_;
  KernelBuffer words_;
  std::optional<KernelBuffer> positions_;
};

}  // namespace stator::compiler

#endif  // STATOR_COMPILER_CODEGEN_CPU_SORT_RECORDS_H_
