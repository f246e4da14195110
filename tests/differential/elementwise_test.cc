// Every elementwise primitive on every element type that it has meaning for.

#include <gtest/gtest.h>

#include <algorithm>
#include <ostream>

#include "compiler/codegen/cpu/coverage.h"
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

std::vector<DType> AllTypes() {
  std::vector<DType> types = {DType::kBool};
  for (DType dtype : kFloats) types.push_back(dtype);
  for (DType dtype : kIntegers) types.push_back(dtype);
  return types;
}

// The dialect's ops with one element of the result for one of each operand.
std::vector<mlir::RegisteredOperationName> ElementwiseOps(mlir::MLIRContext& context) {
  context.loadDialect<core::CoreDialect>();
  std::vector<mlir::RegisteredOperationName> ops;
  for (mlir::RegisteredOperationName op : context.getRegisteredOperations()) {
    if (op.hasTrait<core::ElementwiseOp>()) ops.push_back(op);
  }
  return ops;
}

// As the dialect spells it.
std::string ElementName(DType dtype, mlir::MLIRContext& context) {
  std::string name;
  llvm::raw_string_ostream(name) << ElementType(dtype, &context);
  return name;
}

// Those whose operands and results have one type; the others have tests of their own below.
std::vector<Case> Cases() {
  mlir::MLIRContext context(mlir::MLIRContext::Threading::DISABLED);
  std::vector<Case> cases;
  for (mlir::RegisteredOperationName op : ElementwiseOps(context)) {
    if (!op.hasTrait<mlir::OpTrait::SameOperandsAndResultType>()) continue;
    const bool unary = op.hasTrait<mlir::OpTrait::OneOperand>();
    const bool binary = op.hasTrait<mlir::OpTrait::NOperands<2>::Impl>();
    const std::string name = op.stripDialect().str();
    for (DType dtype : AllTypes()) {
      if (!compiler::IsLowered(name, ElementName(dtype, context))) continue;
      cases.push_back({name, unary ? 1 : binary ? 2 : 3, dtype});
    }
  }
  return cases;
}
INSTANTIATE_TEST_SUITE_P(Ops, ElementwiseTest, testing::ValuesIn(Cases()), CaseName);

TEST(ElementwiseOpsTest, AllHaveCode) {
  mlir::MLIRContext context(mlir::MLIRContext::Threading::DISABLED);
  const std::vector<std::string_view> known = compiler::KernelPrimitives();
  for (mlir::RegisteredOperationName op : ElementwiseOps(context)) {
    const std::string name = op.stripDialect().str();
    EXPECT_NE(std::find(known.begin(), known.end(), name), known.end()) << name;
  }
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
