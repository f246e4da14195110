#include <algorithm>

#include "compiler/codegen/cpu/contraction_phase.h"
#include "mlir/Dialect/Arith/IR/Arith.h"

// Register tiles: the rows and columns of a block, and where their operands and sums are.

namespace stator::compiler {

namespace arith = mlir::arith;
using mlir::Value;

void PhaseEmitter::ForStrips(Index row_begin, Index row_end,
                             const std::function<void(const Strip&)>& body) {
  Index full_end = row_end;
  if (plan_.full_rows < 0) {
    full_end = math_.Sub(row_end, math_.Rem(math_.Sub(row_end, row_begin), plan_.rows));
  } else if (plan_.full_rows < loops_.Extent(spec_.m).constant()) {
    full_end = math_.Min(row_end, plan_.full_rows);
  }
  math_.For(row_begin, full_end, plan_.rows, [&](Index row) {
    body({row, plan_.rows, plan_.rows});
  });
  bool exact = false;
  if (plan_.full_rows >= 0) {
    const int64_t rest = loops_.Extent(spec_.m).constant() - plan_.full_rows;
    if (rest == 0) return;
    exact = rest % plan_.tail_rows == 0;  // only the last block has a rest
  }
  math_.For(math_.Max(full_end, row_begin), row_end, plan_.tail_rows, [&](Index row) {
    Index valid = plan_.tail_rows;
    if (!exact) valid = math_.Min(valid, math_.Sub(row_end, row));
    body({row, plan_.tail_rows, valid});
  });
}

void PhaseEmitter::ForColumns(const Block& block, const std::function<void(Index)>& body) {
  const int64_t width = int64_t{plan_.vectors} * plan_.lanes;
  math_.For(block.column_begin, block.column_end, width, body);
}

std::vector<Value> PhaseEmitter::RowPointers(const Block& block, const Strip& strip) {
  const std::vector<ContractionDim> in_a = CollapseDims(spec_.m, true, false, false);
  std::vector<Value> pointers;
  for (int i = 0; i < strip.rows; ++i) {
    Index clamped = i;
    if (!strip.valid.is_static()) clamped = math_.Min(i, math_.Sub(strip.valid, 1));
    if (in_a.size() <= 1 && i > 0 && clamped.is_static()) {
      // Constant displacements from the first row.
      const Index step = in_a.empty() ? Index(0) : math_.Mul(i, loops_.Size(in_a[0].a));
      pointers.push_back(math_.Offset(pointers[0], loops_.input(), step));
      continue;
    }
    const Index offset =
        loops_.OffsetOf(spec_.m, &ContractionDim::a, math_.Add(strip.row, clamped));
    pointers.push_back(math_.Offset(block.a, loops_.input(), offset));
  }
  return pointers;
}

void PhaseEmitter::EmitTile(const Block& block, const std::vector<Value>& rows, Index slot_row,
                            Index column, Index first, Index last, bool reload) {
  const mlir::Type vector = loops_.AccumulatorVector(plan_.lanes);
  const ContractionLoops::Columns columns = ColumnPointers(block, column, first);
  // Where the vectors go in the block: their own columns, which for the last ones of a direct B
  // overlap earlier columns (equal sums are then stored twice).
  std::vector<Index> starts;
  for (int j = 0; j < plan_.vectors; ++j) {
    const int lane = j * plan_.lanes;
    const Index at = columns.packed ? math_.Add(column, lane) : DirectColumn(column, lane);
    starts.push_back(math_.Sub(at, block.column_begin));
  }
  auto slot_pointer = [&](size_t i, int j) {
    return SumPointer(math_.Add(slot_row, static_cast<int64_t>(i)), starts[j]);
  };
  std::vector<Value> sums;
  for (size_t i = 0; i < rows.size(); ++i) {
    for (int j = 0; j < plan_.vectors; ++j) {
      if (reload) {
        sums.push_back(phase_.Load(KernelModule::kScratch, slot_pointer(i, j), vector));
      } else {
        sums.push_back(phase_.builder().create<arith::ConstantOp>(
            phase_.loc(), phase_.builder().getZeroAttr(vector)));
      }
    }
  }
  sums = loops_.MicroKernel(rows, columns, first, last, plan_.single_block, sums);
  for (size_t i = 0; i < rows.size(); ++i) {
    for (int j = 0; j < plan_.vectors; ++j) {
      phase_.Store(KernelModule::kScratch, slot_pointer(i, j), sums[i * plan_.vectors + j]);
    }
  }
}

// Vectors of a direct B never reach beyond N: the last ones begin earlier instead.
Index PhaseEmitter::DirectColumn(Index column, int lane) {
  const int64_t n = loops_.Extent(spec_.n).constant();  // a direct B has static columns
  const Index at = math_.Add(column, lane);
  if (n % (plan_.vectors * plan_.lanes) == 0) return at;
  return math_.Min(at, n - plan_.lanes);
}

ContractionLoops::Columns PhaseEmitter::ColumnPointers(const Block& block, Index column,
                                                       Index first) {
  ContractionLoops::Columns result;
  const Index n = loops_.Extent(spec_.n);
  if (plan_.b_source == OperandSource::kDirect) {
    result.buffer = spec_.b_buffer;
    for (int j = 0; j < plan_.vectors; ++j) {
      result.pointers.push_back(
          math_.Offset(block.b, loops_.input(), DirectColumn(column, j * plan_.lanes)));
    }
    return result;
  }
  result.packed = true;
  const bool in_scratch = plan_.b_source == OperandSource::kPackedTile;
  // The panels' rows: k of the block in scratch, all of k otherwise.
  const Index panel_rows = in_scratch ? Index(plan_.k_block) : K();
  result.base = in_scratch ? first : Index(0);
  if (in_scratch) {
    result.buffer = KernelModule::kScratch;
  } else {
    const bool prepacked = plan_.b_source == OperandSource::kPrepacked;
    result.buffer = prepacked ? spec_.b_buffer : workspace_.packed_buffer;
  }
  Value base =
      in_scratch ? PackedScratch() : math_.Offset(block.b, loops_.accumulator(), block.panel_base);
  const Index origin = in_scratch ? math_.Sub(column, block.column_begin) : column;
  const Index last_panel = math_.Sub(math_.CeilDiv(n, kPanel), 1);
  const int64_t width = int64_t{plan_.vectors} * plan_.lanes;
  const Index panel = math_.Div(origin, kPanel);
  const Index within = width % kPanel == 0 ? Index(0) : math_.Rem(origin, kPanel);
  Value pointer;
  for (int j = 0; j < plan_.vectors; ++j) {
    const int64_t start = int64_t{j} * plan_.lanes;
    if (start % kPanel == 0) {
      Index number = math_.Add(panel, start / kPanel);
      // A register tile may reach beyond the last panel.
      if (start > 0 && !in_scratch) number = math_.Min(number, last_panel);
      const Index elements = math_.Mul(math_.Mul(number, panel_rows), kPanel);
      pointer = math_.Offset(base, loops_.accumulator(), math_.Add(elements, within));
    }
    result.pointers.push_back(phase_.Offset(pointer, loops_.accumulator(), start % kPanel));
  }
  return result;
}

void PhaseEmitter::PackBlock(const Block& block, Index first, Index last, bool whole) {
  const int64_t columns = (plan_.tile_columns + kPanel - 1) / kPanel * kPanel;
  loops_.PackPanels(block.b, block.column_begin, columns, first, last, whole, PackedScratch(),
                    KernelModule::kScratch, plan_.k_block);
}

Value PhaseEmitter::SumPointer(Index row, Index column, bool second) {
  Index offset = math_.Add(math_.Mul(row, SumStride()), math_.Add(column, plan_.lanes));
  if (second) {
    const int64_t rows = plan_.tile_rows + 2 * plan_.rows;
    offset = math_.Add(offset, rows * SumStride());
  }
  return math_.Offset(phase_.ScratchPointer(), loops_.accumulator(), offset);
}

Value PhaseEmitter::PackedScratch() {
  const int64_t panels = (plan_.tile_columns + kPanel - 1) / kPanel * kPanel * plan_.k_block;
  const int64_t skip = plan_.scratch_bytes / loops_.AccumulatorBytes() - panels;
  return phase_.Offset(phase_.ScratchPointer(), loops_.accumulator(), skip / kPanel * kPanel);
}

}  // namespace stator::compiler
