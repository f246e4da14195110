#include "compiler/math/emit.h"

#include "compiler/math/emitted_number.h"
#include "compiler/math/emitter.h"
#include "compiler/math/recipes/dispatch.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"
#include "mlir/IR/BuiltinTypes.h"
#include "mlir/IR/TypeUtilities.h"

namespace stator::compiler {
namespace {

using mlir::Type;
using mlir::Value;
using mlir::VectorType;

template <typename S>
Value EmitRecipe(math::Emitter* emitter, MathFunction function, Value a, Value b) {
  using Number = math::EmittedNumber<S>;
  return math::ApplyRecipe<Number>(function, Number(a, emitter), Number(b, emitter)).value();
}

}  // namespace

Value Emit(mlir::OpBuilder& builder, mlir::Location location, MathFunction function,
           mlir::ValueRange operands, const EmitOptions& options) {
  const Type type = operands[0].getType();
  auto element = mlir::cast<mlir::FloatType>(mlir::getElementTypeOrSelf(type));
  const bool is_half = element.getWidth() == 16;
  const auto vector = mlir::dyn_cast<VectorType>(type);
  // Vectors of other ranks compute as one dimension.
  const bool is_reshaped = vector && vector.getRank() != 1;

  llvm::SmallVector<Value, 2> numbers;
  for (Value operand : operands) {
    if (is_half)
      operand = EmitConvertFloat(builder, location, operand, builder.getF32Type(), options);
    if (is_reshaped) {
      const auto flat =
          VectorType::get({vector.getNumElements()}, mlir::getElementTypeOrSelf(operand.getType()));
      operand = builder.create<mlir::vector::ShapeCastOp>(location, flat, operand);
    }
    numbers.push_back(operand);
  }

  math::Emitter emitter(builder, location, numbers.front().getType(), options);
  const Value a = numbers.front();
  const Value b = numbers.back();
  Value result = element.isF64() ? EmitRecipe<double>(&emitter, function, a, b)
                                 : EmitRecipe<float>(&emitter, function, a, b);
  if (is_reshaped) {
    const auto shaped =
        VectorType::get(vector.getShape(), mlir::getElementTypeOrSelf(result.getType()));
    result = builder.create<mlir::vector::ShapeCastOp>(location, shaped, result);
  }
  return is_half ? EmitConvertFloat(builder, location, result, element, options) : result;
}

}  // namespace stator::compiler
