// Every comparison is exact: the order of the sums is part of the contract.
#include "compiler/codegen/cpu/contraction_kernel.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstdint>
#include <cstring>
#include <random>
#include <string>
#include <type_traits>
#include <vector>

#include "compiler/codegen/cpu/contraction_examples.h"
#include "compiler/codegen/cpu/contraction_test_support.h"
#include "gtest/gtest.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"

namespace stator::compiler {
namespace {

using mlir::Value;
using Dims = std::vector<ContractionDim>;

CpuTarget Target() { return *CpuTarget::Native(); }

SizeRef S(int64_t value) { return SizeRef::Static(value); }
// Calls visit(offset in a, b, out) for every index of the list, in order.
template <typename Visit>
void ForEach(const Dims& dims, const int64_t* scalars, Visit visit, size_t depth = 0, int64_t a = 0,
             int64_t b = 0, int64_t out = 0) {
  if (depth == dims.size()) return visit(a, b, out);
  const ContractionDim& dim = dims[depth];
  for (int64_t i = 0; i < dim.extent.Evaluate(scalars); ++i) {
    ForEach(dims, scalars, visit, depth + 1, a + i * dim.a.Evaluate(scalars),
            b + i * dim.b.Evaluate(scalars), out + i * dim.out.Evaluate(scalars));
  }
}

template <typename T>
T MultiplyAdd(T a, T b, T c) {
  if constexpr (std::is_floating_point_v<T>) {
    return std::fma(a, b, c);
  } else {
    using U = std::make_unsigned_t<T>;
    return static_cast<T>(static_cast<U>(c) + static_cast<U>(a) * static_cast<U>(b));
  }
}

// The definition of the result. `widen` turns a stored element into the accumulator's type.
template <typename Acc, typename In, typename Out, typename Widen, typename Narrow>
void Reference(const ContractionSpec& spec, const int64_t* scalars, const In* a, const In* b,
               Out* out, Widen widen, Narrow narrow) {
  a += spec.a_offset.Evaluate(scalars);
  b += spec.b_offset.Evaluate(scalars);
  out += spec.out_offset.Evaluate(scalars);
  ForEach(spec.batch, scalars, [&](int64_t ba, int64_t bb, int64_t bo) {
    ForEach(spec.m, scalars, [&](int64_t ma, int64_t, int64_t mo) {
      ForEach(spec.n, scalars, [&](int64_t, int64_t nb, int64_t no) {
        Acc total = 0, chain = 0;
        int64_t k = 0;
        ForEach(spec.k, scalars, [&](int64_t ka, int64_t kb, int64_t) {
          if (k % kContractionChunk == 0 && k > 0) {
            total = k == kContractionChunk ? chain : total + chain;
            chain = 0;
          }
          chain = MultiplyAdd<Acc>(widen(a[ba + ma + ka]), widen(b[bb + nb + kb]), chain);
          ++k;
        });
        total = k <= kContractionChunk ? chain : total + chain;
        out[bo + mo + no] = narrow(total);
      });
    });
  });
}

// [lowest, highest] offset reached by a list of lists of dims in one tensor.
std::pair<int64_t, int64_t> Reach(const std::vector<const Dims*>& lists,
                                  SizeRef ContractionDim::*stride, const int64_t* scalars) {
  int64_t low = 0, high = 0;
  for (const Dims* dims : lists) {
    for (const ContractionDim& dim : *dims) {
      const int64_t extent = dim.extent.Evaluate(scalars);
      const int64_t reach = std::max<int64_t>(0, extent - 1) * (dim.*stride).Evaluate(scalars);
      (reach < 0 ? low : high) += reach;
    }
  }
  return {low, high};
}

std::vector<GridSplit> Splits(uint32_t seed) {
  auto one = [](int64_t grid) { return std::vector<GridRange>{{0, grid, 0}}; };
  auto many = [seed](int64_t grid) {
    std::minstd_rand random(seed);
    std::vector<GridRange> ranges;
    for (int64_t at = 0; at < grid;) {
      const int64_t next = std::min<int64_t>(grid, at + 1 + random() % 3);
      ranges.push_back({at, next, static_cast<int>(random() % 3)});
      at = next;
    }
    std::shuffle(ranges.begin(), ranges.end(), random);
    return ranges;
  };
  return {one, many};
}

// Compiles, runs with two splits, compares with the reference bit by bit.
template <typename Acc, typename In, typename Out, typename Fill, typename Widen, typename Narrow>
void Check(const ContractionSpec& spec, std::vector<int64_t> scalars, uint32_t seed, Fill fill,
           Widen widen, Narrow narrow) {
  scalars.push_back(0);  // never empty
  ContractionSpec moved = spec;
  auto [a_low, a_high] = Reach({&spec.batch, &spec.m, &spec.k}, &ContractionDim::a, &scalars[0]);
  auto [b_low, b_high] = Reach({&spec.batch, &spec.k, &spec.n}, &ContractionDim::b, &scalars[0]);
  auto [o_low, o_high] = Reach({&spec.batch, &spec.m, &spec.n}, &ContractionDim::out, &scalars[0]);
  moved.a_offset = S(-a_low), moved.b_offset = S(-b_low), moved.out_offset = S(-o_low);
  // Exactly as large as what is addressed: reading beyond shows under ASan only, writing here.
  std::vector<In> a(a_high - a_low + 1), b(b_high - b_low + 1);
  std::minstd_rand random(seed);
  for (In& x : a) x = fill(random);
  for (In& x : b) x = fill(random);
  const size_t guard = 64;
  std::vector<Out> expected(o_high - o_low + 1 + 2 * guard);
  std::memset(expected.data(), 0x5a, expected.size() * sizeof(Out));
  std::vector<Out> untouched = expected;
  Reference<Acc>(moved, scalars.data(), a.data(), b.data(), expected.data() + guard, widen, narrow);
  absl::StatusOr<CompiledContraction> compiled =
      CompileContraction(moved, static_cast<int>(scalars.size()), {}, Target());
  ASSERT_TRUE(compiled.ok()) << compiled.status().ToString();
  for (const GridSplit& split : Splits(seed)) {
    std::vector<Out> out = untouched;
    RunContraction(*compiled, {a.data(), b.data(), out.data() + guard}, scalars, 3, split);
    for (size_t i = 0; i < out.size(); ++i) {
      ASSERT_EQ(std::memcmp(&out[i], &expected[i], sizeof(Out)), 0)
          << "element " << static_cast<int64_t>(i - guard) << ": " << +out[i] << " expected "
          << +expected[i] << ", source " << static_cast<int>(compiled->plan.b_source)
          << ", swapped " << compiled->plan.swapped << ", split " << compiled->plan.split_k
          << ", rows " << compiled->plan.rows << ", lanes " << compiled->plan.lanes;
    }
  }
}

auto kIdentity = [](auto x) { return x; };

void CheckF32(const ContractionSpec& spec, const std::vector<int64_t>& scalars = {},
              uint32_t seed = 1) {
  auto fill = [](auto& random) { return static_cast<float>(random() % 2001) / 1000.0f - 1.0f; };
  Check<float, float, float>(spec, scalars, seed, fill, kIdentity, kIdentity);
}

void CheckF64(ContractionSpec spec, const std::vector<int64_t>& scalars = {}, uint32_t seed = 1) {
  spec.type = spec.out_type = ContractionType::kF64;
  auto fill = [](auto& random) { return static_cast<double>(random() % 200001) / 1e5 - 1.0; };
  Check<double, double, double>(spec, scalars, seed, fill, kIdentity, kIdentity);
}

TEST(ContractionTest, MatmulsOfManySizes) {
  for (int64_t m : {1, 2, 3, 5, 6, 7, 13, 50, 65}) {
    for (int64_t n : {1, 3, 8, 10, 17, 32, 65, 130}) {
      SCOPED_TRACE(testing::Message() << m << "x" << n);
      CheckF32(Matmul(m, n, 1 + (m * 7 + n * 3) % 40));
      if (HasFatalFailure()) return;
    }
  }
}

TEST(ContractionTest, TransposedOperands) {
  for (int i = 0; i < 4; ++i) {
    for (auto [m, n, k] : {std::tuple(7, 33, 19), std::tuple(64, 48, 24), std::tuple(1, 70, 33),
                           std::tuple(70, 1, 33), std::tuple(3, 5, 100)}) {
      SCOPED_TRACE(testing::Message() << m << "x" << n << "x" << k << " transposed " << i);
      CheckF32(Matmul(m, n, k, i & 1, i & 2));
      CheckF64(Matmul(m, n, k, i & 1, i & 2));
      if (HasFatalFailure()) return;
    }
  }
}

TEST(ContractionTest, LongSumsInChunks) {
  for (int64_t k : {4095, 4096, 4097, 8192, 9001}) {
    SCOPED_TRACE(k);
    CheckF32(Matmul(13, 20, k));  // few tiles: chunks are part of the grid
    CheckF32(Matmul(2, 64, k, true, false));
    CheckF32(Matmul(3, 24, k, false, true));
    CheckF64(Matmul(7, 11, k));
    if (HasFatalFailure()) return;
  }
  CheckF32(Matmul(500, 330, 4200));  // many tiles: chunks inside
}

TEST(ContractionTest, EmptySums) {
  CheckF32(Matmul(5, 9, 0));
  CheckF32(Matmul(0, 9, 4));
  CheckF32(Matmul(5, 0, 4));
  ContractionSpec scalar;  // no dimensions at all: one product
  CheckF32(scalar);
}

TEST(ContractionTest, SymbolicSizes) {
  // out[b, i, j] of [s0, s1, s2] over k = s3, all row-major.
  auto symbolic = [](bool m, bool n, bool k, std::vector<int64_t> s) {
    auto size = [&](int index, bool is_symbol) {
      return is_symbol ? SizeRef::Scalar(index) : S(s[index]);
    };
    ContractionSpec spec;
    spec.batch = {{SizeRef::Scalar(0), SizeRef::Scalar(4), SizeRef::Scalar(5), SizeRef::Scalar(6)}};
    spec.m = {{size(1, m), size(3, k), S(0), size(2, n)}};
    spec.n = {{size(2, n), S(0), S(1), S(1)}};
    spec.k = {{size(3, k), S(1), size(2, n), S(0)}};
    s.insert(s.end(), {s[1] * s[3], s[3] * s[2], s[1] * s[2]});
    CheckF32(spec, s);
  };
  for (int which = 0; which < 8; ++which) {
    for (auto sizes : {std::vector<int64_t>{2, 5, 10, 7}, std::vector<int64_t>{1, 33, 40, 65},
                       std::vector<int64_t>{3, 1, 1, 1}, std::vector<int64_t>{1, 64, 16, 5000},
                       std::vector<int64_t>{0, 4, 4, 4}}) {
      SCOPED_TRACE(testing::Message()
                   << which << " sizes " << sizes[1] << "x" << sizes[2] << "x" << sizes[3]);
      symbolic(which & 1, which & 2, which & 4, sizes);
      if (HasFatalFailure()) return;
    }
  }
}

// Convolution of [n, h, w, ci] (padding included) with [kh, kw, ci, co].
TEST(ContractionTest, ConvolutionsAndTheirGradients) {
  for (const Convolution& c :
       {Convolution{2, 9, 11, 3, 3, 3, 10, 1}, Convolution{3, 12, 12, 1, 5, 5, 32, 1},
        Convolution{2, 10, 10, 32, 3, 3, 64, 1}, Convolution{2, 15, 13, 5, 3, 2, 7, 2},
        Convolution{40, 18, 18, 4, 5, 5, 16, 1}}) {
    SCOPED_TRACE(testing::Message() << c.h << "x" << c.w << "x" << c.ci << "x" << c.co);
    CheckF32(Forward(c));
    CheckF32(FilterGradient(c));
    CheckF32(DataGradient(c));
    CheckF64(Forward(c));
    if (HasFatalFailure()) return;
  }
}

TEST(ContractionTest, IntegersWrapAround) {
  for (bool transpose : {false, true}) {
    ContractionSpec spec = Matmul(9, 21, 30, false, transpose);
    spec.type = spec.out_type = ContractionType::kI32;
    auto fill = [](auto& random) { return static_cast<int32_t>(random() * 2654435761u); };
    Check<int32_t, int32_t, int32_t>(spec, {}, 3, fill, kIdentity, kIdentity);
    spec.type = spec.out_type = ContractionType::kI64;
    auto fill64 = [](auto& random) {
      return static_cast<int64_t>(random() * 0x9E3779B97F4A7C15ull);
    };
    Check<int64_t, int64_t, int64_t>(spec, {}, 3, fill64, kIdentity, kIdentity);
  }
}

TEST(ContractionTest, HalfTypesAccumulateInFloat) {
  auto widen = [](uint16_t x) { return std::bit_cast<float>(uint32_t{x} << 16); };
  auto narrow = [](float x) {
    const uint32_t bits = std::bit_cast<uint32_t>(x);
    return static_cast<uint16_t>((bits + 0x7fff + ((bits >> 16) & 1)) >> 16);
  };
  auto fill = [&](auto& random) {
    return narrow(static_cast<float>(random() % 2001) / 1000.0f - 1.0f);
  };
  for (auto [m, n, k] : {std::tuple(9, 21, 30), std::tuple(70, 64, 33), std::tuple(1, 40, 64)}) {
    for (bool transpose : {false, true}) {
      ContractionSpec spec = Matmul(m, n, k, false, transpose);
      spec.type = spec.out_type = ContractionType::kBf16;
      Check<float, uint16_t, uint16_t>(spec, {}, 4, fill, widen, narrow);
    }
  }
  // f16 with small integers, which are exact: the sum is what matters.
  auto widen16 = [](_Float16 x) { return static_cast<float>(x); };
  auto fill16 = [](auto& random) { return static_cast<_Float16>(random() % 64 / 32.0f - 1.0f); };
  ContractionSpec spec = Matmul(33, 40, 50);
  spec.type = ContractionType::kF16;
  spec.out_type = ContractionType::kF32;
  Check<float, _Float16, float>(spec, {}, 5, fill16, widen16, kIdentity);
}

TEST(ContractionTest, RandomSpecs) {
  for (uint32_t seed = 1; seed <= 80; ++seed) {
    SCOPED_TRACE(seed);
    std::mt19937 random(seed);
    auto pick = [&](int low, int high) {
      return low + static_cast<int>(random() % (high - low + 1));
    };
    ContractionSpec spec;
    struct Entry {
      ContractionDim* dim;
      SizeRef ContractionDim::*stride;
    };
    for (Dims* dims : {&spec.batch, &spec.m, &spec.n, &spec.k}) {
      dims->resize(dims == &spec.batch ? pick(0, 1) : pick(0, 3));
      for (ContractionDim& dim : *dims) {
        dim.extent = S(pick(0, 3) == 0 ? 8 * pick(1, 3) : pick(1, 9));
        dim.a = dim.b = dim.out = S(0);
      }
    }
    // Each tensor is dense over its dimensions, in a random order half of the time.
    auto lay_out = [&](std::vector<Dims*> lists, SizeRef ContractionDim::*stride) {
      std::vector<ContractionDim*> order;
      for (Dims* dims : lists) {
        for (ContractionDim& dim : *dims) order.push_back(&dim);
      }
      if (pick(0, 1)) std::shuffle(order.begin(), order.end(), random);
      int64_t step = 1;
      for (size_t i = order.size(); i-- > 0;) {
        order[i]->*stride = S(step);
        step *= order[i]->extent.factor + (pick(0, 3) == 0 ? pick(1, 3) : 0);
      }
    };
    lay_out({&spec.batch, &spec.m, &spec.k}, &ContractionDim::a);
    lay_out({&spec.batch, &spec.k, &spec.n}, &ContractionDim::b);
    lay_out({&spec.batch, &spec.m, &spec.n}, &ContractionDim::out);
    std::vector<int64_t> scalars;
    if (pick(0, 1)) {
      for (Dims* dims : {&spec.batch, &spec.m, &spec.n, &spec.k}) {
        for (ContractionDim& dim : *dims) {
          for (SizeRef* size : {&dim.extent, &dim.a, &dim.b, &dim.out}) {
            if (pick(0, 2) != 0) continue;
            scalars.push_back(size->factor);
            *size = SizeRef::Scalar(static_cast<int>(scalars.size()) - 1);
          }
        }
      }
    }
    spec.needs_indices = pick(0, 1);
    CheckF32(spec, scalars, seed);
    if (HasFatalFailure()) return;
  }
}

// relu(sum + bias[column]) * index of the row, stored transposed by an own store.
TEST(ContractionTest, CallbacksSeeIndices) {
  for (bool transposed_out : {false, true}) {
    const int64_t m0 = 3, m1 = 5, n = 21, k = 9;
    ContractionSpec spec;
    spec.m = {StaticDim(m0, m1 * k, 0, m1 * n), StaticDim(1, 0, 0, 0), StaticDim(m1, k, 0, n)};
    spec.n = {StaticDim(n, 0, 1, 1), StaticDim(1, 0, 0, 0)};
    if (transposed_out) {
      spec.m[0].out = S(m1), spec.m[2].out = S(1), spec.n[0].out = S(m0 * m1);
    }
    spec.k = {StaticDim(k, 1, n, 0)};
    spec.needs_indices = true;
    ContractionCallbacks callbacks;
    callbacks.epilogue = [&](PhaseBuilder& p, Value sum, const OutputPosition& at) -> Value {
      namespace arith = mlir::arith;
      mlir::OpBuilder& b = p.builder();
      EXPECT_EQ(at.indices.size(), 5u);
      EXPECT_EQ(at.vector_dim, transposed_out ? 2 : 3);
      Value pointer = p.Offset(p.BufferPointer(3), b.getF32Type(), at.indices[3]);
      const bool along_n = at.vector_dim == 3;
      Value bias = p.Load(3, pointer, along_n ? sum.getType() : b.getF32Type());
      auto splat = [&](Value value) -> Value {
        if (value.getType() == sum.getType()) return value;
        return b.create<mlir::vector::BroadcastOp>(p.loc(), sum.getType(), value);
      };
      Value row = b.create<arith::SIToFPOp>(p.loc(), b.getF32Type(), at.indices[0]);
      Value total = b.create<arith::AddFOp>(p.loc(), sum, splat(bias));
      return b.create<arith::MulFOp>(p.loc(), total, splat(row));
    };
    absl::StatusOr<CompiledContraction> compiled =
        CompileContraction(spec, 0, callbacks, Target(), 1);
    ASSERT_TRUE(compiled.ok()) << compiled.status().ToString();
    EXPECT_EQ(compiled->plan.swapped, transposed_out);
    std::vector<float> a(m0 * m1 * k), b(k * n), bias(n), out(m0 * m1 * n), sums(out.size());
    for (size_t i = 0; i < a.size(); ++i) a[i] = static_cast<float>(i % 7) - 3;
    for (size_t i = 0; i < b.size(); ++i) b[i] = static_cast<float>(i % 11) * 0.3f;
    for (size_t i = 0; i < bias.size(); ++i) bias[i] = static_cast<float>(i);
    RunContraction(*compiled, {a.data(), b.data(), out.data(), bias.data()}, {0}, 3, Splits(1)[1]);
    Reference<float>(spec, nullptr, a.data(), b.data(), sums.data(), kIdentity, kIdentity);
    ForEach(spec.m, nullptr, [&](int64_t, int64_t, int64_t mo) {
      ForEach(spec.n, nullptr, [&](int64_t, int64_t column, int64_t no) {
        const int64_t row = transposed_out ? mo / m1 : mo / (m1 * n);
        EXPECT_EQ(out[mo + no], (sums[mo + no] + bias[column]) * static_cast<float>(row));
      });
    });
  }
}

TEST(ContractionTest, CompilesForAvx512) {
  absl::StatusOr<CpuTarget> v4 = CpuTarget::FromName("x86-64-v4");
  ASSERT_TRUE(v4.ok());
  for (auto [m, n, k] : {std::tuple(128, 768, 768), std::tuple(33, 64, 50), std::tuple(1, 10, 9)}) {
    absl::StatusOr<CompiledContraction> compiled = CompileContraction(Matmul(m, n, k), 0, {}, *v4);
    EXPECT_TRUE(compiled.ok()) << compiled.status().ToString();
  }
}

TEST(ContractionTest, RejectsNegativeExtents) {
  EXPECT_FALSE(PlanContraction(Matmul(-1, 4, 4), Target()).ok());
}

}  // namespace
}  // namespace stator::compiler
