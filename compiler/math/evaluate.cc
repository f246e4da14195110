#include "compiler/math/evaluate.h"

#include "compiler/math/recipes/dispatch.h"
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

}  // namespace stator::compiler
