#include "compiler/codegen/cpu/contraction_loops.h"

#include <algorithm>
#include <utility>

#include "compiler/math/emit.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"

namespace stator::compiler {

namespace LLVM = mlir::LLVM;
namespace arith = mlir::arith;
using mlir::Value;

mlir::Type ElementMlirType(mlir::OpBuilder& b, ContractionType type) {
  switch (type) {
    case ContractionType::kF32:
      return b.getF32Type();
    case ContractionType::kF64:
      return b.getF64Type();
    case ContractionType::kBf16:
      return b.getBF16Type();
    case ContractionType::kF16:
      return b.getF16Type();
    case ContractionType::kI8:
      return b.getI8Type();
    case ContractionType::kI16:
      return b.getI16Type();
    case ContractionType::kI32:
      return b.getI32Type();
    case ContractionType::kI64:
      return b.getI64Type();
  }
  return {};
}

ContractionLoops::ContractionLoops(const ContractionPlan* plan, PhaseBuilder* phase)
    : plan_(plan),
      p_(phase),
      math_(phase),
      input_(ElementMlirType(phase->builder(), plan->spec.type)),
      accumulator_(ElementMlirType(phase->builder(), AccumulatorType(plan->spec.type))),
      accumulator_bytes_(ElementBytes(AccumulatorType(plan->spec.type))),
      k_(CollapseDims(plan->spec.k, true, plan->b_source == OperandSource::kDirect, false)),
      k_in_b_(CollapseDims(plan->spec.k, false, true, false)),
      n_in_b_(CollapseDims(plan->spec.n, false, true, false)) {
  const SizeRef one = SizeRef::Static(1);
  if (k_.empty()) k_.push_back({one, one, one, one});
  if (k_in_b_.empty()) k_in_b_.push_back({one, one, one, one});
}

Index ContractionLoops::Size(const SizeRef& size) {
  if (size.is_static()) return size.factor;
  return math_.Mul(p_->Scalar(size.scalar), size.factor);
}

Index ContractionLoops::Extent(const std::vector<ContractionDim>& dims) {
  Index product = 1;
  for (const ContractionDim& dim : dims) product = math_.Mul(product, Size(dim.extent));
  return product;
}

std::vector<Index> ContractionLoops::Decode(const std::vector<ContractionDim>& dims, Index linear) {
  std::vector<Index> indices(dims.size(), Index(0));
  for (size_t i = dims.size(); i-- > 0;) {
    const Index extent = Size(dims[i].extent);
    indices[i] = i == 0 ? linear : math_.Rem(linear, extent);
    if (i > 0) linear = math_.Div(linear, extent);
  }
  return indices;
}

Index ContractionLoops::OffsetOf(const std::vector<ContractionDim>& dims, Stride stride,
                                 Index linear) {
  const std::vector<ContractionDim> merged =
      CollapseDims(dims, stride == &ContractionDim::a, stride == &ContractionDim::b,
                   stride == &ContractionDim::out);
  const std::vector<Index> indices = Decode(merged, linear);
  Index offset = 0;
  for (size_t i = 0; i < merged.size(); ++i) {
    offset = math_.Add(offset, math_.Mul(indices[i], Size(merged[i].*stride)));
  }
  return offset;
}

mlir::Type ContractionLoops::AccumulatorVector(int lanes) const {
  if (lanes == 1) return accumulator_;
  return mlir::VectorType::get({lanes}, accumulator_);
}

Value ContractionLoops::LoadInput(int buffer, Value pointer, int lanes) {
  mlir::Type type = input_;
  if (lanes > 1) type = mlir::VectorType::get({lanes}, type);
  Value value = p_->Load(buffer, pointer, type);
  if (input_ == accumulator_) return value;
  if (mlir::isa<mlir::IntegerType>(input_)) {
    return p_->builder().create<arith::ExtSIOp>(p_->loc(), AccumulatorVector(lanes), value);
  }
  return ConvertFloat(value, accumulator_);
}

Value ContractionLoops::ConvertFloat(Value value, mlir::Type element) {
  EmitOptions options;
  options.converts_f16 = plan_->converts_f16;
  return EmitConvertFloat(p_->builder(), p_->loc(), value, mlir::cast<mlir::FloatType>(element),
                          options);
}

// The micro-kernel's ops are LLVM's own: they need no conversion later, which for hundreds of
// unrolled steps is most of the lowering time.
Value ContractionLoops::MultiplyAdd(Value a, Value b, Value sum) {
  mlir::OpBuilder& builder = p_->builder();
  if (mlir::isa<mlir::FloatType>(accumulator_)) {
    return builder.create<LLVM::FMAOp>(p_->loc(), a, b, sum);
  }
  return builder.create<LLVM::AddOp>(p_->loc(), sum, builder.create<LLVM::MulOp>(p_->loc(), a, b));
}

Value ContractionLoops::Broadcast(Value scalar, int lanes) {
  if (lanes == 1) return scalar;
  mlir::OpBuilder& b = p_->builder();
  Value undef = b.create<LLVM::UndefOp>(p_->loc(), AccumulatorVector(lanes));
  Value zero = b.create<LLVM::ConstantOp>(p_->loc(), b.getI32Type(), 0);
  Value first = b.create<LLVM::InsertElementOp>(p_->loc(), undef, scalar, zero);
  return b.create<LLVM::ShuffleVectorOp>(p_->loc(), first, undef,
                                         llvm::SmallVector<int32_t>(lanes, 0));
}

std::vector<Value> ContractionLoops::WalkK(const std::vector<ContractionDim>& dims, Index first,
                                           Index last, bool whole, std::vector<Value> carried,
                                           const RunBody& body) {
  const ContractionDim& inner = dims.back();
  const Index a = Size(inner.a), b = Size(inner.b), extent = Size(inner.extent);
  const std::vector<ContractionDim> outer(dims.begin(), dims.end() - 1);
  if (outer.empty()) {
    Run run{math_.Mul(first, a), math_.Mul(first, b), first, math_.Sub(last, first), false};
    return body(run, carried);
  }
  // A row is one position of the outer dimensions.
  auto piece = [&](Index row, Index low, Index length, bool partial,
                   const std::vector<Value>& values) {
    Index a_offset = math_.Add(OffsetOf(outer, &ContractionDim::a, row), math_.Mul(low, a));
    Index b_offset = math_.Add(OffsetOf(outer, &ContractionDim::b, row), math_.Mul(low, b));
    Index k = math_.Add(math_.Mul(row, extent), low);
    return body(Run{a_offset, b_offset, k, length, partial}, values);
  };
  auto rows = [&](Index from, Index to, const std::vector<Value>& values) {
    return math_.For(from, to, 1, values, [&](Index row, const std::vector<Value>& inside) {
      return piece(row, 0, extent, false, inside);
    });
  };
  if (whole) return rows(0, Extent(outer), carried);
  // [first, last) starts and ends anywhere: the end of a row, full rows, the start of a row.
  const Index divisor = math_.Max(extent, 1);  // nothing is walked where it is 0
  const Index first_row = math_.Div(first, divisor), low = math_.Rem(first, divisor);
  const Index full_begin = math_.Div(math_.Add(first, math_.Sub(divisor, 1)), divisor);
  const Index last_row = math_.Div(last, divisor), high = math_.Rem(last, divisor);
  // Lengths through loops of at most one iteration, which carry values where an if would not.
  const Index head = math_.Sub(math_.Min(last, math_.Mul(full_begin, extent)), first);
  carried =
      math_.For(0, math_.Min(head, 1), 1, carried, [&](Index, const std::vector<Value>& inside) {
        return piece(first_row, low, head, true, inside);
      });
  carried = rows(full_begin, last_row, carried);
  const Index has_tail = math_.Max(math_.Min(math_.Sub(math_.Add(last_row, 1), full_begin), 1), 0);
  const Index tail = math_.Mul(high, has_tail);
  return math_.For(0, math_.Min(tail, 1), 1, carried, [&](Index, const std::vector<Value>& inside) {
    return piece(last_row, 0, tail, true, inside);
  });
}

std::vector<Value> ContractionLoops::MicroSteps(const std::vector<Value>& rows,
                                                const Columns& columns, const Run& run,
                                                Index position, int count,
                                                std::vector<Value> sums) {
  const int lanes = plan_->lanes;
  const size_t vectors = columns.pointers.size();
  const Index a_stride = Size(k_.back().a);
  const Index b_stride = columns.packed ? Index(kPanel) : Size(k_.back().b);
  // One addition per row and vector, then constant displacements where the strides are known.
  const Index a_first = math_.Add(run.a_offset, math_.Mul(position, a_stride));
  Index b_first = math_.Add(run.b_offset, math_.Mul(position, b_stride));
  if (columns.packed) {
    b_first = math_.Mul(math_.Sub(math_.Add(run.k, position), columns.base), kPanel);
  }
  const mlir::Type b_type = columns.packed ? accumulator_ : input_;
  std::vector<Value> row_pointers, column_pointers;
  for (Value row : rows) row_pointers.push_back(math_.Offset(row, input_, a_first));
  for (Value column : columns.pointers) {
    column_pointers.push_back(math_.Offset(column, b_type, b_first));
  }
  for (int step = 0; step < count; ++step) {
    const Index a_step = math_.Mul(step, a_stride), b_step = math_.Mul(step, b_stride);
    std::vector<Value> b_values;
    for (Value pointer : column_pointers) {
      Value at = math_.Offset(pointer, b_type, b_step);
      b_values.push_back(columns.packed ? p_->Load(columns.buffer, at, AccumulatorVector(lanes))
                                        : LoadInput(columns.buffer, at, lanes));
    }
    for (size_t i = 0; i < rows.size(); ++i) {
      Value at = math_.Offset(row_pointers[i], input_, a_step);
      Value a = Broadcast(LoadInput(spec().a_buffer, at, 1), lanes);
      for (size_t j = 0; j < vectors; ++j) {
        Value& sum = sums[i * vectors + j];
        sum = MultiplyAdd(a, b_values[j], sum);
      }
    }
  }
  return sums;
}

std::vector<Value> ContractionLoops::MicroKernel(const std::vector<Value>& rows,
                                                 const Columns& columns, Index first, Index last,
                                                 bool whole, std::vector<Value> sums) {
  const int64_t unroll = rows.size() * columns.pointers.size() <= 4 ? 8 : 4;
  return WalkK(
      k_, first, last, whole, std::move(sums),
      [&](const Run& run, const std::vector<Value>& inside) {
        auto loop = [&](Index from, Index to, int64_t step, const std::vector<Value>& values) {
          return math_.For(from, to, step, values, [&](Index i, const std::vector<Value>& carried) {
            return MicroSteps(rows, columns, run, i, static_cast<int>(step), carried);
          });
        };
        if (run.partial) return loop(0, run.length, 1, inside);
        if (run.length.is_static()) {
          const int64_t length = run.length.constant();
          if (length <= 3 * unroll) {
            return MicroSteps(rows, columns, run, 0, static_cast<int>(length), inside);
          }
          const int64_t even = length / unroll * unroll;
          std::vector<Value> values = loop(0, even, unroll, inside);
          return MicroSteps(rows, columns, run, even, static_cast<int>(length - even), values);
        }
        const Index even = math_.Mul(math_.Div(run.length, unroll), unroll);
        return loop(even, run.length, 1, loop(0, even, unroll, inside));
      });
}

std::vector<Value> ContractionLoops::Transpose(std::vector<Value> rows) {
  // log2(n) rounds of perfect shuffles of row i with row i + n/2.
  const int n = static_cast<int>(rows.size());
  llvm::SmallVector<int32_t> low, high;
  for (int i = 0; i < n / 2; ++i) {
    low.append({i, n + i});
    high.append({n / 2 + i, n + n / 2 + i});
  }
  for (int round = 1; round < n; round *= 2) {
    std::vector<Value> next;
    for (int i = 0; i < n / 2; ++i) {
      for (const auto& mask : {low, high}) {
        next.push_back(
            p_->builder().create<LLVM::ShuffleVectorOp>(p_->loc(), rows[i], rows[i + n / 2], mask));
      }
    }
    rows = std::move(next);
  }
  return rows;
}

bool ContractionLoops::RowsAreContiguousInB() const {
  return n_in_b_.empty() || (n_in_b_.size() == 1 && n_in_b_[0].b == SizeRef::Static(1));
}

void ContractionLoops::PackPanels(Value b_base, Index column, int64_t columns, Index first,
                                  Index last, bool whole, Value target, int target_buffer,
                                  Index panel_rows) {
  const Index n = Extent(spec().n);
  auto by_panel = [&] {
    const Index end = math_.Min(math_.Add(column, columns), n);
    math_.For(column, end, kPanel, [&](Index at) {
      const Index skip = math_.Mul(math_.Sub(at, column), panel_rows);
      Value panel = math_.Offset(target, accumulator_, skip);
      PackPanel(b_base, at, first, last, whole, panel, target_buffer);
    });
  };
  if (!RowsAreContiguousInB()) return by_panel();
  // Whole rows at once: lines of B are read in order.
  auto by_row = [&] {
    WalkK(k_in_b_, first, last, whole, {}, [&](const Run& run, const std::vector<Value>&) {
      const Index skip = math_.Mul(math_.Sub(run.k, first), kPanel);
      PackRows(b_base, column, columns, run, math_.Offset(target, accumulator_, skip),
               target_buffer, panel_rows);
      return std::vector<Value>();
    });
  };
  if (n.is_static() && n.constant() % columns == 0) return by_row();
  math_.If(math_.Less(n, math_.Add(column, columns)), by_panel, by_row);
}

void ContractionLoops::PackPanel(Value b_base, Index column, Index first, Index last, bool whole,
                                 Value target, int buffer) {
  const bool transposed = !RowsAreContiguousInB() && k_in_b_.back().b == SizeRef::Static(1);
  std::vector<Value> pointers;
  if (transposed) {
    const Index end = Extent(spec().n);
    for (int i = 0; i < kPanel; ++i) {
      const Index clamped = math_.Min(math_.Add(column, i), math_.Sub(end, 1));
      pointers.push_back(
          math_.Offset(b_base, input_, OffsetOf(spec().n, &ContractionDim::b, clamped)));
    }
  }
  WalkK(k_in_b_, first, last, whole, {}, [&](const Run& run, const std::vector<Value>&) {
    const Index skip = math_.Mul(math_.Sub(run.k, first), kPanel);
    Value at = math_.Offset(target, accumulator_, skip);
    if (transposed) {
      PackTransposed(pointers, run, at, buffer);
    } else {
      PackScalar(b_base, column, run, at, buffer);
    }
    return std::vector<Value>();
  });
}

void ContractionLoops::PackRows(Value b_base, Index column, int64_t columns, const Run& run,
                                Value target, int buffer, Index panel_rows) {
  const int lanes = static_cast<int>(std::min<int64_t>(64 / accumulator_bytes_, kPanel));
  Value first = math_.Offset(b_base, input_, math_.Add(run.b_offset, column));
  math_.For(0, run.length, 1, [&](Index i) {
    Value from = math_.Offset(first, input_, math_.Mul(i, Size(k_in_b_.back().b)));
    Value to = math_.Offset(target, accumulator_, math_.Mul(i, kPanel));
    for (int64_t c = 0; c < columns; c += lanes) {
      Value value = LoadInput(spec().b_buffer, p_->Offset(from, input_, c), lanes);
      const Index panel = math_.Mul(math_.Mul(panel_rows, kPanel), c / kPanel);
      p_->Store(buffer, math_.Offset(to, accumulator_, math_.Add(panel, c % kPanel)), value);
    }
  });
}

void ContractionLoops::PackTransposed(const std::vector<Value>& columns, const Run& run,
                                      Value target, int buffer) {
  // Squares of `side` columns by `side` positions of k; 8 x 8 also where vectors are longer. Two
  // squares at a time use up a line of each column.
  const int side = std::min(8, static_cast<int>(32 / accumulator_bytes_));
  const int step = 2 * side;
  const Index even = math_.Mul(math_.Div(run.length, step), step);
  math_.For(0, even, step, [&](Index i) {
    const Index from = math_.Add(run.b_offset, i);
    Value to = math_.Offset(target, accumulator_, math_.Mul(i, kPanel));
    for (int c = 0; c < kPanel; c += side) {
      std::vector<Value> pointers;
      for (int j = 0; j < side; ++j) {
        pointers.push_back(math_.Offset(columns[c + j], input_, from));
      }
      for (int k = 0; k < step; k += side) {
        std::vector<Value> square;
        for (Value pointer : pointers) {
          square.push_back(
              LoadInput(spec().b_buffer, p_->Offset(pointer, input_, int64_t{k}), side));
        }
        square = Transpose(std::move(square));
        for (int j = 0; j < side; ++j) {
          const int64_t at = (k + j) * kPanel + c;
          p_->Store(buffer, p_->Offset(to, accumulator_, at), square[j]);
        }
      }
    }
  });
  math_.For(even, run.length, 1, [&](Index i) {
    const Index from = math_.Add(run.b_offset, i);
    Value to = math_.Offset(target, accumulator_, math_.Mul(i, kPanel));
    for (int c = 0; c < kPanel; ++c) {
      Value value = LoadInput(spec().b_buffer, math_.Offset(columns[c], input_, from), 1);
      p_->Store(buffer, p_->Offset(to, accumulator_, int64_t{c}), value);
    }
  });
}

void ContractionLoops::PackScalar(Value b_base, Index column, const Run& run, Value target,
                                  int buffer) {
  const Index last = math_.Sub(Extent(spec().n), 1);
  math_.For(0, kPanel, 1, [&](Index c) {
    Index clamped = math_.Min(math_.Add(column, c), last);
    Value from = math_.Offset(b_base, input_, OffsetOf(spec().n, &ContractionDim::b, clamped));
    math_.For(0, run.length, 1, [&](Index i) {
      Index offset = math_.Add(run.b_offset, math_.Mul(i, Size(k_in_b_.back().b)));
      Value value = LoadInput(spec().b_buffer, math_.Offset(from, input_, offset), 1);
      Index to = math_.Add(math_.Mul(i, kPanel), c);
      p_->Store(buffer, math_.Offset(target, accumulator_, to), value);
    });
  });
}

}  // namespace stator::compiler
