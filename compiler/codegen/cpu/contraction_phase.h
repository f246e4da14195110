// One phase of a contraction kernel while it is emitted.
#ifndef STATOR_COMPILER_CODEGEN_CPU_CONTRACTION_PHASE_H_
#define STATOR_COMPILER_CODEGEN_CPU_CONTRACTION_PHASE_H_

#include <functional>
#include <vector>

#include "compiler/codegen/cpu/contraction_kernel.h"
#include "compiler/codegen/cpu/contraction_loops.h"

namespace stator::compiler {

// One phase's emitter. Names: "block" is what one grid tile computes, a "tile" is of registers.
class PhaseEmitter {
 public:
  PhaseEmitter(const ContractionPlan& plan, const ContractionSpec& original,
               const ContractionWorkspace& workspace, const ContractionCallbacks& callbacks,
               PhaseBuilder* phase)
      : plan_(plan),
        spec_(plan.spec),
        original_(original),
        workspace_(workspace),
        callbacks_(callbacks),
        phase_(*phase),
        loops_(&plan_, phase),
        math_(loops_.math()) {}

  void EmitPack();
  void EmitMain();
  void EmitSumOfPartials();

 private:
  // Emits what becomes of `lanes` sums of row `row`, columns from `column`.
  using Output = std::function<void(mlir::Value value, int lanes, Index row, Index column)>;
  // A block of the grid: rows [row_begin, row_end), columns [column_begin, column_end) of a batch.
  struct Block {
    Index batch, chunk, row_begin, row_end, column_begin, column_end;
    mlir::Value a, b;  // pointers of this batch
    Index panel_base;  // elements before this batch's panels, when packed
  };

  Index K() { return loops_.Extent(spec_.k); }
  Block DecodeBlock(Index tile);
  void EmitRows(const Block& block);
  void EmitKBlocks(const Block& block);
  void EmitKBlock(const Block& block, Index first, Index last);

  // Rows of register tiles. Rows from `valid` on repeat the last valid one; nobody reads their
  // sums.
  struct Strip {
    Index row;
    int rows;
    Index valid;
  };
  void ForStrips(Index row_begin, Index row_end, const std::function<void(const Strip&)>& body);
  // Calls body(first column) for each register tile of a strip.
  void ForColumns(const Block& block, const std::function<void(Index)>& body);
  std::vector<mlir::Value> RowPointers(const Block& block, const Strip& strip);
  // The sums over k in [first, last) go to rows slot_row, … of the block of sums, where they begin
  // if `reload`.
  void EmitTile(const Block& block, const std::vector<mlir::Value>& rows, Index slot_row,
                Index column, Index first, Index last, bool reload);
  Index DirectColumn(Index column, int lane);
  ContractionLoops::Columns ColumnPointers(const Block& block, Index column, Index first);
  void PackBlock(const Block& block, Index first, Index last, bool whole);

  // The block of sums in scratch.
  int64_t SumStride() const { return plan_.tile_columns + plan_.lanes; }
  mlir::Value SumPointer(Index row, Index column, bool second = false);
  mlir::Value PackedScratch();
  void ForRows(const Block& block, Index first_row, Index count, Index slot_row,
               const std::function<mlir::Value(Index row, Index column, int lanes)>& load,
               const Output& output);
  void CombineChunk(const Block& block, Index chunk);

  mlir::Value LoadSum(Index slot_row, Index column, int lanes) {
    return phase_.Load(KernelModule::kScratch, SumPointer(slot_row, column),
                       loops_.AccumulatorVector(lanes));
  }
  void FinalOutput(const Block& block, mlir::Value value, int lanes, Index row, Index column);
  void PartialOutput(const Block& block, mlir::Value value, int lanes, Index row, Index column);
  Index PartialOffset(Index chunk, Index batch, Index row, Index column);
  std::vector<mlir::Value> OriginalIndices(Index batch, Index row, Index column);
  void DefaultStore(mlir::Value value, const OutputPosition& position);

  const ContractionPlan& plan_;
  const ContractionSpec& spec_;
  const ContractionSpec& original_;
  const ContractionWorkspace& workspace_;
  const ContractionCallbacks& callbacks_;
  PhaseBuilder& phase_;
  ContractionLoops loops_;
  IndexMath& math_;
};

}  // namespace stator::compiler

#endif  // STATOR_COMPILER_CODEGEN_CPU_CONTRACTION_PHASE_H_
