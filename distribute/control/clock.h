// Time, as the control code sees it: a clock that can be simulated. Timers are not here: each state
// machine says when it wants to be woken (NextWake), and whoever drives it sleeps until then.
#ifndef STATOR_DISTRIBUTE_CONTROL_CLOCK_H_
#define STATOR_DISTRIBUTE_CONTROL_CLOCK_H_

#include <chrono>

#include "absl/time/time.h"

namespace stator::distribute {

// Thread-safe. Never runs backwards; says nothing about the time of day.
class Clock {
 public:
  virtual ~Clock() = default;
  virtual absl::Time Now() const = 0;
};

class SteadyClock final : public Clock {
 public:
  absl::Time Now() const override {
    return absl::UnixEpoch() +
           absl::FromChrono(std::chrono::steady_clock::now().time_since_epoch());
  }
  static const SteadyClock& Get() {
    static const SteadyClock clock;
    return clock;
  }
};

// A clock that stands still until it is told otherwise. For one thread.
class SimulatedClock final : public Clock {
 public:
  absl::Time Now() const override { return now_; }
  void AdvanceTo(absl::Time time) {
    if (time > now_) now_ = time;
  }

 private:
  absl::Time now_ = absl::UnixEpoch();
};

// How late an observer is: whoever was not run (paused, starved) must not blame others for the
// silence of that time.
class Lateness {
 public:
  // How much longer than `period` ago the last call was, if more than twice that; else zero.
  absl::Duration Observe(absl::Time now, absl::Duration period) {
    const absl::Duration gap = now - last_;
    last_ = now > last_ ? now : last_;
    return gap > 2 * period && gap < absl::InfiniteDuration() ? gap - period : absl::ZeroDuration();
  }

 private:
  absl::Time last_ = absl::InfinitePast();  // not yet
};

}  // namespace stator::distribute

#endif  // STATOR_DISTRIBUTE_CONTROL_CLOCK_H_
