#include "compiler/math/emit.h"

#include <bit>
#include <cmath>
#include <cstdint>
#include <cstring>
#include <limits>
#include <random>
#include <string>
#include <type_traits>
#include <vector>

#include "compiler/math/evaluate.h"
#include "compiler/math/kernel_test_compiler.h"
#include "gtest/gtest.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"
#include "mlir/IR/BuiltinTypes.h"
#include "mlir/IR/TypeUtilities.h"

namespace stator::compiler {
namespace {

using math::KernelTestCompiler;
using math::TestKernel;

// Shapes and targets of the kernels under test.
struct Variant {
  const char* name;
  std::vector<int64_t> shape;  // empty for scalars
  EmitOptions options;

  int64_t lanes() const {
    int64_t product = 1;
    for (int64_t extent : shape) product *= extent;
    return product;
  }
  bool runs_here() const {
    return math::MachineHas("fma") && (!options.avx2 || math::MachineHas("avx2")) &&
           (!options.avx512 || math::MachineHas("avx512f"));
  }
};

constexpr EmitOptions kPlain = {};
constexpr EmitOptions kAvx2 = {.avx2 = true, .converts_f16 = true};
constexpr EmitOptions kAvx512 = {.avx2 = true, .avx512 = true, .converts_f16 = true};

const Variant kVariants[] = {
    {"scalar", {}, kPlain},
    {"vector16", {16}, kPlain},
    {"vector16_avx2", {16}, kAvx2},
    {"vector3", {3}, kAvx2},
    {"matrix2x8_avx2", {2, 8}, kAvx2},
    {"vector16_avx512", {16}, kAvx512},
    {"vector4_avx512", {4}, kAvx512},
    {"vector64_avx512", {64}, kAvx512},
};

std::string VariantName(const testing::TestParamInfo<Variant>& info) { return info.param.name; }

template <typename S>
mlir::Type ElementType(mlir::OpBuilder& builder) {
  return std::is_same_v<S, float> ? mlir::Type(builder.getF32Type())
                                  : mlir::Type(builder.getF64Type());
}

// Emits the function on operands of the variant's shape; kernels pass them as one dimension.
mlir::Value EmitInShape(mlir::OpBuilder& builder, mlir::Location location, MathFunction function,
                        mlir::Value a, mlir::Value b, const Variant& variant) {
  const mlir::Type flat = a.getType();
  const auto reshape = [&](mlir::Value value, mlir::Type type) -> mlir::Value {
    if (variant.shape.size() < 2) return value;
    return builder.create<mlir::vector::ShapeCastOp>(location, type, value);
  };
  const auto shaped = [&](mlir::Value value) {
    const mlir::Type element = mlir::getElementTypeOrSelf(value.getType());
    return variant.shape.empty() ? value
                                 : reshape(value, mlir::VectorType::get(variant.shape, element));
  };
  llvm::SmallVector<mlir::Value> operands = {shaped(a), shaped(b)};
  operands.resize(MathFunctionArity(function));
  return reshape(Emit(builder, location, function, operands, variant.options), flat);
}

std::string KernelName(MathFunction function) {
  return "kernel_" + std::string(MathFunctionName(function));
}

std::string CompileAll(const Variant& variant, mlir::Type (*element)(mlir::OpBuilder&)) {
  KernelTestCompiler compiler;
  mlir::Type type = element(compiler.builder());
  if (!variant.shape.empty()) type = mlir::VectorType::get({variant.lanes()}, type);
  for (int i = 0; i < kMathFunctionCount; ++i) {
    const auto function = static_cast<MathFunction>(i);
    compiler.Add(
        KernelName(function), type,
        [&](mlir::OpBuilder& builder, mlir::Location location, mlir::Value a, mlir::Value b) {
          return EmitInShape(builder, location, function, a, b, variant);
        });
  }
  return compiler.CompileToObject(variant.options.avx512 ? "x86-64-v4" : "");
}

// Runs the kernel over the inputs, whose number must be a multiple of its lanes.
template <typename In, typename Out>
std::vector<Out> RunKernel(TestKernel kernel, int64_t lanes, const std::vector<In>& a,
                           const std::vector<In>& b) {
  std::vector<Out> results(a.size());
  for (size_t i = 0; i + lanes <= a.size(); i += lanes) kernel(&a[i], &b[i], &results[i]);
  return results;
}

// A multiple of every variant's lanes.
constexpr int kInputs = 64 * 3 * 64;

template <typename S>
std::vector<S> TestNumbers(uint64_t seed) {
  using Bits = std::conditional_t<sizeof(S) == 4, uint32_t, uint64_t>;
  using Limits = std::numeric_limits<S>;
  std::mt19937_64 random(seed);
  const S special[] = {S(0),
                       S(0.5),
                       S(0.75),
                       S(1),
                       S(1.5),
                       S(2),
                       S(3),
                       S(4.75),
                       S(1e10),
                       S(1e25),
                       Limits::min(),
                       Limits::denorm_min(),
                       Limits::max(),
                       Limits::infinity(),
                       Limits::quiet_NaN()};
  std::vector<S> numbers;
  while (numbers.size() < kInputs) {
    const double unit = static_cast<double>(static_cast<int64_t>(random())) * 0x1p-63;
    const S sign = random() % 2 == 0 ? 1 : -1;
    switch (random() % 8) {
      case 0:
        numbers.push_back(sign * special[random() % std::size(special)]);
        break;
      case 1:
      case 2:
        numbers.push_back(std::bit_cast<S>(static_cast<Bits>(random())));
        break;
      case 3:
        numbers.push_back(static_cast<S>(unit));
        break;
      case 4:
        numbers.push_back(static_cast<S>(100 * unit));
        break;
      case 5:  // where trigonometric functions and piecewise ones change pieces
        numbers.push_back(static_cast<S>(static_cast<double>(random() % 100000) * M_PI_4));
        break;
      case 6:  // beyond the ordinary reduction of angles
        numbers.push_back(static_cast<S>(1e20 * unit));
        break;
      case 7:  // integers and halves
        numbers.push_back(static_cast<S>(static_cast<int>(random() % 81) - 40) / 2);
        break;
    }
  }
  return numbers;
}

template <typename S>
bool SameBits(S a, S b) {
  return (a != a && b != b) || std::memcmp(&a, &b, sizeof(S)) == 0;
}

template <typename S>
void ExpectBitsOfEvaluate(const Variant& variant) {
  const std::string object = CompileAll(variant, ElementType<S>);
  EXPECT_EQ(math::UndefinedSymbols(object), std::vector<std::string>());
  if (!variant.runs_here())
    GTEST_SKIP() << "compiled only: this machine lacks the variant's instructions";
  const auto kernels = math::LoadKernels(object);
  const std::vector<S> a = TestNumbers<S>(1);
  const std::vector<S> b = TestNumbers<S>(2);
  for (int f = 0; f < kMathFunctionCount; ++f) {
    const auto function = static_cast<MathFunction>(f);
    const auto results =
        RunKernel<S, S>(kernels->Find(KernelName(function)), variant.lanes(), a, b);
    int failures = 0;
    for (size_t i = 0; i < a.size() && failures < 3; ++i) {
      const S expected = Evaluate(function, a[i], b[i]);
      if (SameBits(results[i], expected)) continue;
      ++failures;
      ADD_FAILURE() << MathFunctionName(function) << '(' << a[i] << ", " << b[i]
                    << ") = " << results[i] << ", evaluated " << expected;
    }
  }
}

class EmitTest : public testing::TestWithParam<Variant> {};

TEST_P(EmitTest, FloatHasTheBitsOfEvaluate) { ExpectBitsOfEvaluate<float>(GetParam()); }

TEST_P(EmitTest, DoubleHasTheBitsOfEvaluate) { ExpectBitsOfEvaluate<double>(GetParam()); }

INSTANTIATE_TEST_SUITE_P(Variants, EmitTest, testing::ValuesIn(kVariants), VariantName);

}  // namespace
}  // namespace stator::compiler
