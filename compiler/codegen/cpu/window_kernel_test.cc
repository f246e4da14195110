// Pools and their gradients, running sums and random words, bit by bit against plain loops.
#include <array>
#include <cmath>
#include <limits>
#include <random>

#include "compiler/codegen/cpu/testing.h"
#include "gtest/gtest.h"

namespace stator::compiler {
namespace {

using core::CoreBuilder;
using core::ReduceKind;
using mlir::Value;
using mlir::ValueRange;

std::vector<float> Random(int64_t count, int seed) {
  std::mt19937 generator(seed);
  std::vector<float> values(count);
  // Few values, so that there are ties.
  for (float& value : values) value = static_cast<int>(generator() % 21 - 10) / 8.0f;
  return values;
}

template <typename T>
void ExpectBits(TestFusion& fusion, const std::map<std::string, int64_t>& symbols,
                const std::vector<HostArray>& operands, const std::vector<T>& expected) {
  for (const char* target : {"native", "x86-64-v3"}) {
    for (TileOrder split : {TileOrder::kWhole, TileOrder::kUneven}) {
      auto results = fusion.Run(symbols, operands, split, target);
      ASSERT_TRUE(results.ok()) << results.status();
      const std::vector<T> found = (*results)[0].As<T>();
      ASSERT_EQ(found.size(), expected.size());
      for (size_t i = 0; i < expected.size(); ++i) {
        if (std::memcmp(&found[i], &expected[i], sizeof(T)) != 0 && found[i] == found[i]) {
          FAIL() << target << " element " << i << ": " << found[i] << ", expected " << expected[i];
        }
      }
    }
  }
}

struct Pool {
  int64_t h, w, c, size, stride, low, high;
  int64_t out(int64_t in) const { return (in + low + high - size) / stride + 1; }
};

// Calls visit(output, input or -1) for every position of every window, in order.
template <typename Visit>
void ForEachPosition(int64_t batch, const Pool& p, Visit visit) {
  const int64_t oh = p.out(p.h), ow = p.out(p.w);
  for (int64_t o = 0; o < batch * oh * ow * p.c; ++o) {
    const int64_t channel = o % p.c, x = o / p.c % ow, y = o / p.c / ow % oh, b = o / p.c / ow / oh;
    for (int64_t i = 0; i < p.size * p.size; ++i) {
      const int64_t at_y = y * p.stride - p.low + i / p.size,
                    at_x = x * p.stride - p.low + i % p.size;
      const bool inside = at_y >= 0 && at_y < p.h && at_x >= 0 && at_x < p.w;
      visit(o, inside ? ((b * p.h + at_y) * p.w + at_x) * p.c + channel : -1);
    }
  }
}

class Pools : public testing::TestWithParam<Pool> {};

CoreBuilder::Window WindowOf(CoreBuilder& b, const Pool& p) {
  return {{1, p.size, p.size, 1},
          {1, p.stride, p.stride, 1},
          {b.Dim(0), b.Dim(p.low), b.Dim(p.low), b.Dim(0)},
          {b.Dim(0), b.Dim(p.high), b.Dim(p.high), b.Dim(0)}};
}

TEST_P(Pools, ForwardAndBackward) {
  const Pool p = GetParam();
  const int64_t batch = 3, outputs = batch * p.out(p.h) * p.out(p.w) * p.c;
  std::vector<float> x = Random(batch * p.h * p.w * p.c, 1), dy = Random(outputs, 2);
  x[x.size() / 2] = NAN;
  x[x.size() / 3] = -INFINITY;
  for (bool known : {true, false}) {
    const std::string image =
        known ? std::to_string(p.h) + ", " + std::to_string(p.w) + ", " + std::to_string(p.c) + "]"
              : "h, w, c]";
    const std::map<std::string, int64_t> symbols = {
        {"b", batch}, {"h", p.h}, {"w", p.w}, {"c", p.c}};
    for (ReduceKind kind : {ReduceKind::kMax, ReduceKind::kAdd}) {
      TestFusion fusion;
      fusion.Create("loop", {"f32[b, " + image}, [&](CoreBuilder& b, ValueRange args) {
        return std::vector<Value>{b.ReduceWindow(kind, args[0], WindowOf(b, p))};
      });
      std::vector<float> expected(outputs, kind == ReduceKind::kMax ? -INFINITY : 0);
      ForEachPosition(batch, p, [&](int64_t o, int64_t i) {
        if (i < 0) return;
        if (kind == ReduceKind::kAdd)
          expected[o] += x[i];
        else if (!(expected[o] != expected[o]) && !(x[i] <= expected[o]))
          expected[o] = x[i];
      });
      ExpectBits(fusion, symbols, {HostArray::Of({batch, p.h, p.w, p.c}, x)}, expected);
    }
    if (!known) continue;  // the source's dimensions are those of the windows
    TestFusion fusion;
    const std::string source = "f32[b, " + std::to_string(p.out(p.h)) + ", " +
                               std::to_string(p.out(p.w)) + ", " + std::to_string(p.c) + "]";
    fusion.Create("loop", {"f32[b, " + image, source}, [&](CoreBuilder& b, ValueRange args) {
      return std::vector<Value>{b.SelectAndScatter(args[0], args[1], WindowOf(b, p))};
    });
    std::vector<int64_t> best(outputs, -1);
    ForEachPosition(batch, p, [&](int64_t o, int64_t i) {
      if (i < 0) return;
      if (best[o] < 0 || (x[best[o]] == x[best[o]] && !(x[i] <= x[best[o]]))) best[o] = i;
    });
    std::vector<float> expected(x.size(), 0);
    for (int64_t o = 0; o < outputs; ++o) {
      if (best[o] >= 0) expected[best[o]] += dy[o];
    }
    ExpectBits(fusion, symbols,
               {HostArray::Of({batch, p.h, p.w, p.c}, x),
                HostArray::Of({batch, p.out(p.h), p.out(p.w), p.c}, dy)},
               expected);
  }
}

INSTANTIATE_TEST_SUITE_P(Windows, Pools,
                         testing::Values(Pool{4, 6, 20, 2, 2, 0, 0}, Pool{7, 5, 3, 3, 2, 1, 1},
                                         Pool{5, 5, 33, 3, 1, 0, 1}, Pool{9, 8, 16, 7, 3, 2, 3},
                                         Pool{6, 7, 1, 2, 3, 0, 0}));

TEST(Cumulative, AlongEachDimension) {
  for (int64_t dim : {0, 1, 2}) {
    for (int mode = 0; mode < 4; ++mode) {
      const bool exclusive = mode & 1, reverse = mode & 2;
      TestFusion fusion;
      fusion.Create("loop", {"f32[a, b, c]"}, [&](CoreBuilder& b, ValueRange args) {
        return std::vector<Value>{b.Cumulative(ReduceKind::kAdd, args[0], dim, exclusive, reverse)};
      });
      for (std::array<int64_t, 3> s :
           {std::array<int64_t, 3>{3, 4, 37}, {2, 0, 5}, {1, 20, 1}, {5, 3, 16}}) {
        std::vector<float> x(s[0] * s[1] * s[2]), expected(x.size());
        for (size_t i = 0; i < x.size(); ++i) x[i] = 1.0f / (1 + i * 7 % 13);
        const int64_t stride = dim == 0 ? s[1] * s[2] : dim == 1 ? s[2] : 1;
        for (int64_t base = 0; base < static_cast<int64_t>(x.size()); ++base) {
          if (base / stride % s[dim] != 0) continue;
          float running = 0;
          for (int64_t k = 0; k < s[dim]; ++k) {
            const int64_t at = base + (reverse ? s[dim] - 1 - k : k) * stride;
            if (exclusive) expected[at] = running;
            running += x[at];
            if (!exclusive) expected[at] = running;
          }
        }
        ExpectBits(fusion, {{"a", s[0]}, {"b", s[1]}, {"c", s[2]}},
                   {HostArray::Of({s[0], s[1], s[2]}, x)}, expected);
      }
    }
  }
}

uint32_t PhiloxWord(uint64_t key, unsigned __int128 counter, uint64_t word) {
  counter += word / 4;
  std::array<uint32_t, 4> c;
  for (int i = 0; i < 4; ++i) c[i] = static_cast<uint32_t>(counter >> (32 * i));
  uint32_t k0 = static_cast<uint32_t>(key), k1 = static_cast<uint32_t>(key >> 32);
  for (int round = 0; round < 10; ++round, k0 += 0x9E3779B9, k1 += 0xBB67AE85) {
    const uint64_t a = uint64_t{0xD2511F53} * c[0], b = uint64_t{0xCD9E8D57} * c[2];
    c = {static_cast<uint32_t>(b >> 32) ^ c[1] ^ k0, static_cast<uint32_t>(b),
         static_cast<uint32_t>(a >> 32) ^ c[3] ^ k1, static_cast<uint32_t>(a)};
  }
  return c[word % 4];
}

TEST(RngBits, IsPhilox) {
  // Known answer of the generator's authors for all bits set.
  const unsigned __int128 ones = ~static_cast<unsigned __int128>(0);
  ASSERT_EQ(PhiloxWord(~uint64_t{0}, ones, 0), 0x408f276du);
  const uint64_t key = 0x123456789abcdef0;
  const std::vector<uint64_t> counter = {~uint64_t{0} - 3, 41};
  const unsigned __int128 start = (static_cast<unsigned __int128>(counter[1]) << 64) | counter[0];
  for (int shift : {0, 1}) {  // a slice makes the vectors begin inside blocks
    for (bool wide : {false, true}) {
      TestFusion fusion;
      fusion.Create("loop", {"ui64[]", "ui64[2]"}, [&](CoreBuilder& b, ValueRange args) {
        core::Dims size = core::DimsOf(fusion.Type("f32[m, n]"));
        mlir::Type element =
            mlir::IntegerType::get(&fusion.context(), wide ? 64 : 32, mlir::IntegerType::Unsigned);
        Value bits = b.RngBits(args[0], args[1], element, size);
        if (shift != 0) bits = b.SliceDim(bits, 1, b.Dim(shift), size[1], 1);
        return std::vector<Value>{bits};
      });
      for (auto [m, n] : {std::pair<int64_t, int64_t>{1, 1}, {1, 1000}, {3, 37}, {0, 4}}) {
        std::vector<uint32_t> words;
        for (int64_t i = 0; i < m * n; ++i) {
          if (i % n < shift) continue;
          for (int64_t k = 0; k < (wide ? 2 : 1); ++k) {
            words.push_back(PhiloxWord(key, start, wide ? 2 * i + k : i));
          }
        }
        const HostArray bytes = HostArray::Of({}, words);
        const std::vector<HostArray> operands = {HostArray::Of<uint64_t>({}, {key}),
                                                 HostArray::Of({2}, counter)};
        const std::map<std::string, int64_t> symbols = {{"m", m}, {"n", n}};
        if (wide)
          ExpectBits(fusion, symbols, operands, bytes.As<uint64_t>());
        else
          ExpectBits(fusion, symbols, operands, words);
      }
    }
  }
}

}  // namespace
}  // namespace stator::compiler
