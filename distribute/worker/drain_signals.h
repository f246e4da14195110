#ifndef STATOR_DISTRIBUTE_WORKER_DRAIN_SIGNALS_H_
#define STATOR_DISTRIBUTE_WORKER_DRAIN_SIGNALS_H_

#include <atomic>
#include <thread>

#include "distribute/control/member.h"

namespace stator::distribute {

// While it lives, SIGTERM and SIGUSR1 ask the generation to drain.
class DrainSignals {
 public:
  // Before the process's first thread: threads inherit the mask.
  static void Block();

  // `member` outlives it.
  explicit DrainSignals(Member* member);
  ~DrainSignals();
  DrainSignals(const DrainSignals&) = delete;
  DrainSignals& operator=(const DrainSignals&) = delete;

 private:
  std::atomic<bool> stop_{false};
  std::thread thread_;
};

}  // namespace stator::distribute

#endif  // STATOR_DISTRIBUTE_WORKER_DRAIN_SIGNALS_H_
