#include "executable/memory_plan.h"

#include <chrono>
#include <random>

#include "executable/image_builder.h"
#include "executable/test_image.h"
#include "gtest/gtest.h"

namespace stator::executable {
namespace {

void ExpectDisjoint(const std::vector<PackItem>& items, const PackResult& r) {
  for (size_t i = 0; i < items.size(); ++i) {
    ASSERT_EQ(r.offsets[i] % items[i].alignment, 0);
    ASSERT_LE(r.offsets[i] + items[i].size, r.peak);
    for (size_t j = 0; j < i; ++j) {
      const bool together = items[i].first <= items[j].last && items[j].first <= items[i].last;
      const bool overlap = r.offsets[i] < r.offsets[j] + items[j].size &&
                           r.offsets[j] < r.offsets[i] + items[i].size;
      ASSERT_FALSE(together && overlap) << i << " and " << j;
    }
  }
}

std::vector<PackItem> RandomItems(int seed, int n) {
  std::mt19937 random(seed);
  std::vector<PackItem> items;
  for (int i = 0; i < n; ++i) {
    const int first = i;
    const int length = random() % 10 == 0 ? random() % n : random() % 4;
    items.push_back({static_cast<int64_t>(64 * (random() % 4000)), first, first + length});
  }
  return items;
}

TEST(Pack, NothingAndZeroSizes) {
  EXPECT_EQ(Pack({}).peak, 0);
  EXPECT_EQ(Pack({{0, 0, 5}}).peak, 0);
}

TEST(Pack, DisjointLifetimesShare) {
  const PackResult r = Pack({{128, 0, 1}, {128, 2, 3}, {64, 1, 2}});
  EXPECT_EQ(r.peak, 192);
  EXPECT_EQ(r.peak, r.lower_bound);
}

TEST(Pack, RandomPlansAreDisjointAndNearTheBound) {
  for (int seed = 0; seed < 40; ++seed) {
    const std::vector<PackItem> items = RandomItems(seed, 150);
    const PackResult r = Pack(items);
    ExpectDisjoint(items, r);
    EXPECT_GE(r.peak, r.lower_bound);
    EXPECT_LE(static_cast<double>(r.peak), 1.15 * static_cast<double>(r.lower_bound)) << seed;
  }
}

TEST(Pack, IsDeterministic) {
  const std::vector<PackItem> items = RandomItems(7, 300);
  EXPECT_EQ(Pack(items).offsets, Pack(items).offsets);
}

TEST(Pack, RespectsAlignment) {
  std::vector<PackItem> items = RandomItems(3, 60);
  for (size_t i = 0; i < items.size(); i += 7) items[i].alignment = 4096;
  ExpectDisjoint(items, Pack(items));
}

TEST(LayOutArena, ViewsInPlaceAndCarriedPairs) {
  ImageModel m;
  ExprBuilder e(&m);
  const auto buffer = [&](const char* name, int64_t bytes, int32_t first, int32_t last) {
    Buffer b;
    b.name = name;
    b.dtype = DType::kFloat32;
    b.byte_size = e.Const(bytes);
    b.first_wave = first;
    b.last_wave = last;
    m.buffers.push_back(b);
    return static_cast<int32_t>(m.buffers.size() - 1);
  };
  const int32_t base = buffer("base", 256, 0, 1);
  const int32_t view = buffer("view", 64, 1, 4);  // keeps its base alive
  m.buffers[view].alias_of = base;
  m.buffers[view].alias_offset = e.Const(128);
  const int32_t over = buffer("over", 256, 4, 6);
  m.buffers[over].in_place_of = base;
  const int32_t current = buffer("current", 64, 0, 2);
  const int32_t next = buffer("next", 64, 5, 9);
  const int32_t other = buffer("other", 64, 7, 7);
  m.blocks.push_back({"main", {{4, {Step{While{0, 0, 0, {{current, next}}, {}}}}}}});
  std::vector<int64_t> values;
  for (const Expr& x : m.expressions) values.push_back(x.value);
  Result<ArenaLayout> layout = LayOutArena(m, values, 0, 9);
  ASSERT_TRUE(layout.ok()) << layout.status().ToString();
  EXPECT_EQ(layout->offsets[view], layout->offsets[base] + 128);
  EXPECT_EQ(layout->offsets[over], layout->offsets[base]);
  EXPECT_NE(layout->offsets[current], layout->offsets[next]);
  EXPECT_NE(layout->offsets[other], layout->offsets[current]);  // lives on in its partner's place
  EXPECT_EQ(layout->peak, 256 + 64 + 64);

  m.buffers[view].alias_offset = e.Const(224);
  values.push_back(224);
  EXPECT_EQ(LayOutArena(m, values, 0, 9).status().code(), Code::kInvalidArgument);
}

TEST(LayOutArena, SizesNearTheLargestNumberAreRefused) {
  for (const int64_t alignment : {int64_t{64}, int64_t{1} << 21}) {
    for (const int64_t bytes :
         {INT64_MAX, INT64_MAX - 63, INT64_MAX - 64, INT64_MAX - 127, INT64_MAX / 2 + 1}) {
      TestImage t;
      t.Arena("a", bytes, 0, 1);
      t.model.buffers[0].alignment = alignment;
      EXPECT_EQ(LayOutArena(t.model, t.Values(), 0, 1).status().code(), Code::kResourceExhausted)
          << bytes;
    }
  }
}

}  // namespace
}  // namespace stator::executable
