#include <utility>

#include "absl/strings/str_cat.h"
#include "distribute/control/simulated_world.h"

namespace stator::distribute {
namespace {

constexpr int kMaxFaults = 6;

}  // namespace

void SimulatedWorld::Launch(uint64_t epoch) {
  ++generation_;
  ++result_.generations;
  if (generation_ > 1 && epoch <= fence_) Violate("the epoch does not rise");
  fence_ = epoch;
  exits_.clear();
  stopping_ = false;
  Log(absl::StrCat("generation ", generation_, ", epoch ", epoch, ", after step ", checkpoint_));
  for (int rank = 0; rank < kTasks; ++rank) {
    At(Now() + Between(absl::Milliseconds(5), absl::Milliseconds(400)),
       [this, rank, epoch, generation = generation_] {
         if (generation == generation_ && !stopping_) Start(rank, epoch);
       });
  }
  if (result_.faults < kMaxFaults && Chance(80)) {
    At(Now() + Between(absl::Milliseconds(1), absl::Seconds(4)), [this, generation = generation_] {
      if (generation == generation_) Disturb();
    });
  }
}

void SimulatedWorld::Start(int rank, uint64_t epoch) {
  auto process = std::make_unique<Process>();
  process->id = static_cast<int>(processes_.size());
  process->rank = rank;
  process->generation = generation_;
  process->epoch = epoch;
  control::AttachRequest join;
  join.mutable_header()->set_job("job");
  join.mutable_header()->set_task(TaskName(rank));
  join.mutable_header()->set_epoch(epoch);
  join.mutable_header()->set_incarnation(random_());
  join.set_rank(static_cast<uint32_t>(rank));
  join.set_program_hash("same");
  join.add_data_addresses("tcp:10.0.0.1:1");
  process->member =
      std::make_unique<MemberMachine>(std::move(join), TaskName(0), MemberTimes(), Now());
  if (rank == 0) {
    CoordinatorOptions options;
    options.job = "job";
    options.epoch = epoch;
    options.planted_bug = bug_;
    options.failure_timeout = kFailureTimeout;
    for (int i = 0; i < kTasks; ++i) options.tasks.push_back(TaskName(i));
    process->coordinator = std::make_unique<Coordinator>(std::move(options), Now());
  }
  const int id = process->id;
  processes_.push_back(std::move(process));
  Post(id, Now(), [](Process&) {});
  Tick(id);
}

void SimulatedWorld::ExitBySelf(Process& process) {
  const bool well = process.member->state() == MemberMachine::State::kLeft;
  const int code = well ? (process.drained ? kExitDrained : kExitDone)
                        : (process.failed_itself ? kExitFailed : kExitRetryable);
  Stop(process,
       {code, well ? "" : std::string(process.member->failure().message()), process.step, false});
}

void SimulatedWorld::Stop(Process& process, Exit exit) {
  if (!process.alive) return;
  process.alive = false;
  for (auto& [id, link] : connections_) {
    if (link.process == process.id || link.chief == process.id) Break(id);
  }
  for (const auto& other : processes_) {
    if (other->generation == process.generation) PeerLost(other->id);
  }
  if (process.outlived) return;
  At(Now() + Between(absl::Milliseconds(1), absl::Milliseconds(20)),
     [this, rank = process.rank, generation = process.generation, exit] {
       if (generation == generation_) Exited(rank, exit);
     });
}

void SimulatedWorld::Exited(int rank, const Exit& exit) {
  if (finished_ || !exits_.emplace(rank, exit).second) return;
  order_.push_back(rank);
  if (exit.code != kExitDone && exit.code != kExitDrained && !std::exchange(stopping_, true)) {
    At(Now() + absl::Seconds(4), [this, generation = generation_] {
      // Unless all have ended meanwhile: the next generation may be late.
      if (generation == generation_ && !exits_.empty()) StopTheRest();
    });
  }
  if (exits_.size() == kTasks) Decide();
}

void SimulatedWorld::StopTheRest() {
  for (int rank = 0; rank < kTasks; ++rank) {
    if (exits_.count(rank) != 0) continue;
    for (const auto& process : processes_) {
      if (process->generation != generation_ || process->rank != rank || !process->alive) {
        continue;
      }
      // A host that does not answer: the process goes on by itself some day.
      process->outlived = process->paused_until > Now() && Chance(60);
      if (!process->outlived) Stop(*process, {137, "stopped", process->step, true});
    }
    Exited(rank, {137, "stopped", 0, true});
    if (exits_.empty() || finished_) return;  // that was the last
  }
}

void SimulatedWorld::Decide() {
  GenerationEnd end;
  end.checkpoint_step = checkpoint_;
  // By itself before by others, early before late, a failure before a drain.
  const auto rank_of = [](const Exit& exit) {
    if (exit.code == kExitDone) return 4;
    if (exit.code == kExitDrained) return 3;
    if (exit.stopped_by_us) return 2;
    return exit.code == kExitRetryable ? 1 : 0;
  };
  int best = 4;
  for (const int rank : order_) {
    const Exit& exit = exits_.at(rank);
    if (rank_of(exit) >= best) continue;
    best = rank_of(exit);
    end.task = TaskName(rank);
    end.exit_code = exit.code;
    end.cause = exit.cause;
    end.step = exit.step;
  }
  order_.clear();
  if (end.exit_code == kExitDrained) ++result_.drains;
  if (drain_generation_ == generation_ && broken_rank_ < 0 && end.exit_code != kExitDrained &&
      end.exit_code != kExitDone) {
    Violate(absl::StrCat("an undisturbed drain fails: ", end.cause));
  }
  const RestartDecision decision = policy_.OnEnd(end);
  switch (decision.action) {
    case RestartDecision::Action::kDone:
      if (checkpoint_ != kSteps) Violate("done before the last step");
      result_.done = true;
      finished_ = true;
      break;
    case RestartDecision::Action::kRestart:
      Log(decision.report);
      exits_.clear();
      stopping_ = true;  // nothing more of this generation starts
      At(Now() + decision.delay, [this, epoch = decision.epoch] { Launch(epoch); });
      break;
    case RestartDecision::Action::kDrained:
    case RestartDecision::Action::kStop:
      Log(decision.report);
      if (!result_.report.empty()) Violate("a second report");
      result_.report = decision.report;
      finished_ = true;
      break;
  }
}

}  // namespace stator::distribute
