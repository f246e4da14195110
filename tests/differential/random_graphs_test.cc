// Random graphs, compiled against interpreted. STATOR_RANDOM_GRAPHS gives how many (200 if unset),
// STATOR_RANDOM_SEED the first seed.

#include <gtest/gtest.h>

#include <cstdlib>
#include <string>

#include "tests/differential/graph_generator.h"

namespace stator::tests {
namespace {

int64_t FromEnvironment(const char* name, int64_t otherwise) {
  const char* text = std::getenv(name);
  return text == nullptr ? otherwise : std::atoll(text);
}

// Four shards of the seeds, so that a failure does not hide all others.
class RandomGraphsTest : public testing::TestWithParam<int> {};

TEST_P(RandomGraphsTest, CompiledEqualsInterpreted) {
  const int64_t count = FromEnvironment("STATOR_RANDOM_GRAPHS", 200);
  const int64_t first = FromEnvironment("STATOR_RANDOM_SEED", 1);
  int failures = 0;
  for (int64_t seed = first + GetParam(); seed < first + count && failures < 3; seed += 4) {
    const GeneratedGraph graph = GenerateGraph(static_cast<uint64_t>(seed));
    ASSERT_TRUE(graph.scope.ok()) << "seed " << seed << ": " << graph.scope.status() << "\n"
                                  << graph.text;
    // Concrete sizes for one graph in four: they cost a compile each.
    CompareOptions options;
    options.concrete_runs = seed % 4 == 0 ? 2 : 0;
    options.avx2 = seed % 2 == 0;
    const testing::AssertionResult result = SameInEveryWay(graph.program, options);
    EXPECT_TRUE(result) << "seed " << seed << "\n" << graph.text;
    failures += !result;
  }
}
INSTANTIATE_TEST_SUITE_P(Seeds, RandomGraphsTest, testing::Range(0, 4));

}  // namespace
}  // namespace stator::tests
