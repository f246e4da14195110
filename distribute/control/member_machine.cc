#include "distribute/control/member_machine.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"

namespace stator::distribute {
namespace {

// The transport's own: it may work the next time. All else is the coordinator's word.
bool IsTransport(const absl::Status& status) {
  return status.code() == absl::StatusCode::kUnavailable ||
         status.code() == absl::StatusCode::kDeadlineExceeded ||
         status.code() == absl::StatusCode::kCancelled;
}

}  // namespace

MemberMachine::MemberMachine(control::AttachRequest join, std::string chief, MemberTimes times,
                             absl::Time now)
    : join_(std::move(join)),
      chief_(std::move(chief)),
      times_(times),
      next_attach_(now),
      start_deadline_(now + times.start_timeout + times.chief_patience),
      last_reply_(now),
      next_beat_(now) {
  join_.set_attempt(0);
  lateness_.Observe(now, times_.heartbeat);
}

void MemberMachine::Observe(absl::Time now) {
  const absl::Duration late = lateness_.Observe(now, times_.heartbeat);
  if (late == absl::ZeroDuration()) return;
  last_reply_ = std::min(last_reply_ + late, now);
  lost_deadline_ += late;
  start_deadline_ += late;
  for (auto& [id, barrier] : barriers_) barrier.deadline += late;
}

absl::Status MemberMachine::ChiefIsGone() const {
  return absl::UnavailableError(absl::StrCat(chief_, " (chief) is gone"));
}

void MemberMachine::End(const absl::Status& status, const std::string& task) {
  if (over()) return;
  state_ = State::kEnded;
  failure_ = status;
  failed_task_ = task;
  hold_ = false;
  pending_.clear();
  outgoing_.clear();
  for (auto& [id, barrier] : barriers_) {
    if (!barrier.result.has_value()) barrier.result = status;
  }
}

void MemberMachine::End(const control::Ended& ended) {
  const std::string& self = join_.header().task();
  std::string cause = ended.cause();
  // A cause from a task's own mouth does not name it.
  if (ended.task() != self && cause.find(ended.task()) == std::string::npos) {
    cause = absl::StrCat(ended.task(), " failed in phase '", ended.phase(), "', step ",
                         ended.step(), ": ", cause);
  }
  const auto code = static_cast<absl::StatusCode>(ended.code());
  // Where several are missing, none is to blame.
  const bool one = ended.task().find(',') == std::string::npos;
  End(absl::Status(code == absl::StatusCode::kOk ? absl::StatusCode::kUnknown : code, cause),
      one ? ended.task() : "");
}

void MemberMachine::GiveUp(const absl::Status& status) {
  if (state_ == State::kLost) {
    End(ChiefIsGone(), chief_);
  } else {
    End(status);
  }
}

void MemberMachine::OnEvent(uint32_t attempt, const control::Event& event, absl::Time now) {
  Observe(now);
  if (over() || attempt != join_.attempt()) return;
  last_reply_ = now;
  switch (event.kind_case()) {
    case control::Event::kGeneration:
      if (state_ != State::kJoining) break;
      generation_ = event.generation();
      state_ = State::kLive;
      break;
    case control::Event::kEnded:
      End(event.ended());
      break;
    case control::Event::kBarrierDone:
      if (const auto at = barriers_.find(event.barrier_done().request()); at != barriers_.end()) {
        at->second.result = absl::Status(static_cast<absl::StatusCode>(event.barrier_done().code()),
                                         event.barrier_done().message());
        pending_.erase(at->first);
      }
      break;
    case control::Event::kDrainQuery: {
      if (drain_step_ > 0 || hold_) break;
      hold_ = true;
      control::Request request;
      request.mutable_drain_ready()->set_step(begun_);
      Send(std::move(request), now);
      break;
    }
    case control::Event::kDrainAt:
      drain_step_ = event.drain_at().step();
      hold_ = false;
      break;
    case control::Event::kLeft:
      state_ = State::kLeft;
      hold_ = false;
      pending_.clear();
      break;
    case control::Event::KIND_NOT_SET:
      break;
  }
}

void MemberMachine::OnStreamBroken(uint32_t attempt, const absl::Status& status, absl::Time now) {
  Observe(now);
  if (over() || attempt != join_.attempt() || !stream_open_) return;
  stream_open_ = false;
  if (state_ == State::kJoining) {
    if (!IsTransport(status)) {
      End(status);
      return;
    }
    last_refusal_ = status;
    next_attach_ = now + times_.join_retry;
  } else if (state_ == State::kLive) {
    state_ = State::kLost;
    lost_deadline_ = now + times_.chief_patience;
    next_beat_ = now;  // whose answer tells why, if the coordinator lives
  }
}

void MemberMachine::OnAnswer(uint64_t request, const absl::Status& status, absl::Time now) {
  Observe(now);
  const auto at = pending_.find(request);
  if (at == pending_.end()) return;
  if (IsTransport(status)) return;  // Tick sends it again
  pending_.erase(at);
  if (status.ok()) return;
  if (const auto barrier = barriers_.find(request); barrier != barriers_.end()) {
    barrier->second.result = status;
  } else if (status.code() != absl::StatusCode::kInvalidArgument) {
    End(status);
  }
}

void MemberMachine::OnBeatReply(const absl::StatusOr<control::BeatReply>& reply, absl::Time now) {
  Observe(now);
  if (over()) return;
  if (!reply.ok()) {
    if (!IsTransport(reply.status())) End(reply.status());
    return;
  }
  last_reply_ = now;
  if (reply->has_ended()) {
    End(reply->ended());
  } else if (state_ == State::kLost) {
    // It lives and has not seen the break: it will, and say what it makes of it.
    next_beat_ = std::min(next_beat_, now + times_.join_retry);
  }
}

void MemberMachine::Tick(absl::Time now) {
  Observe(now);
  if (over()) return;
  if (state_ == State::kJoining && now >= start_deadline_) {
    End(absl::DeadlineExceededError(
        absl::StrCat(chief_, " (chief) did not start the generation within ",
                     absl::FormatDuration(times_.start_timeout),
                     last_refusal_.ok() ? "" : absl::StrCat(": ", last_refusal_.message()))));
    return;
  }
  if (state_ == State::kLost && now >= lost_deadline_) {
    End(ChiefIsGone(), chief_);
    return;
  }
  if (state_ == State::kLive && now >= last_reply_ + times_.failure_timeout) {
    End(absl::UnavailableError(absl::StrFormat("%s (chief) has been silent for %.1f s", chief_,
                                               absl::ToDoubleSeconds(now - last_reply_))),
        chief_);
    return;
  }
  for (auto& [id, pending] : pending_) {
    if (now < pending.resend) continue;
    pending.resend = now + times_.request_retry;
    outgoing_.push_back(pending.request);
  }
  for (auto& [id, barrier] : barriers_) {
    if (barrier.result.has_value() || now < barrier.deadline) continue;
    barrier.result = absl::DeadlineExceededError(
        absl::StrCat("barrier '", barrier.name, "': ", chief_, " (chief) does not answer"));
    pending_.erase(id);
  }
}

void MemberMachine::Report(control::Progress progress) {
  begun_ = std::max(begun_, progress.step());
  progress_ = std::move(progress);
}

MemberMachine::Step MemberMachine::TryBeginStep(int64_t step) {
  if (over()) return Step::kGo;  // its collectives fail by themselves, and say more
  if (drain_step_ > 0 && step > drain_step_) return Step::kStop;
  if (hold_ && step > begun_) return Step::kWait;
  begun_ = std::max(begun_, step);
  progress_.set_step(begun_);
  return Step::kGo;
}

uint64_t MemberMachine::Send(control::Request request, absl::Time now) {
  const uint64_t id = next_request_++;
  request.set_id(id);
  *request.mutable_header() = join_.header();
  outgoing_.push_back(request);
  pending_[id] = {std::move(request), now + times_.request_retry};
  return id;
}

uint64_t MemberMachine::EnterBarrier(const std::string& name, absl::Duration timeout,
                                     absl::Time now) {
  control::Request request;
  request.mutable_enter_barrier()->set_name(name);
  request.mutable_enter_barrier()->set_timeout_ms(
      timeout == absl::InfiniteDuration() ? 0 : absl::ToInt64Milliseconds(timeout));
  if (over()) {
    const uint64_t id = next_request_++;
    barriers_[id] = {now, name,
                     state_ == State::kEnded
                         ? failure_
                         : absl::FailedPreconditionError("barrier: the task has left")};
    return id;
  }
  const uint64_t id = Send(std::move(request), now);
  barriers_[id] = {now + timeout + times_.chief_patience, name, std::nullopt};
  return id;
}

std::optional<absl::Status> MemberMachine::TakeBarrier(uint64_t barrier) {
  const auto at = barriers_.find(barrier);
  if (at == barriers_.end()) return absl::NotFoundError("barrier: taken already");
  if (!at->second.result.has_value()) return std::nullopt;
  const absl::Status status = *at->second.result;
  barriers_.erase(at);
  return status;
}

void MemberMachine::Fail(const absl::Status& status, absl::Time now) {
  if (over() || status.ok()) return;
  if (state_ == State::kJoining) {
    End(status);  // its stream is closed, which tells the others
    return;
  }
  control::Request request;
  request.mutable_fail()->set_code(static_cast<int>(status.code()));
  request.mutable_fail()->set_message(std::string(status.message()));
  Send(std::move(request), now);
}

void MemberMachine::Leave(absl::Time now) {
  if (over()) return;
  control::Request request;
  request.mutable_leave();
  Send(std::move(request), now);
}

void MemberMachine::RequestDrain(absl::Time now) {
  if (over()) return;
  control::Request request;
  request.mutable_request_drain();
  Send(std::move(request), now);
}

std::optional<control::AttachRequest> MemberMachine::TakeAttach(absl::Time now) {
  if (state_ != State::kJoining || stream_open_ || now < next_attach_) {
    return std::nullopt;
  }
  stream_open_ = true;
  join_.set_attempt(join_.attempt() + 1);
  return join_;
}

std::vector<control::Request> MemberMachine::TakeRequests() { return std::exchange(outgoing_, {}); }

std::optional<control::BeatRequest> MemberMachine::TakeBeat(absl::Time now) {
  if (over() || join_.attempt() == 0 || now < next_beat_) return std::nullopt;
  next_beat_ = now + times_.heartbeat;
  control::BeatRequest beat;
  *beat.mutable_header() = join_.header();
  beat.set_sequence(++beat_sequence_);
  *beat.mutable_progress() = progress_;
  return beat;
}

absl::Time MemberMachine::NextWake(absl::Time now) const {
  absl::Time next = now + times_.heartbeat / 2;
  if (state_ == State::kLost) next = std::min(next, lost_deadline_);
  for (const auto& [id, pending] : pending_) next = std::min(next, pending.resend);
  for (const auto& [id, barrier] : barriers_) {
    if (!barrier.result.has_value()) next = std::min(next, barrier.deadline);
  }
  return std::max(next, now);
}

}  // namespace stator::distribute
