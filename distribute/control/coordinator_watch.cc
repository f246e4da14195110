// Who and what is given up: silent tasks, data connections that deliver nothing, waits that end.
#include <algorithm>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_join.h"
#include "distribute/control/coordinator.h"

namespace stator::distribute {
namespace {

std::string Seconds(absl::Duration duration) {
  return absl::StrFormat("%.1f s", absl::ToDoubleSeconds(duration));
}

}  // namespace

// Every call begins here: if the observer itself was not run, nobody else was silent.
void Coordinator::Observe(absl::Time now) {
  absl::Duration late = lateness_.Observe(now, options_.heartbeat);
  if (options_.planted_bug == PlantedBug::kBlameAfterPause) late = absl::ZeroDuration();
  if (late == absl::ZeroDuration()) return;
  for (Task& task : tasks_) task.last_beat = std::min(task.last_beat + late, now);
  for (auto& [name, barrier] : barriers_) barrier.deadline += late;
  started_ += late;
  traffic_.Forgive(late, now);
}

void Coordinator::Heard(int rank, absl::Time now) {
  Task& task = tasks_[rank];
  if (task.silent) {
    task.silent = false;
    notices_.push_back(absl::StrCat(options_.tasks[rank], " is back after ",
                                    Seconds(now - task.last_beat), " of silence"));
    for (size_t replica = 0; replica < task_of_replica_.size(); ++replica) {
      if (task_of_replica_[replica] != rank) continue;
      traffic_.Forgive(static_cast<int>(replica), now - task.last_beat, now);
    }
  }
  task.last_beat = now;
}

// A task speaks for its own replicas only.
void Coordinator::TakeTraffic(int rank, const control::BeatRequest& request, absl::Time now) {
  for (const control::Traffic& traffic : request.traffic()) {
    if (traffic.replica() >= task_of_replica_.size() || traffic.peer() >= task_of_replica_.size() ||
        traffic.peer() == traffic.replica() || task_of_replica_[traffic.replica()] != rank) {
      continue;
    }
    traffic_.Report(static_cast<int>(traffic.replica()), static_cast<int>(traffic.peer()),
                    traffic.sent(), traffic.received(), traffic.waiting(), now);
  }
}

// A task with several devices is as many replicas.
std::string Coordinator::ReplicaName(int replica) const {
  const int rank = task_of_replica_[replica];
  int device = 0;
  while (device < replica && task_of_replica_[replica - device - 1] == rank) ++device;
  return tasks_[rank].attach.data_addresses_size() == 1
             ? options_.tasks[rank]
             : absl::StrCat(options_.tasks[rank], " device ", device);
}

void Coordinator::FindDeadConnection(absl::Time now) {
  const auto judged = [this](int replica) {
    const Task& task = tasks_[task_of_replica_[replica]];
    return !task.silent && !task.leaving;
  };
  const auto dead = traffic_.Find(options_.failure_timeout, judged, now);
  if (!dead.has_value()) return;
  // Neither end is to blame.
  End("", absl::UnavailableError(absl::StrCat(
              "data connection ", ReplicaName(dead->from), " -> ", ReplicaName(dead->to),
              " delivers nothing: ", dead->sent, " bytes sent, ", dead->received,
              " received, nothing for ", Seconds(dead->nothing_for))));
}

void Coordinator::Tick(absl::Time now) {
  Observe(now);
  if (phase_ == Phase::kFailed || phase_ == Phase::kDone) return;
  if (now >= collateral_until_) {
    End(collateral_task_, collateral_);
    return;
  }
  if (phase_ == Phase::kStarting && now >= started_ + options_.start_timeout) {
    End(Missing(), absl::DeadlineExceededError(absl::StrCat("no sign of ", Missing(), " within ",
                                                            Seconds(options_.start_timeout))));
    return;
  }
  for (size_t rank = 0; rank < tasks_.size(); ++rank) {
    Task& task = tasks_[rank];
    if (!task.joined || task.leaving) continue;
    const absl::Duration silence = now - task.last_beat;
    if (silence >= options_.failure_timeout) {
      End(options_.tasks[rank], absl::UnavailableError(absl::StrCat(
                                    options_.tasks[rank], " has been silent for ", Seconds(silence),
                                    " (", Whereabouts(static_cast<int>(rank)), ")")));
      return;
    }
    if (silence > 2.25 * options_.heartbeat && !task.silent) {
      task.silent = true;
      notices_.push_back(absl::StrCat(options_.tasks[rank], " has been silent for ",
                                      Seconds(silence), " (", Whereabouts(static_cast<int>(rank)),
                                      ")"));
    }
  }
  FindDeadConnection(now);
  std::vector<std::string> expired;
  for (const auto& [name, barrier] : barriers_) {
    if (now >= barrier.deadline) expired.push_back(name);
  }
  for (const std::string& name : expired) {
    std::vector<std::string> missing;
    for (size_t rank = 0; rank < tasks_.size(); ++rank) {
      if (barriers_.at(name).requests.count(static_cast<int>(rank)) == 0) {
        missing.push_back(
            absl::StrCat(options_.tasks[rank], " (", Whereabouts(static_cast<int>(rank)), ")"));
      }
    }
    FinishBarrier(name, absl::DeadlineExceededError(absl::StrCat(
                            "barrier '", name, "': no sign of ", absl::StrJoin(missing, ", "))));
  }
}

absl::Time Coordinator::NextWake(absl::Time now) const {
  if (phase_ == Phase::kFailed || phase_ == Phase::kDone) return now + options_.heartbeat;
  absl::Time next = std::min(now + options_.heartbeat / 2, collateral_until_);
  for (const auto& [name, barrier] : barriers_) next = std::min(next, barrier.deadline);
  return std::max(next, now);
}

}  // namespace stator::distribute
