#include "distribute/control/simulation.h"

#include <gtest/gtest.h>

#include <cstdlib>

namespace stator::distribute {
namespace {

// STATOR_SIMULATION_SEED replays one seed and prints what happened; STATOR_SIMULATION_SEEDS runs so
// many instead of these.
constexpr uint64_t kSeeds = 300;

TEST(SimulationTest, HoldsItsRulesForAllSeeds) {
  if (const char* seed = std::getenv("STATOR_SIMULATION_SEED")) {
    const SimulationResult result = Simulate(std::strtoull(seed, nullptr, 10));
    printf("%s", result.log.c_str());
    EXPECT_EQ(result.violation, "");
    return;
  }
  int faults = 0;
  int generations = 0;
  int drains = 0;
  int stopped = 0;
  int refused_writes = 0;
  double seconds = 0;
  const char* const many = std::getenv("STATOR_SIMULATION_SEEDS");
  const uint64_t seeds = many == nullptr ? kSeeds : std::strtoull(many, nullptr, 10);
  for (uint64_t seed = 1; seed <= seeds; ++seed) {
    const SimulationResult result = Simulate(seed);
    ASSERT_EQ(result.violation, "") << "STATOR_SIMULATION_SEED=" << seed << "\n" << result.log;
    faults += result.faults;
    generations += result.generations;
    drains += result.drains;
    stopped += result.done ? 0 : 1;
    refused_writes += result.refused_writes;
    seconds += result.simulated_seconds;
  }
  printf(
      "%d faults, %d generations, %d drains, %d stopped with a report, %d writes refused, %.0f "
      "simulated seconds\n",
      faults, generations, drains, stopped, refused_writes, seconds);
  // The simulation goes where it is meant to go.
  EXPECT_GT(generations, static_cast<int>(seeds));
  EXPECT_GT(drains, 0);
  EXPECT_GT(stopped, 0);
}

TEST(SimulationTest, ASeedRepeatsItself) {
  for (uint64_t seed = 1; seed <= 5; ++seed) {
    EXPECT_EQ(Simulate(seed).log, Simulate(seed).log);
  }
}

class PlantedBugTest : public testing::TestWithParam<PlantedBug> {};

TEST_P(PlantedBugTest, IsFound) {
  for (uint64_t seed = 1; seed <= kSeeds; ++seed) {
    const SimulationResult result = Simulate(seed, GetParam());
    if (result.violation.empty()) continue;
    printf("seed %d: %s\n", static_cast<int>(seed), result.violation.c_str());
    return;
  }
  FAIL() << "no seed finds it";
}

INSTANTIATE_TEST_SUITE_P(All, PlantedBugTest,
                         testing::Values(PlantedBug::kAcceptOldEpoch,
                                         PlantedBug::kForgetRepeatedRequests,
                                         PlantedBug::kKeepFailureQuiet, PlantedBug::kDrainByReports,
                                         PlantedBug::kBlameAfterPause, PlantedBug::kBlameComputing,
                                         PlantedBug::kBlameSlowLink,
                                         PlantedBug::kTrustOpenConnection, PlantedBug::kKeepEpoch,
                                         PlantedBug::kRestartForever));

}  // namespace
}  // namespace stator::distribute
