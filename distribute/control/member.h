// A task's membership in one generation of its job: joins, reports that it lives, learns at once
// when another fails, and leaves with all others.
#ifndef STATOR_DISTRIBUTE_CONTROL_MEMBER_H_
#define STATOR_DISTRIBUTE_CONTROL_MEMBER_H_

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "distribute/control/coordinator_client.h"
#include "runtime/core/run_control.h"

namespace stator::distribute {

struct MemberOptions {
  std::string job;
  std::string task;  // "worker:1"
  int rank = 0;
  uint64_t epoch = 1;
  std::string chief = "worker:0";  // named where the coordinator is lost
  absl::Duration heartbeat = absl::Milliseconds(250);
  absl::Duration failure_timeout = absl::Seconds(10);
  absl::Duration start_timeout = absl::Seconds(60);
};

// What a task brings. All must bring the same program: the first difference ends the generation.
struct JoinInfo {
  std::string program_hash;                 // of the rewritten graph
  std::vector<std::string> collectives;     // in the order in which they run; 512 KiB in all
  std::vector<std::string> data_addresses;  // one per replica of the task
  control::Cpu cpu = {};                    // what code it can run
};

// What a task learns when all have joined.
struct Roster {
  uint64_t epoch = 0;
  std::string key;                 // 32 secret bytes for the data sockets, new in every epoch
  std::vector<std::string> tasks;  // by rank
  std::vector<std::vector<std::string>> data_addresses;  // by rank, then by replica
  std::vector<control::Cpu> cpus;                        // by rank
};

struct Progress {
  std::string phase;  // "start", "train", "evaluate", "checkpoint": one word, for people
  int64_t step = 0;   // the last step begun; steps count from 1
  double steps_per_second = 0;
  double loss = 0;
  std::vector<std::pair<std::string, double>> metrics;
  std::string last_checkpoint;
};

// What one replica of this task counts on its data connection to another replica; both by their
// numbers in the whole job, in the order of the roster's addresses.
struct TrafficReport {
  int replica = 0;
  int peer = 0;
  uint64_t sent = 0;  // bytes of messages that it has begun to send
  uint64_t received = 0;
  bool waiting = false;  // for more from this peer, right now
};

// Thread-safe. Heartbeats have a thread and a connection of their own, so a busy task is not
// silent.
class Member {
 public:
  // Blocks until all tasks have joined; an error names who is missing, or what differs. `client`
  // comes from CoordinatorHost::Connect (the chief, tests) or ConnectToCoordinator (grpc_client.h).
  static absl::StatusOr<std::unique_ptr<Member>> Join(std::shared_ptr<CoordinatorClient> client,
                                                      const MemberOptions& options,
                                                      const JoinInfo& info, Roster* roster);
  // Without Leave: the others see this task die.
  virtual ~Member() = default;

  // Goes out with the next heartbeat.
  virtual void Report(const Progress& progress) = 0;

  // Asked with every heartbeat from now on, on the heartbeats' thread; one for each replica. A
  // connection whose ends count what shows that it delivers nothing ends the generation after
  // failure_timeout.
  virtual void WatchTraffic(std::function<std::vector<TrafficReport>()> replica) = 0;

  // Call before every step (they count from 1). False: do not run it, the generation drains; all
  // tasks have run drain_step() and no further: save an aligned checkpoint and leave. Waits one
  // round trip where the last step is just being chosen. True when the generation has failed: see
  // failure().
  virtual bool BeginStep(int64_t step) = 0;
  // The furthest step for which BeginStep was called; 0 before.
  virtual int64_t begun_step() const = 0;
  // The last step, once it is chosen; else 0.
  virtual int64_t drain_step() const = 0;
  // Lets all tasks stop after the same step (SIGTERM, SIGUSR1). Returns at once.
  virtual void RequestDrain() = 0;

  // Returns OK when every task has entered. DeadlineExceeded names who has not; the error of the
  // generation if it fails meanwhile. A name may be used again afterwards.
  virtual absl::Status Barrier(const std::string& name, absl::Duration timeout) = 0;

  // The image that the chief has compiled for `request`, whose header is filled in here. Blocks
  // until it has; the error of the generation if that ends before.
  virtual absl::StatusOr<ImageBytes> Compile(control::CompileRequest request) = 0;

  // Ends the generation for everybody. Errors that blame a peer (Unavailable, Cancelled, Aborted,
  // DeadlineExceeded) give way to that peer's own failure where it is seen within 0.3 s. Waits up
  // to 0.6 s until failure() is what the others see.
  virtual void Fail(const absl::Status& status) = 0;
  // Cancelled when the generation has failed, here or elsewhere; lives as long as the member.
  virtual const runtime::CancellationToken& ended() const = 0;
  // Who failed and why; OK while the generation lives. Unavailable, DeadlineExceeded, Cancelled,
  // Aborted: a restart may help. FailedPrecondition: a newer generation runs, write nothing.
  virtual absl::Status failure() const = 0;
  // The task that failed; "" while the generation lives and where nobody is known.
  virtual std::string failed_task() const = 0;

  // Waits until all tasks leave. Whoever disappears after calling it has not failed.
  virtual absl::Status Leave() = 0;
};

}  // namespace stator::distribute

#endif  // STATOR_DISTRIBUTE_CONTROL_MEMBER_H_
