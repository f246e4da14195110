// The calls that are inside a session, so that closing it can wait for them.
#ifndef STATOR_RUNTIME_SESSION_ACTIVE_CALLS_H_
#define STATOR_RUNTIME_SESSION_ACTIVE_CALLS_H_

#include <condition_variable>
#include <mutex>

#include "absl/status/status.h"

namespace stator::runtime {

// Thread-safe.
class ActiveCalls {
 public:
  // Counts one call while it lives; not OK when the session is closed.
  class Scope {
   public:
    explicit Scope(ActiveCalls* calls) : calls_(calls), entered_(calls->Enter()) {}
    ~Scope() {
      if (entered_) calls_->Leave();
    }
    Scope(const Scope&) = delete;
    Scope& operator=(const Scope&) = delete;
    absl::Status status() const {
      return entered_ ? absl::OkStatus() : absl::FailedPreconditionError("the session is closed");
    }

   private:
    ActiveCalls* const calls_;
    const bool entered_;
  };

  // Later calls are not let in.
  void Refuse() {
    const std::lock_guard<std::mutex> lock(mutex_);
    closed_ = true;
  }
  void AwaitNone() {
    std::unique_lock<std::mutex> lock(mutex_);
    idle_.wait(lock, [this] { return count_ == 0; });
  }

 private:
  bool Enter() {
    const std::lock_guard<std::mutex> lock(mutex_);
    if (!closed_) ++count_;
    return !closed_;
  }
  void Leave() {
    const std::lock_guard<std::mutex> lock(mutex_);
    if (--count_ == 0) idle_.notify_all();
  }

  std::mutex mutex_;
  std::condition_variable idle_;
  int count_ = 0;
  bool closed_ = false;
};

}  // namespace stator::runtime

#endif  // STATOR_RUNTIME_SESSION_ACTIVE_CALLS_H_
