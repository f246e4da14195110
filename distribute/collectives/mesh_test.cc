#include "distribute/collectives/mesh.h"

#include <gtest/gtest.h>
#include <poll.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <filesystem>
#include <functional>
#include <iterator>
#include <string>
#include <thread>
#include <tuple>
#include <utility>
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
      listeners.push_back(
          Listener::Create(transport == Transport::kSharedMemory ? "unix:" : "tcp:127.0.0.1:0")
              .value());
      options.addresses.push_back(listeners.back()->address());
    }
    if (transport == Transport::kTls) {
      options.tls.emplace();
      options.tls->hosts.assign(JobAuthority().hosts().begin(),
                                JobAuthority().hosts().begin() + workers);
    }
  }

  MeshOptions Options(int rank) const {
    MeshOptions mine = options;
    mine.rank = rank;
    if (mine.tls.has_value()) mine.tls->identity = JobAuthority().identity(rank);
    return mine;
  }

  Wire wire() const { return options.tls.has_value() ? Wire::kTls : Wire::kPlain; }

  absl::StatusOr<std::unique_ptr<Group>> Join(int rank) {
    const MeshOptions mine = Options(rank);
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
INSTANTIATE_TEST_SUITE_P(All, MeshTest,
                         testing::Values(Transport::kSharedMemory, Transport::kTcp,
                                         Transport::kTls),
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
  EXPECT_EQ(Knock(site, BytesOf(MakeHello(generation, 1, 0, site.wire()))),
            refusal(Verdict::kRefused));
  generation = site.options.generation;
  generation.job = "another job";
  EXPECT_EQ(Knock(site, BytesOf(MakeHello(generation, 1, 0, site.wire()))),
            refusal(Verdict::kRefused));
  generation = site.options.generation;
  generation.epoch = 6;
  EXPECT_EQ(Knock(site, BytesOf(MakeHello(generation, 1, 0, site.wire()))),
            refusal(Verdict::kWrongEpoch));
  generation = site.options.generation;
  EXPECT_EQ(Knock(site, BytesOf(MakeHello(generation, 1, 1, site.wire()))),
            refusal(Verdict::kRefused));
  EXPECT_EQ(Knock(site, BytesOf(MakeHello(generation, 5, 0, site.wire()))),
            refusal(Verdict::kRefused));
  // A recorded hello gets an answer, but no channel: it cannot prove anything.
  const std::string replayed = Knock(
      site, BytesOf(MakeHello(generation, 1, 0, site.wire())) + std::string(sizeof(Proof), '\0'));
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
      const auto channels = ConnectMesh(site.Options(0), {site.listeners[0].get()}, Within(0.3));
      EXPECT_EQ(channels.status().code(), absl::StatusCode::kDeadlineExceeded);
      EXPECT_NE(std::string(channels.status().message()).find("waiting for worker 1"),
                std::string::npos);
    });
    MeshOptions mine = site.Options(1);
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

// Rank 1 knows the key, but comes with other TLS settings than rank 0 expects.
std::pair<absl::Status, absl::Status> JoinBoth(const Site& site, MeshOptions zero,
                                               MeshOptions one) {
  absl::Status of_zero;
  std::thread host(
      [&] { of_zero = ConnectMesh(zero, {site.listeners[0].get()}, Within(20)).status(); });
  const absl::Status of_one = ConnectMesh(one, {site.listeners[1].get()}, Within(20)).status();
  host.join();
  return {of_zero, of_one};
}

bool Says(const absl::Status& status, const std::string& text) {
  return std::string(status.message()).find(text) != std::string::npos;
}

TEST(MeshTls, AWrongCertificateIsRefusedAtBothEnds) {
  const TestAuthority foreign(2);
  const Site site(Transport::kTls, 2);
  for (const int at_fault : {0, 1}) {
    for (const bool other_name : {true, false}) {
      MeshOptions options[2] = {site.Options(0), site.Options(1)};
      options[at_fault].tls->identity =
          other_name ? JobAuthority().identity(2) : foreign.identity(at_fault);
      // Who is foreign trusts the job all the same.
      options[at_fault].tls->identity.authority = JobAuthority().identity(0).authority;
      absl::Status statuses[2];
      std::tie(statuses[0], statuses[1]) = JoinBoth(site, options[0], options[1]);
      const absl::Status& theirs = statuses[1 - at_fault];
      const absl::Status& own = statuses[at_fault];
      const std::string named = "worker " + std::to_string(at_fault);
      EXPECT_EQ(theirs.code(), absl::StatusCode::kPermissionDenied) << theirs;
      EXPECT_TRUE(Says(theirs, named + " showed a certificate for worker-")) << theirs;
      EXPECT_TRUE(Says(theirs, other_name ? "hostname mismatch" : "issuer")) << theirs;
      EXPECT_EQ(own.code(), absl::StatusCode::kPermissionDenied) << own;
      EXPECT_TRUE(Says(own, "refused this task's certificate")) << own;
    }
  }
}

TEST(MeshTls, PlainAndTlsDoNotMeet) {
  const Site site(Transport::kTls, 2);
  for (const int plain : {0, 1}) {
    MeshOptions options[2] = {site.Options(0), site.Options(1)};
    options[plain].tls.reset();
    absl::Status statuses[2];
    std::tie(statuses[0], statuses[1]) = JoinBoth(site, options[0], options[1]);
    for (int rank = 0; rank < 2; ++rank) {
      EXPECT_EQ(statuses[rank].code(), absl::StatusCode::kFailedPrecondition) << statuses[rank];
      EXPECT_TRUE(Says(statuses[rank], rank == plain ? "this task plain TCP" : "this task TLS"))
          << statuses[rank];
      EXPECT_TRUE(Says(statuses[rank], "worker " + std::to_string(1 - rank))) << statuses[rank];
    }
  }
}

// A peer that knows the key and then is silent, or dies, in the TLS handshake holds up nobody else.
TEST(MeshTls, ASilentPeerIsWaitedForWhileOthersJoin) {
  Site site(Transport::kTls, 3);
  std::thread host([&] {
    const absl::Status status =
        ConnectMesh(site.Options(0), {site.listeners[0].get()}, Within(2)).status();
    EXPECT_EQ(status.code(), absl::StatusCode::kDeadlineExceeded) << status;
    EXPECT_TRUE(Says(status, "waiting for worker 1 to connect")) << status;
  });
  const SocketAddress where = SocketAddress::Parse(site.options.addresses[0]).value();
  FileDescriptor silent[2];
  for (FileDescriptor& fd : silent) {
    fd = FileDescriptor(socket(where.family(), SOCK_STREAM | SOCK_CLOEXEC, 0));
    ASSERT_EQ(connect(fd.get(), where.get(), where.length()), 0);
    const Hello hello = MakeHello(site.options.generation, 1, 0, Wire::kTls);
    Answer answer;
    ASSERT_EQ(send(fd.get(), &hello, sizeof(hello), 0), static_cast<ssize_t>(sizeof(hello)));
    ASSERT_EQ(recv(fd.get(), &answer, sizeof(answer), MSG_WAITALL),
              static_cast<ssize_t>(sizeof(answer)));
    const Proof proof = MakeProof(site.options.generation, hello, answer);
    ASSERT_EQ(send(fd.get(), &proof, sizeof(proof), 0), static_cast<ssize_t>(sizeof(proof)));
  }
  silent[1] = FileDescriptor();  // this one dies
  // Rank 2 is heard, so that rank 0 misses only rank 1, for which rank 2 waits in vain too.
  const absl::Status status =
      ConnectMesh(site.Options(2), {site.listeners[2].get()}, Within(1.5)).status();
  EXPECT_EQ(status.code(), absl::StatusCode::kDeadlineExceeded) << status;
  host.join();
}

int OpenDescriptors() {
  return static_cast<int>(std::distance(std::filesystem::directory_iterator("/proc/self/fd"), {}));
}

// Hundreds who connect and say nothing, or talk without end, keep nobody out and cost little.
TEST_P(MeshTest, ACrowdOfStrangersKeepsNobodyOut) {
  Site site(GetParam(), 2);
  std::atomic<bool> met{false};
  const SocketAddress where = SocketAddress::Parse(site.options.addresses[0]).value();
  std::vector<FileDescriptor> crowd;
  const auto join_crowd = [&] {
    const int flags = SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK;
    FileDescriptor& fd = crowd.emplace_back(socket(where.family(), flags, 0));
    (void)connect(fd.get(), where.get(), where.length());
  };
  for (int i = 0; i < 250; ++i) join_crowd();  // before anybody accepts
  const int before = OpenDescriptors();
  std::atomic<int> most{0};
  std::thread host([&] {
    auto group = site.Join(0);
    EXPECT_TRUE(group.ok()) << group.status();
    met = true;
    EXPECT_TRUE(group.ok() && (*group)->Barrier(Within(20)).ok());
  });
  const int64_t end = NowNanoseconds() + kSecond;
  while (NowNanoseconds() < end) {  // and all the time while it does
    join_crowd();
    crowd.erase(crowd.begin());
    most = std::max<int>(most, OpenDescriptors());
    std::this_thread::sleep_for(std::chrono::milliseconds(1));
  }
  EXPECT_FALSE(met);
  auto group = site.Join(1);
  ASSERT_TRUE(group.ok()) << group.status();
  EXPECT_TRUE((*group)->Barrier(Within(20)).ok());
  host.join();
  // Those that it hears, a listing of descriptors, an arena; not the crowd.
  EXPECT_LT(most, before + 64 + 10);
}

// A peer's address that takes connections and swallows what it is told ends by the deadline.
TEST_P(MeshTest, AnAddressThatNeverAnswersIsNamed) {
  Site site(GetParam(), 2);
  for (const int rank : {0, 1}) {
    const absl::Status status =
        ConnectMesh(site.Options(rank), {site.listeners[rank].get()}, Within(0.3)).status();
    EXPECT_EQ(status.code(), absl::StatusCode::kDeadlineExceeded) << status;
    EXPECT_TRUE(Says(status, "worker " + std::to_string(1 - rank))) << status;
  }
}

// Nothing is left on the disk, and a name is free again when its listener is gone.
TEST(Mesh, LocalSocketsHaveNoFiles) {
  const auto first = Listener::Create("unix:").value();
  const auto second = Listener::Create("unix:").value();
  EXPECT_NE(first->address(), second->address());
  EXPECT_TRUE(first->is_local());
  auto named = Listener::Create("unix:stator-test-" + std::to_string(getpid())).value();
  EXPECT_FALSE(std::filesystem::exists(named->address().substr(5)));
  EXPECT_FALSE(Listener::Create(named->address()).ok());
  const std::string address = named->address();
  named.reset();
  EXPECT_TRUE(Listener::Create(address).ok());
}

TEST(Mesh, RefusesUnusableArguments) {
  EXPECT_FALSE(Listener::Create("127.0.0.1:80").ok());
  EXPECT_FALSE(Listener::Create("unix:" + std::string(200, 'x')).ok());
  MeshOptions options;
  options.generation = {"job", 1, "short"};
  EXPECT_EQ(ConnectMesh(options, {}, {}).status().code(), absl::StatusCode::kInvalidArgument);
  const Site site(Transport::kTls, 2);
  options = site.Options(0);
  options.tls->hosts.pop_back();
  EXPECT_EQ(ConnectMesh(options, {}, {}).status().code(), absl::StatusCode::kInvalidArgument);
  options = site.Options(0);
  options.tls->identity.private_key = JobAuthority().identity(1).private_key;
  EXPECT_EQ(ConnectMesh(options, {}, {}).status().code(), absl::StatusCode::kInvalidArgument);
}

}  // namespace
}  // namespace stator::distribute
