// For tests: a fusion's results compared bit by bit, on all targets and for all splits of the grids.
#ifndef STATOR_COMPILER_CODEGEN_CPU_EXPECT_RESULT_H_
#define STATOR_COMPILER_CODEGEN_CPU_EXPECT_RESULT_H_

#include <cstring>
#include <map>
#include <string>
#include <vector>

#include "compiler/codegen/cpu/testing.h"
#include "gtest/gtest.h"

namespace stator::compiler {

inline constexpr TileOrder kTileOrders[] = {TileOrder::kWhole, TileOrder::kSingleTilesBackwards,
                                            TileOrder::kUneven};
inline constexpr const char* kTestTargets[] = {"native", "x86-64-v3", "aarch64"};

// The first difference, if any.
template <typename T>
void ExpectSameBits(const std::vector<T>& found, const std::vector<T>& expected,
                    const std::string& what) {
  ASSERT_EQ(found.size(), expected.size()) << what;
  for (size_t i = 0; i < expected.size(); ++i) {
    if (std::memcmp(&found[i], &expected[i], sizeof(T)) != 0) {
      FAIL() << what << " element " << i << ": " << +found[i] << ", expected " << +expected[i];
    }
  }
}

// All results at once, as bytes.
inline void ExpectResults(TestFusion& fusion, const std::map<std::string, int64_t>& symbols,
                          const std::vector<HostArray>& operands,
                          const std::vector<HostArray>& expected) {
  for (const char* target : kTestTargets) {
    for (TileOrder split : kTileOrders) {
      for (bool in_place : {false, true}) {
        auto results = fusion.Run(symbols, operands, split, target, in_place);
        ASSERT_TRUE(results.ok()) << results.status();
        ASSERT_EQ(results->size(), expected.size());
        for (size_t i = 0; i < expected.size(); ++i) {
          EXPECT_EQ((*results)[i].dims, expected[i].dims);
          ExpectSameBits((*results)[i].bytes, expected[i].bytes,
                         std::string(target) + " result " + std::to_string(i) + " byte");
          if (testing::Test::HasFailure()) return;
        }
      }
    }
  }
}

// One of the results.
template <typename T>
void ExpectResult(TestFusion& fusion, const std::map<std::string, int64_t>& symbols,
                  const std::vector<HostArray>& operands, const std::vector<T>& expected,
                  size_t result = 0) {
  for (const char* target : kTestTargets) {
    for (TileOrder split : kTileOrders) {
      for (bool in_place : {false, true}) {
        auto results = fusion.Run(symbols, operands, split, target, in_place);
        ASSERT_TRUE(results.ok()) << results.status();
        ExpectSameBits((*results)[result].As<T>(), expected, target);
      }
    }
  }
}

}  // namespace stator::compiler

#endif  // STATOR_COMPILER_CODEGEN_CPU_EXPECT_RESULT_H_
