// The coordinator of one generation, as a pure state machine: what members say goes in together
// with the time, what they are to hear comes out. No threads, no clock, no transport: the host
// (coordinator_host.h) and the simulator drive the same code. Not thread-safe.
#ifndef STATOR_DISTRIBUTE_CONTROL_COORDINATOR_H_
#define STATOR_DISTRIBUTE_CONTROL_COORDINATOR_H_

#include <cstdint>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "distribute/control/clock.h"
#include "distribute/control/planted_bug.h"
#include "distribute/control/traffic_watch.h"
#include "proto/control.pb.h"

namespace stator::distribute {

struct CoordinatorOptions {
  std::string job;
  uint64_t epoch = 1;
  std::vector<std::string> tasks;  // by rank: {"worker:0", "worker:1"}
  std::string key;                 // of the data sockets: new in every epoch
  absl::Duration heartbeat = absl::Milliseconds(250);
  absl::Duration failure_timeout = absl::Seconds(10);
  absl::Duration start_timeout = absl::Seconds(60);
  // A task that reports a peer's failure waits so long for the failure itself to be seen.
  absl::Duration collateral_wait = absl::Milliseconds(300);
  uint32_t restarts = 0;  // for the status only
  PlantedBug planted_bug = PlantedBug::kNone;
};

class Coordinator {
 public:
  // What a stream is to carry next.
  struct Outgoing {
    uint64_t connection;
    control::Event event;
  };

  Coordinator(CoordinatorOptions options, absl::Time now);

  // A task joins over a stream that the caller numbers. Refused: another job, another epoch
  // (FailedPrecondition if it is over; Unavailable if it has yet to begin here), an unknown task, a
  // second process for a task. A task that comes after the end is told how the generation ended.
  absl::Status Attach(const control::AttachRequest& request, uint64_t connection, absl::Time now);
  // The stream broke or was closed: a death, unless the task had asked to leave.
  void Disconnect(uint64_t connection, absl::Time now);

  absl::Status Handle(const control::Request& request, absl::Time now);
  absl::StatusOr<control::BeatReply> Beat(const control::BeatRequest& request, absl::Time now);

  // OK for the header of a task that has joined.
  absl::Status CheckTask(const control::Header& header) const;

  // Looks at the time: call by NextWake and at least once a heartbeat.
  void Tick(absl::Time now);
  absl::Time NextWake(absl::Time now) const;

  std::vector<Outgoing> TakeOutgoing();
  // For the log: who is silent, who is back.
  std::vector<std::string> TakeNotices();

  bool ended() const { return phase_ == Phase::kFailed; }
  bool done() const { return phase_ == Phase::kDone; }
  control::JobStatus Snapshot(absl::Time now) const;

 private:
  enum class Phase { kStarting, kRunning, kFailed, kDone };
  enum class Drain { kNone, kWanted, kAsking, kChosen };

  struct Task {
    bool joined = false;
    bool leaving = false;
    bool gone = false;  // its stream closed after it asked to leave
    bool silent = false;
    bool drain_ready = false;
    int64_t drain_step = 0;
    uint64_t connection = 0;
    uint64_t beat_sequence = 0;
    absl::Time last_beat;
    control::AttachRequest attach;
    control::Progress progress;
    std::map<uint64_t, absl::Status> answers;  // by request id, the newest few
    uint64_t answers_below = 0;                // older ids: forgotten, never run again
  };

  struct Barrier {
    std::map<int, uint64_t> requests;  // by rank
    absl::Time deadline;
  };

  absl::StatusOr<int> Identify(const control::Header& header) const;
  absl::Status CheckJoined(const control::Header& header, int rank) const;
  void Observe(absl::Time now);
  void Heard(int rank, absl::Time now);
  void TakeTraffic(int rank, const control::BeatRequest& request, absl::Time now);
  void FindDeadConnection(absl::Time now);
  std::string ReplicaName(int replica) const;

  absl::Status ComparePrograms(int rank) const;
  void BeginIfComplete(absl::Time now);
  void EnterBarrier(int rank, uint64_t id, const control::EnterBarrier& request, absl::Time now);
  void SettleBarrier(const std::string& name);
  void FinishBarrier(const std::string& name, const absl::Status& status);
  void StartDrain();
  void SendDrain();
  void SettleDrain();
  void SettleLeave();
  void End(absl::string_view task, const absl::Status& status);
  void Send(int rank, control::Event event);
  void Broadcast(const control::Event& event);
  std::string Whereabouts(int rank) const;
  std::string Missing() const;

  CoordinatorOptions options_;
  Phase phase_ = Phase::kStarting;
  Drain drain_ = Drain::kNone;
  int64_t drain_step_ = 0;
  absl::Time started_;
  Lateness lateness_;
  std::vector<Task> tasks_;           // by rank
  std::vector<int> task_of_replica_;  // rank of its task; filled when all have joined
  TrafficWatch traffic_;
  std::map<std::string, Barrier> barriers_;
  control::Ended ended_;
  // A failure that blames a peer, held until the peer's own is seen or the wait is over.
  absl::Time collateral_until_ = absl::InfiniteFuture();
  std::string collateral_task_;
  absl::Status collateral_;
  std::vector<Outgoing> outgoing_;
  std::vector<std::string> notices_;
};

}  // namespace stator::distribute

#endif  // STATOR_DISTRIBUTE_CONTROL_COORDINATOR_H_
