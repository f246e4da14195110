#include "distribute/control/connection_gate.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <condition_variable>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"

namespace stator::distribute {
namespace {

class ConnectionGateTest : public testing::Test {
 protected:
  void Open(GateLimits limits) {
    auto gate = ConnectionGate::Listen("127.0.0.1:0", limits);
    ASSERT_TRUE(gate.ok()) << gate.status();
    gate_ = *std::move(gate);
    gate_->Open([this](int socket) {
      std::lock_guard<std::mutex> lock(mutex_);
      taken_.push_back(socket);
      changed_.notify_all();
    });
  }
  void TearDown() override {
    gate_.reset();
    for (const int fd : visitors_) close(fd);
    for (const int fd : taken_) close(fd);
  }

  // Connects, and waits until the gate has handed it on.
  int Visit() {
    const int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    sockaddr_in where = {};
    where.sin_family = AF_INET;
    where.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    const std::string& address = gate_->address();
    where.sin_port =
        htons(static_cast<uint16_t>(std::stoi(address.substr(address.rfind(':') + 1))));
    EXPECT_EQ(connect(fd, reinterpret_cast<sockaddr*>(&where), sizeof(where)), 0);
    visitors_.push_back(fd);
    std::unique_lock<std::mutex> lock(mutex_);
    changed_.wait(lock, [&] { return taken_.size() >= visitors_.size(); });
    return fd;
  }

  // As gRPC names the visitor.
  static std::string NameOf(int visitor) {
    sockaddr_in own = {};
    socklen_t length = sizeof(own);
    getsockname(visitor, reinterpret_cast<sockaddr*>(&own), &length);
    return absl::StrCat("ipv4:127.0.0.1:", ntohs(own.sin_port));
  }

  // Whether the other end closes within `milliseconds`.
  static bool Closes(int fd, int milliseconds) {
    pollfd wait = {fd, POLLIN | POLLRDHUP, 0};
    return poll(&wait, 1, milliseconds) > 0;
  }

  std::unique_ptr<ConnectionGate> gate_;
  std::mutex mutex_;
  std::condition_variable changed_;
  std::vector<int> taken_;
  std::vector<int> visitors_;
};

TEST_F(ConnectionGateTest, OneMoreClosesTheOldestStranger) {
  Open({.strangers = 3, .patience = absl::Minutes(1)});
  const int trusted = Visit();
  gate_->Trust(NameOf(trusted));
  std::vector<int> strangers;
  for (int i = 0; i < 6; ++i) strangers.push_back(Visit());
  for (int i = 0; i < 3; ++i) EXPECT_TRUE(Closes(strangers[i], 5000)) << i;
  for (int i = 3; i < 6; ++i) EXPECT_FALSE(Closes(strangers[i], 50)) << i;
  EXPECT_FALSE(Closes(trusted, 0));
}

TEST_F(ConnectionGateTest, PatienceEnds) {
  Open({.strangers = 10, .patience = absl::Milliseconds(300)});
  const int trusted = Visit();
  gate_->Trust(NameOf(trusted));
  const int stranger = Visit();
  EXPECT_FALSE(Closes(stranger, 100));
  EXPECT_TRUE(Closes(stranger, 5000));
  EXPECT_FALSE(Closes(trusted, 100));
}

// Whoever took a connection has closed it; its descriptor stands for something else by now.
TEST_F(ConnectionGateTest, AnotherOwnersSocketIsLeftAlone) {
  Open({.strangers = 10, .patience = absl::Milliseconds(500)});
  Visit();
  int pair[2];
  ASSERT_EQ(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair), 0);
  ASSERT_EQ(dup3(pair[1], taken_[0], O_CLOEXEC), taken_[0]);
  EXPECT_FALSE(Closes(pair[0], 1500));
  close(pair[0]);
  close(pair[1]);
}

TEST_F(ConnectionGateTest, APortIsUsedOnceAndFreedAtOnce) {
  Open({});
  const std::string address = gate_->address();
  const absl::Status taken = ConnectionGate::Listen(address).status();
  EXPECT_EQ(taken.code(), absl::StatusCode::kUnavailable) << taken;
  EXPECT_NE(taken.message().find(address), absl::string_view::npos) << taken;
  Visit();
  gate_->Shut();
  EXPECT_TRUE(ConnectionGate::Listen(address).ok());
}

TEST(ConnectionGateAddresses, AreChecked) {
  EXPECT_FALSE(ConnectionGate::Listen("nowhere").ok());
  EXPECT_FALSE(ConnectionGate::Listen("no.such.host.invalid:1").ok());
  const auto v6 = ConnectionGate::Listen("[::1]:0");
  if (v6.ok()) {  // where there is IPv6
    EXPECT_EQ((*v6)->address().substr(0, 6), "[::1]:");
  }
}

}  // namespace
}  // namespace stator::distribute
