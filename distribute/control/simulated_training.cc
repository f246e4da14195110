#include <utility>

#include "absl/strings/str_cat.h"
#include "distribute/control/simulated_world.h"

namespace stator::distribute {
namespace {

constexpr int64_t kCheckpointEvery = 8;

}  // namespace

void SimulatedWorld::Advance(Process& process) {
  using Place = Process::At;
  MemberMachine& member = *process.member;
  if (member.over() || process.failing) return;
  switch (process.at) {
    case Place::kJoin:
      if (member.state() != MemberMachine::State::kLive) return;
      process.step = checkpoint_;
      process.at = Place::kBegin;
      [[fallthrough]];
    case Place::kBegin:
      Begin(process);
      return;
    case Place::kCollective:
      if (!HasAllShares(process)) return;
      StepDone(process);
      return;
    case Place::kBarrier:
      if (const auto result = member.TakeBarrier(process.barrier)) {
        if (!result->ok()) {
          Fail(process, *result);
          return;
        }
        if (process.rank == 0) Publish(process);
        AfterCheckpoint(process);
      }
      return;
    case Place::kCompute:
    case Place::kWrite:
    case Place::kLeave:
      return;
  }
}

void SimulatedWorld::Begin(Process& process) {
  if (process.step == kSteps) {
    process.at = Process::At::kLeave;
    process.member->Leave(Now());
    return;
  }
  const int64_t step = process.step + 1;
  switch (process.member->TryBeginStep(step)) {
    case MemberMachine::Step::kWait:
      return;
    case MemberMachine::Step::kStop:
      process.drained = true;
      Log(absl::StrCat(TaskName(process.rank), " drained after step ", process.step));
      drained_at_[process.generation].insert(process.step);
      if (drained_at_[process.generation].size() > 1) {
        Violate("tasks of one generation drain after different steps");
      }
      Save(process);
      return;
    case MemberMachine::Step::kGo:
      break;
  }
  process.at = Process::At::kCompute;
  absl::Duration work = Between(absl::Milliseconds(5), absl::Milliseconds(80));
  if (process.rank == busy_rank_ && process.generation == busy_generation_) {
    busy_rank_ = -1;
    work = 2 * kFailureTimeout;
  }
  Post(process.id, Now() + work, [this, step](Process& process) { Computed(process, step); });
}

void SimulatedWorld::Computed(Process& process, int64_t step) {
  if (process.member->over()) return;
  const bool always = process.rank == broken_rank_ && step == broken_step_;
  const bool once = process.rank == error_rank_ && process.generation == error_generation_;
  if (always || once) {
    if (once) error_rank_ = -1;
    process.failed_itself = true;
    Fail(process, absl::InternalError(absl::StrCat("NaN at step ", step)));
    return;
  }
  process.at = Process::At::kCollective;
  SendShare(process);
  for (const auto& other : processes_) {
    if (other->generation == process.generation && !other->alive) PeerLost(process.id);
  }
}

void SimulatedWorld::StepDone(Process& process) {
  process.step++;
  process.at = Process::At::kBegin;
  control::Progress progress;
  progress.set_phase("train");
  progress.set_step(process.step);
  process.member->Report(std::move(progress));
  if (process.step % kCheckpointEvery == 0 || process.step == kSteps) {
    Save(process);
  } else {
    Begin(process);
  }
}

void SimulatedWorld::Save(Process& process) {
  process.at = Process::At::kWrite;
  Post(process.id, Now() + Between(absl::Milliseconds(1), absl::Milliseconds(200)),
       [this](Process& process) {
         if (process.member->over()) return;
         if (!MayWrite(process)) return;
         shards_[{process.generation, process.step}].insert(process.rank);
         process.at = Process::At::kBarrier;
         process.barrier = process.member->EnterBarrier("checkpoint", absl::Seconds(8), Now());
       });
}

void SimulatedWorld::AfterCheckpoint(Process& process) {
  if (process.drained) {
    process.at = Process::At::kLeave;
    process.member->Leave(Now());
    return;
  }
  process.at = Process::At::kBegin;
  Begin(process);
}

bool SimulatedWorld::MayWrite(Process& process) {
  if (process.epoch < fence_) {
    ++result_.refused_writes;
    Fail(process, absl::FailedPreconditionError("the checkpoint folder has a newer epoch"));
    return false;
  }
  if (process.generation != generation_) {
    Violate(absl::StrCat(TaskName(process.rank), " of generation ", process.generation,
                         " writes in generation ", generation_));
  }
  return true;
}

void SimulatedWorld::Publish(Process& process) {
  if (!MayWrite(process)) return;
  if (shards_[{process.generation, process.step}].size() != kTasks) {
    Violate(absl::StrCat("the manifest of step ", process.step, " lacks a shard"));
  }
  if (process.step < checkpoint_) Violate("the newest checkpoint goes back");
  checkpoint_ = process.step;
  Log(absl::StrCat("checkpoint of step ", checkpoint_));
}

void SimulatedWorld::Fail(Process& process, const absl::Status& status) {
  if (std::exchange(process.failing, true)) return;
  process.member->Fail(status, Now());
  Post(process.id, Now() + absl::Seconds(1),
       [status](Process& process) { process.member->GiveUp(status); });
}

}  // namespace stator::distribute
