// A job from start to end in simulated time, in one thread, from one seed: the real Coordinator,
// MemberMachine and RestartPolicy; models of the network, of processes, of training and of a
// checkpoint folder. Messages are lost, late and repeated; streams break; data connections become
// slow or swallow what they carry; tasks die, stall, compute for long, fail by themselves or ask to
// drain; a stalled process may outlive its generation.
#ifndef STATOR_DISTRIBUTE_CONTROL_SIMULATION_H_
#define STATOR_DISTRIBUTE_CONTROL_SIMULATION_H_

#include <cstdint>
#include <string>

#include "distribute/control/planted_bug.h"

namespace stator::distribute {

struct SimulationResult {
  std::string violation;  // the first rule broken, with the simulated time; empty: none
  bool done = false;      // trained to the end; else stopped with `report`
  std::string report;
  int generations = 0;
  int faults = 0;
  int drains = 0;
  int refused_writes = 0;  // of processes whose generation was over
  double simulated_seconds = 0;
  std::string log;  // one line per happening, to compare and to read
};

// The rules:
//   every wait ends: the job within simulated minutes, survivors of a death within seconds;
//   who survives a death can name the task; nobody is blamed who was not silent;
//   swallowed bytes end the generation within the failure timeout and a little, and name the
//   connection; no slow connection, no peer that computes or is paused is taken for a dead one;
//   epochs rise; no older generation is heard, nor writes;
//   a generation goes on from the newest complete checkpoint, and all its tasks drain together,
//   and nothing but another fault stops them from it;
//   the job ends trained, or with exactly one report.
SimulationResult Simulate(uint64_t seed, PlantedBug planted_bug = PlantedBug::kNone);

}  // namespace stator::distribute

#endif  // STATOR_DISTRIBUTE_CONTROL_SIMULATION_H_
