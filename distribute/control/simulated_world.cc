#include "distribute/control/simulated_world.h"

#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"

namespace stator::distribute {
namespace {

constexpr absl::Duration kJobLimit = absl::Minutes(20);

}  // namespace

SimulatedWorld::SimulatedWorld(uint64_t seed, PlantedBug bug)
    : bug_(bug), random_(seed), policy_([bug] {
        RestartOptions options;
        options.max_restarts = 20;
        options.planted_bug = bug;
        return options;
      }()) {
  if (Chance(15)) {
    broken_rank_ = Below(kTasks);
    broken_step_ = 1 + Below(kSteps);
  }
}

SimulationResult SimulatedWorld::Run() {
  Launch(policy_.epoch());
  while (!finished_ && result_.violation.empty()) {
    if (events_.empty()) {
      Violate("nothing is left to happen");
      break;
    }
    auto [key, action] = std::move(*events_.begin());
    events_.erase(events_.begin());
    clock_.AdvanceTo(key.first);
    if (Now() > absl::UnixEpoch() + kJobLimit) {
      Violate("the job does not end");
      break;
    }
    action();
  }
  if (finished_ && result_.violation.empty() && result_.done == (broken_rank_ >= 0)) {
    Violate(result_.done ? "a program that always fails has succeeded"
                         : absl::StrCat("the job was given up: ", result_.report));
  }
  result_.simulated_seconds = absl::ToDoubleSeconds(Now() - absl::UnixEpoch());
  return std::move(result_);
}

absl::Duration SimulatedWorld::Between(absl::Duration low, absl::Duration high) {
  return low + absl::Microseconds(Below(static_cast<int>(absl::ToInt64Microseconds(high - low))));
}

void SimulatedWorld::Log(const std::string& line) {
  absl::StrAppend(&result_.log,
                  absl::StrFormat("%9.4f ", absl::ToDoubleSeconds(Now() - absl::UnixEpoch())), line,
                  "\n");
}

void SimulatedWorld::Violate(const std::string& rule) {
  if (!result_.violation.empty()) return;
  result_.violation =
      absl::StrCat(rule, " (at ", absl::ToDoubleSeconds(Now() - absl::UnixEpoch()), " s)");
  Log(absl::StrCat("VIOLATION ", rule));
}

void SimulatedWorld::At(absl::Time time, std::function<void()> action) {
  events_.emplace(std::make_pair(time, next_event_++), std::move(action));
}

void SimulatedWorld::Post(int id, absl::Time time, std::function<void(Process&)> action) {
  At(time, [this, id, action = std::move(action)]() mutable {
    Process& process = *processes_[id];
    if (!process.alive) return;
    if (process.paused_until > Now()) {
      Post(id, process.paused_until, std::move(action));
      return;
    }
    action(process);
    Pump(process);
  });
}

void SimulatedWorld::CheckFailure(const Process& process) {
  if (process.member->state() == MemberMachine::State::kLeft) return;
  const std::string cause(process.member->failure().message());
  Log(absl::StrCat(TaskName(process.rank), " of generation ", process.generation, ": ", cause));
  if (process.generation != generation_) return;
  if (victim_generation_ == generation_ && !cause_unclear_ && !process.failed_itself &&
      process.rank != victim_ && !absl::StrContains(cause, TaskName(victim_))) {
    Violate(absl::StrCat(TaskName(process.rank), " cannot name ", TaskName(victim_), ": ", cause));
  }
  CheckBlame(cause);
}

void SimulatedWorld::CheckBlame(const std::string& cause) {
  for (const auto& other : processes_) {
    if (other->generation != generation_ || !absl::StrContains(cause, "silent") ||
        !absl::StrContains(cause, TaskName(other->rank))) {
      continue;
    }
    if (other->longest_pause < kFailureTimeout / 2) {
      Violate(absl::StrCat(TaskName(other->rank), " is blamed without reason: ", cause));
    }
  }
  if (!absl::StrContains(cause, "delivers nothing")) return;
  for (int from = 0; from < kTasks; ++from) {
    for (int to = 0; to < kTasks; ++to) {
      const std::string name = absl::StrCat(TaskName(from), " -> ", TaskName(to));
      if (absl::StrContains(cause, name) && !WireOf(generation_, from, to).swallowed) {
        Violate(absl::StrCat("a connection is blamed without reason: ", cause));
      }
    }
  }
}

}  // namespace stator::distribute
