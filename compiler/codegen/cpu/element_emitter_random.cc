// Philox 4x32-10.

#include <array>

#include "compiler/codegen/cpu/element_emitter.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"

namespace stator::compiler {
namespace {

namespace arith = mlir::arith;
using mlir::Type;
using mlir::Value;

// Arithmetic on scalars or vectors of unsigned words.
class Words {
 public:
  Words(ElementEmitter* e, int lanes) : e_(*e), b_(e->builder()), loc_(e->loc()), lanes_(lanes) {}

  Type type(int bits) {
    Type element = b_.getIntegerType(bits);
    return lanes_ == 1 ? element : mlir::VectorType::get({lanes_}, element);
  }
  Value Constant(int bits, uint64_t value) {
    return e_.arith().IntConstant(type(bits), static_cast<int64_t>(value));
  }
  Value Add(Value a, Value b) { return b_.create<arith::AddIOp>(loc_, a, b); }
  Value Xor(Value a, Value b) { return b_.create<arith::XOrIOp>(loc_, a, b); }
  Value Mul(Value a, Value b) { return b_.create<arith::MulIOp>(loc_, a, b); }
  Value Wide(Value a) { return b_.create<arith::ExtUIOp>(loc_, type(64), a); }
  Value Low(Value a) { return b_.create<arith::TruncIOp>(loc_, type(32), a); }
  Value High(Value a) { return Low(b_.create<arith::ShRUIOp>(loc_, a, Constant(64, 32))); }
  Value Join(Value low, Value high) {
    Value shifted = b_.create<arith::ShLIOp>(loc_, Wide(high), Constant(64, 32));
    return b_.create<arith::OrIOp>(loc_, shifted, Wide(low));
  }
  Value Less(Value a, Value b) {
    return b_.create<arith::CmpIOp>(loc_, arith::CmpIPredicate::ult, a, b);
  }
  Value ExtendBit(Value bit) { return b_.create<arith::ExtUIOp>(loc_, type(64), bit); }
  Value Select(Value pred, Value a, Value b) { return e_.arith().Select(pred, a, b); }
  Value Splat(Value scalar) { return e_.arith().Splat(scalar, lanes_); }

  // The words of the blocks at `counter` + `block`, where counter and key are scalars.
  std::array<Value, 4> Philox(Value key, Value counter_low, Value counter_high, Value block) {
    Value low = Add(Splat(counter_low), block);
    Value high = Add(Splat(counter_high), ExtendBit(Less(low, block)));
    std::array<Value, 4> c = {Low(low), High(low), Low(high), High(high)};
    Value key_words = Splat(key);
    std::array<Value, 2> k = {Low(key_words), High(key_words)};
    for (int round = 0; round < 10; ++round) {
      Value a = Mul(Constant(64, 0xD2511F53), Wide(c[0]));
      Value b = Mul(Constant(64, 0xCD9E8D57), Wide(c[2]));
      c = {Xor(Xor(High(b), c[1]), k[0]), Low(b), Xor(Xor(High(a), c[3]), k[1]), Low(a)};
      k = {Add(k[0], Constant(32, 0x9E3779B9)), Add(k[1], Constant(32, 0xBB67AE85))};
    }
    return c;
  }

 private:
  ElementEmitter& e_;
  mlir::OpBuilder& b_;
  mlir::Location loc_;
  int lanes_;
};

}  // namespace

Value ElementEmitter::EmitRngBits(core::RngBitsOp op, IndexSet set) {
  const int lanes = set->lanes;
  const bool is_wide = core::ElementTypeOf(op.getResult()).getIntOrFloatBitWidth() == 64;
  const int per_block = is_wide ? 2 : 4;
  IndexSet scalar = sets_.Of({}, {}, 1);
  const core::Dims two = core::DimsOf(op.getCounter());
  Value key = Emit(op.getKey(), scalar);
  Value counter_low = Emit(op.getCounter(), sets_.Of(two, {LaneIndex(0)}, 1));
  Value counter_high = Emit(op.getCounter(), sets_.Of(two, {LaneIndex(1)}, 1));
  const LaneIndex position = sets_.Linear(set);

  // Each lane computes its block and takes its part.
  auto lane_by_lane = [&]() -> Value {
    Words words(this, lanes);
    const LaneIndex block = math_.Div(position, per_block), part = math_.Rem(position, per_block);
    auto get = [&](const LaneIndex& i) {
      return lanes == 1 ? math_.Get(i.base) : math_.Vector(i, lanes);
    };
    const std::array<Value, 4> c = words.Philox(key, counter_low, counter_high, get(block));
    auto is = [&](int64_t n) {
      const Pred pred = math_.Equal(part, n);
      return lanes == 1 ? math_.Get(pred) : math_.GetVector(pred, lanes);
    };
    if (is_wide) return words.Select(is(0), words.Join(c[0], c[1]), words.Join(c[2], c[3]));
    Value low = words.Select(is(0), c[0], c[1]), high = words.Select(is(2), c[2], c[3]);
    return words.Select(words.Less(get(part), words.Constant(64, 2)), low, high);
  };
  // Consecutive elements from the beginning of a block: each block once.
  auto whole_blocks = [&]() -> Value {
    const int blocks = lanes / per_block;
    Words words(this, blocks);
    const Int first = math_.Div(position.base, per_block);
    Value block =
        blocks == 1 ? math_.Get(first) : math_.Vector(LaneIndex(first, 1, blocks), blocks);
    const std::array<Value, 4> c = words.Philox(key, counter_low, counter_high, block);
    llvm::SmallVector<Value> parts(c.begin(), c.end());
    if (is_wide) parts = {words.Join(c[0], c[1]), words.Join(c[2], c[3])};
    auto shuffle = [&](Value a, Value b, llvm::ArrayRef<int64_t> order) -> Value {
      return builder().create<mlir::vector::ShuffleOp>(loc(), a, b, order);
    };
    for (Value& part : parts) {
      if (blocks == 1) {
        part = builder().create<mlir::vector::BroadcastOp>(
            loc(), mlir::VectorType::get({1}, part.getType()), part);
      }
    }
    // parts one after another, then transposed.
    llvm::SmallVector<int64_t> identity, transposed;
    while (parts.size() > 2) {
      llvm::SmallVector<Value> joined;
      identity.clear();
      for (int i = 0; i < 2 * blocks; ++i) identity.push_back(i);
      for (size_t i = 0; i < parts.size(); i += 2) {
        joined.push_back(shuffle(parts[i], parts[i + 1], identity));
      }
      parts = joined;
    }
    for (int k = 0; k < blocks; ++k) {
      for (int w = 0; w < per_block; ++w) transposed.push_back(w * blocks + k);
    }
    return shuffle(parts[0], parts[1], transposed);
  };
  const bool consecutive =
      lanes % per_block == 0 && position.vector == nullptr && position.step.Is(1);
  if (!consecutive) return lane_by_lane();
  return If(math_.Equal(LaneIndex(math_.Rem(position.base, per_block)), 0),
            VectorOf(core::ElementTypeOf(op.getResult()), lanes), whole_blocks, lane_by_lane);
}

}  // namespace stator::compiler
