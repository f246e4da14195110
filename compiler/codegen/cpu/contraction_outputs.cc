#include <utility>

#include "compiler/codegen/cpu/contraction_phase.h"
#include "mlir/Dialect/Arith/IR/Arith.h"

// What becomes of sums: an epilogue, a result, or a partial result of a chunk of k.

namespace stator::compiler {

namespace arith = mlir::arith;
using mlir::Value;

void PhaseEmitter::ForRows(const Block& block, Index first_row, Index count, Index slot_row,
                           const std::function<Value(Index, Index, int)>& load,
                           const Output& output) {
  const Index columns = math_.Sub(block.column_end, block.column_begin);
  const int lanes = plan_.store_lanes;
  math_.For(0, count, 1, [&](Index i) {
    const Index row = math_.Add(first_row, i), slot = math_.Add(slot_row, i);
    auto emit = [&](Index from, Index to, int width) {
      math_.For(from, to, width, [&](Index column) {
        output(load(slot, column, width), width, row, math_.Add(block.column_begin, column));
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

void PhaseEmitter::FinalOutput(const Block& block, Value value, int lanes, Index row,
                               Index column) {
  OutputPosition position;
  position.lanes = lanes;
  if (original_.needs_indices) {
    position.indices = OriginalIndices(block.batch, row, column);
    const std::vector<ContractionDim>& dims = plan_.swapped ? original_.m : original_.n;
    size_t last = original_.batch.size() + (plan_.swapped ? 0 : original_.m.size()) + dims.size();
    // Lanes run along the innermost dimension that is not 1.
    for (size_t i = dims.size(); i > 1 && dims[i - 1].extent == SizeRef::Static(1); --i) --last;
    position.vector_dim = static_cast<int>(last) - 1;
  }
  Index offset = math_.Add(loops_.Size(spec_.out_offset),
                           loops_.OffsetOf(spec_.batch, &ContractionDim::out, block.batch));
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
  if (mlir::isa<mlir::FloatType>(element)) {
    value = loops_.ConvertFloat(value, element);
  } else if (type != value.getType()) {
    value = b.create<arith::TruncIOp>(phase_.loc(), type, value);
  }
  Value pointer =
      phase_.Offset(phase_.BufferPointer(spec_.out_buffer), element, position.out_offset);
  phase_.Store(spec_.out_buffer, pointer, value);
}

Index PhaseEmitter::PartialOffset(Index chunk, Index batch, Index row, Index column) {
  Index linear = math_.Add(math_.Mul(chunk, loops_.Extent(spec_.batch)), batch);
  linear = math_.Add(math_.Mul(linear, loops_.Extent(spec_.m)), row);
  return math_.Add(math_.Mul(linear, loops_.Extent(spec_.n)), column);
}

void PhaseEmitter::PartialOutput(const Block& block, Value value, int, Index row, Index column) {
  const Index offset = PartialOffset(block.chunk, block.batch, row, column);
  Value base = phase_.BufferPointer(workspace_.partial_buffer);
  phase_.Store(workspace_.partial_buffer, math_.Offset(base, loops_.accumulator(), offset), value);
}

}  // namespace stator::compiler
