// What a group does when its peers leave, are slow, or its caller has had enough.

#include <gtest/gtest.h>

#include <atomic>
#include <chrono>
#include <functional>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "distribute/collectives/group.h"
#include "distribute/collectives/test_world.h"

namespace stator::distribute {
namespace {

using executable::DType;
using runtime::NowNanoseconds;
using runtime::RunControl;

constexpr int64_t kSecond = 1'000'000'000;
// Milliseconds in fact, but the machine may be busy. What hangs takes longer.
constexpr int64_t kSoon = 5 * kSecond;

absl::Status Sum(Group& group, std::vector<float>& data, const RunControl& control = {}) {
  const void* input = data.data();
  return group.AllReduce(ReduceOp::kSum, DType::kFloat32, absl::MakeConstSpan(&input, 1),
                         data.data(), static_cast<int64_t>(data.size()), control);
}

void Sleep(int milliseconds) {
  std::this_thread::sleep_for(std::chrono::milliseconds(milliseconds));
}

// Whether something happens soon.
bool Comes(const std::function<bool()>& happened) {
  for (const int64_t end = NowNanoseconds() + kSoon; NowNanoseconds() < end; Sleep(1)) {
    if (happened()) return true;
  }
  return false;
}

class Failures : public testing::TestWithParam<Transport> {};
INSTANTIATE_TEST_SUITE_P(All, Failures,
                         testing::Values(Transport::kInProcess, Transport::kSharedMemory,
                                         Transport::kTcp, Transport::kTls),
                         [](const auto& info) { return std::string(TransportName(info.param)); });

// Worker 3's connections close without a word. Worker 0 needs nothing from it directly.
TEST_P(Failures, EveryPendingCallNamesTheTaskThatVanished) {
  Mesh mesh = MakeMesh(GetParam(), 4);
  std::vector<std::unique_ptr<Channel>> victim = std::move(mesh[3]);
  std::atomic<int64_t> closed_ns{0};
  std::vector<std::thread> threads;
  for (int rank = 0; rank < 3; ++rank) {
    threads.emplace_back([&, rank] {
      GroupOptions options;
      options.rank = rank;
      options.tasks = TaskNames(4);
      auto group = Group::Create(options, std::move(mesh[rank])).value();
      std::vector<float> data(100'000);
      const absl::Status status = Sum(*group, data);
      EXPECT_LT(NowNanoseconds() - closed_ns, kSoon);
      EXPECT_NE(std::string(status.message()).find("worker 3 died"), std::string::npos) << status;
      EXPECT_EQ(Sum(*group, data), status);
    });
  }
  Sleep(100);
  closed_ns = NowNanoseconds();
  victim.clear();
  for (std::thread& thread : threads) thread.join();
}

// The one who cancels gets Cancelled; the others learn who it was.
TEST_P(Failures, ACancelledCallEndsEverybodys) {
  runtime::CancellationToken token;
  std::atomic<int64_t> cancelled_ns{0};
  std::thread canceller([&] {
    Sleep(100);
    cancelled_ns = NowNanoseconds();
    token.Cancel();
  });
  RunWorkers(MakeMesh(GetParam(), 4), {}, [&](Group& group, int rank) {
    std::vector<float> data(100'000);
    if (rank == 2) {  // never comes to the sum
      while (!token.cancelled()) Sleep(1);
      Sleep(300);
      return;
    }
    RunControl control;
    if (rank == 0) control.token = &token;
    const absl::Status status = Sum(group, data, control);
    EXPECT_LT(NowNanoseconds() - cancelled_ns, kSoon) << "rank " << rank;
    if (rank == 0) {
      EXPECT_EQ(status.code(), absl::StatusCode::kCancelled) << status;
    } else {
      EXPECT_NE(std::string(status.message()).find("worker 0"), std::string::npos) << status;
    }
  });
  canceller.join();
}

TEST_P(Failures, ADeadlineEndsTheWait) {
  Mesh mesh = MakeMesh(GetParam(), 2);
  GroupOptions options;
  options.tasks = TaskNames(2);
  auto group = Group::Create(options, std::move(mesh[0])).value();
  std::vector<float> data(1'000'000);
  RunControl control;
  control.deadline_ns = NowNanoseconds() + kSecond / 10;
  EXPECT_EQ(Sum(*group, data, control).code(), absl::StatusCode::kDeadlineExceeded);
  EXPECT_LT(NowNanoseconds() - control.deadline_ns, kSoon);
}

// A slow peer is waited for, asleep: a thread that waits for 300 ms uses little of a core.
TEST_P(Failures, ASlowPeerIsWaitedForAsleep) {
  RunWorkers(MakeMesh(GetParam(), 2), {}, [&](Group& group, int rank) {
    for (int round = 0; round < 3; ++round) {
      if (rank == 1) Sleep(300);
      std::vector<float> data(100'000, 1.0f);
      timespec before, after;
      clock_gettime(CLOCK_THREAD_CPUTIME_ID, &before);
      const absl::Status status = Sum(group, data);
      clock_gettime(CLOCK_THREAD_CPUTIME_ID, &after);
      ASSERT_TRUE(status.ok()) << status;
      EXPECT_EQ(data[5], 2.0f);
      const double used =
          (after.tv_sec - before.tv_sec) * 1e3 + (after.tv_nsec - before.tv_nsec) * 1e-6;
      EXPECT_LT(used, 100.0) << "milliseconds of a core";
    }
  });
}

// Both ends of every connection count the same bytes, and who waits says so.
TEST_P(Failures, BothEndsCountAlike) {
  std::vector<std::shared_ptr<const Traffic>> traffic(4);
  std::atomic<int> summed{0};
  std::atomic<bool> late{true};
  std::thread watcher([&] {
    while (summed < 4) Sleep(1);
    // Now worker 3 computes: nothing of its bytes is on its way, and its partners come to wait.
    EXPECT_TRUE(Comes([&] { return (*traffic[2])[3].waiting && (*traffic[1])[3].waiting; }));
    for (const int partner : {1, 2}) {
      ASSERT_NE(traffic[partner], nullptr);
      EXPECT_EQ((*traffic[3])[partner].sent, (*traffic[partner])[3].received);
    }
    EXPECT_TRUE(Comes([&] { return (*traffic[2])[3].sent > (*traffic[3])[2].received; }));
    EXPECT_FALSE((*traffic[3])[2].waiting);
    late = false;
  });
  RunWorkers(MakeMesh(GetParam(), 4), {}, [&](Group& group, int rank) {
    traffic[rank] = group.traffic();
    std::vector<float> data(300'000, 1.0f);
    ASSERT_TRUE(Sum(group, data).ok());
    ++summed;
    while (rank == 3 && late) Sleep(1);
    ASSERT_TRUE(Sum(group, data).ok());
  });
  watcher.join();
  uint64_t total = 0;
  for (int a = 0; a < 4; ++a) {
    EXPECT_EQ((*traffic[a])[a].sent, 0u);
    for (int b = 0; b < 4; ++b) {
      EXPECT_EQ((*traffic[a])[b].sent, (*traffic[b])[a].received) << a << " to " << b;
      EXPECT_FALSE((*traffic[a])[b].waiting);
      total += (*traffic[a])[b].sent;
    }
  }
  // Two sums by halving and doubling; the rest are greetings.
  const uint64_t payload = 2 * uint64_t{300'000} * sizeof(float) * 2 * 3;
  if (GetParam() != Transport::kSharedMemory && GetParam() != Transport::kInProcess) {
    EXPECT_GT(total, payload);
    EXPECT_LT(total, payload + 10'000);
  }
}

// A swallowed byte shows: its sender has begun to send more than its receiver ever counts.
TEST(SwallowedBytes, ShowInTheCounters) {
  auto [near, far] = TcpPair();
  Mesh mesh(2);
  mesh[0].resize(2);
  mesh[1].resize(2);
  auto [nowhere, somewhere] = TcpPair();
  mesh[0][1] = TcpChannel(std::move(near), "worker 1");
  mesh[1][0] = TcpChannel(std::move(nowhere), "worker 0");  // hears nobody
  std::shared_ptr<const Traffic> traffic[2];
  std::atomic<int> ready{0};
  runtime::CancellationToken token;
  std::thread canceller([&] {
    while (ready < 2) Sleep(1);
    EXPECT_TRUE(Comes([&] { return (*traffic[0])[1].sent > 0 && (*traffic[1])[0].waiting; }));
    EXPECT_EQ((*traffic[1])[0].received, 0u);
    token.Cancel();
  });
  RunWorkers(std::move(mesh), {}, [&](Group& group, int rank) {
    traffic[rank] = group.traffic();
    ++ready;
    std::vector<float> data(4'000'000, 1.0f);  // more than a socket takes
    RunControl control;
    control.token = &token;
    EXPECT_EQ(Sum(group, data, control).code(), absl::StatusCode::kCancelled);
  });
  canceller.join();
}

// Who has everything it needs may leave while others are still at work.
TEST_P(Failures, LeavingInPeaceHarmsNobody) {
  for (int round = 0; round < 20; ++round) {
    RunWorkers(MakeMesh(GetParam(), 4), {}, [&](Group& group, int rank) {
      std::vector<float> data(20'000, 1.0f);
      const absl::Status status = Sum(group, data);
      EXPECT_TRUE(status.ok()) << status;
      EXPECT_EQ(data[0], 4.0f);
    });
  }
}

TEST_P(Failures, ADepartedPeerIsNamed) {
  RunWorkers(MakeMesh(GetParam(), 2), {}, [&](Group& group, int rank) {
    if (rank == 1) return;
    std::vector<float> data(20'000, 1.0f);
    const absl::Status status = Sum(group, data);
    EXPECT_EQ(status.code(), absl::StatusCode::kUnavailable);
    EXPECT_NE(std::string(status.message()).find("worker 1 has finished"), std::string::npos)
        << status;
  });
}

}  // namespace
}  // namespace stator::distribute
