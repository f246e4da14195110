#include "compiler/codegen/cpu/coverage.h"

#include <cmath>
#include <cstdlib>
#include <fstream>
#include <functional>
#include <map>
#include <random>
#include <sstream>

#include "compiler/codegen/cpu/expect_result.h"
#include "compiler/codegen/cpu/testing.h"
#include "compiler/math/evaluate.h"
#include "compiler/reference/interpreter.h"
#include "gtest/gtest.h"

namespace stator::compiler {
namespace {

using core::CoreBuilder;
using core::ReduceKind;
using mlir::Value;
using mlir::ValueRange;
using Values = std::vector<Value>;

// A small program around one primitive. E stands for the element type under test.
struct Program {
  std::vector<std::string> operands;
  std::function<Values(CoreBuilder&, ValueRange)> build;
};

// An op of the given operands, whose results have the first operand's type.
Program Plain(const std::string& name, int operands) {
  Program program;
  program.operands.assign(operands, "E[n]");
  program.build = [name](CoreBuilder& b, ValueRange args) {
    mlir::OperationState state(b.loc(), "core." + name, args, {args[0].getType()});
    return Values{b.builder().create(state)->getResult(0)};
  };
  return program;
}

mlir::Type ElementOf(mlir::MLIRContext* context, std::string_view name) {
  mlir::Builder b(context);
  if (name == "f16") return b.getF16Type();
  if (name == "bf16") return b.getBF16Type();
  if (name == "f32") return b.getF32Type();
  if (name == "f64") return b.getF64Type();
  const bool is_unsigned = name[0] == 'u';
  const int width = std::atoi(name.data() + (is_unsigned ? 2 : 1));
  return is_unsigned ? b.getIntegerType(width, false) : mlir::Type(b.getIntegerType(width));
}

core::Dims Of(Value value) { return core::DimsOf(value); }

std::map<std::string, Program> ShapePrograms() {
  return {
      {"constant", {{"E[n]"}, [](CoreBuilder& b, ValueRange a) {
         return Values{b.Splat(core::ElementTypeOf(a[0]), Of(a[0]), 1)};
       }}},
      {"broadcast_in_dim", {{"E[n]"}, [](CoreBuilder& b, ValueRange a) {
         return Values{b.BroadcastInDim(a[0], {1}, {b.Dim(3), Of(a[0])[0]})};
       }}},
      {"reshape", {{"E[n, 6]"}, [](CoreBuilder& b, ValueRange a) {
         return Values{b.Reverse(b.Reshape(a[0], {Of(a[0])[0] * 2, b.Dim(3)}), {1})};
       }}},
      {"transpose", {{"E[n, 6]"}, [](CoreBuilder& b, ValueRange a) {
         return Values{b.Transpose(a[0], {1, 0})};
       }}},
      {"slice", {{"E[n, 9]"}, [](CoreBuilder& b, ValueRange a) {
         return Values{b.SliceDim(a[0], 1, b.Dim(1), b.Dim(8), 2)};
       }}},
      {"dynamic_slice", {{"E[n, 9]", "i32[]", "i32[]"}, [](CoreBuilder& b, ValueRange a) {
         return Values{b.DynamicSlice(a[0], {a[1], a[2]}, {Of(a[0])[0], b.Dim(4)})};
       }}},
      {"dynamic_update_slice",
       {{"E[n, 9]", "E[n, 4]", "i32[]", "i32[]"}, [](CoreBuilder& b, ValueRange a) {
          return Values{b.DynamicUpdateSlice(a[0], a[1], {a[2], a[3]})};
        }}},
      {"pad", {{"E[n]", "E[]"}, [](CoreBuilder& b, ValueRange a) {
         return Values{b.Pad(a[0], a[1], {b.Dim(2)}, {b.Dim(3)}, {0})};
       }}},
      {"concatenate", {{"E[n, 3]", "E[n, 5]"}, [](CoreBuilder& b, ValueRange a) {
         return Values{b.Concatenate({a[0], a[1]}, 1)};
       }}},
      {"reverse", {{"E[n, 5]"}, [](CoreBuilder& b, ValueRange a) {
         return Values{b.Reverse(a[0], {0, 1})};
       }}},
      {"gather", {{"E[n, 5]", "i32[7]"}, [](CoreBuilder& b, ValueRange a) {
         return Values{b.Gather(a[0], a[1], 1, 0)};
       }}},
      {"scatter", {{"E[n, 5]", "i32[7]", "E[n, 7]"}, [](CoreBuilder& b, ValueRange a) {
         return Values{b.Scatter(core::ScatterKind::kAdd, a[0], a[1], a[2], 1, 0)};
       }}},
      {"stop_gradient", Plain("stop_gradient", 1)},
      {"optimization_barrier", Plain("optimization_barrier", 1)},
      {"assume_dims", Plain("assume_dims", 1)},
      {"iota", {{"E[n]"}, [](CoreBuilder& b, ValueRange a) {
         return Values{b.Iota(core::ElementTypeOf(a[0]), {Of(a[0])[0], b.Dim(3)}, 0)};
       }}},
      {"dim_values", {{"E[n]"}, [](CoreBuilder& b, ValueRange a) {
         return Values{b.DimVector({Of(a[0])[0], b.Dim(4)}, core::ElementTypeOf(a[0]))};
       }}},
      {"compact", {{"E[n, 3]", "i1[n]"}, [](CoreBuilder& b, ValueRange a) {
         // Every element: the mask is set below, and its count has no name but n.
         Value mask = b.Or(a[1], b.Not(a[1]));
         return Values{b.builder().create<core::CompactOp>(b.loc(), a[0].getType(), a[0], mask)};
       }}},
  };
}

std::map<std::string, Program> SumPrograms() {
  return {
      {"reduce", {{"E[n, 40]"}, [](CoreBuilder& b, ValueRange a) {
         return Values{b.Reduce(ReduceKind::kAdd, a[0], {1}), b.Reduce(ReduceKind::kMax, a[0], {0}),
                       b.ArgReduce(ReduceKind::kArgMin, a[0], 1, b.builder().getI32Type())};
       }}},
      {"reduce_window", {{"E[n, 9]"}, [](CoreBuilder& b, ValueRange a) {
         CoreBuilder::Window window{{1, 3}, {1, 2}, {b.Dim(0), b.Dim(1)}, {b.Dim(0), b.Dim(1)}};
         return Values{b.ReduceWindow(ReduceKind::kMax, a[0], window)};
       }}},
      {"select_and_scatter", {{"E[n, 9]", "E[n, 4]"}, [](CoreBuilder& b, ValueRange a) {
         CoreBuilder::Window window{{1, 3}, {1, 2}, {b.Dim(0), b.Dim(0)}, {b.Dim(0), b.Dim(0)}};
         return Values{b.SelectAndScatter(a[0], a[1], window)};
       }}},
      {"cumulative", {{"E[n, 9]"}, [](CoreBuilder& b, ValueRange a) {
         return Values{b.Cumulative(ReduceKind::kAdd, a[0], 1, false, true)};
       }}},
      {"sort", {{"E[n, 9]"}, [](CoreBuilder& b, ValueRange a) {
         auto sort = b.builder().create<core::SortOp>(b.loc(), a.getTypes(), a, 1, true);
         return Values{sort.getResult(0)};
       }}},
      {"top_k", {{"E[n, 9]"}, [](CoreBuilder& b, ValueRange a) {
         const core::Dims dims = {Of(a[0])[0], b.Dim(4)};
         auto op = b.builder().create<core::TopKOp>(
             b.loc(), core::TensorType(dims, core::ElementTypeOf(a[0])),
             core::TensorType(dims, b.builder().getI32Type()), a[0]);
         return Values{op.getValues(), op.getIndices()};
       }}},
      {"dot_general", {{"E[n, 5]", "E[5, 4]"}, [](CoreBuilder& b, ValueRange a) {
         return Values{b.MatMul(a[0], a[1])};
       }}},
      {"convolution", {{"E[n, 9, 2]", "E[3, 2, 4]"}, [](CoreBuilder& b, ValueRange a) {
         CoreBuilder::Conv conv;
         conv.strides = conv.lhs_dilation = conv.rhs_dilation = {1};
         conv.padding_low = conv.padding_high = {b.Dim(0)};
         conv.dimension_numbers =
             core::ConvDimensionsAttr::get(b.context(), 0, 2, {1}, 1, 2, {0}, 0, 2, {1});
         return Values{b.Convolution(a[0], a[1], conv)};
       }}},
      {"rng_bits", {{"ui64[]", "ui64[2]", "E[n]"}, [](CoreBuilder& b, ValueRange a) {
         return Values{b.RngBits(a[0], a[1], core::ElementTypeOf(a[2]), Of(a[2]))};
       }}},
  };
}

std::map<std::string, Program> ElementwisePrograms() {
  std::map<std::string, Program> programs = {
      {"compare", {{"E[n]", "E[n]"}, [](CoreBuilder& b, ValueRange a) {
         return Values{b.Lt(a[0], a[1]), b.Eq(a[0], a[1]), b.Ge(a[0], a[1])};
       }}},
      {"select", {{"i1[n]", "E[n]", "E[n]"}, [](CoreBuilder& b, ValueRange a) {
         return Values{b.Select(a[0], a[1], a[2])};
       }}},
      {"is_finite", {{"E[n]"}, [](CoreBuilder& b, ValueRange a) {
         return Values{b.IsFinite(a[0])};
       }}},
      {"convert", {{"E[n]"}, [](CoreBuilder& b, ValueRange a) {
         Values results;
         for (std::string_view element : KernelElements()) {
           results.push_back(b.Convert(a[0], ElementOf(b.context(), element)));
         }
         return results;
       }}},
      {"bitcast_convert", {{"E[n]"}, [](CoreBuilder& b, ValueRange a) {
         const unsigned width = core::ElementTypeOf(a[0]).getIntOrFloatBitWidth();
         return Values{b.BitcastConvert(a[0], b.builder().getIntegerType(width))};
       }}},
      {"clamp", Plain("clamp", 3)},
  };
  for (const char* name : {"add", "subtract", "multiply", "maximum", "minimum", "divide",
                           "remainder", "power", "atan2", "and", "or", "xor", "shift_left",
                           "shift_right_arithmetic", "shift_right_logical"}) {
    programs[name] = Plain(name, 2);
  }
  return programs;
}

Program ProgramFor(const std::string& primitive) {
  static const auto* const programs = [] {
    auto* all = new std::map<std::string, Program>(ElementwisePrograms());
    all->merge(ShapePrograms());
    all->merge(SumPrograms());
    return all;
  }();
  auto found = programs->find(primitive);
  return found == programs->end() ? Plain(primitive, 1) : found->second;
}

// Random numbers of an element type.
HostArray RandomArray(reference::DType dtype, std::vector<int64_t> dims, std::mt19937_64& random) {
  using reference::DType;
  int64_t count = 1;
  for (int64_t dim : dims) count *= dim;
  auto integers = [&](auto zero) {
    using T = decltype(zero);
    std::vector<T> values(count);
    for (T& value : values) {
      const uint64_t bits = random();
      value = static_cast<T>(bits % 5 == 0 ? bits >> 7 : (bits >> 8) % 23 - (T(-1) < T(0) ? 9 : 0));
    }
    return HostArray::Of(dims, values);
  };
  auto floats = [&](auto store) {
    std::vector<decltype(store(0.0f))> values(count);
    for (auto& value : values) {
      const float specials[] = {0.0f, -0.0f, INFINITY, -INFINITY, NAN, 1.0f, 70000.0f, 1e-7f};
      const uint64_t bits = random();
      value = store(bits % 7 == 0 ? specials[(bits >> 8) % 8]
                                  : (static_cast<float>((bits >> 8) % 4001) - 2000.0f) / 300.0f);
    }
    return HostArray::Of(dims, values);
  };
  switch (dtype) {
    case DType::kBool: {
      std::vector<uint8_t> values(count);
      for (uint8_t& value : values) value = random() % 2;
      return HostArray::Of(dims, values);
    }
    case DType::kFloat16: return floats([](float x) { return HalfFromFloat(x); });
    case DType::kBFloat16: return floats([](float x) { return Bfloat16FromFloat(x); });
    case DType::kFloat32: return floats([](float x) { return x; });
    case DType::kFloat64: return floats([](float x) { return static_cast<double>(x); });
    case DType::kInt8: return integers(int8_t{});
    case DType::kInt16: return integers(int16_t{});
    case DType::kInt32: return integers(int32_t{});
    case DType::kInt64: return integers(int64_t{});
    case DType::kUInt8: return integers(uint8_t{});
    case DType::kUInt16: return integers(uint16_t{});
    case DType::kUInt32: return integers(uint32_t{});
    default: return integers(uint64_t{});
  }
}

// Replaces every NaN by one of them.
void CanonicalNaNs(reference::DType dtype, std::vector<char>* bytes) {
  auto each = [&](auto zero, auto load) {
    using T = decltype(zero);
    for (size_t i = 0; i + sizeof(T) <= bytes->size(); i += sizeof(T)) {
      T value;
      std::memcpy(&value, bytes->data() + i, sizeof(T));
      if (std::isnan(load(value))) std::memset(bytes->data() + i, 0x7f, sizeof(T));
    }
  };
  switch (dtype) {
    case reference::DType::kFloat16: return each(uint16_t{}, [](uint16_t x) { return FloatFromHalf(x); });
    case reference::DType::kBFloat16:
      return each(uint16_t{}, [](uint16_t x) { return FloatFromBfloat16(x); });
    case reference::DType::kFloat32: return each(float{}, [](float x) { return x; });
    case reference::DType::kFloat64: return each(double{}, [](double x) { return x; });
    default: return;
  }
}

class Coverage : public testing::TestWithParam<std::string_view> {};

TEST_P(Coverage, EqualsTheInterpreter) {
  const std::string primitive(GetParam());
  const Program program = ProgramFor(primitive);
  for (std::string_view element : KernelElements()) {
    if (!IsLowered(primitive, element)) continue;
    SCOPED_TRACE(std::string(element));
    TestFusion fusion;
    std::vector<std::string> operands;
    for (std::string text : program.operands) {
      if (text[0] == 'E') text = std::string(element) + text.substr(1);
      operands.push_back(text);
    }
    fusion.Create("loop", operands, program.build);
    for (int64_t n : {0, 1, 3, 17, 257}) {
      const std::map<std::string, int64_t> symbols = {{"n", n}};
      std::mt19937_64 random(n + 1);
      std::vector<HostArray> arrays;
      std::vector<reference::Value> arguments;
      for (mlir::Value operand : fusion.fusion()->getOperands()) {
        std::vector<int64_t> dims;
        for (core::DimExpr dim : core::DimsOf(operand)) dims.push_back(Evaluate(dim, symbols));
        const auto dtype = reference::DTypeOf(core::ElementTypeOf(operand));
        ASSERT_TRUE(dtype.ok());
        arrays.push_back(RandomArray(*dtype, dims, random));
        arguments.push_back(reference::MakeTensor(*dtype, dims, arrays.back().bytes.data()));
      }
      reference::Variables variables;
      reference::RunOptions options;
      options.symbols = {{"n", n}};
      auto expected =
          reference::RunRegion(fusion.fusion().getBody(), arguments, variables, options);
      ASSERT_TRUE(expected.ok()) << expected.status();
      for (const char* target : {"native", "aarch64"}) {
        SCOPED_TRACE(target);
        auto found = fusion.Run(symbols, arrays, TileOrder::kWhole, target);
        ASSERT_TRUE(found.ok()) << found.status();
        for (size_t i = 0; i < found->size(); ++i) {
          const auto& tensor = std::get<reference::Tensor>((*expected)[i]);
          std::vector<char> wanted(tensor.data(), tensor.data() + tensor.num_bytes());
          std::vector<char> bytes = (*found)[i].bytes;
          CanonicalNaNs(tensor.dtype(), &wanted);
          CanonicalNaNs(tensor.dtype(), &bytes);
          ExpectSameBits(bytes, wanted,
                         "n = " + std::to_string(n) + " result " + std::to_string(i) + " byte");
          if (HasFailure()) return;
        }
      }
    }
  }
}

INSTANTIATE_TEST_SUITE_P(
    Primitives, Coverage, testing::ValuesIn(KernelPrimitives()),
    [](const testing::TestParamInfo<std::string_view>& info) { return std::string(info.param); });

TEST(CoverageTable, IsTheDocumentation) {
  std::ifstream file("docs/coverage.md");
  std::stringstream text;
  text << file.rdbuf();
  EXPECT_EQ(text.str(), CoverageTable())
      << "write it with: bazel run //compiler/codegen/cpu:coverage_table > docs/coverage.md";
}

// What is missing is refused with the op and the type.
TEST(NotLowered, NamesOpAndType) {
  EXPECT_FALSE(IsLowered("exponential", "i32"));
  TestFusion fusion;
  fusion.Create("loop", {"i32[n]"}, [](CoreBuilder& b, ValueRange args) {
    return Values{b.Exp(args[0])};
  });
  auto result = fusion.Run({{"n", 1}}, {HostArray::Of<int32_t>({1}, {1})});
  ASSERT_FALSE(result.ok());
  EXPECT_EQ(result.status().code(), absl::StatusCode::kUnimplemented);
  const std::string message(result.status().message());
  EXPECT_NE(message.find("core.exponential"), std::string::npos) << message;
  EXPECT_NE(message.find("int32"), std::string::npos) << message;
}

}  // namespace
}  // namespace stator::compiler
