#include <bit>
#include <cmath>
#include <cstdint>
#include <cstring>
#include <random>
#include <string>
#include <vector>

#include "compiler/math/emit.h"
#include "compiler/math/evaluate.h"
#include "compiler/math/kernel_test_compiler.h"
#include "gtest/gtest.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/IR/BuiltinTypes.h"

// 16-bit types, conversions and integer division, against the interpreter's functions.

namespace stator::compiler {
namespace {

using math::KernelTestCompiler;
using math::LoadKernels;
using math::TestKernel;

constexpr int64_t kLanes = 16;
constexpr int kSixteenBitNumbers = 1 << 16;

struct Format {
  const char* name;
  mlir::Type (*type)(mlir::OpBuilder&);
  float (*extend)(uint16_t);
  uint16_t (*round)(float);
  uint16_t (*round_double)(double);
};

const Format kHalf = {"f16", [](mlir::OpBuilder& b) -> mlir::Type { return b.getF16Type(); },
                      FloatFromHalf, HalfFromFloat, HalfFromFloat};
const Format kBfloat16 = {"bf16", [](mlir::OpBuilder& b) -> mlir::Type { return b.getBF16Type(); },
                          FloatFromBfloat16, Bfloat16FromFloat, Bfloat16FromFloat};

struct Variant {
  Format format;
  bool f16c;
};

std::string VariantName(const testing::TestParamInfo<Variant>& info) {
  return std::string(info.param.format.name) + (info.param.f16c ? "_f16c" : "_integers");
}

class SixteenBitTest : public testing::TestWithParam<Variant> {
 protected:
  void SetUp() override {
    if (!math::MachineHas("fma")) GTEST_SKIP() << "this machine has no fused multiply-add";
    if (GetParam().f16c && !math::MachineHas("f16c")) GTEST_SKIP() << "this machine has no F16C";
  }
  EmitOptions options() const { return {.converts_f16 = GetParam().f16c}; }

  // Compiles a kernel on vectors of the element type.
  void Compile(
      mlir::Type (*element)(mlir::OpBuilder&),
      llvm::function_ref<mlir::Value(mlir::OpBuilder&, mlir::Location, mlir::Value)> emit) {
    KernelTestCompiler compiler;
    const auto type = mlir::VectorType::get({kLanes}, element(compiler.builder()));
    compiler.Add("kernel", type,
                 [&](mlir::OpBuilder& builder, mlir::Location location, mlir::Value a,
                     mlir::Value) { return emit(builder, location, a); });
    const std::string object = compiler.CompileToObject("");
    EXPECT_EQ(math::UndefinedSymbols(object), std::vector<std::string>());
    kernels_ = LoadKernels(object);
  }

  template <typename In, typename Out>
  std::vector<Out> Run(const std::vector<In>& inputs) {
    const TestKernel kernel = kernels_->Find("kernel");
    std::vector<Out> results(inputs.size());
    for (size_t i = 0; i + kLanes <= inputs.size(); i += kLanes)
      kernel(&inputs[i], &inputs[i], &results[i]);
    return results;
  }

 private:
  std::unique_ptr<math::LoadedKernels> kernels_;
};

std::vector<uint16_t> AllSixteenBitNumbers() {
  std::vector<uint16_t> numbers(kSixteenBitNumbers);
  for (int i = 0; i < kSixteenBitNumbers; ++i) numbers[i] = static_cast<uint16_t>(i);
  return numbers;
}

// Equal bits, or both NaN.
void ExpectSame(const Format& format, uint16_t result, uint16_t expected, double input) {
  if (std::isnan(format.extend(result)) && std::isnan(format.extend(expected))) return;
  EXPECT_EQ(result, expected) << "for " << input;
}

TEST_P(SixteenBitTest, FunctionsComputeInFloatAndRoundOnce) {
  const Format& format = GetParam().format;
  const std::vector<uint16_t> inputs = AllSixteenBitNumbers();
  for (MathFunction function :
       {MathFunction::kExp, MathFunction::kLog, MathFunction::kTanh, MathFunction::kErf,
        MathFunction::kSin, MathFunction::kAbs, MathFunction::kRsqrt}) {
    SCOPED_TRACE(std::string(MathFunctionName(function)));
    Compile(format.type, [&](mlir::OpBuilder& builder, mlir::Location location, mlir::Value a) {
      return Emit(builder, location, function, a, options());
    });
    const auto results = Run<uint16_t, uint16_t>(inputs);
    for (int i = 0; i < kSixteenBitNumbers; ++i) {
      const float x = format.extend(inputs[i]);
      ExpectSame(format, results[i], format.round(Evaluate(function, x)), x);
    }
  }
}

// Numbers of the format, midpoints between two of them, and their neighbors in S.
template <typename S>
std::vector<S> NumbersAround(const Format& format) {
  std::mt19937_64 random(5);
  std::vector<S> numbers;
  for (int i = 0; i < kSixteenBitNumbers; ++i) {
    const S low = format.extend(static_cast<uint16_t>(i));
    const S middle = (low + S(format.extend(static_cast<uint16_t>(i + 1)))) / 2;
    for (S x : {low, middle}) {
      numbers.push_back(x);
      numbers.push_back(std::nextafter(x, std::numeric_limits<S>::infinity()));
      numbers.push_back(std::nextafter(x, -std::numeric_limits<S>::infinity()));
      numbers.push_back(x * static_cast<S>(1 + 1e-9 * static_cast<double>(random() % 1000000)));
    }
  }
  return numbers;
}

TEST_P(SixteenBitTest, FloatRoundsAsTheInterpreterDoes) {
  const Format& format = GetParam().format;
  Compile([](mlir::OpBuilder& b) -> mlir::Type { return b.getF32Type(); },
          [&](mlir::OpBuilder& builder, mlir::Location location, mlir::Value a) {
            return EmitConvertFloat(builder, location, a,
                                    mlir::cast<mlir::FloatType>(format.type(builder)), options());
          });
  const auto inputs = NumbersAround<float>(format);
  const auto results = Run<float, uint16_t>(inputs);
  for (size_t i = 0; i < inputs.size(); ++i)
    ExpectSame(format, results[i], format.round(inputs[i]), inputs[i]);
}

TEST_P(SixteenBitTest, DoubleRoundsOnce) {
  const Format& format = GetParam().format;
  Compile([](mlir::OpBuilder& b) -> mlir::Type { return b.getF64Type(); },
          [&](mlir::OpBuilder& builder, mlir::Location location, mlir::Value a) {
            return EmitConvertFloat(builder, location, a,
                                    mlir::cast<mlir::FloatType>(format.type(builder)), options());
          });
  const auto inputs = NumbersAround<double>(format);
  const auto results = Run<double, uint16_t>(inputs);
  for (size_t i = 0; i < inputs.size(); ++i) {
    ExpectSame(format, results[i], format.round_double(inputs[i]), inputs[i]);
  }
}

TEST_P(SixteenBitTest, ExtendsExactlyToDouble) {
  const Format& format = GetParam().format;
  Compile(format.type, [&](mlir::OpBuilder& builder, mlir::Location location, mlir::Value a) {
    return EmitConvertFloat(builder, location, a, builder.getF64Type(), options());
  });
  const std::vector<uint16_t> inputs = AllSixteenBitNumbers();
  const auto results = Run<uint16_t, double>(inputs);
  for (int i = 0; i < kSixteenBitNumbers; ++i) {
    const double expected = format.extend(inputs[i]);
    if (std::isnan(expected) && std::isnan(results[i])) continue;
    EXPECT_EQ(std::bit_cast<uint64_t>(results[i]), std::bit_cast<uint64_t>(expected)) << inputs[i];
  }
}

TEST_P(SixteenBitTest, IsFinite) {
  const Format& format = GetParam().format;
  Compile(format.type,
          [&](mlir::OpBuilder& builder, mlir::Location location, mlir::Value a) -> mlir::Value {
            const mlir::Value finite = EmitIsFinite(builder, location, a);
            const auto type = mlir::VectorType::get({kLanes}, builder.getI8Type());
            return builder.create<mlir::arith::ExtUIOp>(location, type, finite);
          });
  const std::vector<uint16_t> inputs = AllSixteenBitNumbers();
  const auto results = Run<uint16_t, uint8_t>(inputs);
  for (int i = 0; i < kSixteenBitNumbers; ++i)
    EXPECT_EQ(results[i] != 0, std::isfinite(format.extend(inputs[i])));
}

INSTANTIATE_TEST_SUITE_P(Formats, SixteenBitTest,
                         testing::Values(Variant{kHalf, false}, Variant{kHalf, true},
                                         Variant{kBfloat16, false}),
                         VariantName);

template <typename T>
void ExpectDivisionOfEvaluate(bool is_signed) {
  KernelTestCompiler compiler;
  const auto type = mlir::VectorType::get({kLanes}, compiler.builder().getI8Type());
  compiler.Add(
      "quotient", type,
      [&](mlir::OpBuilder& builder, mlir::Location location, mlir::Value a, mlir::Value b) {
        return EmitIntegerQuotient(builder, location, a, b, is_signed);
      });
  compiler.Add(
      "remainder", type,
      [&](mlir::OpBuilder& builder, mlir::Location location, mlir::Value a, mlir::Value b) {
        return EmitIntegerRemainder(builder, location, a, b, is_signed);
      });
  const auto kernels = LoadKernels(compiler.CompileToObject(""));
  for (int a = 0; a < 256; ++a) {
    for (int first = 0; first < 256; first += kLanes) {
      T dividends[kLanes], divisors[kLanes], quotients[kLanes], remainders[kLanes];
      for (int i = 0; i < kLanes; ++i) {
        dividends[i] = static_cast<T>(a);
        divisors[i] = static_cast<T>(first + i);
      }
      kernels->Find("quotient")(dividends, divisors, quotients);
      kernels->Find("remainder")(dividends, divisors, remainders);
      for (int i = 0; i < kLanes; ++i) {
        EXPECT_EQ(quotients[i], IntegerQuotient(dividends[i], divisors[i]))
            << +dividends[i] << '/' << +divisors[i];
        EXPECT_EQ(remainders[i], IntegerRemainder(dividends[i], divisors[i]))
            << +dividends[i] << '%' << +divisors[i];
      }
    }
  }
}

TEST(IntegerDivision, SignedHasTheResultsOfTheInterpreter) {
  ExpectDivisionOfEvaluate<int8_t>(true);
}

TEST(IntegerDivision, UnsignedHasTheResultsOfTheInterpreter) {
  ExpectDivisionOfEvaluate<uint8_t>(false);
}

}  // namespace
}  // namespace stator::compiler
