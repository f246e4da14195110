#ifndef STATOR_COMPILER_MATH_EMITTED_NUMBER_H_
#define STATOR_COMPILER_MATH_EMITTED_NUMBER_H_

#include <array>
#include <bit>
#include <cstdint>
#include <optional>

#include "compiler/math/emitter.h"
#include "compiler/math/huge_angle.h"
#include "compiler/math/number_format.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Math/IR/Math.h"

namespace stator::compiler::math {

// The number type of generated code: operations on it emit MLIR. Same operations as ScalarNumber,
// which see. A number or integer made from a constant stays one until it meets a value, which knows
// where to emit.

struct EmittedMask {
  mlir::Value value;
  Emitter* emitter;

  friend EmittedMask operator&(EmittedMask a, EmittedMask b) {
    return a.Create<mlir::arith::AndIOp>(b);
  }
  friend EmittedMask operator|(EmittedMask a, EmittedMask b) {
    return a.Create<mlir::arith::OrIOp>(b);
  }
  friend EmittedMask operator^(EmittedMask a, EmittedMask b) {
    return a.Create<mlir::arith::XOrIOp>(b);
  }
  friend EmittedMask operator!(EmittedMask a);

 private:
  template <typename Op>
  EmittedMask Create(EmittedMask b) {
    return {emitter->Create<Op>(value, b.value), emitter};
  }
};

// What EmittedBits and EmittedNumber have in common: a value or a constant.
template <typename C>
class EmittedOperand {
 public:
  explicit EmittedOperand(C constant) : constant_(constant) {}
  EmittedOperand(mlir::Value value, Emitter* emitter) : value_(value), emitter_(emitter) {}

  bool is_constant() const { return !value_; }
  C constant() const { return constant_; }
  // Null for constants.
  Emitter* emitter() const { return emitter_; }
  mlir::Value Get(Emitter* emitter) const { return value_ ? value_ : emitter->Constant(constant_); }
  // Of a value, not a constant.
  mlir::Value value() const { return value_; }

 private:
  mlir::Value value_;
  Emitter* emitter_ = nullptr;
  C constant_{};
};

template <typename U>
class EmittedBits : public EmittedOperand<U> {
 public:
  EmittedBits(U constant) : EmittedOperand<U>(constant) {}  // NOLINT: constants convert
  EmittedBits(mlir::Value value, Emitter* emitter) : EmittedOperand<U>(value, emitter) {}

  friend EmittedBits operator+(EmittedBits a, EmittedBits b) {
    return Create<mlir::arith::AddIOp>(a, b);
  }
  friend EmittedBits operator-(EmittedBits a, EmittedBits b) {
    return Create<mlir::arith::SubIOp>(a, b);
  }
  friend EmittedBits operator*(EmittedBits a, EmittedBits b) {
    return Create<mlir::arith::MulIOp>(a, b);
  }
  friend EmittedBits operator&(EmittedBits a, EmittedBits b) {
    return Create<mlir::arith::AndIOp>(a, b);
  }
  friend EmittedBits operator|(EmittedBits a, EmittedBits b) {
    return Create<mlir::arith::OrIOp>(a, b);
  }
  friend EmittedBits operator^(EmittedBits a, EmittedBits b) {
    return Create<mlir::arith::XOrIOp>(a, b);
  }
  friend EmittedBits operator<<(EmittedBits a, EmittedBits b) {
    return Create<mlir::arith::ShLIOp>(a, b);
  }
  friend EmittedBits operator>>(EmittedBits a, EmittedBits b) {
    return Create<mlir::arith::ShRUIOp>(a, b);
  }
  friend EmittedMask operator==(EmittedBits a, EmittedBits b) {
    return Compare(mlir::arith::CmpIPredicate::eq, a, b);
  }
  friend EmittedMask operator!=(EmittedBits a, EmittedBits b) {
    return Compare(mlir::arith::CmpIPredicate::ne, a, b);
  }
  friend EmittedBits Select(EmittedMask mask, EmittedBits a, EmittedBits b) {
    Emitter* e = mask.emitter;
    return {e->Create<mlir::arith::SelectOp>(mask.value, a.Get(e), b.Get(e)), e};
  }

 private:
  // Constants stand on the right at most once per operation, except in differences of constants.
  template <typename Op>
  static EmittedBits Create(const EmittedBits& a, const EmittedBits& b) {
    Emitter* e = a.emitter() ? a.emitter() : b.emitter();
    return {e->template Create<Op>(a.Get(e), b.Get(e)), e};
  }
  static EmittedMask Compare(mlir::arith::CmpIPredicate predicate, const EmittedBits& a,
                             const EmittedBits& b) {
    Emitter* e = a.emitter() ? a.emitter() : b.emitter();
    return {e->Create<mlir::arith::CmpIOp>(predicate, a.Get(e), b.Get(e)), e};
  }
};

inline EmittedMask operator!(EmittedMask a) {
  Emitter* e = a.emitter;
  const mlir::Value all = e->Create<mlir::arith::ConstantOp>(
      mlir::cast<mlir::TypedAttr>(e->builder().getOneAttr(a.value.getType())));
  return {e->Create<mlir::arith::XOrIOp>(a.value, all), e};
}

inline EmittedBits<unsigned __int128> Widen(const EmittedBits<uint64_t>& bits) {
  if (bits.is_constant()) return bits.constant();
  Emitter* e = bits.emitter();
  return {e->Create<mlir::arith::ExtUIOp>(e->Shape(e->builder().getIntegerType(128)), bits.value()),
          e};
}

inline EmittedBits<uint64_t> Narrow(const EmittedBits<unsigned __int128>& bits) {
  Emitter* e = bits.emitter();
  return {e->Create<mlir::arith::TruncIOp>(e->Shape(e->builder().getI64Type()), bits.value()), e};
}

inline EmittedBits<uint64_t> CountLeadingZeros(const EmittedBits<unsigned __int128>& bits) {
  Emitter* e = bits.emitter();
  return Narrow({e->Create<mlir::math::CountLeadingZerosOp>(bits.value()), e});
}

template <typename S>
class EmittedNumber : public EmittedOperand<S> {
 public:
  using Scalar = S;
  using Bits = EmittedBits<typename NumberFormat<S>::Bits>;
  using WideBits = EmittedBits<unsigned __int128>;
  using Mask = EmittedMask;

  struct TableIndex {
    EmittedTableIndex index;
    Emitter* emitter;
  };

  EmittedNumber(double constant)  // NOLINT: constants convert
      : EmittedOperand<S>(static_cast<S>(constant)) {}
  EmittedNumber(mlir::Value value, Emitter* emitter) : EmittedOperand<S>(value, emitter) {}

  friend EmittedNumber operator-(const EmittedNumber& a) {
    return a.is_constant() ? EmittedNumber(-a.constant()) : Unary<mlir::arith::NegFOp>(a);
  }
  friend EmittedNumber operator+(const EmittedNumber& a, const EmittedNumber& b) {
    return Binary<mlir::arith::AddFOp>(a, b);
  }
  friend EmittedNumber operator-(const EmittedNumber& a, const EmittedNumber& b) {
    return Binary<mlir::arith::SubFOp>(a, b);
  }
  friend EmittedNumber operator*(const EmittedNumber& a, const EmittedNumber& b) {
    return Binary<mlir::arith::MulFOp>(a, b);
  }
  friend EmittedNumber operator/(const EmittedNumber& a, const EmittedNumber& b) {
    return Binary<mlir::arith::DivFOp>(a, b);
  }
  friend EmittedMask operator<(const EmittedNumber& a, const EmittedNumber& b) {
    return Compare(mlir::arith::CmpFPredicate::OLT, a, b);
  }
  friend EmittedMask operator<=(const EmittedNumber& a, const EmittedNumber& b) {
    return Compare(mlir::arith::CmpFPredicate::OLE, a, b);
  }
  friend EmittedMask operator>(const EmittedNumber& a, const EmittedNumber& b) {
    return Compare(mlir::arith::CmpFPredicate::OGT, a, b);
  }
  friend EmittedMask operator>=(const EmittedNumber& a, const EmittedNumber& b) {
    return Compare(mlir::arith::CmpFPredicate::OGE, a, b);
  }
  friend EmittedMask operator==(const EmittedNumber& a, const EmittedNumber& b) {
    return Compare(mlir::arith::CmpFPredicate::OEQ, a, b);
  }
  friend EmittedMask operator!=(const EmittedNumber& a, const EmittedNumber& b) {
    return Compare(mlir::arith::CmpFPredicate::UNE, a, b);
  }

  friend EmittedNumber Fma(const EmittedNumber& a, const EmittedNumber& b, const EmittedNumber& c) {
    Emitter* e = a.emitter() ? a.emitter() : b.emitter() ? b.emitter() : c.emitter();
    return {e->Create<mlir::math::FmaOp>(a.Get(e), b.Get(e), c.Get(e)), e};
  }
  friend EmittedNumber Sqrt(const EmittedNumber& a) { return Unary<mlir::math::SqrtOp>(a); }
  friend EmittedNumber Abs(const EmittedNumber& a) { return Unary<mlir::math::AbsFOp>(a); }
  friend EmittedNumber CopySign(const EmittedNumber& magnitude, const EmittedNumber& sign) {
    return Binary<mlir::math::CopySignOp>(magnitude, sign);
  }
  friend EmittedNumber Floor(const EmittedNumber& a) { return Unary<mlir::math::FloorOp>(a); }
  friend EmittedNumber Ceil(const EmittedNumber& a) { return Unary<mlir::math::CeilOp>(a); }
  friend EmittedNumber Truncate(const EmittedNumber& a) { return Unary<mlir::math::TruncOp>(a); }
  friend EmittedNumber RoundEven(const EmittedNumber& a) {
    return Unary<mlir::math::RoundEvenOp>(a);
  }
  friend EmittedNumber Maximum(const EmittedNumber& a, const EmittedNumber& b) {
    return Binary<mlir::arith::MaximumFOp>(a, b);
  }
  friend EmittedNumber Minimum(const EmittedNumber& a, const EmittedNumber& b) {
    return Binary<mlir::arith::MinimumFOp>(a, b);
  }
  friend EmittedNumber Select(const EmittedMask& mask, const EmittedNumber& a,
                              const EmittedNumber& b) {
    Emitter* e = mask.emitter;
    return {e->Create<mlir::arith::SelectOp>(mask.value, a.Get(e), b.Get(e)), e};
  }

  friend Bits ToBits(const EmittedNumber& a) {
    Emitter* e = a.emitter();
    return {e->Create<mlir::arith::BitcastOp>(e->Shape(BitsType(e)), a.value()), e};
  }
  static EmittedNumber FromBits(const Bits& bits) {
    Emitter* e = bits.emitter();
    return {e->Create<mlir::arith::BitcastOp>(e->Shape(ScalarType(e)), bits.value()), e};
  }
  static EmittedNumber FromInteger(const Bits& bits) {
    Emitter* e = bits.emitter();
    return {e->Create<mlir::arith::SIToFPOp>(e->Shape(ScalarType(e)), bits.value()), e};
  }

  static std::optional<EmittedNumber> HardwareScale(const EmittedNumber& p,
                                                    const EmittedNumber& n) {
    Emitter* e = n.emitter();
    const mlir::Value scaled = e->HardwareScale(p.Get(e), n.value());
    if (!scaled) return std::nullopt;
    return EmittedNumber(scaled, e);
  }
  static std::optional<std::array<EmittedNumber, 2>> HardwareSplitExponent(const EmittedNumber& x) {
    Emitter* e = x.emitter();
    const auto parts = e->HardwareSplitExponent(x.value());
    if (!parts) return std::nullopt;
    return {{EmittedNumber((*parts)[0], e), EmittedNumber((*parts)[1], e)}};
  }

  static TableIndex MakeTableIndex(const Bits& bits) {
    return {bits.emitter()->MakeTableIndex(bits.value()), bits.emitter()};
  }
  static EmittedNumber Lookup(const TableIndex& index, const S (&table)[8]) {
    return {index.emitter->Lookup(index.index, table), index.emitter};
  }

  static mlir::Type ScalarType(Emitter* e) {
    return sizeof(S) == sizeof(float) ? e->builder().getF32Type() : e->builder().getF64Type();
  }
  static mlir::Type BitsType(Emitter* e) { return e->builder().getIntegerType(8 * sizeof(S)); }

 private:
  template <typename Op>
  static EmittedNumber Unary(const EmittedNumber& a) {
    Emitter* e = a.emitter();
    return {e->template Create<Op>(a.value()), e};
  }
  template <typename Op>
  static EmittedNumber Binary(const EmittedNumber& a, const EmittedNumber& b) {
    Emitter* e = a.emitter() ? a.emitter() : b.emitter();
    return {e->template Create<Op>(a.Get(e), b.Get(e)), e};
  }
  static EmittedMask Compare(mlir::arith::CmpFPredicate predicate, const EmittedNumber& a,
                             const EmittedNumber& b) {
    Emitter* e = a.emitter() ? a.emitter() : b.emitter();
    return {e->Create<mlir::arith::CmpFOp>(predicate, a.Get(e), b.Get(e)), e};
  }
};

inline EmittedNumber<float> NarrowToFloat(const EmittedNumber<double>& a) {
  Emitter* e = a.emitter();
  return {e->Create<mlir::arith::TruncFOp>(e->Shape(e->builder().getF32Type()), a.value()), e};
}

inline EmittedNumber<double> WidenToDouble(const EmittedNumber<float>& a) {
  Emitter* e = a.emitter();
  return {e->Create<mlir::arith::ExtFOp>(e->Shape(e->builder().getF64Type()), a.value()), e};
}

template <typename S, typename Rare>
EmittedNumber<S> IfAny(const EmittedMask& mask, const EmittedNumber<S>& otherwise, Rare rare) {
  Emitter* e = mask.emitter;
  return {e->IfAny(mask.value, otherwise.value(), [&] { return rare().value(); }), e};
}

template <typename S, typename Condition, typename Body>
std::array<EmittedNumber<S>, 2> WhileAny(const std::array<EmittedNumber<S>, 2>& state,
                                         Condition condition, Body body) {
  using Number = EmittedNumber<S>;
  Emitter* e = state[0].emitter();
  const auto numbers = [e](Emitter::State values) {
    return std::array<Number, 2>{Number(values[0], e), Number(values[1], e)};
  };
  const auto next = [&](Emitter::State values) -> Emitter::State {
    const std::array<Number, 2> result = body(numbers(values));
    return {result[0].value(), result[1].value()};
  };
  return numbers(e->WhileAny(
      {state[0].value(), state[1].value()},
      [&](Emitter::State values) { return condition(numbers(values)).value; }, next));
}

template <typename S>
ReducedAngle<EmittedNumber<S>> ReduceHugeAngles(const EmittedMask& mask,
                                                const EmittedNumber<S>& angle,
                                                const ReducedAngle<EmittedNumber<S>>& usual) {
  using Number = EmittedNumber<S>;
  Emitter* e = mask.emitter;
  const EmittedMask finite = mask & (angle < std::numeric_limits<S>::infinity());
  const auto reduced = e->ReduceHugeAngles(
      finite.value, angle.value(), {usual.high.value(), usual.low.value(), usual.quadrant.value()});
  return {Number(reduced[0], e), Number(reduced[1], e), typename Number::Bits(reduced[2], e)};
}

}  // namespace stator::compiler::math

#endif  // STATOR_COMPILER_MATH_EMITTED_NUMBER_H_
