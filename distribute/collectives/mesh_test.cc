#include "distribute/collectives/mesh.h"

#include <gtest/gtest.h>
#include <poll.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <functional>
#include <string>
#include <thread>
#include <vector>

#include "distribute/collectives/group.h"
#include "distribute/collectives/socket_address.h"
#include "distribute/collectives/test_world.h"

namespace stator::distribute {
namespace {

using executable::DType;
using runtime::NowNanoseconds;
using runtime::RunControl;

constexpr int64_t kSecond = 1'000'000'000;
// Milliseconds in fact, but the machine may be busy. What hangs takes longer.
constexpr int64_t kSoon = 5 * kSecond;

RunControl Within(double seconds) {
  RunControl control;
  control.deadline_ns = NowNanoseconds() + static_cast<int64_t>(seconds * kSecond);
  return control;
}

absl::Status Sum(Group& group, std::vector<float>& data, const RunControl& control) {
  const void* input = data.data();
  return group.AllReduce(ReduceOp::kSum, DType::kFloat32, absl::MakeConstSpan(&input, 1),
                         data.data(), static_cast<int64_t>(data.size()), control);
}

// A generation that listens already; its tasks may be threads or forked processes.
struct Site {
  explicit Site(Transport transport, int workers) {
    options.generation = {"digits", 7, "0123456789abcdef"};
    options.tasks = TaskNames(workers);
    for (int i = 0; i < workers; ++i) {
      // Not in the test folder: the path of a Unix socket is short.
      const std::string path =
          std::string("unix:/tmp/stator.") + std::to_string(getpid()) + "." + std::to_string(i);
      listeners.push_back(
          Listener::Create(transport == Transport::kTcp ? "tcp:127.0.0.1:0" : path).value());
      options.addresses.push_back(listeners.back()->address());
    }
  }

  absl::StatusOr<std::unique_ptr<Group>> Join(int rank) {
    MeshOptions mine = options;
    mine.rank = rank;
    auto channels = ConnectMesh(mine, {listeners[rank].get()}, Within(20));
    if (!channels.ok()) return channels.status();
    GroupOptions group;
    group.rank = rank;
    group.tasks = options.tasks;
    return Group::Create(group, *std::move(channels));
  }

  MeshOptions options;
  std::vector<std::unique_ptr<Listener>> listeners;
};

pid_t Fork(const std::function<void()>& work) {
  const pid_t child = fork();
  if (child != 0) return child;
  work();
  _exit(0);
}

class MeshTest : public testing::TestWithParam<Transport> {};
INSTANTIATE_TEST_SUITE_P(All, MeshTest, testing::Values(Transport::kSharedMemory, Transport::kTcp),
                         [](const auto& info) { return std::string(TransportName(info.param)); });

TEST_P(MeshTest, ProcessesSum) {
  Site site(GetParam(), 4);
  std::vector<pid_t> children;
  for (int rank = 1; rank < 4; ++rank) {
    children.push_back(Fork([&] {
      auto group = site.Join(rank);
      std::vector<float> data(300'000, 1.0f + rank);
      if (!group.ok() || !Sum(**group, data, Within(20)).ok() || data[123'456] != 10.0f) _exit(1);
      group->reset();
    }));
  }
  auto group = site.Join(0);
  ASSERT_TRUE(group.ok()) << group.status();
  std::vector<float> data(300'000, 1.0f);
  const absl::Status status = Sum(**group, data, Within(20));
  EXPECT_TRUE(status.ok()) << status;
  EXPECT_EQ(data[299'999], 10.0f);
  for (const pid_t child : children) {
    int result;
    waitpid(child, &result, 0);
    EXPECT_EQ(result, 0);
  }
}

// Of four tasks number 3 is killed in the middle of its sums, without a word.
void KillOneOfFour(Transport transport) {
  Site site(transport, 4);
  const pid_t victim = Fork([&] {
    auto group = site.Join(3);
    std::vector<float> data(1'000'000);
    while (group.ok() && Sum(**group, data, Within(60)).ok()) {
    }
  });
  std::atomic<int64_t> killed_ns{0};
  std::atomic<int> summed{0};
  std::vector<std::thread> survivors;
  for (int rank = 0; rank < 3; ++rank) {
    survivors.emplace_back([&, rank] {
      auto group = site.Join(rank);
      ASSERT_TRUE(group.ok()) << group.status();
      std::vector<float> data(1'000'000);
      absl::Status status;
      while (status.ok()) {
        status = Sum(**group, data, Within(60));
        ++summed;
      }
      EXPECT_LT(NowNanoseconds() - killed_ns, kSoon) << "rank " << rank;
      EXPECT_NE(std::string(status.message()).find("worker 3 died"), std::string::npos) << status;
    });
  }
  while (summed < 9) std::this_thread::sleep_for(std::chrono::milliseconds(1));
  killed_ns = NowNanoseconds();
  kill(victim, SIGKILL);
  for (std::thread& survivor : survivors) survivor.join();
  waitpid(victim, nullptr, 0);
}

TEST_P(MeshTest, SurvivorsNameTheKilledTaskAtOnce) {
  for (int round = 0; round < 20; ++round) KillOneOfFour(GetParam());
}

// The same when the survivors sleep: the victim never came to the sum.
TEST_P(MeshTest, SleepersWakeForADeath) {
  Site site(GetParam(), 2);
  const pid_t victim = Fork([&] {
    auto group = site.Join(1);
    pause();
  });
  auto group = site.Join(0);
  ASSERT_TRUE(group.ok()) << group.status();
  std::atomic<int64_t> killed_ns{0};
  std::thread killer([&] {
    std::this_thread::sleep_for(std::chrono::milliseconds(100));
    killed_ns = NowNanoseconds();
    kill(victim, SIGKILL);
  });
  std::vector<float> data(10);
  const absl::Status status = Sum(**group, data, Within(60));
  const int64_t noticed = NowNanoseconds();
  killer.join();
  EXPECT_LT(noticed - killed_ns, kSoon);
  EXPECT_EQ(status.code(), absl::StatusCode::kUnavailable);
  EXPECT_NE(std::string(status.message()).find("worker 1 died"), std::string::npos) << status;
  waitpid(victim, nullptr, 0);
}

// Raw bytes at the door of rank 0, and what comes back before it closes.
std::string Knock(const Site& site, const std::string& bytes) {
  const SocketAddress where = SocketAddress::Parse(site.options.addresses[0]).value();
  FileDescriptor fd(socket(where.family(), SOCK_STREAM | SOCK_CLOEXEC, 0));
  EXPECT_EQ(connect(fd.get(), where.get(), where.length()), 0);
  EXPECT_EQ(send(fd.get(), bytes.data(), bytes.size(), MSG_NOSIGNAL),
            static_cast<ssize_t>(bytes.size()));
  shutdown(fd.get(), SHUT_WR);
  std::string answer;
  char buffer[256];
  ssize_t got;
  while ((got = recv(fd.get(), buffer, sizeof(buffer), 0)) > 0) answer.append(buffer, got);
  return answer;
}

template <typename T>
std::string BytesOf(const T& message) {
  return std::string(reinterpret_cast<const char*>(&message), sizeof(message));
}

TEST_P(MeshTest, StrangersGetAnErrorAndNothingElse) {
  Site site(GetParam(), 2);
  std::thread host([&] {
    auto group = site.Join(0);
    EXPECT_TRUE(group.ok()) << group.status();
    EXPECT_TRUE(group.ok() && (*group)->Barrier(Within(20)).ok());
  });
  const auto refusal = [](Verdict verdict) {
    Answer answer = {};
    answer.verdict = static_cast<uint32_t>(verdict);
    return BytesOf(answer);
  };
  EXPECT_EQ(Knock(site, "GET / HTTP/1.1\r\n\r\n"), "");
  EXPECT_EQ(Knock(site, std::string(1000, 'x')), refusal(Verdict::kRefused));

  Generation generation = site.options.generation;
  generation.key = "another key, as long";
  EXPECT_EQ(Knock(site, BytesOf(MakeHello(generation, 1, 0))), refusal(Verdict::kRefused));
  generation = site.options.generation;
  generation.job = "another job";
  EXPECT_EQ(Knock(site, BytesOf(MakeHello(generation, 1, 0))), refusal(Verdict::kRefused));
  generation = site.options.generation;
  generation.epoch = 6;
  EXPECT_EQ(Knock(site, BytesOf(MakeHello(generation, 1, 0))), refusal(Verdict::kWrongEpoch));
  generation = site.options.generation;
  EXPECT_EQ(Knock(site, BytesOf(MakeHello(generation, 1, 1))), refusal(Verdict::kRefused));
  EXPECT_EQ(Knock(site, BytesOf(MakeHello(generation, 5, 0))), refusal(Verdict::kRefused));
  // A recorded hello gets an answer, but no channel: it cannot prove anything.
  const std::string replayed =
      Knock(site, BytesOf(MakeHello(generation, 1, 0)) + std::string(sizeof(Proof), '\0'));
  EXPECT_EQ(replayed.size(), sizeof(Answer));

  // The right one is still welcome.
  auto group = site.Join(1);
  ASSERT_TRUE(group.ok()) << group.status();
  EXPECT_TRUE((*group)->Barrier(Within(20)).ok());
  host.join();
}

TEST_P(MeshTest, ATaskOfAnOldEpochOrWithAWrongKeyIsTold) {
  for (const bool old : {true, false}) {
    Site site(GetParam(), 2);
    std::thread host([&] {
      MeshOptions mine = site.options;
      const auto channels = ConnectMesh(mine, {site.listeners[0].get()}, Within(0.3));
      EXPECT_EQ(channels.status().code(), absl::StatusCode::kDeadlineExceeded);
      EXPECT_NE(std::string(channels.status().message()).find("waiting for worker 1"),
                std::string::npos);
    });
    MeshOptions mine = site.options;
    mine.rank = 1;
    if (old) {
      mine.generation.epoch = 6;
    } else {
      mine.generation.key = "another key, as long";
    }
    const auto channels = ConnectMesh(mine, {site.listeners[1].get()}, Within(20));
    EXPECT_EQ(channels.status().code(),
              old ? absl::StatusCode::kFailedPrecondition : absl::StatusCode::kPermissionDenied)
        << channels.status();
    EXPECT_NE(std::string(channels.status().message()).find("worker 0"), std::string::npos);
    host.join();
  }
}

TEST(Mesh, RefusesUnusableArguments) {
  EXPECT_FALSE(Listener::Create("127.0.0.1:80").ok());
  EXPECT_FALSE(Listener::Create("unix:" + std::string(200, 'x')).ok());
  MeshOptions options;
  options.generation = {"job", 1, "short"};
  EXPECT_EQ(ConnectMesh(options, {}, {}).status().code(), absl::StatusCode::kInvalidArgument);
}

}  // namespace
}  // namespace stator::distribute
