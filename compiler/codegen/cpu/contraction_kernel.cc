#include "compiler/codegen/cpu/contraction_kernel.h"

#include <algorithm>
#include <memory>
#include <utility>

#include "compiler/codegen/cpu/contraction_loops.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/IR/TypeUtilities.h"

namespace stator::compiler {
namespace {

namespace arith = mlir::arith;
using mlir::Value;

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
  using Output = std::function<void(Value value, int lanes, Index row, Index column)>;
  // A block of the grid: rows [row_begin, row_end), columns [column_begin, column_end) of a batch.
  struct Block {
    Index batch, chunk, row_begin, row_end, column_begin, column_end;
    Value a, b;        // pointers of this batch
    Index panel_base;  // elements before this batch's panels, when packed
  };

  Index K() { return loops_.Extent(spec_.k); }
  Block DecodeBlock(Index tile);
  void EmitRows(Block* block);
  void EmitKBlocks(Block* block);
  void EmitTiles(Block* block, Index row_begin, Index row_end, Index first, Index last,
                 bool add_to_block, const std::function<void(Index, Index)>& after_tile);
  void EmitTile(Block* block, Index row, int rows, Index valid_rows, Index slot_row, Index first,
                Index last, bool reload);
  Index DirectColumn(Index column, int lane);
  ContractionLoops::Columns ColumnPointers(Block* block, Index column, Index first);
  void PackBlock(Block* block, Index first, Index last, bool whole);

  // The block of sums in scratch.
  int64_t SumStride() const { return plan_.tile_columns + plan_.lanes; }
  Value SumPointer(Index row, Index column, bool second = false);
  Value PackedScratch();
  void ForRows(Block* block, Index first_row, Index count, Index slot_row,
               const std::function<Value(Index row, Index column, int lanes)>& load,
               const Output& output);
  void CombineChunk(Block* block, Index chunk);

  Value LoadSum(Index slot_row, Index column, int lanes) {
    return phase_.Load(KernelModule::kScratch, SumPointer(slot_row, column),
                       loops_.AccumulatorVector(lanes));
  }
  void FinalOutput(Block* block, Value value, int lanes, Index row, Index column);
  void PartialOutput(Block* block, Value value, int lanes, Index row, Index column);
  Index PartialOffset(Index chunk, Index batch, Index row, Index column);
  std::vector<Value> OriginalIndices(Index batch, Index row, Index column);
  void DefaultStore(Value value, const OutputPosition& position);

  const ContractionPlan& plan_;
  const ContractionSpec& spec_;
  const ContractionSpec& original_;
  const ContractionWorkspace& workspace_;
  const ContractionCallbacks& callbacks_;
  PhaseBuilder& phase_;
  ContractionLoops loops_;
  IndexMath& math_;
};

// --- phase: pack -----------------------------------------------------------------------------

void PhaseEmitter::EmitPack() {
  const Index n = loops_.Extent(spec_.n), k = K();
  const Index panels = math_.CeilDiv(n, kPanel), groups = math_.CeilDiv(n, kPackColumns);
  const Index chunks = math_.Max(math_.CeilDiv(k, kContractionChunk), 1);
  phase_.ForEachTile([&](Value tile) {
    const Index chunk = math_.Rem(tile, chunks), rest = math_.Div(tile, chunks);
    const Index column = math_.Mul(math_.Rem(rest, groups), kPackColumns);
    const Index batch = math_.Div(rest, groups);
    Index first = math_.Mul(chunk, kContractionChunk);
    Index last = math_.Min(math_.Add(first, kContractionChunk), k);
    const bool whole = chunks.Is(1);
    if (whole) first = 0, last = k;
    const Index base = math_.Add(loops_.Size(spec_.b_offset),
                                 loops_.OffsetOf(spec_.batch, &ContractionDim::b, batch));
    Value b = math_.Offset(phase_.BufferPointer(spec_.b_buffer), loops_.input(), base);
    const Index panel = math_.Add(math_.Mul(batch, panels), math_.Div(column, kPanel));
    const Index row = math_.Add(math_.Mul(panel, k), first);
    Value target = math_.Offset(phase_.BufferPointer(workspace_.packed_buffer),
                                loops_.accumulator(), math_.Mul(row, kPanel));
    loops_.PackPanels(b, column, kPackColumns, first, last, whole, target, workspace_.packed_buffer,
                      k);
  });
}

// --- phase: main -----------------------------------------------------------------------------

PhaseEmitter::Block PhaseEmitter::DecodeBlock(Index tile) {
  Block block{0, 0, 0, 0, 0, 0, {}, {}, 0};
  const Index m = loops_.Extent(spec_.m), n = loops_.Extent(spec_.n);
  const Index row_blocks = plan_.row_blocks >= 0 ? Index(std::max<int64_t>(1, plan_.row_blocks))
                                                 : math_.CeilDiv(m, plan_.tile_rows);
  const Index column_blocks = math_.CeilDiv(n, plan_.tile_columns);
  const Index row_block = math_.Rem(tile, row_blocks);
  Index rest = math_.Div(tile, row_blocks);
  const Index column_block = math_.Rem(rest, column_blocks);
  rest = math_.Div(rest, column_blocks);
  block.batch = rest;
  if (plan_.split_k) {
    const Index batches = loops_.Extent(spec_.batch);
    block.batch = math_.Rem(rest, batches);
    block.chunk = math_.Div(rest, batches);
  }
  block.row_begin = math_.Mul(row_block, plan_.tile_rows);
  block.row_end = math_.Min(math_.Add(block.row_begin, plan_.tile_rows), m);
  if (plan_.row_blocks == 1) {
    block.row_begin = 0;
    block.row_end = m;
  } else if (plan_.row_blocks > 1 && m.constant() % plan_.tile_rows != 0) {
    // The last block takes all that is left, which may be more than tile_rows.
    Value is_last = math_.Equal(row_block, plan_.row_blocks - 1);
    block.row_end = Value(phase_.builder().create<arith::SelectOp>(
        phase_.loc(), is_last, math_.ToValue(m), math_.ToValue(block.row_end)));
  }
  block.column_begin = math_.Mul(column_block, plan_.tile_columns);
  block.column_end = math_.Min(math_.Add(block.column_begin, plan_.tile_columns), n);
  if (column_blocks.Is(1)) block.column_begin = 0, block.column_end = n;
  auto pointer = [&](int buffer, const SizeRef& offset, ContractionLoops::Stride stride) {
    const Index base =
        math_.Add(loops_.Size(offset), loops_.OffsetOf(spec_.batch, stride, block.batch));
    return math_.Offset(phase_.BufferPointer(buffer), loops_.input(), base);
  };
  block.a = pointer(spec_.a_buffer, spec_.a_offset, &ContractionDim::a);
  if (plan_.b_source == OperandSource::kPackedPhase ||
      plan_.b_source == OperandSource::kPrepacked) {
    const bool prepacked = plan_.b_source == OperandSource::kPrepacked;
    block.b = phase_.BufferPointer(prepacked ? spec_.b_buffer : workspace_.packed_buffer);
    block.panel_base =
        math_.Mul(math_.Mul(block.batch, math_.CeilDiv(n, kPanel)), math_.Mul(K(), kPanel));
  } else {
    block.b = pointer(spec_.b_buffer, spec_.b_offset, &ContractionDim::b);
  }
  return block;
}

void PhaseEmitter::EmitMain() {
  phase_.ForEachTile([&](Value tile) {
    Block block = DecodeBlock(tile);
    if (plan_.single_block) {
      EmitRows(&block);
    } else {
      EmitKBlocks(&block);
    }
  });
}

// All of k at once: each strip of rows goes from registers through scratch to its output.
void PhaseEmitter::EmitRows(Block* block) {
  if (plan_.b_source == OperandSource::kPackedTile) PackBlock(block, 0, K(), true);
  EmitTiles(block, block->row_begin, block->row_end, 0, K(), /*add_to_block=*/false,
            [&](Index row, Index count) {
              ForRows(
                  block, row, count, 0,
                  [&](Index slot, Index column, int lanes) { return LoadSum(slot, column, lanes); },
                  [&](Value value, int lanes, Index r, Index column) {
                    FinalOutput(block, value, lanes, r, column);
                  });
            });
}

// Blocks of k, each for the whole block of sums in scratch; chunks are summed at their ends.
void PhaseEmitter::EmitKBlocks(Block* block) {
  const Index k = K();
  const Index rows = math_.Sub(block->row_end, block->row_begin);
  Index chunk_begin = 0, chunk_end = math_.Max(math_.CeilDiv(k, kContractionChunk), 1);
  const bool one_chunk = chunk_end.Is(1);
  if (plan_.split_k) chunk_begin = block->chunk, chunk_end = math_.Add(block->chunk, 1);
  math_.For(chunk_begin, chunk_end, 1, [&](Index chunk) {
    const mlir::Type vector = loops_.AccumulatorVector(plan_.lanes);
    Value zero = phase_.builder().create<arith::ConstantOp>(phase_.loc(),
                                                            phase_.builder().getZeroAttr(vector));
    const Index elements = math_.Mul(rows, SumStride());
    math_.For(0, elements, plan_.lanes, [&](Index i) {
      phase_.Store(KernelModule::kScratch, SumPointer(0, math_.Sub(i, plan_.lanes)), zero);
    });
    const Index first = math_.Mul(chunk, kContractionChunk);
    const Index last = math_.Min(math_.Add(first, kContractionChunk), k);
    math_.For(first, last, plan_.k_block, [&](Index from) {
      const Index to = math_.Min(math_.Add(from, plan_.k_block), last);
      if (plan_.b_source == OperandSource::kPackedTile) PackBlock(block, from, to, false);
      EmitTiles(block, block->row_begin, block->row_end, from, to, /*add_to_block=*/true, nullptr);
    });
    if (!plan_.split_k && !one_chunk) CombineChunk(block, math_.Sub(chunk, chunk_begin));
  });
  const bool partial = plan_.split_k;
  ForRows(
      block, block->row_begin, rows, 0,
      [&](Index slot, Index column, int lanes) {
        return phase_.Load(KernelModule::kScratch, SumPointer(slot, column, !partial && !one_chunk),
                           loops_.AccumulatorVector(lanes));
      },
      [&](Value value, int lanes, Index row, Index column) {
        if (partial) return PartialOutput(block, value, lanes, row, column);
        FinalOutput(block, value, lanes, row, column);
      });
}

// The second block of sums holds the chunks so far: = for the first chunk, += for later ones.
void PhaseEmitter::CombineChunk(Block* block, Index chunk) {
  const Index elements = math_.Mul(math_.Sub(block->row_end, block->row_begin), SumStride());
  const mlir::Type vector = loops_.AccumulatorVector(plan_.lanes);
  auto combine = [&](bool first) {
    math_.For(0, elements, plan_.lanes, [&](Index i) {
      const Index at = math_.Sub(i, plan_.lanes);
      Value sum = phase_.Load(KernelModule::kScratch, SumPointer(0, at), vector);
      Value target = SumPointer(0, at, true);
      if (!first) {
        Value before = phase_.Load(KernelModule::kScratch, target, vector);
        sum = mlir::isa<mlir::FloatType>(loops_.accumulator())
                  ? Value(phase_.builder().create<arith::AddFOp>(phase_.loc(), before, sum))
                  : Value(phase_.builder().create<arith::AddIOp>(phase_.loc(), before, sum));
      }
      phase_.Store(KernelModule::kScratch, target, sum);
    });
  };
  if (chunk.is_static()) return combine(chunk.Is(0));
  math_.If(
      math_.Equal(chunk, 0), [&] { combine(true); }, [&] { combine(false); });
}

void PhaseEmitter::EmitTiles(Block* block, Index row_begin, Index row_end, Index first, Index last,
                             bool add_to_block,
                             const std::function<void(Index, Index)>& after_tile) {
  const int rows = plan_.rows;
  Index full_end = row_end;
  if (plan_.full_rows < 0) {
    full_end = math_.Sub(row_end, math_.Rem(math_.Sub(row_end, row_begin), rows));
  } else if (plan_.full_rows < loops_.Extent(spec_.m).constant()) {
    full_end = math_.Min(row_end, plan_.full_rows);
  }
  auto slot = [&](Index row) { return add_to_block ? math_.Sub(row, row_begin) : Index(0); };
  math_.For(row_begin, full_end, rows, [&](Index row) {
    EmitTile(block, row, rows, rows, slot(row), first, last, add_to_block);
    if (after_tile) after_tile(row, rows);
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
    EmitTile(block, row, plan_.tail_rows, valid, slot(row), first, last, add_to_block);
    if (after_tile) after_tile(row, valid);
  });
}

// A strip of `rows` rows for all columns of the block. Rows from valid_rows on repeat the last
// valid one; nobody reads their sums.
void PhaseEmitter::EmitTile(Block* block, Index row, int rows, Index valid_rows, Index slot_row,
                            Index first, Index last, bool reload) {
  const std::vector<ContractionDim> in_a = CollapseDims(spec_.m, true, false, false);
  std::vector<Value> row_pointers;
  for (int i = 0; i < rows; ++i) {
    Index clamped = i;
    if (!valid_rows.is_static()) clamped = math_.Min(i, math_.Sub(valid_rows, 1));
    if (in_a.size() <= 1 && i > 0 && clamped.is_static()) {
      // Constant displacements from the first row.
      const Index step = in_a.empty() ? Index(0) : math_.Mul(i, loops_.Size(in_a[0].a));
      row_pointers.push_back(math_.Offset(row_pointers[0], loops_.input(), step));
      continue;
    }
    const Index offset = loops_.OffsetOf(spec_.m, &ContractionDim::a, math_.Add(row, clamped));
    row_pointers.push_back(math_.Offset(block->a, loops_.input(), offset));
  }
  const int64_t width = int64_t{plan_.vectors} * plan_.lanes;
  const mlir::Type vector = loops_.AccumulatorVector(plan_.lanes);
  math_.For(block->column_begin, block->column_end, width, [&](Index column) {
    // Where the vectors go in the block: their own columns, which for the last ones of a direct B
    // overlap earlier columns (equal sums are then stored twice).
    std::vector<Value> slots;
    ContractionLoops::Columns columns = ColumnPointers(block, column, first);
    std::vector<Index> starts;
    for (int j = 0; j < plan_.vectors; ++j) {
      const int lane = j * plan_.lanes;
      const Index at = columns.packed ? math_.Add(column, lane) : DirectColumn(column, lane);
      starts.push_back(math_.Sub(at, block->column_begin));
    }
    auto slot_pointer = [&](int i, int j) { return SumPointer(math_.Add(slot_row, i), starts[j]); };
    std::vector<Value> sums;
    for (int i = 0; i < rows; ++i) {
      for (int j = 0; j < plan_.vectors; ++j) {
        if (reload) {
          sums.push_back(phase_.Load(KernelModule::kScratch, slot_pointer(i, j), vector));
        } else {
          sums.push_back(phase_.builder().create<arith::ConstantOp>(
              phase_.loc(), phase_.builder().getZeroAttr(vector)));
        }
      }
    }
    sums = loops_.MicroKernel(row_pointers, columns, first, last, plan_.single_block, sums);
    for (int i = 0; i < rows; ++i) {
      for (int j = 0; j < plan_.vectors; ++j) {
        phase_.Store(KernelModule::kScratch, slot_pointer(i, j), sums[i * plan_.vectors + j]);
      }
    }
  });
}

// Vectors of a direct B never reach beyond N: the last ones begin earlier instead.
Index PhaseEmitter::DirectColumn(Index column, int lane) {
  const int64_t n = loops_.Extent(spec_.n).constant();  // a direct B has static columns
  const Index at = math_.Add(column, lane);
  if (n % (plan_.vectors * plan_.lanes) == 0) return at;
  return math_.Min(at, n - plan_.lanes);
}

ContractionLoops::Columns PhaseEmitter::ColumnPointers(Block* block, Index column, Index first) {
  ContractionLoops::Columns result;
  const Index n = loops_.Extent(spec_.n);
  if (plan_.b_source == OperandSource::kDirect) {
    result.buffer = spec_.b_buffer;
    for (int j = 0; j < plan_.vectors; ++j) {
      result.pointers.push_back(
          math_.Offset(block->b, loops_.input(), DirectColumn(column, j * plan_.lanes)));
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
  Value base = in_scratch ? PackedScratch()
                          : math_.Offset(block->b, loops_.accumulator(), block->panel_base);
  const Index origin = in_scratch ? math_.Sub(column, block->column_begin) : column;
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

void PhaseEmitter::PackBlock(Block* block, Index first, Index last, bool whole) {
  const int64_t columns = (plan_.tile_columns + kPanel - 1) / kPanel * kPanel;
  loops_.PackPanels(block->b, block->column_begin, columns, first, last, whole, PackedScratch(),
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

// --- outputs ---------------------------------------------------------------------------------

void PhaseEmitter::ForRows(Block* block, Index first_row, Index count, Index slot_row,
                           const std::function<Value(Index, Index, int)>& load,
                           const Output& output) {
  const Index columns = math_.Sub(block->column_end, block->column_begin);
  const int lanes = plan_.store_lanes;
  math_.For(0, count, 1, [&](Index i) {
    const Index row = math_.Add(first_row, i), slot = math_.Add(slot_row, i);
    auto emit = [&](Index from, Index to, int width) {
      math_.For(from, to, width, [&](Index column) {
        output(load(slot, column, width), width, row, math_.Add(block->column_begin, column));
      });
    };
    const Index n = loops_.Extent(spec_.n);
    const bool even = n.is_static() && n.constant() % lanes == 0 && plan_.tile_columns % lanes == 0;
    const Index full = even ? columns : math_.Mul(math_.Div(columns, lanes), lanes);
    emit(0, full, lanes);
    if (!even) emit(full, columns, 1);
  });
}

std::vector<Value> PhaseEmitter::OriginalIndices(Index batch, Index row, Index column) {
  if (plan_.swapped) std::swap(row, column);
  std::vector<Value> indices;
  for (const auto& [dims, linear] :
       {std::pair(&original_.batch, batch), std::pair(&original_.m, row),
        std::pair(&original_.n, column)}) {
    for (const Index& index : loops_.Decode(*dims, linear)) {
      indices.push_back(math_.ToValue(index));
    }
  }
  return indices;
}

void PhaseEmitter::FinalOutput(Block* block, Value value, int lanes, Index row, Index column) {
  OutputPosition position;
  position.lanes = lanes;
  if (original_.needs_indices) {
    position.indices = OriginalIndices(block->batch, row, column);
    const std::vector<ContractionDim>& dims = plan_.swapped ? original_.m : original_.n;
    size_t last = original_.batch.size() + (plan_.swapped ? 0 : original_.m.size()) + dims.size();
    // Lanes run along the innermost dimension that is not 1.
    for (size_t i = dims.size(); i > 1 && dims[i - 1].extent == SizeRef::Static(1); --i) --last;
    position.vector_dim = static_cast<int>(last) - 1;
  }
  Index offset = math_.Add(loops_.Size(spec_.out_offset),
                           loops_.OffsetOf(spec_.batch, &ContractionDim::out, block->batch));
  offset = math_.Add(offset, loops_.OffsetOf(spec_.m, &ContractionDim::out, row));
  offset = math_.Add(offset, loops_.OffsetOf(spec_.n, &ContractionDim::out, column));
  position.out_offset = math_.ToValue(offset);
  if (callbacks_.epilogue) value = callbacks_.epilogue(phase_, value, position);
  if (callbacks_.store) return callbacks_.store(phase_, value, position);
  DefaultStore(value, position);
}

void PhaseEmitter::DefaultStore(Value value, const OutputPosition& position) {
  mlir::OpBuilder& b = phase_.builder();
  const mlir::Type element = ElementMlirType(b, spec_.out_type);
  mlir::Type type = element;
  if (position.lanes > 1) type = mlir::VectorType::get({position.lanes}, element);
  value = RoundSums(phase_, value, type);
  Value pointer =
      phase_.Offset(phase_.BufferPointer(spec_.out_buffer), element, position.out_offset);
  phase_.Store(spec_.out_buffer, pointer, value);
}

Index PhaseEmitter::PartialOffset(Index chunk, Index batch, Index row, Index column) {
  Index linear = math_.Add(math_.Mul(chunk, loops_.Extent(spec_.batch)), batch);
  linear = math_.Add(math_.Mul(linear, loops_.Extent(spec_.m)), row);
  return math_.Add(math_.Mul(linear, loops_.Extent(spec_.n)), column);
}

void PhaseEmitter::PartialOutput(Block* block, Value value, int, Index row, Index column) {
  const Index offset = PartialOffset(block->chunk, block->batch, row, column);
  Value base = phase_.BufferPointer(workspace_.partial_buffer);
  phase_.Store(workspace_.partial_buffer, math_.Offset(base, loops_.accumulator(), offset), value);
}

// --- phase: sum of partials ------------------------------------------------------------------

void PhaseEmitter::EmitSumOfPartials() {
  const Index m = loops_.Extent(spec_.m);
  const Index chunks = math_.Max(math_.CeilDiv(K(), kContractionChunk), 1);
  phase_.ForEachTile([&](Value tile) {
    Block block{math_.Div(tile, m), 0, math_.Rem(tile, m), 0, 0, loops_.Extent(spec_.n), {}, {}, 0};
    block.row_end = math_.Add(block.row_begin, 1);
    auto load = [&](Index chunk, Index column, int lanes) {
      const Index offset = PartialOffset(chunk, block.batch, block.row_begin, column);
      Value base = phase_.BufferPointer(workspace_.partial_buffer);
      return phase_.Load(workspace_.partial_buffer,
                         math_.Offset(base, loops_.accumulator(), offset),
                         loops_.AccumulatorVector(lanes));
    };
    ForRows(
        &block, block.row_begin, 1, 0,
        [&](Index, Index column, int lanes) {
          std::vector<Value> sum =
              math_.For(1, chunks, 1, {load(0, column, lanes)},
                        [&](Index chunk, const std::vector<Value>& sums) -> std::vector<Value> {
                          Value part = load(chunk, column, lanes);
                          mlir::OpBuilder& b = phase_.builder();
                          if (mlir::isa<mlir::FloatType>(loops_.accumulator())) {
                            return {b.create<arith::AddFOp>(phase_.loc(), sums[0], part)};
                          }
                          return {b.create<arith::AddIOp>(phase_.loc(), sums[0], part)};
                        });
          return sum[0];
        },
        [&](Value value, int lanes, Index row, Index column) {
          FinalOutput(&block, value, lanes, row, column);
        });
  });
}

}  // namespace

Value RoundSums(PhaseBuilder& phase, Value sums, mlir::Type type) {
  if (sums.getType() == type) return sums;
  mlir::OpBuilder& b = phase.builder();
  const mlir::Type from = mlir::getElementTypeOrSelf(sums.getType());
  const mlir::Type to = mlir::getElementTypeOrSelf(type);
  if (mlir::isa<mlir::IntegerType>(to)) {
    return b.create<arith::TruncIOp>(phase.loc(), type, sums);
  }
  if (to.getIntOrFloatBitWidth() < from.getIntOrFloatBitWidth()) {
    return b.create<arith::TruncFOp>(phase.loc(), type, sums);
  }
  return b.create<arith::ExtFOp>(phase.loc(), type, sums);
}

absl::Status EmitContraction(const ContractionPlan& plan, const ContractionSpec& spec,
                             const ContractionWorkspace& workspace,
                             const ContractionCallbacks& callbacks, KernelModule* kernel) {
  const int buffers = kernel->signature().buffers;
  auto missing = [&](bool needed, int buffer) {
    return needed && (buffer < 0 || buffer >= buffers);
  };
  if (missing(plan.needs_packed_buffer(), workspace.packed_buffer) ||
      missing(plan.needs_partial_buffer(), workspace.partial_buffer) ||
      missing(true, std::max({spec.a_buffer, spec.b_buffer, spec.out_buffer}))) {
    return absl::InvalidArgumentError("contraction: the kernel lacks a buffer that the plan needs");
  }
  int phase = 0;
  std::vector<std::unique_ptr<PhaseBuilder>> owned;
  auto emit = [&](void (PhaseEmitter::*body)()) {
    PhaseBuilder* builder = nullptr;
    if (callbacks.add_phase) {
      builder = callbacks.add_phase(phase++);
    } else {
      owned.push_back(std::make_unique<PhaseBuilder>(kernel));
      builder = owned.back().get();
    }
    PhaseEmitter emitter(plan, spec, workspace, callbacks, builder);
    (emitter.*body)();
  };
  if (plan.b_source == OperandSource::kPackedPhase) emit(&PhaseEmitter::EmitPack);
  emit(&PhaseEmitter::EmitMain);
  if (plan.split_k) emit(&PhaseEmitter::EmitSumOfPartials);
  return absl::OkStatus();
}

}  // namespace stator::compiler
