#include <algorithm>

#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "distribute/control/simulated_world.h"

namespace stator::distribute {
namespace {

constexpr absl::Duration kLearnLimit = absl::Milliseconds(2600);

}  // namespace

void SimulatedWorld::Disturb() {
  std::vector<Process*> alive;
  for (const auto& process : processes_) {
    if (process->alive && process->generation == generation_ && !process->exiting) {
      alive.push_back(process.get());
    }
  }
  if (alive.empty()) return;
  ++result_.faults;
  Process& process = *alive[static_cast<size_t>(Below(static_cast<int>(alive.size())))];
  const std::string name = TaskName(process.rank);
  switch (Below(10)) {
    case 0:
    case 1:
      Kill(process);
      break;
    case 2:
    case 3:
      Pause(process, Between(absl::Milliseconds(100), absl::Seconds(25)));
      break;
    case 4: {  // the whole host stands still: nobody is to blame
      Log("everything pauses for 15 s");
      const absl::Time until = Now() + absl::Seconds(15);
      for (Process* one : alive) one->paused_until = std::max(one->paused_until, until);
      break;
    }
    case 5:
      Log(absl::StrCat(name, " asks to drain"));
      drain_generation_ = generation_;
      process.member->RequestDrain(Now());
      Pump(process);
      break;
    case 6:
      Log(absl::StrCat(name, " will fail once"));
      error_rank_ = process.rank;
      error_generation_ = generation_;
      break;
    case 7:
      DisturbWire(/*swallows=*/true);
      break;
    case 8:
      DisturbWire(/*swallows=*/false);
      break;
    case 9:
      Log(absl::StrCat(name, " will compute for long"));
      busy_rank_ = process.rank;
      busy_generation_ = generation_;
      break;
  }
}

void SimulatedWorld::DisturbWire(bool swallows) {
  const int from = Below(kTasks);
  const int to = (from + 1 + Below(kTasks - 1)) % kTasks;
  Log(absl::StrCat(TaskName(from), " -> ", TaskName(to),
                   swallows ? " delivers nothing from now on" : " becomes slow"));
  Wire& wire = WireOf(generation_, from, to);
  if (swallows) {
    wire.swallows = true;
    swallowing_generation_ = generation_;
  } else {
    wire.slow_pieces = 12;
  }
}

void SimulatedWorld::Pause(Process& process, absl::Duration duration) {
  Log(absl::StrCat(TaskName(process.rank), " pauses for ", absl::FormatDuration(duration)));
  process.paused_until = Now() + duration;
  process.longest_pause = std::max(process.longest_pause, duration);
}

void SimulatedWorld::Kill(Process& process) {
  const bool live = process.member->state() == MemberMachine::State::kLive;
  Log(absl::StrCat(TaskName(process.rank), " is killed"));
  Stop(process, {137, "signal 9", process.step, false});
  if (!live) return;
  victim_ = process.rank;
  victim_generation_ = generation_;
  cause_unclear_ = broken_rank_ >= 0 || process.at == Process::At::kLeave;
  At(Now() + kLearnLimit, [this, generation = generation_, rank = process.rank] {
    for (const auto& other : processes_) {
      if (other->generation != generation || !other->alive || other->member->over()) continue;
      if (other->at == Process::At::kLeave || cause_unclear_) continue;
      Violate(
          absl::StrCat(TaskName(other->rank), " has not learnt of the death of ", TaskName(rank)));
    }
  });
}

}  // namespace stator::distribute
