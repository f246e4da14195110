// What tasks agree on with each other: barriers, the last step of a drain, the end.
#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "distribute/control/coordinator.h"

namespace stator::distribute {

void Coordinator::EnterBarrier(int rank, uint64_t id, const control::EnterBarrier& request,
                               absl::Time now) {
  const auto [at, created] = barriers_.try_emplace(request.name());
  Barrier& barrier = at->second;
  if (created) barrier.deadline = absl::InfiniteFuture();
  if (request.timeout_ms() > 0) {
    barrier.deadline = std::min(barrier.deadline, now + absl::Milliseconds(request.timeout_ms()));
  }
  barrier.requests[rank] = id;
  SettleBarrier(request.name());
}

void Coordinator::SettleBarrier(const std::string& name) {
  const Barrier& barrier = barriers_.at(name);
  bool all = true;
  for (size_t rank = 0; rank < tasks_.size(); ++rank) {
    if (barrier.requests.count(static_cast<int>(rank)) != 0) continue;
    all = false;
    if (!tasks_[rank].leaving) continue;
    FinishBarrier(
        name, absl::FailedPreconditionError(absl::StrCat(
                  "barrier '", name, "': ", options_.tasks[rank], " leaves without entering it")));
    return;
  }
  if (all) FinishBarrier(name, absl::OkStatus());
}

void Coordinator::FinishBarrier(const std::string& name, const absl::Status& status) {
  const Barrier barrier = std::move(barriers_.at(name));
  barriers_.erase(name);
  for (const auto& [rank, id] : barrier.requests) {
    control::Event event;
    event.mutable_barrier_done()->set_request(id);
    event.mutable_barrier_done()->set_code(static_cast<int>(status.code()));
    event.mutable_barrier_done()->set_message(std::string(status.message()));
    Send(rank, std::move(event));
  }
}

void Coordinator::StartDrain() {
  drain_ = Drain::kAsking;
  notices_.push_back("draining: choosing the last step");
  if (options_.planted_bug == PlantedBug::kDrainByReports) {
    for (Task& task : tasks_) {
      task.drain_ready = true;
      task.drain_step = task.progress.step();
    }
    SettleDrain();
    return;
  }
  SendDrain();
}

void Coordinator::SendDrain() {
  control::Event event;
  if (drain_ == Drain::kChosen) {
    event.mutable_drain_at()->set_step(drain_step_);
  } else {
    event.mutable_drain_query();
  }
  Broadcast(event);
}

// Everybody holds at a step: the furthest is one that nobody has passed.
void Coordinator::SettleDrain() {
  if (drain_ != Drain::kAsking || phase_ != Phase::kRunning) return;
  int64_t step = 1;
  for (const Task& task : tasks_) {
    if (task.leaving) continue;
    if (!task.drain_ready) return;
    step = std::max(step, task.drain_step);
  }
  drain_ = Drain::kChosen;
  drain_step_ = step;
  notices_.push_back(absl::StrCat("draining: step ", step, " is the last"));
  SendDrain();
}

void Coordinator::SettleLeave() {
  if (phase_ != Phase::kRunning) return;
  SettleDrain();
  std::vector<std::string> names;
  for (const auto& [name, barrier] : barriers_) names.push_back(name);
  for (const std::string& name : names) SettleBarrier(name);
  for (const Task& task : tasks_) {
    if (!task.leaving) return;
  }
  phase_ = Phase::kDone;
  control::Event event;
  event.mutable_left();
  Broadcast(event);
}

}  // namespace stator::distribute
