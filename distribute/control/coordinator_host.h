// Runs a Coordinator: one mutex around the state machine, one thread that watches the time, and a
// sink for each member's events. Transports call it; Connect() is the transport within a process.
#ifndef STATOR_DISTRIBUTE_CONTROL_COORDINATOR_HOST_H_
#define STATOR_DISTRIBUTE_CONTROL_COORDINATOR_HOST_H_

#include <condition_variable>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <thread>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "distribute/control/coordinator.h"
#include "distribute/control/coordinator_client.h"

namespace stator::distribute {

// Where events of one connection go. Deliver must neither block nor call the host.
class EventSink {
 public:
  virtual ~EventSink() = default;
  virtual void Deliver(const control::Event& event) = 0;
};

// Compiles for all tasks. Calls `done` once, at once or later from any thread.
using CompileDone = std::function<void(absl::StatusOr<ImageBytes>)>;
using CompileService = std::function<void(const control::CompileRequest&, CompileDone done)>;

// Thread-safe.
class CoordinatorHost : public std::enable_shared_from_this<CoordinatorHost> {
 public:
  // `log` gets lines about silent tasks and drains, one at a time; it may be null. Without
  // `compile` nobody can ask for it.
  static std::shared_ptr<CoordinatorHost> Start(CoordinatorOptions options,
                                                std::function<void(const std::string&)> log,
                                                CompileService compile = nullptr);
  ~CoordinatorHost();
  CoordinatorHost(const CoordinatorHost&) = delete;
  CoordinatorHost& operator=(const CoordinatorHost&) = delete;

  // Registers `sink` and joins; its first event may arrive before this returns. On success the
  // caller calls Disconnect with `*connection` once, when the stream is over.
  absl::Status Attach(const control::AttachRequest& request, std::shared_ptr<EventSink> sink,
                      uint64_t* connection);
  void Disconnect(uint64_t connection);
  absl::Status Send(const control::Request& request);
  absl::StatusOr<control::BeatReply> Beat(const control::BeatRequest& request);
  control::JobStatus Snapshot() const;
  // For tasks that have joined.
  void Compile(const control::CompileRequest& request, CompileDone done);

  // Waits until no member is connected. False if some still are after `timeout`.
  bool AwaitEmpty(absl::Duration timeout);

  // A member's way to this coordinator without sockets.
  std::unique_ptr<CoordinatorClient> Connect();

 private:
  CoordinatorHost(CoordinatorOptions options, std::function<void(const std::string&)> log,
                  CompileService compile);
  void Watch();
  void Flush();  // under mutex_

  mutable std::mutex mutex_;
  std::condition_variable wake_;
  Coordinator coordinator_;
  std::function<void(const std::string&)> log_;
  const CompileService compile_;
  std::map<uint64_t, std::shared_ptr<EventSink>> sinks_;
  uint64_t next_connection_ = 1;
  bool stopping_ = false;
  std::thread watcher_;
};

// 32 bytes that nobody can guess: the key of a generation's data sockets.
std::string DrawKey();

}  // namespace stator::distribute

#endif  // STATOR_DISTRIBUTE_CONTROL_COORDINATOR_HOST_H_
