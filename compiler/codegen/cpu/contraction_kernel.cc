#include "compiler/codegen/cpu/contraction_kernel.h"

#include <algorithm>
#include <memory>

#include "compiler/codegen/cpu/contraction_phase.h"
#include "mlir/Dialect/Arith/IR/Arith.h"

namespace stator::compiler {

namespace arith = mlir::arith;
using mlir::Value;

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
    const Block block = DecodeBlock(tile);
    if (plan_.single_block) {
      EmitRows(block);
    } else {
      EmitKBlocks(block);
    }
  });
}

// All of k at once: each strip of rows goes from registers through scratch to its output.
void PhaseEmitter::EmitRows(const Block& block) {
  if (plan_.b_source == OperandSource::kPackedTile) PackBlock(block, 0, K(), true);
  ForStrips(block.row_begin, block.row_end, [&](const Strip& strip) {
    const std::vector<Value> rows = RowPointers(block, strip);
    ForColumns(block, [&](Index column) { EmitTile(block, rows, 0, column, 0, K(), false); });
    ForRows(
        block, strip.row, strip.valid, 0,
        [&](Index slot, Index column, int lanes) { return LoadSum(slot, column, lanes); },
        [&](Value value, int lanes, Index row, Index column) {
          FinalOutput(block, value, lanes, row, column);
        });
  });
}

// The sums of one block of k are added to the block of sums.
void PhaseEmitter::EmitKBlock(const Block& block, Index first, Index last) {
  ForStrips(block.row_begin, block.row_end, [&](const Strip& strip) {
    const std::vector<Value> rows = RowPointers(block, strip);
    const Index slot = math_.Sub(strip.row, block.row_begin);
    ForColumns(block,
               [&](Index column) { EmitTile(block, rows, slot, column, first, last, true); });
  });
}

// Blocks of k, each for the whole block of sums in scratch; chunks are summed at their ends.
void PhaseEmitter::EmitKBlocks(const Block& block) {
  const Index k = K();
  const Index rows = math_.Sub(block.row_end, block.row_begin);
  Index chunk_begin = 0, chunk_end = math_.Max(math_.CeilDiv(k, kContractionChunk), 1);
  const bool one_chunk = chunk_end.Is(1);
  if (plan_.split_k) chunk_begin = block.chunk, chunk_end = math_.Add(block.chunk, 1);
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
      EmitKBlock(block, from, to);
    });
    if (!plan_.split_k && !one_chunk) CombineChunk(block, math_.Sub(chunk, chunk_begin));
  });
  const bool partial = plan_.split_k;
  ForRows(
      block, block.row_begin, rows, 0,
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
void PhaseEmitter::CombineChunk(const Block& block, Index chunk) {
  const Index elements = math_.Mul(math_.Sub(block.row_end, block.row_begin), SumStride());
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
        block, block.row_begin, 1, 0,
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
          FinalOutput(block, value, lanes, row, column);
        });
  });
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
