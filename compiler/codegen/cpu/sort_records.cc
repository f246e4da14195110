#include "compiler/codegen/cpu/sort_records.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/IR/TypeUtilities.h"

namespace stator::compiler {
namespace {

namespace arith = mlir::arith;
using core::DimExpr;
using core::Dims;
using mlir::IntegerType;
using mlir::Type;
using mlir::Value;
using Predicate = arith::CmpIPredicate;

Type Like(Value like, Type element) {
  auto vector = mlir::dyn_cast<mlir::VectorType>(like.getType());
  return vector == nullptr ? element : Type(vector.clone(element));
}

unsigned WidthOf(Value value) {
  return mlir::getElementTypeOrSelf(value.getType()).getIntOrFloatBitWidth();
}

Value Compare(ElementEmitter* e, Predicate predicate, Value a, Value b) {
  return e->builder().create<arith::CmpIOp>(e->loc(), predicate, a, b);
}

// Sign and magnitude → an order-preserving unsigned integer; NaN becomes `nan`.
Value KeysOfFloats(ElementEmitter* e, Value numbers, Type core_element, bool descending) {
  mlir::OpBuilder& b = e->builder();
  const int64_t width = WidthOf(numbers);
  const Type type = Like(numbers, b.getIntegerType(width));
  Value bits = b.create<arith::BitcastOp>(e->loc(), type, numbers);
  auto constant = [&](int64_t value) { return e->arith().IntConstant(type, value); };
  const uint64_t sign = uint64_t{1} << (width - 1);
  const llvm::APInt infinity =
      llvm::APFloat::getInf(mlir::cast<mlir::FloatType>(core_element).getFloatSemantics())
          .bitcastToAPInt();
  Value sign_bit = constant(static_cast<int64_t>(sign));
  Value magnitude =
      b.create<arith::AndIOp>(e->loc(), bits, constant(static_cast<int64_t>(sign - 1)));
  Value is_nan = Compare(e, Predicate::ugt, magnitude,
                         constant(static_cast<int64_t>(infinity.getZExtValue())));
  // Negative numbers: all bits flipped; others: the sign bit set. -0 counts as +0.
  Value negative = Compare(e, Predicate::ugt, bits, sign_bit);
  Value flipped = b.create<arith::XOrIOp>(e->loc(), bits, constant(-1));
  Value raised = b.create<arith::OrIOp>(e->loc(), magnitude, sign_bit);
  Value key = e->arith().Select(negative, flipped, raised);
  if (descending) key = b.create<arith::XOrIOp>(e->loc(), key, constant(-1));
  return e->arith().Select(is_nan, constant(-1), key);
}

}  // namespace

SortRecords::SortRecords(FusionKernel* kernel, Type element, llvm::ArrayRef<DimExpr> dims,
                         int64_t axis, bool descending, int64_t copies, DimExpr length)
    : element_(element),
      dims_(dims),
      outer_(dims.take_front(axis)),
      inner_(dims.drop_front(axis + 1)),
      axis_(axis),
      descending_(descending) {
  Dims shape = outer_;
  shape.append(inner_.begin(), inner_.end());
  shape.push_back(kernel->dims().Constant(copies));
  shape.push_back(length);
  mlir::MLIRContext* context = element.getContext();
  words_ = kernel->AddWorkspace(shape, IntegerType::get(context, 64));
  if (element.getIntOrFloatBitWidth() > 32) {
    positions_ = kernel->AddWorkspace(shape, IntegerType::get(context, 32));
  }
}

DimExpr SortRecords::rows() const {
  core::DimContext& context = dims_.front().context();
  return core::Product(context, outer_) * core::Product(context, inner_);
}

Value SortRecords::Keys(ElementEmitter* e, Value elements) const {
  mlir::OpBuilder& b = e->builder();
  if (mlir::isa<mlir::FloatType>(element_)) {
    return KeysOfFloats(e, elements, element_, descending_);
  }
  auto integer = mlir::cast<IntegerType>(element_);
  if (integer.getWidth() == 1) {
    elements = b.create<arith::ExtUIOp>(e->loc(), Like(elements, b.getI8Type()), elements);
  }
  const int64_t width = WidthOf(elements);
  const bool is_signed = !integer.isUnsigned() && integer.getWidth() > 1;
  uint64_t flip = is_signed ? uint64_t{1} << (width - 1) : 0;
  if (descending_) flip = ~flip;
  if (flip == 0) return elements;
  return b.create<arith::XOrIOp>(
      e->loc(), elements,
      e->arith().IntConstant(elements.getType(), static_cast<int64_t>(flip)));
}

SortRecord SortRecords::Make(ElementEmitter* e, Value keys, Value positions) const {
  mlir::OpBuilder& b = e->builder();
  if (has_positions()) {
    return {keys, b.create<arith::TruncIOp>(e->loc(), Like(positions, b.getI32Type()), positions)};
  }
  Value wide = b.create<arith::ExtUIOp>(e->loc(), positions.getType(), keys);
  Value high =
      b.create<arith::ShLIOp>(e->loc(), wide, e->arith().IntConstant(wide.getType(), 32));
  return {b.create<arith::OrIOp>(e->loc(), high, positions), nullptr};
}

SortRecord SortRecords::Last(ElementEmitter* e) const {
  mlir::OpBuilder& b = e->builder();
  SortRecord last{e->arith().IntConstant(b.getI64Type(), -1), nullptr};
  if (has_positions()) last.position = e->arith().IntConstant(b.getI32Type(), -1);
  return last;
}

Value SortRecords::Less(ElementEmitter* e, const SortRecord& a, const SortRecord& b) const {
  Value less = Compare(e, Predicate::ult, a.word, b.word);
  if (!has_positions()) return less;
  Value tie = Compare(e, Predicate::eq, a.word, b.word);
  Value before = Compare(e, Predicate::ult, a.position, b.position);
  Value tie_before = e->builder().create<arith::AndIOp>(e->loc(), tie, before);
  return e->builder().create<arith::OrIOp>(e->loc(), less, tie_before);
}

Value SortRecords::KeyOf(ElementEmitter* e, const SortRecord& record) const {
  if (has_positions()) return record.word;
  mlir::OpBuilder& b = e->builder();
  Value high = b.create<arith::ShRUIOp>(e->loc(), record.word,
                                        e->arith().IntConstant(record.word.getType(), 32));
  const unsigned width = std::max(8u, element_.getIntOrFloatBitWidth());
  return b.create<arith::TruncIOp>(e->loc(), Like(high, b.getIntegerType(width)), high);
}

SortRecord SortRecords::Select(ElementEmitter* e, Value pred, const SortRecord& a,
                               const SortRecord& b) {
  SortRecord chosen{e->arith().Select(pred, a.word, b.word), nullptr};
  if (a.position != nullptr) chosen.position = e->arith().Select(pred, a.position, b.position);
  return chosen;
}

SortRecord SortRecords::Load(ElementEmitter* e, Int number) const {
  PhaseBuilder& phase = e->phase();
  mlir::OpBuilder& b = e->builder();
  auto load = [&](const KernelBuffer& buffer, Type type) {
    Value pointer = phase.BufferPointer(buffer.number);
    return phase.Load(buffer.number, phase.Offset(pointer, type, e->math().Get(number)), type);
  };
  SortRecord record{load(words_, b.getI64Type()), nullptr};
  if (has_positions()) record.position = load(*positions_, b.getI32Type());
  return record;
}

void SortRecords::Store(ElementEmitter* e, Int number, const SortRecord& record) const {
  PhaseBuilder& phase = e->phase();
  auto store = [&](const KernelBuffer& buffer, Value value) {
    Value pointer = phase.BufferPointer(buffer.number);
    phase.Store(buffer.number, phase.Offset(pointer, value.getType(), e->math().Get(number)),
                value);
  };
  store(words_, record.word);
  if (has_positions()) store(*positions_, record.position);
}

void SortRecords::StoreRun(ElementEmitter* e, Int row, Int copy, LaneIndex index,
                           const SortRecord& records) const {
  llvm::ArrayRef<DimExpr> shape = words_.dims;
  std::vector<IndexGroup> groups;
  if (shape.size() > 2) groups.push_back({Dims(shape.drop_back(2)), row});
  groups.push_back({Dims{shape[shape.size() - 2]}, copy});
  groups.push_back({Dims{shape.back()}, index});
  IndexSet set = e->sets().Make(std::move(groups), index.lanes);
  e->Store(words_, set, records.word);
  if (has_positions()) e->Store(*positions_, set, records.position);
}

LaneIndex SortRecords::Positions(ElementEmitter* e, IndexSet set) const {
  llvm::SmallVector<int64_t> source;
  for (int64_t i = 0; i < static_cast<int64_t>(dims_.size()); ++i) {
    if (i != axis_) source.push_back(i);
  }
  source.push_back(-1);
  source.push_back(axis_);
  IndexSet at = e->sets().Select(set, source, words_.dims);
  mlir::OpBuilder& b = e->builder();
  Value positions;
  if (has_positions()) {
    Value narrow = e->Load(*positions_, at);
    positions = b.create<arith::ExtUIOp>(e->loc(), Like(narrow, b.getI64Type()), narrow);
  } else {
    Value words = e->Load(words_, at);
    positions = b.create<arith::AndIOp>(
        e->loc(), words, e->arith().IntConstant(words.getType(), int64_t{0xffffffff}));
  }
  return e->math().OfVector(positions);
}

IndexSet SortRecords::RowSet(ElementEmitter* e, Int row, LaneIndex index, int lanes) const {
  IntMath& math = e->math();
  core::DimContext& context = dims_.front().context();
  Int outer = row, inner = 0;
  if (!inner_.empty()) {
    const Int size = math.PositiveDim(core::Product(context, inner_));
    outer = math.Div(row, size);
    inner = math.Rem(row, size);
  }
  std::vector<IndexGroup> groups;
  if (!outer_.empty()) groups.push_back({outer_, outer});
  groups.push_back({Dims{dims_[axis_]}, index});
  if (!inner_.empty()) groups.push_back({inner_, inner});
  return e->sets().Make(std::move(groups), lanes);
}

}  // namespace stator::compiler
