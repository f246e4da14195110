// Cancelling a run, and its deadline.
#ifndef STATOR_RUNTIME_CORE_RUN_CONTROL_H_
#define STATOR_RUNTIME_CORE_RUN_CONTROL_H_

#include <atomic>
#include <chrono>
#include <cstdint>

#include "executable/status.h"

namespace stator::runtime {

// Set once, from any thread; shared by any number of runs. Outlives them.
class CancellationToken {
 public:
  void Cancel() { cancelled_.store(true, std::memory_order_release); }
  bool cancelled() const { return cancelled_.load(std::memory_order_acquire); }

 private:
  std::atomic<bool> cancelled_{false};
};

inline int64_t NowNanoseconds() {
  return std::chrono::duration_cast<std::chrono::nanoseconds>(
             std::chrono::steady_clock::now().time_since_epoch())
      .count();
}

// Why a run should stop, if it should.
struct RunControl {
  const CancellationToken* token = nullptr;
  const CancellationToken* session = nullptr;  // of all runs of a session
  int64_t deadline_ns = 0;                     // NowNanoseconds(); 0: none

  bool active() const { return token != nullptr || session != nullptr || deadline_ns != 0; }
  bool ShouldStop() const {
    return (token != nullptr && token->cancelled()) ||
           (session != nullptr && session->cancelled()) ||
           (deadline_ns != 0 && NowNanoseconds() >= deadline_ns);
  }
  executable::Status Poll() const {
    if (token != nullptr && token->cancelled()) {
      return executable::Status(executable::Code::kCancelled, "the run was cancelled");
    }
    if (session != nullptr && session->cancelled()) {
      return executable::Status(executable::Code::kCancelled, "the session was closed");
    }
    if (deadline_ns != 0 && NowNanoseconds() >= deadline_ns) {
      return executable::Status(executable::Code::kDeadlineExceeded,
                                "the run exceeded its deadline");
    }
    return executable::Status::Ok();
  }
};

}  // namespace stator::runtime

#endif  // STATOR_RUNTIME_CORE_RUN_CONTROL_H_
