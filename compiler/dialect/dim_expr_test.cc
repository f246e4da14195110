#include "compiler/dialect/dim_expr.h"

#include <limits>
#include <random>
#include <thread>

#include "compiler/dialect/checked_int.h"
#include "compiler/dialect/dim_expr_parse.h"
#include "gtest/gtest.h"

namespace stator::core {
namespace {

constexpr int64_t kMax = std::numeric_limits<int64_t>::max();
constexpr int64_t kMin = std::numeric_limits<int64_t>::min();

class DimExprTest : public ::testing::Test {
 protected:
  DimExpr P(const std::string& text) {
    absl::StatusOr<DimExpr> e = ParseDimExpr(ctx, text);
    EXPECT_TRUE(e.ok()) << e.status();
    return e.ok() ? *e : ctx.Constant(-12345);
  }

  DimContext ctx;
  DimExpr b = ctx.Symbol("b");
  DimExpr s = ctx.Symbol("s", {.min = 1, .max = 512});
  DimExpr h = ctx.Symbol("h", {.min = 2});
  DimExpr m = ctx.Symbol("m", {.divisor = 8});
};

TEST_F(DimExprTest, RingLawsHoldByPointer) {
  EXPECT_EQ((b + s) + h, b + (h + s));
  EXPECT_EQ((b * s) * h, h * (s * b));
  EXPECT_EQ((b + s) * h, h * b + h * s);
  EXPECT_EQ((b + 1) * (b - 1), b * b - 1);
  EXPECT_EQ(b - b, ctx.Constant(0));
  EXPECT_NE(b, s);
  EXPECT_TRUE((b - b + 7).IsConstant(7));
  EXPECT_EQ(b.symbol()->name(), "b");
  EXPECT_FALSE((b * 2).IsSymbol());
  EXPECT_EQ(Product(ctx, {b, s, ctx.Constant(3)}), b * 3 * s);
  EXPECT_EQ(Product(ctx, {}), ctx.Constant(1));
}

TEST_F(DimExprTest, PrintsTheNormalForm) {
  EXPECT_EQ((4 - h + s * b).ToString(), "b*s + -1*h + 4");
  EXPECT_EQ((b * b * 2).ToString(), "2*b^2");
  EXPECT_EQ(ctx.Constant(0).ToString(), "0");
  EXPECT_EQ(FloorDiv(b + 1, 2).ToString(), "floordiv(b + 1, 2)");
  EXPECT_EQ(Max(s, b).ToString(), "max(b, s)");
}

TEST_F(DimExprTest, FloorDivByConstant) {
  EXPECT_EQ(FloorDiv(4 * b, 4), b);
  EXPECT_EQ(FloorDiv(4 * b + 3, 4), b);
  EXPECT_EQ(FloorDiv(4 * b - 1, 4), b - 1);
  EXPECT_EQ(FloorDiv(4 * b + s, 4), b + FloorDiv(s, 4));
  EXPECT_EQ(FloorDiv(6 * b + 3, 4), b + FloorDiv(b + 1, 2));
  EXPECT_EQ(FloorDiv(b, -1), -b);
  EXPECT_EQ(FloorDiv(FloorDiv(b, 2), 3), FloorDiv(b, 6));
  EXPECT_EQ(FloorDiv(FloorDiv(b, 2) + 1, 3), FloorDiv(b + 2, 6));
  EXPECT_EQ(FloorDiv(s, 513), ctx.Constant(0));
  EXPECT_EQ(FloorDiv(s - 513, 512), ctx.Constant(-1));
  EXPECT_EQ(FloorDiv(b, 0).error(), DimError::kDivisionByZero);
  EXPECT_EQ((FloorDiv(b, 0) + 1).error(), DimError::kDivisionByZero);
}

TEST_F(DimExprTest, WaysToWriteAnOutputSizeAgree) {
  // SAME padding with stride 2, written by its three usual formulas.
  EXPECT_EQ(CeilDiv(h, 2), FloorDiv(h + 1, 2));
  EXPECT_EQ(CeilDiv(h, 2), FloorDiv(h - 1, 2) + 1);
  EXPECT_EQ(FloorDiv(h + 2 * 3 - 7, 2) + 1, FloorDiv(h + 1, 2));
}

TEST_F(DimExprTest, DivisorsCancel) {
  EXPECT_EQ(4 * FloorDiv(m, 4), m);
  EXPECT_EQ(2 * FloorDiv(m, 8), FloorDiv(m, 4));
  EXPECT_EQ(FloorDiv(m + 3, 4), FloorDiv(m, 4));
  EXPECT_EQ(FloorDiv(m + 5, 16), FloorDiv(m, 16));
  EXPECT_EQ(8 * FloorDiv(m * b, 8), m * b);
  EXPECT_EQ(Mod(m, 8), ctx.Constant(0));
  EXPECT_EQ(Mod(m + 3, 4), ctx.Constant(3));
  EXPECT_EQ(Mod(m + 3, 16), Mod(m, 16) + 3);
  EXPECT_EQ((m * b * 3).Divisor(), 24);
  EXPECT_EQ((m + 12).Divisor(), 4);
  EXPECT_EQ((b - b).Divisor(), 0);
  EXPECT_EQ(FloorDiv(m, 2).Divisor(), 4);
}

TEST_F(DimExprTest, ModByConstant) {
  EXPECT_EQ(Mod(4 * b + 5, 4), ctx.Constant(1));
  EXPECT_EQ(Mod(5 * b, 4), Mod(b, 4));
  EXPECT_EQ(Mod(2 * b, 4), 2 * Mod(b, 2));
  EXPECT_EQ(Mod(Mod(b, 12) + 1, 4), Mod(b + 1, 4));
  EXPECT_EQ(Mod(s, 1000), s);
  EXPECT_EQ(Mod(b, 1), ctx.Constant(0));
}

TEST_F(DimExprTest, DivisionByAnExpressionNeedsItNonzero) {
  EXPECT_EQ(FloorDiv(b * s, s), b);
  EXPECT_EQ(FloorDiv(b * s + s - 1, s), b + FloorDiv(s - 1, s));
  EXPECT_EQ(FloorDiv(s - 1, s), ctx.Constant(0));
  EXPECT_EQ(Mod(b * s + 0, s), ctx.Constant(0));
  EXPECT_EQ(Mod(s - 1, s), s - 1);
  EXPECT_EQ(CeilDiv(b * s + 1, s), b + 1);
  EXPECT_EQ(FloorDiv(2 * b * s, 4 * s), FloorDiv(b, 2));
  // b may be 0.
  EXPECT_NE(FloorDiv(b * s, b), s);
  EXPECT_EQ(DivideExactly(b * s * 4, b), 4 * s);
  EXPECT_EQ(DivideExactly(b * b - 1, b + 1), b - 1);
  EXPECT_EQ(DivideExactly(b * s + 1, b), std::nullopt);
  EXPECT_EQ(DivideExactly(b, ctx.Constant(0)), std::nullopt);
  EXPECT_EQ(DivideExactly(m, ctx.Constant(4)), FloorDiv(m, 4));
}

TEST_F(DimExprTest, MinAndMax) {
  EXPECT_EQ(Max(b, 0), b);
  EXPECT_EQ(Min(s, 1000), s);
  EXPECT_EQ(Max(s, s + 1), s + 1);
  EXPECT_EQ(Max(b + 1, h + 1), Max(h, b) + 1);
  EXPECT_EQ(Max(b - 1, 0), Max(b, 1) - 1);
  EXPECT_EQ(Max(2 * b, 2 * h), 2 * Max(b, h));
  EXPECT_EQ(Max(b, Max(s, h)), Max(Max(h, b), s));
  EXPECT_EQ(Max(b, Max(s, h) + 1), Max(Max(b, s + 1), h + 1));
  EXPECT_EQ(Min(b, b), b);
}

TEST_F(DimExprTest, Proofs) {
  EXPECT_TRUE(ProvablyPositive(s));
  EXPECT_FALSE(ProvablyPositive(b));
  EXPECT_TRUE(ProvablyLessEqual(b, b * s));
  EXPECT_FALSE(ProvablyLessEqual(s, b * s));
  EXPECT_TRUE(ProvablyLessEqual(2 * FloorDiv(b, 2), b));
  EXPECT_FALSE(ProvablyLessEqual(b, 2 * FloorDiv(b, 2)));
  EXPECT_TRUE(ProvablyLessEqual(b, 2 * CeilDiv(b, 2)));
  EXPECT_TRUE(ProvablyLessEqual(b, Max(b, s)));
  EXPECT_TRUE(ProvablyLessEqual(Min(b, s), b));
  EXPECT_TRUE(ProvablyLessEqual(Max(b, s), b + s));
  EXPECT_TRUE(ProvablyLessEqual(Mod(b, 5), ctx.Constant(4)));
  EXPECT_TRUE(ProvablyEqual(b * h, h * b));
  EXPECT_FALSE(ProvablyEqual(b, s));
  EXPECT_EQ((3 - s).Bounds().lo, 3 - 512);
  EXPECT_EQ((3 - s).Bounds().hi, 2);
  EXPECT_EQ((b * s).Bounds().lo, 0);
  EXPECT_EQ((b * s).Bounds().hi, std::nullopt);
}

TEST_F(DimExprTest, ErrorsAreValues) {
  EXPECT_EQ((ctx.Constant(kMax) + 1).error(), DimError::kOverflow);
  EXPECT_EQ((kMax * b + b).error(), DimError::kOverflow);
  EXPECT_EQ((-(ctx.Constant(kMin))).error(), DimError::kOverflow);
  EXPECT_EQ(FloorDiv(ctx.Constant(kMin), -1).error(), DimError::kOverflow);
  EXPECT_EQ(Max(b, ctx.Constant(kMax) + 1).error(), DimError::kOverflow);
  EXPECT_FALSE(ProvablyEqual(ctx.Constant(kMax) + 1, ctx.Constant(kMax) + 1));
  // Parts may leave int64 where the sum does not.
  EXPECT_EQ(ctx.Constant(kMax) + b + kMin, b - 1);
  DimExpr large = b;
  for (int i = 0; i < 40; ++i) large = large * (ctx.FreshSymbol("x") + 1);
  EXPECT_EQ(large.error(), DimError::kTooLarge);
  DimExpr deep = b;
  for (int i = 0; i < 2000; ++i) deep = FloorDiv(deep * deep + s, h);
  EXPECT_EQ(deep.error(), DimError::kTooLarge);
}

TEST_F(DimExprTest, SubstituteAndEvaluate) {
  DimExpr e = FloorDiv(b * s + h, 3) + Max(b, h);
  EXPECT_EQ(e.Evaluate({{b.symbol(), 4}, {s.symbol(), 5}, {h.symbol(), 2}}), 7 + 4);
  EXPECT_EQ(e.Evaluate({{b.symbol(), 4}, {s.symbol(), 5}}), std::nullopt);
  EXPECT_EQ((b * b).Evaluate({{b.symbol(), kMax}}), std::nullopt);
  EXPECT_EQ(FloorDiv(s, b).Evaluate({{b.symbol(), 0}, {s.symbol(), 5}}), std::nullopt);
  EXPECT_EQ(e.Substitute({{b.symbol(), ctx.Constant(3)}}), FloorDiv(h, 3) + s + Max(h, 3));
  EXPECT_EQ((b * b).Substitute({{b.symbol(), b + 1}}), b * b + 2 * b + 1);
  int count = 0;
  e.ForEachSymbol([&](const DimSymbol&) { ++count; });
  EXPECT_EQ(count, 3);
}

TEST_F(DimExprTest, NarrowedFactsTakeEffectOnRebuilding) {
  DimExpr e = FloorDiv(b * s, b);
  DimExpr half = FloorDiv(b, 2);
  EXPECT_FALSE(ProvablyPositive(half));
  ctx.Narrow(b.symbol(), {.min = 2, .max = 9, .divisor = 2});
  EXPECT_EQ(e.Simplified(), s);
  EXPECT_TRUE(ProvablyPositive(half));
  EXPECT_EQ(half.Bounds().hi, 4);
  EXPECT_EQ(2 * half.Simplified(), b);
}

TEST_F(DimExprTest, SymbolsAreUniqueByName) {
  EXPECT_EQ(ctx.Symbol("b"), b);
  EXPECT_EQ(ctx.FreshSymbol("b").ToString(), "b_1");
  EXPECT_EQ(ctx.FreshSymbol("b").ToString(), "b_2");
  EXPECT_EQ(ctx.FindSymbol("nothing"), nullptr);
  EXPECT_EQ(ctx.symbols().size(), 6u);
  EXPECT_FALSE(DimContext::IsValidSymbolName("max"));
  EXPECT_FALSE(DimContext::IsValidSymbolName("1a"));
  EXPECT_FALSE(DimContext::IsValidSymbolName(""));
}

TEST_F(DimExprTest, ParserRejectsWithAColumn) {
  for (const char* text : {"", "b +", "b s", "max(b)", "mod(b, 2, 3)", "foo(b, 2)", "(b", "b^0",
                           "$x", "floordiv(b, 0)", "9223372036854775808", "b^99"}) {
    EXPECT_EQ(ParseDimExpr(ctx, text).status().code(), absl::StatusCode::kInvalidArgument) << text;
  }
  EXPECT_EQ(ParseDimExpr(ctx, std::string(100000, '(')).status().code(),
            absl::StatusCode::kInvalidArgument);
  EXPECT_NE(std::string(ParseDimExpr(ctx, "b + )").status().message()).find("column 5"),
            std::string::npos);
  EXPECT_TRUE(P("-9223372036854775808").IsConstant(kMin));
  EXPECT_EQ(P(" (b+1) * -(b - 1)"), 1 - b * b);
}

TEST_F(DimExprTest, SymbolFactsRoundTrip) {
  for (const char* text : {"p: input [0, )", "q: step [1, 64] div 8", "r: loop [-3, )"}) {
    absl::StatusOr<const DimSymbol*> symbol = ParseSymbolFacts(ctx, text);
    ASSERT_TRUE(symbol.ok()) << symbol.status();
    EXPECT_EQ(PrintSymbolFacts(**symbol), text);
  }
  EXPECT_FALSE(ParseSymbolFacts(ctx, "b: input [7, )").ok());
  EXPECT_FALSE(ParseSymbolFacts(ctx, "z: input 7").ok());
}

TEST_F(DimExprTest, ThreadsAgree) {
  std::vector<std::thread> threads;
  std::vector<DimExpr> results(4);
  for (int t = 0; t < 4; ++t) {
    threads.emplace_back([&, t] {
      DimExpr e = b;
      for (int i = 0; i < 50; ++i) e = FloorDiv(e * 3 + s * i, 4) + Max(b, h + i);
      results[t] = FloorDiv(b * 7 + ctx.Symbol("late"), 5);
    });
  }
  for (std::thread& t : threads) t.join();
  for (DimExpr e : results) EXPECT_EQ(e, results[0]);
}

// ---- Random expressions -------------------------------------------------------------------------

// An expression and its value computed directly, for one assignment of the symbols.
struct Sample {
  DimExpr e;
  std::optional<__int128> value;
};

class RandomDimExprTest : public ::testing::TestWithParam<int> {
 protected:
  RandomDimExprTest() : random_(GetParam()) {
    Add("a", {}, Pick(0, 40));
    Add("b", {.min = 1}, Pick(1, 40));
    Add("c", {.min = 2, .max = 20}, Pick(2, 20));
    Add("d", {.min = -5, .max = 5}, Pick(-5, 5));
    Add("e", {.divisor = 6}, 6 * Pick(0, 10));
  }

  int64_t Pick(int64_t lo, int64_t hi) {
    return std::uniform_int_distribution<int64_t>(lo, hi)(random_);
  }

  void Add(const char* name, const DimFacts& facts, int64_t value) {
    DimExpr e = ctx_.Symbol(name, facts);
    symbols_.push_back({e, value});
    values_[e.symbol()] = value;
  }

  Sample Leaf() {
    if (Pick(0, 2) == 0) {
      int64_t c = Pick(-6, 12);
      return {ctx_.Constant(c), c};
    }
    return symbols_[Pick(0, used_symbols_ - 1)];
  }

  static std::optional<__int128> Floor(__int128 a, __int128 b) {
    if (b == 0) return std::nullopt;
    __int128 q = a / b;
    return a % b != 0 && (a < 0) != (b < 0) ? q - 1 : q;
  }

  Sample Random(int depth) {
    if (depth == 0) return Leaf();
    Sample x = Random(depth - 1), y = Random(Pick(0, depth - 1));
    bool known = x.value && y.value;
    __int128 u = known ? *x.value : 0, v = known ? *y.value : 0;
    std::optional<__int128> value;
    DimExpr e;
    switch (Pick(0, 7)) {
      case 0:
      case 1:
        e = x.e + y.e, value = u + v;
        break;
      case 2:
        e = x.e - y.e, value = u - v;
        break;
      case 3:
        e = x.e * y.e, value = u * v;
        break;
      case 4:
        e = FloorDiv(x.e, y.e), value = Floor(u, v);
        break;
      case 5:
        if (Pick(0, 1)) {
          e = CeilDiv(x.e, y.e), value = Floor(-u, v);
          if (value) value = -*value;
        } else {
          e = Mod(x.e, y.e), value = Floor(u, v);
          if (value) value = u - v * *value;
        }
        break;
      case 6:
        e = Min(x.e, y.e), value = std::min(u, v);
        break;
      case 7:
        e = Max(x.e, y.e), value = std::max(u, v);
        break;
    }
    if (!known) value = std::nullopt;
    return {e, value};
  }

  std::mt19937 random_;
  DimContext ctx_;
  std::vector<Sample> symbols_;
  int used_symbols_ = 5;
  llvm::DenseMap<const DimSymbol*, int64_t> values_;
};

TEST_P(RandomDimExprTest, SimplificationKeepsTheValueBoundsHoldAndTextRoundTrips) {
  int compared = 0;
  for (int i = 0; i < 150; ++i) {
    Sample sample = Random(Pick(1, 4));
    if (!sample.e.ok()) continue;
    std::string text = sample.e.ToString();
    absl::StatusOr<DimExpr> parsed = ParseDimExpr(ctx_, text);
    ASSERT_TRUE(parsed.ok()) << parsed.status();
    EXPECT_EQ(*parsed, sample.e) << text << "\nreads as\n" << parsed->ToString();
    EXPECT_EQ(sample.e.Simplified(), sample.e) << text;
    if (!sample.value) continue;
    std::optional<int64_t> value = sample.e.Evaluate(values_);
    ASSERT_TRUE(value) << text;
    ASSERT_EQ(*value, static_cast<int64_t>(*sample.value)) << text;
    ++compared;
    DimBounds bounds = sample.e.Bounds();
    EXPECT_LE(bounds.lo.value_or(kMin), *value) << text;
    EXPECT_GE(bounds.hi.value_or(kMax), *value) << text;
    int64_t divisor = sample.e.Divisor();
    EXPECT_EQ(divisor == 0 ? *value : *value % divisor, 0) << text;
  }
  EXPECT_GT(compared, 50);
}

TEST_P(RandomDimExprTest, AlgebraicIdentities) {
  used_symbols_ = 4;  // 6*floordiv(e, 6) is e: forms with divisor facts are less regular
  for (int i = 0; i < 40; ++i) {
    DimExpr x = Random(2).e, y = Random(2).e, z = Random(2).e;
    if (!x.ok() || !y.ok() || !z.ok()) continue;
    EXPECT_EQ((x + y) + z, x + (y + z));
    EXPECT_EQ((x * y) * z, x * (y * z));
    EXPECT_EQ(x * (y + z), x * y + x * z);
    EXPECT_EQ(x - x, ctx_.Constant(0));
    int64_t c = Pick(1, 12);
    EXPECT_EQ(FloorDiv(x * c, c), x);
    EXPECT_EQ(FloorDiv(x + y * c, c), FloorDiv(x, c) + y);
    EXPECT_EQ(Mod(x + y * c, c), Mod(x, c));
    EXPECT_EQ(Max(x, y), Max(y, x));
    EXPECT_EQ(Min(x + z, y + z), Min(x, y) + z)
        << x.ToString() << " | " << y.ToString() << " | " << z.ToString();
  }
}

INSTANTIATE_TEST_SUITE_P(Seeds, RandomDimExprTest, ::testing::Range(0, 40));

}  // namespace
}  // namespace stator::core
