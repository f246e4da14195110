#include "distribute/control/coordinator.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "distribute/control/restart_policy.h"
#include "graph/status_macros.h"

namespace stator::distribute {
namespace {

constexpr size_t kMaxAnswers = 256;
constexpr size_t kMaxBarriers = 256;
constexpr size_t kMaxNameBytes = 256;
constexpr size_t kMaxMessageBytes = 4096;

control::Event EndedEvent(const control::Ended& ended) {
  control::Event event;
  *event.mutable_ended() = ended;
  return event;
}

}  // namespace

Coordinator::Coordinator(CoordinatorOptions options, absl::Time now)
    : options_(std::move(options)),
      started_(now),
      tasks_(options_.tasks.size()),
      traffic_(options_.planted_bug) {
  lateness_.Observe(now, options_.heartbeat);
}

absl::StatusOr<int> Coordinator::Identify(const control::Header& header) const {
  if (header.job() != options_.job) {
    return absl::PermissionDeniedError(absl::StrCat(
        "job '", header.job(), "' has no business here: this is '", options_.job, "'"));
  }
  if (header.epoch() < options_.epoch && options_.planted_bug != PlantedBug::kAcceptOldEpoch) {
    return absl::FailedPreconditionError(
        absl::StrCat("epoch ", header.epoch(), " is over: the job is at epoch ", options_.epoch));
  }
  if (header.epoch() > options_.epoch) {
    return absl::UnavailableError(absl::StrCat("this coordinator is of epoch ", options_.epoch,
                                               ", which is over; found epoch ", header.epoch()));
  }
  const auto found = std::find(options_.tasks.begin(), options_.tasks.end(), header.task());
  if (found == options_.tasks.end()) {
    return absl::NotFoundError(absl::StrCat("'", header.task(), "' is no task of job '",
                                            options_.job, "', which has ",
                                            absl::StrJoin(options_.tasks, ", ")));
  }
  return static_cast<int>(found - options_.tasks.begin());
}

absl::Status Coordinator::CheckJoined(const control::Header& header, int rank) const {
  const Task& task = tasks_[rank];
  if (!task.joined) {
    return absl::UnavailableError(absl::StrCat(header.task(), " has not joined yet"));
  }
  if (task.attach.header().incarnation() != header.incarnation() &&
      options_.planted_bug != PlantedBug::kAcceptOldEpoch) {
    return absl::AlreadyExistsError(
        absl::StrCat("another process is ", header.task(), " of epoch ", options_.epoch));
  }
  return absl::OkStatus();
}

absl::Status Coordinator::CheckTask(const control::Header& header) const {
  STATOR_ASSIGN_OR_RETURN(const int rank, Identify(header));
  return CheckJoined(header, rank);
}

std::string Coordinator::Whereabouts(int rank) const {
  const control::Progress& progress = tasks_[rank].progress;
  return absl::StrCat(progress.phase().empty() ? "start" : progress.phase(), ", step ",
                      progress.step());
}

std::string Coordinator::Missing() const {
  std::vector<std::string> names;
  for (size_t rank = 0; rank < tasks_.size(); ++rank) {
    if (!tasks_[rank].joined) names.push_back(options_.tasks[rank]);
  }
  return absl::StrJoin(names, ", ");
}

void Coordinator::Send(int rank, control::Event event) {
  const Task& task = tasks_[rank];
  if (!task.joined || task.gone) return;
  outgoing_.push_back({task.connection, std::move(event)});
}

void Coordinator::Broadcast(const control::Event& event) {
  for (size_t rank = 0; rank < tasks_.size(); ++rank) Send(static_cast<int>(rank), event);
}

absl::Status Coordinator::Attach(const control::AttachRequest& request, uint64_t connection,
                                 absl::Time now) {
  Observe(now);
  STATOR_ASSIGN_OR_RETURN(const int rank, Identify(request.header()));
  if (request.rank() != static_cast<uint32_t>(rank)) {
    return absl::InvalidArgumentError(absl::StrCat(request.header().task(), ": expected rank ",
                                                   rank, ", found ", request.rank()));
  }
  Task& task = tasks_[rank];
  if (task.joined) {
    STATOR_RETURN_IF_ERROR(CheckJoined(request.header(), rank));
    if (request.attempt() <= task.attach.attempt()) {
      return absl::AlreadyExistsError(
          absl::StrCat(request.header().task(), " joins in a newer attempt"));
    }
  }
  task.joined = true;
  task.connection = connection;
  task.attach = request;
  Heard(rank, now);
  if (phase_ == Phase::kFailed) {
    Send(rank, EndedEvent(ended_));
    return absl::OkStatus();
  }
  if (absl::Status same = ComparePrograms(rank); !same.ok()) {
    End(options_.tasks[rank], same);
    return absl::OkStatus();
  }
  BeginIfComplete(now);
  return absl::OkStatus();
}

absl::Status Coordinator::ComparePrograms(int rank) const {
  for (size_t other = 0; other < tasks_.size(); ++other) {
    if (static_cast<int>(other) == rank || !tasks_[other].joined) continue;
    const control::AttachRequest& a = tasks_[other].attach;
    const control::AttachRequest& b = tasks_[rank].attach;
    const std::string& a_name = options_.tasks[other];
    const std::string& b_name = options_.tasks[rank];
    const int lines = std::max(a.collectives_size(), b.collectives_size());
    for (int line = 0; line < lines; ++line) {
      const auto text = [line](const control::AttachRequest& from) -> std::string {
        return line < from.collectives_size() ? absl::StrCat("'", from.collectives(line), "'")
                                              : "nothing more";
      };
      if (text(a) == text(b)) continue;
      return absl::InvalidArgumentError(absl::StrCat(
          a_name, " and ", b_name, " run different programs: line ", line + 1,
          " of their collectives: ", a_name, " has ", text(a), ", ", b_name, " has ", text(b)));
    }
    if (a.program_hash() != b.program_hash()) {
      return absl::InvalidArgumentError(absl::StrCat(
          a_name, " and ", b_name, " run different programs with the same collectives: hash ",
          a.program_hash(), " and ", b.program_hash()));
    }
    return absl::OkStatus();  // all that have joined are the same
  }
  return absl::OkStatus();
}

void Coordinator::BeginIfComplete(absl::Time now) {
  if (phase_ == Phase::kStarting && !Missing().empty()) return;
  if (phase_ != Phase::kStarting && phase_ != Phase::kRunning) return;
  control::Event event;
  control::Generation& generation = *event.mutable_generation();
  generation.set_epoch(options_.epoch);
  generation.set_key(options_.key);
  for (size_t rank = 0; rank < tasks_.size(); ++rank) {
    control::Member& member = *generation.add_members();
    member.set_task(options_.tasks[rank]);
    *member.mutable_data_addresses() = tasks_[rank].attach.data_addresses();
    *member.mutable_cpu() = tasks_[rank].attach.cpu();
  }
  phase_ = Phase::kRunning;
  task_of_replica_.clear();
  for (size_t rank = 0; rank < tasks_.size(); ++rank) {
    task_of_replica_.insert(task_of_replica_.end(), tasks_[rank].attach.data_addresses_size(),
                            static_cast<int>(rank));
  }
  Broadcast(event);
  if (drain_ == Drain::kWanted) {
    StartDrain();
  } else if (drain_ != Drain::kNone) {
    SendDrain();  // to whoever joined anew while the first stream was breaking
  }
}

void Coordinator::Disconnect(uint64_t connection, absl::Time now) {
  Observe(now);
  for (size_t rank = 0; rank < tasks_.size(); ++rank) {
    Task& task = tasks_[rank];
    if (!task.joined || task.connection != connection || task.gone) continue;
    task.gone = true;
    if (task.leaving || phase_ == Phase::kDone || phase_ == Phase::kFailed) return;
    End(options_.tasks[rank], absl::UnavailableError(absl::StrCat(
                                  options_.tasks[rank], " died: its control stream closed (",
                                  Whereabouts(static_cast<int>(rank)), ")")));
    return;
  }
}

absl::Status Coordinator::Handle(const control::Request& request, absl::Time now) {
  Observe(now);
  STATOR_ASSIGN_OR_RETURN(const int rank, Identify(request.header()));
  STATOR_RETURN_IF_ERROR(CheckJoined(request.header(), rank));
  Task& task = tasks_[rank];
  Heard(rank, now);
  const bool remember = options_.planted_bug != PlantedBug::kForgetRepeatedRequests;
  if (remember && request.id() < task.answers_below) return absl::OkStatus();
  if (const auto answer = task.answers.find(request.id());
      remember && answer != task.answers.end()) {
    return answer->second;
  }
  absl::Status status;
  switch (request.kind_case()) {
    case control::Request::kEnterBarrier:
      if (request.enter_barrier().name().size() > kMaxNameBytes ||
          barriers_.size() >= kMaxBarriers) {
        status =
            absl::ResourceExhaustedError(absl::StrCat("barriers: expected at most ", kMaxBarriers,
                                                      " with names of ", kMaxNameBytes, " bytes"));
      } else {
        EnterBarrier(rank, request.id(), request.enter_barrier(), now);
      }
      break;
    case control::Request::kLeave:
      task.leaving = true;
      SettleLeave();
      break;
    case control::Request::kFail: {
      const absl::Status failure(static_cast<absl::StatusCode>(request.fail().code()),
                                 request.fail().message().substr(0, kMaxMessageBytes));
      if (failure.ok()) {
        status = absl::InvalidArgumentError("fail: expected an error, found OK");
      } else if (phase_ == Phase::kFailed || phase_ == Phase::kDone) {
        // The first cause stands.
      } else if (!IsRetryable(failure.code())) {
        End(request.header().task(), failure);
      } else if (collateral_until_ == absl::InfiniteFuture()) {
        collateral_until_ = now + options_.collateral_wait;
        collateral_task_ = request.header().task();
        collateral_ = failure;
      }
      break;
    }
    case control::Request::kRequestDrain:
      if (drain_ == Drain::kNone) {
        drain_ = Drain::kWanted;
        if (phase_ == Phase::kRunning) StartDrain();
      }
      break;
    case control::Request::kDrainReady:
      task.drain_ready = true;
      task.drain_step = request.drain_ready().step();
      SettleDrain();
      break;
    case control::Request::KIND_NOT_SET:
      status = absl::InvalidArgumentError("request: expected a kind, found none");
      break;
  }
  task.answers[request.id()] = status;
  while (task.answers.size() > kMaxAnswers) {
    task.answers_below = task.answers.begin()->first + 1;
    task.answers.erase(task.answers.begin());
  }
  return status;
}

absl::StatusOr<control::BeatReply> Coordinator::Beat(const control::BeatRequest& request,
                                                     absl::Time now) {
  Observe(now);
  STATOR_ASSIGN_OR_RETURN(const int rank, Identify(request.header()));
  STATOR_RETURN_IF_ERROR(CheckJoined(request.header(), rank));
  Task& task = tasks_[rank];
  if (request.sequence() > task.beat_sequence) {
    task.beat_sequence = request.sequence();
    task.progress = request.progress();
    Heard(rank, now);
    TakeTraffic(rank, request, now);
  }
  control::BeatReply reply;
  if (phase_ == Phase::kFailed && options_.planted_bug != PlantedBug::kKeepFailureQuiet) {
    *reply.mutable_ended() = ended_;
  }
  return reply;
}

void Coordinator::End(absl::string_view task, const absl::Status& status) {
  if (phase_ == Phase::kFailed || phase_ == Phase::kDone) return;
  ended_.set_task(std::string(task));
  ended_.set_code(static_cast<int>(status.code()));
  ended_.set_cause(std::string(status.message()));
  if (phase_ == Phase::kStarting) ended_.set_phase("start");
  for (size_t rank = 0; rank < tasks_.size(); ++rank) {
    if (options_.tasks[rank] != task) continue;
    if (phase_ != Phase::kStarting) ended_.set_phase(tasks_[rank].progress.phase());
    ended_.set_step(tasks_[rank].progress.step());
  }
  phase_ = Phase::kFailed;
  barriers_.clear();
  collateral_until_ = absl::InfiniteFuture();
  for (size_t rank = 0; rank < tasks_.size(); ++rank) {
    if (options_.planted_bug == PlantedBug::kKeepFailureQuiet && options_.tasks[rank] != task) {
      continue;
    }
    Send(static_cast<int>(rank), EndedEvent(ended_));
  }
}

std::vector<Coordinator::Outgoing> Coordinator::TakeOutgoing() {
  return std::exchange(outgoing_, {});
}

std::vector<std::string> Coordinator::TakeNotices() { return std::exchange(notices_, {}); }

control::JobStatus Coordinator::Snapshot(absl::Time now) const {
  control::JobStatus status;
  status.set_job(options_.job);
  status.set_epoch(options_.epoch);
  status.set_restarts(options_.restarts);
  status.set_age_seconds(absl::ToDoubleSeconds(now - started_));
  switch (phase_) {
    case Phase::kStarting:
      status.set_state("starting");
      break;
    case Phase::kRunning:
      status.set_state(drain_ == Drain::kNone ? "running" : "draining");
      break;
    case Phase::kFailed:
      status.set_state("failed");
      status.set_failure(ended_.cause());
      break;
    case Phase::kDone:
      status.set_state("done");
      break;
  }
  for (size_t rank = 0; rank < tasks_.size(); ++rank) {
    const Task& task = tasks_[rank];
    control::TaskStatus& row = *status.add_tasks();
    row.set_task(options_.tasks[rank]);
    row.set_state(!task.joined                 ? "missing"
                  : task.leaving               ? "leaving"
                  : task.silent                ? "silent"
                  : phase_ == Phase::kStarting ? "joined"
                                               : "running");
    *row.mutable_progress() = task.progress;
    if (task.joined) {
      row.set_last_beat_age_seconds(absl::ToDoubleSeconds(now - task.last_beat));
    }
    if (!task.progress.last_checkpoint().empty()) {
      status.set_last_checkpoint(task.progress.last_checkpoint());
    }
  }
  return status;
}

}  // namespace stator::distribute
