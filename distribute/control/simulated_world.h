// What simulation.h promises, from the inside: the events, the network, processes and their
// supervisor, training, and what goes wrong. One file for each; one object, one thread.
#ifndef STATOR_DISTRIBUTE_CONTROL_SIMULATED_WORLD_H_
#define STATOR_DISTRIBUTE_CONTROL_SIMULATED_WORLD_H_

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <random>
#include <set>
#include <string>
#include <tuple>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "distribute/control/clock.h"
#include "distribute/control/coordinator.h"
#include "distribute/control/member_machine.h"
#include "distribute/control/restart_policy.h"
#include "distribute/control/simulation.h"

namespace stator::distribute {

class SimulatedWorld {
 public:
  SimulatedWorld(uint64_t seed, PlantedBug bug);

  SimulationResult Run();

 private:
  static constexpr int kTasks = 3;
  static constexpr int64_t kSteps = 40;
  static constexpr absl::Duration kFailureTimeout = absl::Seconds(10);

  using Reply = absl::StatusOr<control::BeatReply>;

  struct Process {
    enum class At { kJoin, kBegin, kCompute, kCollective, kWrite, kBarrier, kLeave };
    int id = 0;
    int rank = 0;
    int generation = 0;  // counted here, whatever epoch the code under test gives it
    uint64_t epoch = 0;
    bool alive = true;
    bool outlived = false;  // the supervisor could not stop it
    absl::Time paused_until = absl::InfinitePast();
    absl::Duration longest_pause;
    std::unique_ptr<MemberMachine> member;
    std::unique_ptr<Coordinator> coordinator;  // the chief's
    At at = At::kJoin;
    int64_t step = 0;                // done
    uint64_t sums = 0;               // taken part in
    uint64_t received[kTasks] = {};  // bytes, from each rank
    uint64_t barrier = 0;
    bool failing = false;
    bool failed_itself = false;
    bool drained = false;
    bool exiting = false;
  };

  // A control stream.
  struct Connection {
    int process;
    int chief;
    uint32_t attempt;
    bool open = true;
    absl::Time last_event;
  };

  // One direction of a data connection.
  struct Wire {
    uint64_t sent = 0;
    uint64_t arrived = 0;
    bool moving = false;     // something is on its way
    int slow_pieces = 0;     // the next so many take seconds each
    bool swallows = false;   // stays open and delivers nothing
    bool swallowed = false;  // something, already
  };

  struct Exit {
    int code;
    std::string cause;
    int64_t step;
    bool stopped_by_us;
  };

  static std::string TaskName(int rank) { return absl::StrCat("worker:", rank); }

  // --- chance and time, and what is to hold (simulated_world.cc)
  absl::Time Now() const { return clock_.Now(); }
  int Below(int limit) { return static_cast<int>(random_() % static_cast<uint64_t>(limit)); }
  bool Chance(int percent) { return Below(100) < percent; }
  absl::Duration Between(absl::Duration low, absl::Duration high);
  void Log(const std::string& line);
  void Violate(const std::string& rule);
  void At(absl::Time time, std::function<void()> action);
  // To a process: when it runs again if it is paused, never if it is dead.
  void Post(int id, absl::Time time, std::function<void(Process&)> action);
  // When a task learns of the end.
  void CheckFailure(const Process& process);
  void CheckBlame(const std::string& cause);

  // --- the control network (simulated_network.cc)
  absl::Duration WireDelay();
  Process* Chief();
  void CheckHeard(const Process& who, const Process& chief);
  // A call that may be lost, late or repeated, and whose answer may be.
  void Call(Process& from, std::function<Reply(Coordinator&)> call,
            std::function<void(Process&, const Reply&)> done);
  bool LosesCalls() { return generation_ != swallowing_generation_ && Chance(4); }
  void Attach(Process& process, const control::AttachRequest& request);
  void Break(uint64_t id);
  // Everything that the machines of `process` have to say.
  void Pump(Process& process);
  void Tick(int id);

  // --- data connections (simulated_wires.cc)
  Wire& WireOf(int generation, int from, int to) { return wires_[{generation, from, to}]; }
  // This process's share of a sum, to all others.
  void SendShare(Process& process);
  void Carry(int generation, int from, int to);
  bool HasAllShares(const Process& process) const;
  void AddTraffic(const Process& process, control::BeatRequest& beat);
  void ExpectEndOf(int generation, int from, int to);
  void PeerLost(int id);

  // --- training (simulated_training.cc)
  void Advance(Process& process);
  void Begin(Process& process);
  void Computed(Process& process, int64_t step);
  void StepDone(Process& process);
  void Save(Process& process);
  void AfterCheckpoint(Process& process);
  // The folder's own fence: a writer of an older epoch is refused.
  bool MayWrite(Process& process);
  void Publish(Process& process);
  void Fail(Process& process, const absl::Status& status);

  // --- processes and their supervisor (simulated_supervisor.cc)
  void Launch(uint64_t epoch);
  void Start(int rank, uint64_t epoch);
  void ExitBySelf(Process& process);
  void Stop(Process& process, Exit exit);
  void Exited(int rank, const Exit& exit);
  void StopTheRest();
  void Decide();

  // --- faults (simulated_faults.cc)
  void Disturb();
  void DisturbWire(bool swallows);
  void Pause(Process& process, absl::Duration duration);
  void Kill(Process& process);

  const PlantedBug bug_;
  std::mt19937_64 random_;
  SimulatedClock clock_;
  std::map<std::pair<absl::Time, uint64_t>, std::function<void()>> events_;
  uint64_t next_event_ = 0;
  std::vector<std::unique_ptr<Process>> processes_;
  std::map<uint64_t, Connection> connections_;
  uint64_t next_connection_ = 1;
  std::map<std::tuple<int, int, int>, Wire> wires_;  // by generation, sender, receiver

  RestartPolicy policy_;
  int generation_ = 0;
  std::map<int, Exit> exits_;  // of the running generation, by rank
  std::vector<int> order_;
  bool stopping_ = false;
  bool finished_ = false;

  uint64_t fence_ = 0;                                       // the epoch that may write
  int64_t checkpoint_ = 0;                                   // the newest complete one
  std::map<std::pair<int, int64_t>, std::set<int>> shards_;  // by generation and step
  std::map<int, std::set<int64_t>> drained_at_;              // by generation

  int broken_rank_ = -1;  // fails at broken_step_, always
  int64_t broken_step_ = 0;
  int error_rank_ = -1;  // fails once
  int error_generation_ = 0;
  int busy_rank_ = -1;  // computes for long, once
  int busy_generation_ = 0;
  int drain_generation_ = 0;
  int swallowing_generation_ = 0;
  int victim_ = -1;  // killed in victim_generation_
  int victim_generation_ = 0;
  bool cause_unclear_ = false;
  SimulationResult result_;
};

}  // namespace stator::distribute

#endif  // STATOR_DISTRIBUTE_CONTROL_SIMULATED_WORLD_H_
