#include "runtime/core/thread_pool.h"

#include <linux/futex.h>
#include <sched.h>
#include <signal.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <climits>
#include <cstdio>
#include <cstring>
#include <string>

#if defined(__x86_64__)
#include <immintrin.h>
#endif

namespace stator::runtime {
namespace {

using Clock = std::chrono::steady_clock;
constexpr auto kSpin = std::chrono::microseconds(50);

void Relax() {
#if defined(__x86_64__)
  _mm_pause();
#elif defined(__aarch64__)
  asm volatile("yield");
#endif
}

void FutexWait(std::atomic<uint32_t>* word, uint32_t expected) {
  syscall(SYS_futex, reinterpret_cast<uint32_t*>(word), FUTEX_WAIT_PRIVATE, expected, nullptr,
          nullptr, 0);
}

void FutexWake(std::atomic<uint32_t>* word, int count) {
  syscall(SYS_futex, reinterpret_cast<uint32_t*>(word), FUTEX_WAKE_PRIVATE, count, nullptr, nullptr,
          0);
}

// Spins for a while; true as soon as done() holds. Reads the clock rarely.
template <typename Done>
bool SpinUntil(Done done) {
  const Clock::time_point end = Clock::now() + kSpin;
  do {
    for (int i = 0; i < 64; ++i) {
      if (done()) return true;
      Relax();
    }
  } while (Clock::now() < end);
  return false;
}

uint64_t ReadFloatMode() {
#if defined(__x86_64__)
  return _mm_getcsr();
#elif defined(__aarch64__)
  uint64_t mode;
  asm volatile("mrs %0, fpcr" : "=r"(mode));
  return mode;
#else
  return 0;
#endif
}

void WriteFloatMode(uint64_t mode) {
#if defined(__x86_64__)
  _mm_setcsr(static_cast<unsigned>(mode));
#elif defined(__aarch64__)
  asm volatile("msr fpcr, %0" : : "r"(mode));
#endif
}

#if defined(__x86_64__)
constexpr uint64_t kFloatMode = 0x1F80;  // all exceptions masked, nearest even, no FTZ, no DAZ
#else
constexpr uint64_t kFloatMode = 0;
#endif

// First line of a file, or "".
std::string FirstLine(const std::string& path) {
  char line[256] = "";
  if (std::FILE* f = std::fopen(path.c_str(), "r")) {
    if (std::fgets(line, sizeof(line), f) == nullptr) line[0] = 0;
    std::fclose(f);
  }
  return line;
}

// CPUs by cgroup quota (v2, then v1), INT_MAX without one.
int QuotaCpus() {
  long long quota = 0;
  long long period = 0;
  const std::string v2 = FirstLine("/sys/fs/cgroup/cpu.max");
  if (std::sscanf(v2.c_str(), "%lld %lld", &quota, &period) != 2) {
    if (std::sscanf(FirstLine("/sys/fs/cgroup/cpu/cpu.cfs_quota_us").c_str(), "%lld", &quota) !=
            1 ||
        std::sscanf(FirstLine("/sys/fs/cgroup/cpu/cpu.cfs_period_us").c_str(), "%lld", &period) !=
            1) {
      return INT_MAX;
    }
  }
  if (quota <= 0 || period <= 0) return INT_MAX;
  return static_cast<int>(std::min<long long>((quota + period - 1) / period, INT_MAX));
}

}  // namespace

ScopedFloatMode::ScopedFloatMode() : saved_(ReadFloatMode()) {
  if (saved_ != kFloatMode) WriteFloatMode(kFloatMode);
}
ScopedFloatMode::~ScopedFloatMode() {
  if (saved_ != kFloatMode) WriteFloatMode(saved_);
}

int ThreadPool::DefaultSize() {
  cpu_set_t set;
  int cpus = 0;
  if (sched_getaffinity(0, sizeof(set), &set) == 0) cpus = CPU_COUNT(&set);
  if (cpus <= 0) cpus = static_cast<int>(sysconf(_SC_NPROCESSORS_ONLN));
  return std::clamp(std::min(cpus, QuotaCpus()), 1, 1024);
}

ThreadPool* ThreadPool::Default() {
  static ThreadPool* pool = new ThreadPool(DefaultSize());
  return pool;
}

ThreadPool::ThreadPool(int size) : size_(size) {
  // The program's signals are handled on the program's threads: new ones inherit a full mask.
  sigset_t all, before;
  sigfillset(&all);
  pthread_sigmask(SIG_SETMASK, &all, &before);
  for (int i = 1; i < size; ++i) {
    pthread_t thread;
    if (pthread_create(&thread, nullptr, RunWorker, this) != 0) break;
    threads_.push_back(thread);
  }
  pthread_sigmask(SIG_SETMASK, &before, nullptr);
}

executable::Result<std::unique_ptr<ThreadPool>> ThreadPool::Create(int size) {
  auto pool = std::make_unique<ThreadPool>(size);
  const size_t started = pool->threads_.size();
  if (started + 1 < static_cast<size_t>(size)) {
    return executable::ResourceExhausted("the system starts only " + std::to_string(started) +
                                         " of " + std::to_string(size - 1) + " threads");
  }
  return pool;
}

void* ThreadPool::RunWorker(void* pool) {
  static_cast<ThreadPool*>(pool)->WorkerLoop();
  return nullptr;
}

ThreadPool::ThreadPool(int size, ParallelFor loop, void* user)
    : size_(size), loop_(loop), user_(user) {}

ThreadPool::~ThreadPool() {
  stop_.store(true);
  epoch_.fetch_add(1);
  FutexWake(&epoch_, INT_MAX);
  for (const pthread_t thread : threads_) pthread_join(thread, nullptr);
}

namespace {

struct OutsideJob {
  ThreadPool::Function fn;
  void* context;
};

void RunOutside(void* context, int part) {
  const ScopedFloatMode float_mode;  // the caller's threads may have another
  const auto* job = static_cast<const OutsideJob*>(context);
  job->fn(job->context, part);
}

}  // namespace

void ThreadPool::Run(int parts, Function fn, void* context) {
  if (loop_ != nullptr && parts > 1) {
    OutsideJob job{fn, context};
    loop_(user_, parts, RunOutside, &job);
    return;
  }
  Slot* slot = nullptr;
  if (parts > 1 && !threads_.empty()) {
    for (Slot& s : slots_) {
      if (!s.taken.load(std::memory_order_relaxed) &&
          !s.taken.exchange(true, std::memory_order_acquire)) {
        slot = &s;
        break;
      }
    }
  }
  if (slot == nullptr || parts > kMaxParts) {
    if (slot != nullptr) slot->taken.store(false, std::memory_order_release);
    for (int i = 0; i < parts; ++i) fn(context, i);
    return;
  }
  slot->fn = fn;
  slot->context = context;
  slot->remaining.store(static_cast<uint32_t>(parts), std::memory_order_relaxed);
  const uint64_t generation = (slot->ticket.load(std::memory_order_relaxed) >> 32) + 1;
  slot->ticket.store(generation << 32 | uint64_t{1} << 16 | static_cast<uint64_t>(parts),
                     std::memory_order_release);
  // Sequentially consistent against the sleeper's own pair: either we see it asleep, or it sees the
  // new epoch.
  epoch_.fetch_add(1, std::memory_order_seq_cst);
  if (sleepers_.load(std::memory_order_seq_cst) > 0) FutexWake(&epoch_, parts - 1);

  fn(context, 0);  // part 0 is always the caller's
  FinishPart(slot);
  WorkOn(slot);
  const auto done = [slot] { return slot->remaining.load(std::memory_order_acquire) == 0; };
  if (!SpinUntil(done)) {
    // Sequentially consistent against FinishPart: it sees that we wait, or we see zero.
    slot->waiting.store(true, std::memory_order_seq_cst);
    for (uint32_t left; (left = slot->remaining.load(std::memory_order_seq_cst)) != 0;) {
      FutexWait(&slot->remaining, left);
    }
    slot->waiting.store(false, std::memory_order_relaxed);
  }
  slot->taken.store(false, std::memory_order_release);
}

void ThreadPool::FinishPart(Slot* slot) {
  // The last one wakes the caller, which may sleep. A wake of a slot that was given on is harmless:
  // waiters look at the word again.
  if (slot->remaining.fetch_sub(1, std::memory_order_seq_cst) != 1) return;
  if (slot->waiting.load(std::memory_order_seq_cst)) FutexWake(&slot->remaining, 1);
}

bool ThreadPool::WorkOn(Slot* slot) {
  bool worked = false;
  uint64_t ticket = slot->ticket.load(std::memory_order_acquire);
  while (true) {
    const auto parts = static_cast<int>(ticket & 0xFFFF);
    const auto next = static_cast<int>(ticket >> 16 & 0xFFFF);
    if (next >= parts) return worked;
    if (!slot->ticket.compare_exchange_weak(ticket, ticket + (uint64_t{1} << 16),
                                            std::memory_order_acq_rel, std::memory_order_acquire)) {
      continue;
    }
    // The part is ours, so the job cannot end, and fn and context cannot change, before we finish.
    slot->fn(slot->context, next);
    FinishPart(slot);
    worked = true;
    ticket = slot->ticket.load(std::memory_order_acquire);
  }
}

bool ThreadPool::WorkOnAny() {
  bool worked = false;
  for (Slot& slot : slots_) worked |= WorkOn(&slot);
  return worked;
}

void ThreadPool::WorkerLoop() {
  WriteFloatMode(kFloatMode);
  while (!stop_.load(std::memory_order_relaxed)) {
    const uint32_t seen = epoch_.load(std::memory_order_acquire);
    if (WorkOnAny()) continue;
    const auto changed = [&] { return epoch_.load(std::memory_order_acquire) != seen; };
    if (SpinUntil(changed)) continue;
    sleepers_.fetch_add(1, std::memory_order_seq_cst);
    if (epoch_.load(std::memory_order_seq_cst) == seen && !stop_.load()) FutexWait(&epoch_, seen);
    sleepers_.fetch_sub(1, std::memory_order_seq_cst);
  }
}

}  // namespace stator::runtime
