// A member's side of the protocol, as a pure state machine: see coordinator.h. Not thread-safe.
#ifndef STATOR_DISTRIBUTE_CONTROL_MEMBER_MACHINE_H_
#define STATOR_DISTRIBUTE_CONTROL_MEMBER_MACHINE_H_

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "distribute/control/clock.h"
#include "proto/control.pb.h"

namespace stator::distribute {

struct MemberTimes {
  absl::Duration heartbeat = absl::Milliseconds(250);
  absl::Duration failure_timeout = absl::Seconds(10);
  absl::Duration start_timeout = absl::Seconds(60);
  // How long a lost coordinator is asked again: its death is to be told in under a second.
  absl::Duration chief_patience = absl::Milliseconds(600);
  absl::Duration join_retry = absl::Milliseconds(100);
  absl::Duration request_retry = absl::Milliseconds(500);
};

class MemberMachine {
 public:
  enum class State {
    kJoining,
    kLive,
    kLost,   // the stream broke; asks for the reason
    kLeft,   // all have left
    kEnded,  // failure() says why
  };
  enum class Step { kGo, kStop, kWait };

  // `join` carries all but the attempt; `chief` is named where the coordinator is lost.
  MemberMachine(control::AttachRequest join, std::string chief, MemberTimes times, absl::Time now);

  // --- what came in
  // Of the stream of attempt `attempt`.
  void OnEvent(uint32_t attempt, const control::Event& event, absl::Time now);
  void OnStreamBroken(uint32_t attempt, const absl::Status& status, absl::Time now);
  void OnAnswer(uint64_t request, const absl::Status& status, absl::Time now);
  void OnBeatReply(const absl::StatusOr<control::BeatReply>& reply, absl::Time now);
  void Tick(absl::Time now);

  // --- what the task wants
  void Report(control::Progress progress);
  Step TryBeginStep(int64_t step);
  uint64_t EnterBarrier(const std::string& name, absl::Duration timeout, absl::Time now);
  // How the barrier ended, once: nullopt while it is waited for.
  std::optional<absl::Status> TakeBarrier(uint64_t barrier);
  void Fail(const absl::Status& status, absl::Time now);
  // Ends with `status` here if the coordinator has not said anything else meanwhile; a lost one
  // is the better reason.
  void GiveUp(const absl::Status& status);
  void Leave(absl::Time now);
  void RequestDrain(absl::Time now);

  // --- what is to go out
  // The join of a new attempt, if one is due.
  std::optional<control::AttachRequest> TakeAttach(absl::Time now);
  std::vector<control::Request> TakeRequests();
  // The next heartbeat, if one is due.
  std::optional<control::BeatRequest> TakeBeat(absl::Time now);
  absl::Time next_attach() const { return next_attach_; }
  absl::Time next_beat() const { return next_beat_; }
  // When Tick is due, and after it requests.
  absl::Time NextWake(absl::Time now) const;

  const control::Header& header() const { return join_.header(); }
  State state() const { return state_; }
  bool over() const { return state_ == State::kLeft || state_ == State::kEnded; }
  const absl::Status& failure() const { return failure_; }
  // "" where nobody is known.
  const std::string& failed_task() const { return failed_task_; }
  const control::Generation& generation() const { return generation_; }
  int64_t begun_step() const { return begun_; }
  int64_t drain_step() const { return drain_step_; }

 private:
  struct Pending {
    control::Request request;
    absl::Time resend;
  };
  struct Barrier {
    absl::Time deadline;  // for the case that the coordinator does not answer
    std::string name;
    std::optional<absl::Status> result;
  };

  void Observe(absl::Time now);
  uint64_t Send(control::Request request, absl::Time now);
  absl::Status ChiefIsGone() const;
  // `task` is to blame.
  void End(const absl::Status& status, const std::string& task = "");
  void End(const control::Ended& ended);

  control::AttachRequest join_;
  const std::string chief_;
  const MemberTimes times_;
  State state_ = State::kJoining;
  absl::Status failure_;
  std::string failed_task_;
  control::Generation generation_;
  Lateness lateness_;

  bool stream_open_ = false;
  absl::Time next_attach_;
  absl::Time start_deadline_;
  absl::Status last_refusal_;
  absl::Time lost_deadline_;
  absl::Time last_reply_;  // of a heartbeat

  bool hold_ = false;
  int64_t begun_ = 0;
  int64_t drain_step_ = 0;

  uint64_t next_request_ = 1;
  std::map<uint64_t, Pending> pending_;  // not yet answered, by id
  std::vector<control::Request> outgoing_;
  std::map<uint64_t, Barrier> barriers_;
  uint64_t beat_sequence_ = 0;
  absl::Time next_beat_;
  control::Progress progress_;
};

}  // namespace stator::distribute

#endif  // STATOR_DISTRIBUTE_CONTROL_MEMBER_MACHINE_H_
