#include "distribute/control/simulation.h"

#include "distribute/control/simulated_world.h"

namespace stator::distribute {

SimulationResult Simulate(uint64_t seed, PlantedBug planted_bug) {
  return SimulatedWorld(seed, planted_bug).Run();
}

}  // namespace stator::distribute
