#include "runtime/core/thread_pool.h"

#include <signal.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <chrono>
#include <cmath>
#include <limits>
#include <thread>
#include <vector>

#include "gtest/gtest.h"

namespace stator::runtime {
namespace {

struct Count {
  std::vector<std::atomic<int>> hits;
  explicit Count(int n) : hits(n) {}
  static void Hit(void* context, int part) { ++static_cast<Count*>(context)->hits[part]; }
};

TEST(ThreadPool, RunsEachPartOnce) {
  for (int size : {1, 2, 4}) {
    ThreadPool pool(size);
    for (int parts : {1, 2, 3, 7, 200}) {
      Count count(parts);
      pool.Run(parts, Count::Hit, &count);
      for (const auto& hits : count.hits) EXPECT_EQ(hits.load(), 1);
    }
  }
}

TEST(ThreadPool, ResultsAreVisibleToTheCaller) {
  ThreadPool pool(3);
  std::vector<int64_t> plain(64);
  for (int round = 0; round < 2000; ++round) {
    pool.Run(
        64, [](void* p, int part) { ++(*static_cast<std::vector<int64_t>*>(p))[part]; }, &plain);
  }
  for (int64_t v : plain) EXPECT_EQ(v, 2000);
}

TEST(ThreadPool, WakesAfterSleeping) {
  ThreadPool pool(2);
  for (int i = 0; i < 20; ++i) {
    std::this_thread::sleep_for(std::chrono::milliseconds(2));
    Count count(2);
    pool.Run(2, Count::Hit, &count);
    EXPECT_EQ(count.hits[0] + count.hits[1], 2);
  }
}

TEST(ThreadPool, SeveralCallersAtOnce) {
  ThreadPool pool(2);
  std::vector<std::thread> callers;
  std::atomic<int64_t> total{0};
  for (int c = 0; c < 6; ++c) {
    callers.emplace_back([&] {
      for (int i = 0; i < 500; ++i) {
        Count count(5);
        pool.Run(5, Count::Hit, &count);
        for (const auto& hits : count.hits) total += hits.load();
      }
    });
  }
  for (std::thread& t : callers) t.join();
  EXPECT_EQ(total.load(), 6 * 500 * 5);
}

TEST(ThreadPool, RunsThroughTheCallersLoop) {
  int loops = 0;
  const auto backwards = [](void* user, int parts, ThreadPool::Function fn, void* context) {
    ++*static_cast<int*>(user);
    for (int i = parts; i-- > 0;) fn(context, i);
  };
  ThreadPool pool(7, backwards, &loops);
  EXPECT_EQ(pool.size(), 7);
  std::vector<int> order;
  const auto note = [](void* context, int part) {
    static_cast<std::vector<int>*>(context)->push_back(part);
  };
  pool.Run(3, note, &order);
  EXPECT_EQ(order, (std::vector<int>{2, 1, 0}));
  pool.Run(1, note, &order);  // needs no loop
  EXPECT_EQ(order.back(), 0);
  EXPECT_EQ(loops, 1);
}

TEST(ThreadPool, DefaultSizeIsSane) {
  EXPECT_GE(ThreadPool::DefaultSize(), 1);
  EXPECT_LE(ThreadPool::DefaultSize(), 1024);
}

// The sanitizers need the address space themselves.
#if !defined(__SANITIZE_THREAD__) && !defined(__SANITIZE_ADDRESS__)
TEST(ThreadPool, AMachineWithoutThreadsIsAnError) {
  const pid_t child = fork();
  if (child == 0) {
    const rlimit little = {256 << 20, 256 << 20};  // stacks of a few threads
    if (setrlimit(RLIMIT_AS, &little) != 0) _exit(2);
    const auto pool = ThreadPool::Create(1000);
    if (pool.ok() || pool.status().code() != executable::Code::kResourceExhausted) _exit(3);
    ThreadPool few(1000);  // those that there are do the work
    Count count(1000);
    few.Run(1000, Count::Hit, &count);
    for (const auto& hits : count.hits) {
      if (hits.load() != 1) _exit(4);
    }
    _exit(0);
  }
  int status = -1;
  ASSERT_EQ(waitpid(child, &status, 0), child);
  EXPECT_EQ(status, 0);
}
#endif

TEST(ThreadPool, ThreadsBlockSignals) {
  ThreadPool pool(3);
  std::atomic<int> open{0};
  const auto look = [](void* context, int) {
    sigset_t mask;
    pthread_sigmask(SIG_SETMASK, nullptr, &mask);
    if (sigismember(&mask, SIGUSR1) == 0) ++*static_cast<std::atomic<int>*>(context);
    std::this_thread::sleep_for(std::chrono::milliseconds(20));  // so that all threads take part
  };
  pool.Run(3, look, &open);
  EXPECT_LE(open.load(), 1);  // the caller's own
}

#if defined(__x86_64__)
TEST(ScopedFloatMode, KeepsSubnormalsAndRestores) {
  const unsigned before = __builtin_ia32_stmxcsr();
  __builtin_ia32_ldmxcsr(before | 0x8040);  // flush to zero, denormals are zero
  {
    ScopedFloatMode mode;
    volatile float tiny = std::numeric_limits<float>::min();
    volatile float half = tiny / 2;
    EXPECT_NE(half, 0.0f);
  }
  EXPECT_EQ(__builtin_ia32_stmxcsr() & 0x8040u, 0x8040u);
  __builtin_ia32_ldmxcsr(before);
}
#endif

}  // namespace
}  // namespace stator::runtime
