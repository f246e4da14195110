#include "compiler/reference/interpreter.h"

#include "compiler/dialect/core_dialect.h"
#include "compiler/reference/number.h"
#include "gtest/gtest.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Parser/Parser.h"

namespace stator::compiler::reference {
namespace {

using V = std::vector<double>;

Tensor Make(DType dtype, Shape dims, V values) {
  Budget budget;
  Tensor t = *budget.Allocate(dtype, dims);
  for (size_t i = 0; i < values.size(); ++i) {
    const int64_t at = static_cast<int64_t>(i);
    if (IsFloat(dtype)) {
      Store<double>(t, at, values[i]);
    } else {
      Store<int64_t>(t, at, static_cast<int64_t>(values[i]));
    }
  }
  return t;
}
Tensor F32(Shape dims, V values) { return Make(DType::kFloat32, dims, values); }
Tensor I32(Shape dims, V values) { return Make(DType::kInt32, dims, values); }

V Values(const Tensor& t) {
  V values;
  for (int64_t i = 0; i < t.num_elements(); ++i) {
    values.push_back(IsFloat(t.dtype()) ? Load<double>(t, i)
                                        : static_cast<double>(Load<int64_t>(t, i)));
  }
  return values;
}

class InterpreterTest : public ::testing::Test {
 protected:
  InterpreterTest() { context_.loadDialect<core::CoreDialect, mlir::func::FuncDialect>(); }

  absl::StatusOr<std::vector<Value>> Run(llvm::StringRef text, std::vector<Value> arguments) {
    module_ = mlir::parseSourceString<mlir::ModuleOp>(text, &context_);
    if (!module_) return absl::InternalError("the test's text does not parse");
    return reference::Run(module_->lookupSymbol("main"), std::move(arguments), variables_,
                          options_);
  }

  // The elements of the first result.
  V RunTo(llvm::StringRef text, std::vector<Value> arguments) {
    absl::StatusOr<std::vector<Value>> results = Run(text, std::move(arguments));
    if (!results.ok()) {
      ADD_FAILURE() << results.status();
      return {};
    }
    return Values(std::get<Tensor>((*results)[0]));
  }

  absl::Status Error(llvm::StringRef text, std::vector<Value> arguments) {
    return Run(text, std::move(arguments)).status();
  }

  mlir::MLIRContext context_;
  mlir::OwningOpRef<mlir::ModuleOp> module_;
  Variables variables_;
  RunOptions options_;
};

// ---- Sizes ----

constexpr char kSymbolic[] = R"(
!matrix = tensor<?x?xf32, #core.dims<"b", "n">>
!flat = tensor<?xf32, #core.dims<"b*n">>
func.func @main(%x: !matrix) -> (!flat, tensor<3xi32>) {
  %flat = core.reshape %x : (!matrix) -> !flat
  %shape = core.dim_values #core.dims<"b", "b*n", "max(b, n) + 1"> -> tensor<3xi32>
  return %flat, %shape : !flat, tensor<3xi32>
})";

TEST_F(InterpreterTest, ArgumentsBindSymbols) {
  absl::StatusOr<std::vector<Value>> results = Run(kSymbolic, {F32({2, 3}, {1, 2, 3, 4, 5, 6})});
  ASSERT_TRUE(results.ok()) << results.status();
  EXPECT_EQ(std::get<Tensor>((*results)[0]).dims(), (Shape{6}));
  EXPECT_EQ(Values(std::get<Tensor>((*results)[1])), (V{2, 6, 4}));
}

TEST_F(InterpreterTest, WrongArgumentsAreErrors) {
  EXPECT_EQ(Error(kSymbolic, {}).code(), absl::StatusCode::kInvalidArgument);
  EXPECT_EQ(Error(kSymbolic, {F32({2}, {1, 2})}).code(), absl::StatusCode::kInvalidArgument);
  EXPECT_EQ(Error(kSymbolic, {I32({1, 1}, {1})}).code(), absl::StatusCode::kInvalidArgument);
}

TEST_F(InterpreterTest, OneSymbolHasOneSize) {
  constexpr char kText[] = R"(
    !v = tensor<?xf32, #core.dims<"n">>
    func.func @main(%x: !v, %y: !v) -> !v {
      %z = core.add %x, %y : !v
      return %z : !v
    })";
  EXPECT_EQ(RunTo(kText, {F32({2}, {1, 2}), F32({2}, {10, 20})}), (V{11, 22}));
  EXPECT_FALSE(Run(kText, {F32({2}, {1, 2}), F32({1}, {10})}).ok());
}

TEST_F(InterpreterTest, GuardsComeBeforeEffects) {
  constexpr char kText[] = R"(
    core.variable @v : tensor<f32> {shared_name = "v"}
    func.func @main(%x: tensor<?xf32, #core.dims<"p">>, %y: tensor<?xf32, #core.dims<"q">>) {
      %one = core.constant dense<1.0> : tensor<f32>
      core.assign_variable @v, %one : tensor<f32>
      core.guard #core.dims<"p"> EQ #core.dims<"q">, "batch of x must equal batch of y"
      return
    })";
  const absl::Status status = Error(kText, {F32({1}, {1}), F32({2}, {1, 2})});
  EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument);
  EXPECT_NE(std::string(status.message()).find("batch of x must equal"), std::string::npos);
  EXPECT_EQ(variables_.count("v"), 0u);
  EXPECT_TRUE(Error(kText, {F32({1}, {1}), F32({1}, {2})}).ok());
  EXPECT_EQ(variables_.count("v"), 1u);
}

TEST_F(InterpreterTest, BoundSizesAndCompact) {
  constexpr char kText[] = R"(
    !v = tensor<?xi32, #core.dims<"n">>
    !m = tensor<?xi1, #core.dims<"n">>
    !r = tensor<?xi32, #core.dims<"kept">>
    func.func @main(%x: !v, %mask: !m) -> !r {
      %ints = core.convert %mask : (!m) -> !v
      %count = core.reduce add %ints, dims = [0] : (!v) -> tensor<i32>
      core.bind_dim %count, "kept" : tensor<i32>
      %r = core.compact %x, %mask : (!v, !m) -> !r
      return %r : !r
    })";
  EXPECT_EQ(RunTo(kText, {I32({4}, {1, 2, 3, 4}), Make(DType::kBool, {4}, {1, 0, 0, 1})}),
            (V{1, 4}));
  EXPECT_EQ(RunTo(kText, {I32({1}, {1}), Make(DType::kBool, {1}, {0})}), (V{}));
}

TEST_F(InterpreterTest, UnboundSizesAreNamed) {
  const absl::Status status = Error(R"(
    func.func @main() -> tensor<?xi32, #core.dims<"nowhere">> {
      %r = core.iota 0 : tensor<?xi32, #core.dims<"nowhere">>
      return %r : tensor<?xi32, #core.dims<"nowhere">>
    })",
                                    {});
  EXPECT_EQ(status.code(), absl::StatusCode::kFailedPrecondition);
  EXPECT_NE(std::string(status.message()).find("nowhere"), std::string::npos);
}

// ---- Ops through their text ----

TEST_F(InterpreterTest, ConstantsOfAllForms) {
  EXPECT_EQ(RunTo("func.func @main() -> tensor<3xi1> { %c = core.constant dense<[true, false, "
                  "true]> : tensor<3xi1>\n"
                  "return %c : tensor<3xi1> }",
                  {}),
            (V{1, 0, 1}));
  EXPECT_EQ(
      RunTo("func.func @main() -> tensor<2xbf16> { %c = core.constant dense<1.5> : tensor<2xbf16>\n"
            "return %c : tensor<2xbf16> }",
            {}),
      (V{1.5, 1.5}));
  EXPECT_EQ(
      RunTo("func.func @main() -> tensor<0xf32> { %c = core.constant dense<> : tensor<0xf32>\n"
            "return %c : tensor<0xf32> }",
            {}),
      (V{}));
}

TEST_F(InterpreterTest, ElementwiseOpsReachTheirFunctions) {
  EXPECT_EQ(RunTo(R"(
    func.func @main(%x: tensor<2xf32>, %y: tensor<2xf32>) -> tensor<2xf32> {
      %p = core.compare LT %x, %y : (tensor<2xf32>, tensor<2xf32>) -> tensor<2xi1>
      %s = core.subtract %x, %y : tensor<2xf32>
      %a = core.abs %s : tensor<2xf32>
      %r = core.select %p, %a, %x : tensor<2xi1>, tensor<2xf32>
      return %r : tensor<2xf32>
    })",
                  {F32({2}, {1, 9}), F32({2}, {4, 5})}),
            (V{3, 9}));
}

TEST_F(InterpreterTest, ContractionsUseTheirAccumulateAttribute) {
  constexpr char kPlain[] = R"(
    func.func @main(%x: tensor<4xf32>, %y: tensor<4xf32>) -> tensor<f32> {
      %r = core.dot_general %x, %y, batch = [] x [], contract = [0] x [0]
        : (tensor<4xf32>, tensor<4xf32>) -> tensor<f32>
      return %r : tensor<f32>
    })";
  constexpr char kChunks[] = R"(
    func.func @main(%x: tensor<4xf32>, %y: tensor<4xf32>) -> tensor<f32> {
      %r = core.dot_general %x, %y, batch = [] x [], contract = [0] x [0]
        {accumulate = #core.accumulate<lanes = 1, block = 2>} : (tensor<4xf32>, tensor<4xf32>) -> tensor<f32>
      return %r : tensor<f32>
    })";
  const Tensor x = F32({4}, {0x1p24, 1, 1, 1}), ones = F32({4}, {1, 1, 1, 1});
  EXPECT_EQ(RunTo(kPlain, {x, ones}), (V{0x1p24}));
  EXPECT_EQ(RunTo(kChunks, {x, ones}), (V{0x1p24 + 2}));
}

TEST_F(InterpreterTest, ReductionsUseTheirAccumulateAttribute) {
  constexpr char kText[] = R"(
    func.func @main(%x: tensor<4xf32>) -> tensor<f32> {
      %r = core.reduce add %x, dims = [0] {accumulate = #core.accumulate<lanes = 1, block = 8>}
        : (tensor<4xf32>) -> tensor<f32>
      return %r : tensor<f32>
    })";
  EXPECT_EQ(RunTo(kText, {F32({4}, {0x1p24, 1, 1, 1})}), (V{0x1p24}));
}

TEST_F(InterpreterTest, ConvolutionWithSymbolicPadding) {
  EXPECT_EQ(RunTo(R"(
    !x = tensor<1x?x1xf32, #core.dims<"1", "n", "1">>
    !r = tensor<1x?x1xf32, #core.dims<"1", "2*n + -2", "1">>
    func.func @main(%x: !x, %w: tensor<3x1x1xf32>) -> !r {
      %r = core.convolution %x, %w {
        window_strides = array<i64: 1>, padding_low = #core.dims<"n">, padding_high = #core.dims<"0">,
        lhs_dilation = array<i64: 1>, rhs_dilation = array<i64: 1>, feature_group_count = 1 : i64,
        dimension_numbers = #core.conv<input = [0, 2, [1]], kernel = [1, 2, [0]], output = [0, 2, [1]]>}
        : (!x, tensor<3x1x1xf32>) -> !r
      return %r : !r
    })",
                  {F32({1, 3, 1}, {1, 2, 3}), F32({3, 1, 1}, {1, 10, 100})}),
            (V{0, 100, 210, 321}));
}

TEST_F(InterpreterTest, SortReturnsAllOperands) {
  EXPECT_EQ(RunTo(R"(
    func.func @main(%x: tensor<3xf32>) -> tensor<3xi32> {
      %i = core.iota 0 : tensor<3xi32>
      %s:2 = core.sort %x, %i dim = 0 {descending = true} : (tensor<3xf32>, tensor<3xi32>) -> (tensor<3xf32>, tensor<3xi32>)
      return %s#1 : tensor<3xi32>
    })",
                  {F32({3}, {1, 3, 2})}),
            (V{1, 2, 0}));
}

TEST_F(InterpreterTest, TopKTakesItsSizeFromTheType) {
  EXPECT_EQ(RunTo(R"(
    func.func @main(%x: tensor<3xf32>) -> tensor<2xi32> {
      %v, %i = core.top_k %x : (tensor<3xf32>) -> (tensor<2xf32>, tensor<2xi32>)
      return %i : tensor<2xi32>
    })",
                  {F32({3}, {1, 3, 2})}),
            (V{1, 2}));
}

// ---- Control ----

constexpr char kIf[] = R"(
    func.func @main(%p: tensor<i1>, %x: tensor<f32>) -> tensor<f32> {
      %r = core.if %p {
        %n = core.negate %x : tensor<f32>
        core.return %n : tensor<f32>
      } else {
        core.return %x : tensor<f32>
      } : (tensor<i1>) -> tensor<f32>
      return %r : tensor<f32>
    })";

TEST_F(InterpreterTest, IfTakesOneBranch) {
  EXPECT_EQ(RunTo(kIf, {Make(DType::kBool, {}, {1}), F32({}, {5})}), (V{-5}));
  EXPECT_EQ(RunTo(kIf, {Make(DType::kBool, {}, {0}), F32({}, {5})}), (V{5}));
}

TEST_F(InterpreterTest, CaseOutOfRangeTakesTheLast) {
  constexpr char kText[] = R"(
    func.func @main(%i: tensor<i32>, %x: tensor<f32>) -> tensor<f32> {
      %r = core.case %i branches {
        core.return %x : tensor<f32>
      }, {
        %n = core.negate %x : tensor<f32>
        core.return %n : tensor<f32>
      } : (tensor<i32>) -> tensor<f32>
      return %r : tensor<f32>
    })";
  EXPECT_EQ(RunTo(kText, {I32({}, {0}), F32({}, {5})}), (V{5}));
  EXPECT_EQ(RunTo(kText, {I32({}, {1}), F32({}, {5})}), (V{-5}));
  EXPECT_EQ(RunTo(kText, {I32({}, {-7}), F32({}, {5})}), (V{-5}));
}

constexpr char kWhile[] = R"(
    func.func @main(%n: tensor<i32>) -> tensor<i32> {
      %zero = core.constant dense<0> : tensor<i32>
      %one = core.constant dense<1> : tensor<i32>
      %r:2 = core.while %zero, %zero cond {
      ^bb0(%i: tensor<i32>, %sum: tensor<i32>):
        %p = core.compare LT %i, %n : (tensor<i32>, tensor<i32>) -> tensor<i1>
        core.return %p : tensor<i1>
      } body {
      ^bb0(%i: tensor<i32>, %sum: tensor<i32>):
        %next = core.add %i, %one : tensor<i32>
        %s = core.add %sum, %next : tensor<i32>
        core.return %next, %s : tensor<i32>, tensor<i32>
      } : (tensor<i32>, tensor<i32>) -> (tensor<i32>, tensor<i32>)
      return %r#1 : tensor<i32>
    })";

TEST_F(InterpreterTest, WhileCarriesValues) {
  EXPECT_EQ(RunTo(kWhile, {I32({}, {10})}), (V{55}));
  EXPECT_EQ(RunTo(kWhile, {I32({}, {0})}), (V{0}));
}

TEST_F(InterpreterTest, EndlessLoopsEndWithAStatus) {
  options_.limits.operations = 10000;
  EXPECT_EQ(Error(kWhile, {I32({}, {2000000000})}).code(), absl::StatusCode::kResourceExhausted);
  constexpr char kEmptyLoop[] = R"(
    func.func @main(%p: tensor<i1>) {
      core.while cond {
        core.return %p : tensor<i1>
      } body {
        core.return
      } : () -> ()
      return
    })";
  EXPECT_EQ(Error(kEmptyLoop, {Make(DType::kBool, {}, {1})}).code(),
            absl::StatusCode::kResourceExhausted);
}

TEST_F(InterpreterTest, LoopSymbolsGrow) {
  // Doubles a vector while it has fewer than 10 elements.
  constexpr char kText[] = R"(
    !v = tensor<?xf32, #core.dims<"grow">>
    !w = tensor<?xf32, #core.dims<"2*grow">>
    func.func @main(%x: tensor<3xf32>) -> (!v, tensor<i32>) {
      %ten = core.constant dense<10> : tensor<i32>
      %r = core.while %x cond {
      ^bb0(%y: !v):
        %n = core.get_dim %y, dim = 0 : (!v) -> tensor<i32>
        %p = core.compare LT %n, %ten : (tensor<i32>, tensor<i32>) -> tensor<i1>
        core.return %p : tensor<i1>
      } body {
      ^bb0(%y: !v):
        %z = core.concatenate %y, %y dim = 0 : (!v, !v) -> !w
        core.return %z : !w
      } {loop_symbols = ["grow"], initial_dims = #core.dims<"3">} : (tensor<3xf32>) -> !v
      %size = core.dim_values #core.dims<"grow"> -> tensor<i32>
      return %r, %size : !v, tensor<i32>
    })";
  absl::StatusOr<std::vector<Value>> results = Run(kText, {F32({3}, {1, 2, 3})});
  ASSERT_TRUE(results.ok()) << results.status();
  EXPECT_EQ(std::get<Tensor>((*results)[0]).dims(), (Shape{12}));
  EXPECT_EQ(Values(std::get<Tensor>((*results)[1])), (V{12}));
}

TEST_F(InterpreterTest, CallsBindTheCalleesSymbols) {
  constexpr char kText[] = R"(
    !v = tensor<?xf32, #core.dims<"k">>
    func.func @sum(%x: !v) -> tensor<f32> {
      %r = core.reduce add %x, dims = [0] : (!v) -> tensor<f32>
      return %r : tensor<f32>
    }
    func.func @main(%x: tensor<2xf32>, %y: tensor<3xf32>) -> tensor<f32> {
      %a = core.assume_dims %x : (tensor<2xf32>) -> tensor<2xf32>
      %p = core.call @sum(%a) : (tensor<2xf32>) -> tensor<f32>
      %q = core.call @sum(%y) : (tensor<3xf32>) -> tensor<f32>
      %r = core.add %p, %q : tensor<f32>
      return %r : tensor<f32>
    })";
  EXPECT_EQ(RunTo(kText, {F32({2}, {1, 2}), F32({3}, {10, 20, 30})}), (V{63}));
}

TEST_F(InterpreterTest, EndlessRecursionEndsWithAStatus) {
  EXPECT_EQ(Error(R"(
    func.func @main() {
      core.call @main() : () -> ()
      return
    })",
                  {})
                .code(),
            absl::StatusCode::kResourceExhausted);
}

TEST_F(InterpreterTest, CompositeAndFusionRunTheirBodies) {
  EXPECT_EQ(RunTo(R"(
    func.func @main(%x: tensor<2xf32>) -> tensor<2xf32> {
      %c = core.composite "twice" %x body {
      ^bb0(%a: tensor<2xf32>):
        %t = core.add %a, %a : tensor<2xf32>
        core.return %t : tensor<2xf32>
      } : (tensor<2xf32>) -> tensor<2xf32>
      %s = core.stop_gradient %c : tensor<2xf32>
      %f = core.fusion "loop", "test" (%s) {
      ^bb0(%a: tensor<2xf32>):
        %n = core.negate %a : tensor<2xf32>
        core.return %n : tensor<2xf32>
      } : (tensor<2xf32>) -> tensor<2xf32>
      return %f : tensor<2xf32>
    })",
                  {F32({2}, {1, 2})}),
            (V{-2, -4}));
}

TEST_F(InterpreterTest, RegionsRunAlone) {
  module_ = mlir::parseSourceString<mlir::ModuleOp>(kIf, &context_);
  ASSERT_TRUE(module_);
  core::IfOp op;
  module_->walk([&](core::IfOp found) { op = found; });
  auto function = llvm::cast<mlir::func::FuncOp>(module_->lookupSymbol("main"));
  absl::StatusOr<std::vector<Value>> results =
      RunRegion(function.getBody(), {Make(DType::kBool, {}, {1}), F32({}, {2})}, variables_);
  ASSERT_TRUE(results.ok()) << results.status();
  EXPECT_EQ(Values(std::get<Tensor>((*results)[0])), (V{-2}));
}

// ---- Errors ----

TEST_F(InterpreterTest, ChecksGiveTheirCodeAndPlace) {
  constexpr char kText[] = R"(
    func.func @main(%p: tensor<3xi1>) {
      core.check %p, 11, "index out of range" : (tensor<3xi1>) -> () loc("my_node")
      return
    })";
  EXPECT_TRUE(Error(kText, {Make(DType::kBool, {3}, {1, 1, 1})}).ok());
  const absl::Status status = Error(kText, {Make(DType::kBool, {3}, {1, 0, 0})});
  EXPECT_EQ(status.code(), absl::StatusCode::kOutOfRange);
  EXPECT_EQ(status.message(), "index out of range (element 1) [core.check at my_node]");
}

TEST_F(InterpreterTest, ManyDevicesAndMissingHostFunctionsAreUnimplemented) {
  const absl::Status collective = Error(R"(
    func.func @main(%x: tensor<f32>) -> tensor<f32> {
      %r = core.all_reduce %x, "all" : (tensor<f32>) -> tensor<f32>
      return %r : tensor<f32>
    })",
                                        {F32({}, {1})});
  EXPECT_EQ(collective.code(), absl::StatusCode::kUnimplemented);
  EXPECT_NE(std::string(collective.message()).find("core.all_reduce"), std::string::npos);
}

TEST_F(InterpreterTest, HostCallsBindTheirResults) {
  constexpr char kText[] = R"(
    !v = tensor<?xf32, #core.dims<"found">>
    func.func @main(%x: tensor<2xf32>) -> !v {
      %r = core.host_call "repeat" (%x) {times = 2 : i64} : (tensor<2xf32>) -> !v
      %n = core.negate %r : !v
      return %n : !v
    })";
  EXPECT_EQ(Error(kText, {F32({2}, {1, 2})}).code(), absl::StatusCode::kUnimplemented);
  options_.host_call = [](std::string_view function, absl::Span<const Tensor> operands,
                          mlir::DictionaryAttr config,
                          Budget&) -> absl::StatusOr<std::vector<Tensor>> {
    EXPECT_EQ(function, "repeat");
    EXPECT_EQ(operands.size(), 1u);
    EXPECT_TRUE(config.contains("times"));
    return std::vector<Tensor>{F32({4}, {1, 2, 1, 2})};
  };
  EXPECT_EQ(RunTo(kText, {F32({2}, {1, 2})}), (V{-1, -2, -1, -2}));
}

// ---- State ----

TEST_F(InterpreterTest, VariablesKeepProgramOrder) {
  constexpr char kText[] = R"(
    core.variable @v : tensor<2xf32> {shared_name = "v"}
    func.func @main(%x: tensor<2xf32>) -> (tensor<2xf32>, tensor<i1>) {
      %old = core.read_variable @v : tensor<2xf32>
      core.assign_variable @v, %x : tensor<2xf32>
      %new = core.read_variable @v : tensor<2xf32>
      %r = core.subtract %new, %old : tensor<2xf32>
      %is = core.variable_initialized @v : tensor<i1>
      return %r, %is : tensor<2xf32>, tensor<i1>
    })";
  const absl::Status status = Error(kText, {F32({2}, {5, 5})});
  EXPECT_EQ(status.code(), absl::StatusCode::kFailedPrecondition) << status;
  variables_["v"] = F32({2}, {1, 2});
  EXPECT_EQ(RunTo(kText, {F32({2}, {5, 5})}), (V{4, 3}));
  EXPECT_EQ(Values(variables_["v"]), (V{5, 5}));
  variables_["v"] = F32({3}, {1, 2, 3});
  EXPECT_EQ(Error(kText, {F32({2}, {5, 5})}).code(), absl::StatusCode::kInvalidArgument);
}

TEST_F(InterpreterTest, VariablesBindSymbolsAndStartAsZeros) {
  constexpr char kText[] = R"(
    core.variable @w : tensor<?xf32, #core.dims<"w0">> {shared_name = "w"}
    core.variable @m : tensor<?xf32, #core.dims<"w0">> {shared_name = "m", zero_initialized}
    func.func @main() -> tensor<?xf32, #core.dims<"w0">> {
      %m = core.read_variable @m : tensor<?xf32, #core.dims<"w0">>
      return %m : tensor<?xf32, #core.dims<"w0">>
    })";
  variables_["w"] = F32({3}, {1, 2, 3});
  EXPECT_EQ(RunTo(kText, {}), (V{0, 0, 0}));
}

TEST_F(InterpreterTest, ListsAreValues) {
  constexpr char kText[] = R"(
    !list = !core.list<tensor<2xf32>>
    func.func @main(%x: tensor<2xf32>, %y: tensor<2xf32>) -> (tensor<3x2xf32>, tensor<2xf32>, tensor<i32>) {
      %one = core.constant dense<1> : tensor<i32>
      %l0 = core.list_create %one : (tensor<i32>) -> !list
      %l1 = core.list_push %l0, %x : !list, tensor<2xf32>
      %l2 = core.list_push %l1, %y : !list, tensor<2xf32>
      %l3, %last = core.list_pop %l2 : !list, tensor<2xf32>
      %l4 = core.list_set %l2, %one, %y : !list, tensor<i32>, tensor<2xf32>
      %s = core.list_stack %l4 : (!list) -> tensor<3x2xf32>
      %nine = core.constant dense<9> : tensor<i32>
      %g = core.list_get %l2, %nine : (!list, tensor<i32>) -> tensor<2xf32>
      %n = core.list_length %l3 : (!list) -> tensor<i32>
      return %s, %g, %n : tensor<3x2xf32>, tensor<2xf32>, tensor<i32>
    })";
  absl::StatusOr<std::vector<Value>> results = Run(kText, {F32({2}, {1, 2}), F32({2}, {3, 4})});
  ASSERT_TRUE(results.ok()) << results.status();
  EXPECT_EQ(Values(std::get<Tensor>((*results)[0])), (V{0, 0, 3, 4, 3, 4}));
  EXPECT_EQ(Values(std::get<Tensor>((*results)[1])), (V{3, 4}));
  EXPECT_EQ(Values(std::get<Tensor>((*results)[2])), (V{2}));
}

TEST_F(InterpreterTest, MemoryIsFreedAfterTheLastUse) {
  // 20 values of 4 KiB, of which at most three live at once.
  std::string text = "func.func @main(%v0: tensor<1024xf32>) -> tensor<1024xf32> {\n";
  for (int i = 0; i < 20; ++i) {
    text += "%v" + std::to_string(i + 1) + " = core.negate %v" + std::to_string(i) +
            " : tensor<1024xf32>\n";
  }
  text += "return %v20 : tensor<1024xf32> }";
  options_.limits.bytes = 3 * 4096;
  EXPECT_TRUE(Error(text, {F32({1024}, {})}).ok());
  options_.limits.bytes = 4095;
  EXPECT_EQ(Error(text, {F32({1024}, {})}).code(), absl::StatusCode::kResourceExhausted);
}

}  // namespace
}  // namespace stator::compiler::reference
