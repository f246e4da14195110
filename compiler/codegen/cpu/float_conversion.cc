#include "compiler/codegen/cpu/float_conversion.h"

#include <cstdint>

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/IR/TypeUtilities.h"

namespace stator::compiler {
namespace {

namespace arith = mlir::arith;
using mlir::Location;
using mlir::Type;
using mlir::Value;

Type ElementType(Type type) { return mlir::getElementTypeOrSelf(type); }

// `element`, or a vector of it in the shape of `like`.
Type LikeType(Type like, Type element) {
  auto vector = mlir::dyn_cast<mlir::VectorType>(like);
  return vector == nullptr ? element : vector.clone(element);
}

Value IntConstant(mlir::OpBuilder& b, Location loc, Type type, int64_t value) {
  mlir::TypedAttr attr = b.getIntegerAttr(ElementType(type), value);
  if (auto vector = mlir::dyn_cast<mlir::VectorType>(type)) {
    attr = mlir::DenseElementsAttr::get(vector, mlir::Attribute(attr));
  }
  return b.create<arith::ConstantOp>(loc, attr);
}

// f64 → f32 rounded to odd: inexact results get an odd last bit, so that a second rounding to
// fewer bits (at least two fewer) gives what one rounding would have given.
Value RoundToOdd(mlir::OpBuilder& b, Location loc, Value wide) {
  Type f32 = LikeType(wide.getType(), b.getF32Type());
  Type i32 = LikeType(wide.getType(), b.getI32Type());
  Type i64 = LikeType(wide.getType(), b.getI64Type());
  Value narrow = b.create<arith::TruncFOp>(loc, f32, wide);
  Value back = b.create<arith::ExtFOp>(loc, wide.getType(), narrow);
  // Ordered: a NaN counts as exact.
  Value inexact = b.create<arith::CmpFOp>(loc, arith::CmpFPredicate::ONE, back, wide);
  Value magnitude = IntConstant(b, loc, i64, INT64_MAX);
  Value back_bits =
      b.create<arith::AndIOp>(loc, b.create<arith::BitcastOp>(loc, i64, back), magnitude);
  Value wide_bits =
      b.create<arith::AndIOp>(loc, b.create<arith::BitcastOp>(loc, i64, wide), magnitude);
  Value away = b.create<arith::CmpIOp>(loc, arith::CmpIPredicate::ugt, back_bits, wide_bits);
  Value bits = b.create<arith::BitcastOp>(loc, i32, narrow);
  Value towards_zero = b.create<arith::SubIOp>(loc, bits, b.create<arith::ExtUIOp>(loc, i32, away));
  Value odd = b.create<arith::OrIOp>(loc, towards_zero, IntConstant(b, loc, i32, 1));
  Value chosen = b.create<arith::SelectOp>(loc, inexact, odd, bits);
  return b.create<arith::BitcastOp>(loc, f32, chosen);
}

// f32 → bf16, to nearest even.
Value RoundToBf16(mlir::OpBuilder& b, Location loc, Value narrow, Type result) {
  Type i32 = LikeType(result, b.getI32Type());
  Type i16 = LikeType(result, b.getI16Type());
  Value sixteen = IntConstant(b, loc, i32, 16);
  Value bits = b.create<arith::BitcastOp>(loc, i32, narrow);
  Value high = b.create<arith::ShRUIOp>(loc, bits, sixteen);
  Value last = b.create<arith::AndIOp>(loc, high, IntConstant(b, loc, i32, 1));
  Value bias = b.create<arith::AddIOp>(loc, last, IntConstant(b, loc, i32, 0x7fff));
  Value sum = b.create<arith::AddIOp>(loc, bits, bias);
  Value rounded = b.create<arith::ShRUIOp>(loc, sum, sixteen);
  Value quiet = b.create<arith::OrIOp>(loc, high, IntConstant(b, loc, i32, 0x40));
  Value nan = b.create<arith::CmpFOp>(loc, arith::CmpFPredicate::UNO, narrow, narrow);
  Value chosen = b.create<arith::SelectOp>(loc, nan, quiet, rounded);
  Value half = b.create<arith::TruncIOp>(loc, i16, chosen);
  return b.create<arith::BitcastOp>(loc, result, half);
}

struct NarrowFloat : public mlir::OpRewritePattern<arith::TruncFOp> {
  using OpRewritePattern::OpRewritePattern;

  mlir::LogicalResult matchAndRewrite(arith::TruncFOp op,
                                      mlir::PatternRewriter& rewriter) const override {
    const Type from = ElementType(op.getIn().getType());
    const Type to = ElementType(op.getType());
    const bool to_bf16 = to.isBF16();
    if (!to_bf16 && !(from.isF64() && to.isF16())) return mlir::failure();
    Value value = op.getIn();
    if (from.isF64()) value = RoundToOdd(rewriter, op.getLoc(), value);
    if (from.isF16()) {
      value = rewriter.create<arith::ExtFOp>(op.getLoc(),
                                             LikeType(op.getType(), rewriter.getF32Type()), value);
    }
    if (to_bf16) {
      rewriter.replaceOp(op, RoundToBf16(rewriter, op.getLoc(), value, op.getType()));
    } else {
      rewriter.replaceOpWithNewOp<arith::TruncFOp>(op, op.getType(), value);
    }
    return mlir::success();
  }
};

struct WidenBf16 : public mlir::OpRewritePattern<arith::ExtFOp> {
  using OpRewritePattern::OpRewritePattern;

  mlir::LogicalResult matchAndRewrite(arith::ExtFOp op,
                                      mlir::PatternRewriter& rewriter) const override {
    if (!ElementType(op.getIn().getType()).isBF16()) return mlir::failure();
    const Location loc = op.getLoc();
    Type i16 = LikeType(op.getType(), rewriter.getI16Type());
    Type i32 = LikeType(op.getType(), rewriter.getI32Type());
    Type f32 = LikeType(op.getType(), rewriter.getF32Type());
    Value half = rewriter.create<arith::BitcastOp>(loc, i16, op.getIn());
    Value wide = rewriter.create<arith::ExtUIOp>(loc, i32, half);
    Value bits = rewriter.create<arith::ShLIOp>(loc, wide, IntConstant(rewriter, loc, i32, 16));
    Value value = rewriter.create<arith::BitcastOp>(loc, f32, bits);
    if (ElementType(op.getType()).isF64()) {
      value = rewriter.create<arith::ExtFOp>(loc, op.getType(), value);
    }
    rewriter.replaceOp(op, value);
    return mlir::success();
  }
};

}  // namespace

void PopulateFloatConversionPatterns(mlir::LLVMTypeConverter&, mlir::RewritePatternSet& patterns) {
  // Before the direct lowerings of the same ops.
  patterns.add<NarrowFloat, WidenBf16>(patterns.getContext(), /*benefit=*/10);
}

}  // namespace stator::compiler
