#include "compiler/math/evaluate.h"

#include "compiler/math/recipes/dispatch.h"
#include "compiler/math/recipes/half.h"
#include "compiler/math/scalar_number.h"

namespace stator::compiler {

float Evaluate(MathFunction function, float a, float b) {
  using Number = math::ScalarNumber<float>;
  return math::ApplyRecipe<Number>(function, Number::Of(a), Number::Of(b)).value;
}

double Evaluate(MathFunction function, double a, double b) {
  using Number = math::ScalarNumber<double>;
  return math::ApplyRecipe<Number>(function, Number::Of(a), Number::Of(b)).value;
}

uint16_t HalfFromFloat(float x) {
  return static_cast<uint16_t>(math::HalfFromFloat(math::ScalarNumber<float>::Of(x)).value);
}

uint16_t HalfFromFloat(double x) {
  return HalfFromFloat(math::FloatFromDoubleToOdd(math::ScalarNumber<double>::Of(x)).value);
}

uint16_t Bfloat16FromFloat(float x) {
  return static_cast<uint16_t>(math::Bfloat16FromFloat(math::ScalarNumber<float>::Of(x)).value);
}

uint16_t Bfloat16FromFloat(double x) {
  return Bfloat16FromFloat(math::FloatFromDoubleToOdd(math::ScalarNumber<double>::Of(x)).value);
}

float FloatFromHalf(uint16_t bits) {
  return math::FloatFromHalf<math::ScalarNumber<float>>(bits).value;
}

float FloatFromBfloat16(uint16_t bits) {
  return math::FloatFromBfloat16<math::ScalarNumber<float>>(bits).value;
}

}  // namespace stator::compiler
