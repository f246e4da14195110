// Every elementwise primitive on every element type that it has meaning for.

#include <gtest/gtest.h>

#include <algorithm>
#include <ostream>

#include "tests/program/core_program.h"

namespace stator::tests {
namespace {

const std::vector<Sizes> kSizes = {{{"n", 257}}, {{"n", 3}}, {{"n", 1}}, {{"n", 0}}};
// One op is fused with nothing, and its kernel sees little of a size.
const CompareOptions kOptions{.unfused = false, .concrete_runs = 0};

const DType kFloats[] = {DType::kFloat32, DType::kFloat64, DType::kFloat16, DType::kBFloat16};
const DType kIntegers[] = {DType::kInt8,  DType::kInt16,  DType::kInt32,  DType::kInt64,
                           DType::kUInt8, DType::kUInt16, DType::kUInt32, DType::kUInt64};

struct Case {
  std::string op;
  int operands;
  DType dtype;
};
void PrintTo(const Case& c, std::ostream* os) {
  *os << c.op << " of " << executable::DTypeName(c.dtype);
}
std::string CaseName(const testing::TestParamInfo<Case>& info) {
  return info.param.op + "_" + executable::DTypeName(info.param.dtype);
}

class ElementwiseTest : public testing::TestWithParam<Case> {};

TEST_P(ElementwiseTest, CompiledEqualsInterpreted) {
  const Case& c = GetParam();
  CoreProgram program;
  program.feeds.assign(c.operands, Feed{c.dtype, {"n", "3"}, Fill::kMixed});
  program.build = [&](CoreBuilder& b, mlir::ValueRange x) {
    return Values{MakeOp(b, "core." + c.op, x)};
  };
  EXPECT_TRUE(SameInEveryWay(MakeProgram(program, kSizes), kOptions));
}

std::vector<Case> Cases() {
  std::vector<Case> cases;
  for (DType dtype : kFloats) {
    for (const char* op : {"abs",
                           "negate",
                           "sign",
                           "exponential",
                           "exponential_minus_one",
                           "log",
                           "log_plus_one",
                           "sqrt",
                           "rsqrt",
                           "cbrt",
                           "sine",
                           "cosine",
                           "tan",
                           "asin",
                           "acos",
                           "atan",
                           "sinh",
                           "cosh",
                           "tanh",
                           "asinh",
                           "acosh",
                           "atanh",
                           "logistic",
                           "erf",
                           "erfc",
                           "erf_inv",
                           "lgamma",
                           "digamma",
                           "floor",
                           "ceil",
                           "round_nearest_even",
                           "round_nearest_afz"}) {
      cases.push_back({op, 1, dtype});
    }
    for (const char* op : {"add", "subtract", "multiply", "divide", "remainder", "power", "maximum",
                           "minimum", "atan2"}) {
      cases.push_back({op, 2, dtype});
    }
    cases.push_back({"clamp", 3, dtype});
  }
  for (DType dtype : kIntegers) {
    for (const char* op : {"abs", "negate", "sign", "not", "popcnt", "count_leading_zeros"}) {
      cases.push_back({op, 1, dtype});
    }
    for (const char* op :
         {"add", "subtract", "multiply", "divide", "remainder", "power", "maximum", "minimum",
          "and", "or", "xor", "shift_left", "shift_right_arithmetic", "shift_right_logical"}) {
      cases.push_back({op, 2, dtype});
    }
    cases.push_back({"clamp", 3, dtype});
  }
  cases.push_back({"not", 1, DType::kBool});
  for (const char* op : {"add", "multiply", "maximum", "minimum", "and", "or", "xor"}) {
    cases.push_back({op, 2, DType::kBool});
  }
  return cases;
}
INSTANTIATE_TEST_SUITE_P(Ops, ElementwiseTest, testing::ValuesIn(Cases()), CaseName);

std::vector<DType> AllTypes() {
  std::vector<DType> types;
  for (DType dtype : kFloats) types.push_back(dtype);
  for (DType dtype : kIntegers) types.push_back(dtype);
  types.push_back(DType::kBool);
  return types;
}
std::string TypeName(const testing::TestParamInfo<DType>& info) {
  return executable::DTypeName(info.param);
}

class TypeTest : public testing::TestWithParam<DType> {};

TEST_P(TypeTest, Compare) {
  CoreProgram program;
  program.feeds.assign(2, Feed{GetParam(), {"n"}, Fill::kMixed});
  program.feeds.push_back({GetParam(), {}, Fill::kModerate});
  program.build = [](CoreBuilder& b, mlir::ValueRange x) {
    return Values{b.Eq(x[0], x[1]), b.Ne(x[0], x[1]), b.Lt(x[0], x[1]),
                  b.Le(x[0], x[1]), b.Gt(x[0], x[2]), b.Ge(x[0], x[2])};
  };
  EXPECT_TRUE(SameInEveryWay(MakeProgram(program, kSizes), kOptions));
}

TEST_P(TypeTest, Select) {
  CoreProgram program;
  program.feeds = {
      {DType::kBool, {"n"}}, {GetParam(), {"n"}, Fill::kMixed}, {GetParam(), {"1"}, Fill::kMixed}};
  program.build = [](CoreBuilder& b, mlir::ValueRange x) {
    return Values{b.Select(x[0], x[1], x[2])};
  };
  EXPECT_TRUE(SameInEveryWay(MakeProgram(program, kSizes), kOptions));
}

TEST_P(TypeTest, ConvertToEveryType) {
  for (DType to : AllTypes()) {
    CoreProgram program;
    program.feeds = {{GetParam(), {"n"}, Fill::kMixed}};
    program.build = [&](CoreBuilder& b, mlir::ValueRange x) {
      return Values{b.Convert(x[0], ElementType(to, b.context()))};
    };
    EXPECT_TRUE(SameInEveryWay(MakeProgram(program, {{{"n", 515}}, {{"n", 5}}}),
                               {.unfused = false, .concrete_runs = 0}))
        << executable::DTypeName(to);
  }
}

TEST_P(TypeTest, BitcastToTypesOfEqualWidth) {
  for (DType to : AllTypes()) {
    if (executable::DTypeSize(to) != executable::DTypeSize(GetParam())) continue;
    if ((to == DType::kBool) != (GetParam() == DType::kBool)) continue;
    CoreProgram program;
    program.feeds = {{GetParam(), {"n"}, Fill::kMixed}};
    program.build = [&](CoreBuilder& b, mlir::ValueRange x) {
      return Values{b.BitcastConvert(x[0], ElementType(to, b.context()))};
    };
    EXPECT_TRUE(
        SameInEveryWay(MakeProgram(program, kSizes), {.unfused = false, .concrete_runs = 0}))
        << executable::DTypeName(to);
  }
}
INSTANTIATE_TEST_SUITE_P(Types, TypeTest, testing::ValuesIn(AllTypes()), TypeName);

TEST(ElementwiseChainTest, ChainsBroadcastAndFuse) {
  for (DType dtype : kFloats) {
    CoreProgram program;
    program.feeds = {{dtype, {"b", "n"}}, {dtype, {"n"}}, {dtype, {"b", "1"}, Fill::kPositive}};
    program.build = [](CoreBuilder& b, mlir::ValueRange x) {
      mlir::Value centred = b.Sub(x[0], x[1]);
      mlir::Value scaled = b.Div(centred, b.Sqrt(x[2]));
      mlir::Value gate = b.Logistic(b.Mul(scaled, b.SplatLike(scaled, 1.702)));
      return Values{b.Mul(scaled, gate), centred, b.Max(gate, b.SplatLike(gate, 0.5))};
    };
    EXPECT_TRUE(SameInEveryWay(MakeProgram(
        program, {{{"b", 1}, {"n", 257}}, {{"b", 3}, {"n", 32}}, {{"b", 257}, {"n", 3}}})))
        << executable::DTypeName(dtype);
  }
}

TEST(ElementwiseChainTest, IsFinite) {
  for (DType dtype : kFloats) {
    CoreProgram program;
    program.feeds = {{dtype, {"n"}, Fill::kMixed}};
    program.build = [](CoreBuilder& b, mlir::ValueRange x) { return Values{b.IsFinite(x[0])}; };
    EXPECT_TRUE(SameInEveryWay(MakeProgram(program, kSizes), kOptions));
  }
}

}  // namespace
}  // namespace stator::tests
