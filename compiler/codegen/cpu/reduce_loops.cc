#include "compiler/codegen/cpu/reduce_loops.h"

#include <algorithm>

#include "compiler/codegen/cpu/iteration_space.h"
#include "compiler/codegen/cpu/loop_kernel.h"
#include "llvm/Support/MathExtras.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"

namespace stator::compiler {
namespace {

namespace arith = mlir::arith;
namespace LLVM = mlir::LLVM;
using core::DimExpr;
using mlir::Type;
using mlir::Value;

// Results of 2^k blocks, for each k that a count of blocks can have.
constexpr int kSlots = 48;
// Elements of a sum that are computed ahead where they do not lie along one run.
constexpr int64_t kChunk = 2048;

}  // namespace

ReduceShape::ReduceShape(core::ReduceOp op) : operand(core::DimsOf(op.getOperand())) {
  llvm::SmallVector<int64_t> dims(op.getDimensions());
  source.resize(operand.size());
  int64_t next = 0;
  for (bool is_reduced : {false, true}) {
    for (size_t i = 0; i < operand.size(); ++i) {
      if (llvm::is_contained(dims, static_cast<int64_t>(i)) != is_reduced) continue;
      (is_reduced ? reduced : kept).push_back(operand[i]);
      source[i] = next++;
    }
  }
  core::DimContext& context = core::DimContextOf(op.getContext());
  count = core::Product(context, reduced);
  if (auto accumulate = op.getAccumulateAttr()) {
    order = {accumulate.getLanes(), accumulate.getBlock()};
  } else {
    const int64_t last = static_cast<int64_t>(operand.size()) - 1;
    order = core::ReductionOrder(core::ElementTypeOf(op.getOperand()).isF64(),
                                 llvm::is_contained(dims, last));
  }
}

bool ReduceShape::OneBlock() const {
  return core::ProvablyLessEqual(count, count.context().Constant(order.block));
}

DimExpr ReduceShape::Blocks() const { return core::Max(core::CeilDiv(count, order.block), 1); }

ReduceLoops::ReduceLoops(ElementEmitter* emitter, core::ReduceOp op)
    : e_(*emitter),
      op_(op),
      shape_(op),
      state_(emitter, op.getKind(), core::ElementTypeOf(op.getOperand()),
             core::ElementTypeOf(op.getResult())),
      vector_lanes_(NaturalLanes(emitter->kernel(), {op.getOperand()})) {
  if (shape_.order.lanes > 1) {
    vector_lanes_ = static_cast<int>(std::min<int64_t>(vector_lanes_, shape_.order.lanes));
  }
  const std::vector<bool> joinable = JoinableDims(
      {op.getOperand()}, [&](Value value) { return emitter->kernel().BufferOf(value) != nullptr; });
  // Going outwards from the last reduced dimension.
  llvm::SmallVector<int64_t> dims(op.getDimensions());
  llvm::sort(dims);
  size_t inner = dims.empty() ? 0 : 1;
  while (inner < dims.size()) {
    const int64_t next = dims[dims.size() - inner], dim = dims[dims.size() - inner - 1];
    if (dim + 1 != next || !joinable[dim]) break;
    ++inner;
  }
  outer_.assign(shape_.reduced.begin(), shape_.reduced.end() - inner);
  inner_.assign(shape_.reduced.end() - inner, shape_.reduced.end());
}

Value ReduceLoops::Operand(const Kept& kept, const LaneIndex& reduced, int lanes) {
  auto at = [&](std::vector<IndexGroup> positions) {
    std::vector<IndexGroup> groups = kept;
    groups.insert(groups.end(), positions.begin(), positions.end());
    IndexSet all = e_.sets().Make(std::move(groups), lanes);
    return e_.Emit(op_.getOperand(), e_.sets().Select(all, shape_.source, shape_.operand));
  };
  if (shape_.reduced.empty()) return at({});
  if (outer_.empty() || InChunks() || !reduced.step.Is(1)) return at({{shape_.reduced, reduced}});
  // Vectors begin at multiples of their length, so they stay in one inner run.
  IntMath& math = e_.math();
  const Int length = math.PositiveDim(core::Product(shape_.count.context(), inner_));
  const Int row = math.Div(reduced.base, length), column = math.Rem(reduced.base, length);
  return at({{outer_, row}, {inner_, LaneIndex(column, 1, lanes)}});
}

bool ReduceLoops::InChunks() const {
  return shape_.order.lanes > 1 && !outer_.empty() &&
         core::Product(shape_.count.context(), inner_).Divisor() % vector_lanes_ != 0;
}

// Computes elements [from, to) run by run into the scratch, at most kChunk of them.
void ReduceLoops::FillChunk(const Kept& kept, Int from, Int to) {
  IntMath& math = e_.math();
  const int lanes = vector_lanes_;
  const Type element = state_.Component(0);
  const Int length = math.PositiveDim(core::Product(shape_.count.context(), inner_));
  const Int end_row = math.Div(math.Add(to, math.Sub(length, 1)), length);
  e_.For(math.Div(from, length), end_row, 1, false, [&](Int row) {
    const Int begin = math.Mul(row, length);
    const Int low = math.Max(begin, from), high = math.Min(math.Add(begin, length), to);
    VectorLoop(&e_, math.Sub(low, begin), math.Sub(high, begin), lanes, [&](LaneIndex column) {
      std::vector<IndexGroup> groups = kept;
      groups.push_back({outer_, row});
      groups.push_back({inner_, column});
      IndexSet all = e_.sets().Make(std::move(groups), lanes);
      Value x = e_.Emit(op_.getOperand(), e_.sets().Select(all, shape_.source, shape_.operand));
      x = state_.Of(x, column, lanes)[0];
      const Int at = math.Sub(math.Add(begin, column.base), from);
      e_.StoreScratch(math.Add(math.Mul(at, ElementBytes(element)), chunk_), element, x, true);
    });
  });
}

ReduceLoops::Values ReduceLoops::Element(const Kept& kept, const LaneIndex& reduced, int lanes) {
  return state_.Of(Operand(kept, reduced, lanes), reduced, lanes);
}

ReduceLoops::Values ReduceLoops::Block(const Kept& kept, Int from, Int to) {
  IntMath& math = e_.math();
  const int width = vector_lanes_, lanes = static_cast<int>(shape_.order.lanes);
  const int parts = lanes / width, components = state_.components();
  Values identity = state_.Identity(width), flat;
  for (int i = 0; i < parts; ++i) flat.append(identity.begin(), identity.end());
  if (InChunks()) {
    const Type element = state_.Component(0);
    const int64_t bytes = ElementBytes(element);
    if (chunk_ < 0) chunk_ = e_.kernel().ReserveScratch((kChunk + lanes) * bytes);
    flat = e_.For(from, to, kChunk, false, flat, [&](Int begin, const Values& old) {
      const Int end = math.Min(math.Add(begin, kChunk), to);
      FillChunk(kept, begin, end);
      return Accumulate(old, begin, end, [&](const LaneIndex& i) {
        const Int at = math.Mul(math.Sub(i.base, begin), bytes);
        return state_.OfConverted(e_.LoadScratch(math.Add(at, chunk_), element, width), i, width);
      });
    });
  } else {
    flat = Accumulate(flat, from, to, [&](const LaneIndex& i) { return Element(kept, i, width); });
  }
  const Int count = math.Sub(to, from);
  int live = lanes;
  if (count.IsConstant() && count.constant < lanes) {
    live = static_cast<int>(llvm::PowerOf2Ceil(std::max<int64_t>(1, count.constant)));
  }
  std::vector<Values> vectors;
  for (int p = 0; p < parts; ++p) {
    vectors.push_back(Values(flat.begin() + p * components, flat.begin() + (p + 1) * components));
  }
  return state_.Tree(std::move(vectors), live);
}

// Continues the lanes' states with elements [from, to), where `from` is a multiple of the lanes.
ReduceLoops::Values ReduceLoops::Accumulate(const Values& initial, Int from, Int to,
                                            const ElementsAt& element) {
  IntMath& math = e_.math();
  const int width = vector_lanes_, lanes = static_cast<int>(shape_.order.lanes);
  const int parts = lanes / width, components = state_.components();
  const Int count = math.Sub(to, from);
  Values flat = initial;
  auto at = [&](Int position) { return LaneIndex(position, 1, width); };
  auto part = [&](const Values& all, int i) {
    return Values(all.begin() + i * components, all.begin() + (i + 1) * components);
  };
  const Int whole = math.AlignDown(count, lanes), whole_end = math.Add(from, whole);
  if (!whole.Is(0)) {
    flat = e_.For(from, whole_end, lanes, whole.IsConstant(), flat, [&](Int i, const Values& old) {
      Values next;
      for (int p = 0; p < parts; ++p) {
        Values elements = element(at(math.Add(i, p * width)));
        next.append(state_.Combine(part(old, p), elements));
      }
      return next;
    });
  }
  const Int rest = math.Sub(count, whole);
  auto last = [&](Int i, Int here, const Values& old) {
    if (here.Is(width)) return state_.Combine(old, element(at(i)));
    Values next;
    e_.WithFirstLanes(here, width, [&] {
      next = state_.Combine(old, element(at(i)));
      if (e_.mask() != nullptr) next = state_.Select(e_.mask(), next, old);
    });
    return next;
  };
  for (int p = 0; p < parts; ++p) {
    const Int begin = math.Add(whole_end, p * width);
    Values result;
    if (rest.IsConstant()) {
      if (rest.constant <= p * width) break;
      result = last(begin, std::min<int64_t>(rest.constant - p * width, width), part(flat, p));
    } else {
      // At most one iteration: the step only has to reach beyond the rest.
      result = e_.For(begin, to, lanes, false, part(flat, p), [&](Int i, const Values& old) {
        return last(i, math.Min(math.Sub(to, i), width), old);
      });
    }
    std::copy(result.begin(), result.end(), flat.begin() + p * components);
  }
  return flat;
}

ReduceLoops::Values ReduceLoops::AllBlocks(const Kept& kept) {
  IntMath& math = e_.math();
  const Int count = math.Dim(shape_.count);
  if (shape_.OneBlock()) return Block(kept, 0, count);
  return Tree(math.Dim(shape_.Blocks()), 1, [&](Int b) {
    const Int from = math.Mul(b, shape_.order.block);
    return Block(kept, from, math.Min(math.Add(from, shape_.order.block), count));
  });
}

std::vector<ReduceLoops::Values> ReduceLoops::Sequence(const std::vector<Kept>& kept, int lanes,
                                                       Int from, Int to) {
  const size_t components = state_.components();
  const Values identity = state_.Identity(lanes);
  Values flat;
  for (size_t i = 0; i < kept.size(); ++i) flat.append(identity.begin(), identity.end());
  auto part = [&](const Values& all, size_t i) {
    return Values(all.begin() + i * components, all.begin() + (i + 1) * components);
  };
  flat = e_.For(from, to, 1, false, flat, [&](Int i, const Values& old) {
    Values next;
    for (size_t p = 0; p < kept.size(); ++p) {
      next.append(state_.Combine(part(old, p), Element(kept[p], i, lanes)));
    }
    return next;
  });
  std::vector<Values> states;
  for (size_t p = 0; p < kept.size(); ++p) states.push_back(part(flat, p));
  return states;
}

int64_t ReduceLoops::SlotBytes(int component, int lanes) {
  return llvm::alignTo(ElementBytes(state_.Component(component)) * lanes, 64);
}

ReduceLoops::Values ReduceLoops::LoadSlot(Int slot, int lanes) {
  Values state;
  int64_t offset = slots_;
  for (int i = 0; i < state_.components(); ++i) {
    const Int at = e_.math().Add(e_.math().Mul(slot, SlotBytes(i, lanes)), offset);
    state.push_back(e_.LoadScratch(at, state_.Component(i), lanes));
    offset += kSlots * SlotBytes(i, lanes);
  }
  return state;
}

void ReduceLoops::StoreSlot(Int slot, const Values& state, int lanes) {
  int64_t offset = slots_;
  for (int i = 0; i < state_.components(); ++i) {
    const Int at = e_.math().Add(e_.math().Mul(slot, SlotBytes(i, lanes)), offset);
    e_.StoreScratch(at, state_.Component(i), state[i]);
    offset += kSlots * SlotBytes(i, lanes);
  }
}

// A binary counter: after block b, slot k is in use if bit k of b + 1 is set, and holds the state
// of 2^k consecutive blocks, those of higher slots coming first.
ReduceLoops::Values ReduceLoops::Tree(Int count, int lanes,
                                      const std::function<Values(Int)>& block) {
  if (count.Is(1)) return block(0);
  if (slots_ < 0) {
    int64_t bytes = 0;
    for (int i = 0; i < state_.components(); ++i) bytes += kSlots * SlotBytes(i, lanes);
    slots_ = e_.kernel().ReserveScratch(bytes);
  }
  IntMath& math = e_.math();
  mlir::OpBuilder& builder = e_.builder();
  const mlir::Location loc = e_.loc();
  const Type i64 = builder.getI64Type();
  auto trailing_zeros = [&](Value value) {
    return Int(Value(builder.create<LLVM::CountTrailingZerosOp>(loc, i64, value, false)));
  };
  auto earlier = [&](Int slot, const Values& state) {
    return state_.Combine(LoadSlot(slot, lanes), state);
  };
  e_.For(0, count, 1, true, [&](Int b) {
    Values state = block(b);
    const Int slot = trailing_zeros(math.Get(math.Add(b, 1)));
    state = e_.For(0, slot, 1, false, state, earlier);
    StoreSlot(slot, state, lanes);
  });
  Value blocks = math.Get(count);
  const Int first = trailing_zeros(blocks);
  const Int zeros = Int(Value(builder.create<LLVM::CountLeadingZerosOp>(loc, i64, blocks, false)));
  return e_.For(math.Add(first, 1), math.Sub(64, zeros), 1, false, LoadSlot(first, lanes),
                [&](Int slot, const Values& state) {
                  Value shifted = builder.create<arith::ShRUIOp>(loc, blocks, math.Get(slot));
                  Value bit = builder.create<arith::AndIOp>(loc, shifted, math.Get(1));
                  return e_.For(0, Int(bit), 1, false, state,
                                [&](Int, const Values& inner) { return earlier(slot, inner); });
                });
}

}  // namespace stator::compiler
