// The pool that computes: fork, run parts, join.
#ifndef STATOR_RUNTIME_CORE_THREAD_POOL_H_
#define STATOR_RUNTIME_CORE_THREAD_POOL_H_

#include <pthread.h>

#include <atomic>
#include <cstdint>
#include <memory>
#include <vector>

#include "executable/status.h"

namespace stator::runtime {

// Threads that run the parts of jobs. Several threads may run jobs at once; each caller works on
// its own job, so a job never waits for a free thread. Idle threads spin for up to 50 us, then
// sleep.
class ThreadPool {
 public:
  // `size` threads compute in all: size - 1 own ones and the caller. size >= 1. Where the system
  // gives fewer, those compute all parts.
  explicit ThreadPool(int size);
  // The same, but ResourceExhausted where the system gives fewer.
  static executable::Result<std::unique_ptr<ThreadPool>> Create(int size);
  // No threads of its own: jobs run through the caller's parallel loop, which calls
  // fn(context, part) once for each part in [0, parts), parts <= size, on any threads, and returns
  // when all have returned. It must allow several threads to run jobs at once if they share this.
  using Function = void (*)(void* context, int part);
  using ParallelFor = void (*)(void* user, int parts, Function fn, void* context);
  ThreadPool(int size, ParallelFor loop, void* user);
  ~ThreadPool();
  ThreadPool(const ThreadPool&) = delete;
  ThreadPool& operator=(const ThreadPool&) = delete;

  // One for the process, made at first use with DefaultSize() threads; never destroyed.
  static ThreadPool* Default();
  // CPUs that this process may use: affinity mask and cgroup quota, at least 1.
  static int DefaultSize();

  int size() const { return size_; }

  // Calls fn(context, part) once for each part in [0, parts) and returns when all have returned.
  // Parts run on any thread, in any order. What fn wrote is visible to the caller afterwards. Not
  // to be called from inside fn.
  void Run(int parts, Function fn, void* context);

 private:
  // A slot is taken by one job after the other. `ticket` holds generation, next part and number of
  // parts in one word, so that a late thread cannot take a part of the slot's next job.
  struct alignas(64) Slot {
    std::atomic<uint64_t> ticket{0};  // generation << 32 | next << 16 | parts
    std::atomic<uint32_t> remaining{0};
    std::atomic<bool> taken{false};
    std::atomic<bool> waiting{false};  // the caller sleeps on `remaining`
    Function fn = nullptr;
    void* context = nullptr;
  };
  static constexpr int kSlots = 16;
  static constexpr int kMaxParts = 1 << 15;

  static void* RunWorker(void* pool);
  void WorkerLoop();
  bool WorkOnAny();
  // Runs parts of the slot's job until none is left; false when there was none.
  static bool WorkOn(Slot* slot);
  static void FinishPart(Slot* slot);

  const int size_;
  const ParallelFor loop_ = nullptr;
  void* const user_ = nullptr;
  Slot slots_[kSlots];
  std::atomic<uint32_t> epoch_{0};  // grows with each job; idle threads watch it
  std::atomic<uint32_t> sleepers_{0};
  std::atomic<bool> stop_{false};
  std::vector<pthread_t> threads_;
};

// Sets the rounding mode and subnormal handling that kernels expect (round to nearest, subnormals
// kept) for a scope, and restores the caller's.
class ScopedFloatMode {
 public:
  ScopedFloatMode();
  ~ScopedFloatMode();
  ScopedFloatMode(const ScopedFloatMode&) = delete;
  ScopedFloatMode& operator=(const ScopedFloatMode&) = delete;

 private:
  uint64_t saved_;
};

}  // namespace stator::runtime

#endif  // STATOR_RUNTIME_CORE_THREAD_POOL_H_
