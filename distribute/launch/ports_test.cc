#include "distribute/launch/ports.h"

#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/match.h"

namespace stator::distribute {
namespace {

constexpr char kHere[] = "127.0.0.1";

// As servers do.
FileDescriptor Listen(int port) {
  FileDescriptor server(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  const int yes = 1;
  setsockopt(server.get(), SOL_SOCKET, SO_REUSEADDR, &yes, sizeof(yes));
  sockaddr_in address = {};
  address.sin_family = AF_INET;
  address.sin_port = htons(static_cast<uint16_t>(port));
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  if (bind(server.get(), reinterpret_cast<const sockaddr*>(&address), sizeof(address)) != 0 ||
      listen(server.get(), 1) != 0) {
    return {};
  }
  return server;
}

// A range of three ports, which other tests hardly use.
class PortsTest : public testing::Test {
 protected:
  static constexpr int kFirst = 29741;
  static constexpr int kLast = kFirst + 2;
};

TEST_F(PortsTest, NobodyElseGetsAReservedPort) {
  const auto a = ReservePort(kHere, kFirst, kLast, 0);
  const auto b = ReservePort(kHere, kFirst, kLast, 0);
  const auto c = ReservePort(kHere, kFirst, kLast, 2);
  ASSERT_TRUE(a.ok() && b.ok() && c.ok()) << a.status() << b.status() << c.status();
  EXPECT_NE(a->port, b->port);
  EXPECT_NE(a->port, c->port);
  EXPECT_NE(b->port, c->port);
}

TEST_F(PortsTest, TheServerThatIsToldOfItListens) {
  auto reserved = ReservePort(kHere, kFirst, kLast, 0);
  ASSERT_TRUE(reserved.ok()) << reserved.status();
  const FileDescriptor server = Listen(reserved->port);
  EXPECT_TRUE(server.valid());
  EXPECT_FALSE(Listen(reserved->port).valid()) << "two servers on one port";
  reserved->holder = FileDescriptor();
  const auto other =
      ReservePort(kHere, server.valid() ? reserved->port : kFirst, reserved->port, 0);
  EXPECT_FALSE(other.ok()) << "in use";
}

TEST_F(PortsTest, NeitherReservedNorTakenPortsAreGivenTwice) {
  const FileDescriptor server = Listen(kFirst + 1);
  std::vector<ReservedPort> reserved;
  for (int i = 0; i < 3; ++i) {
    auto port = ReservePort(kHere, kFirst, kLast, i);
    if (port.ok()) reserved.push_back(*std::move(port));
  }
  EXPECT_EQ(reserved.size(), 2);
}

TEST_F(PortsTest, AllTaken) {
  const FileDescriptor server = Listen(kFirst);
  ASSERT_TRUE(server.valid());
  const auto none = ReservePort(kHere, kFirst, kFirst, 0);
  EXPECT_TRUE(absl::IsResourceExhausted(none.status())) << none.status();
  EXPECT_TRUE(
      absl::StrContains(none.status().message(), "none of 29741-29741 is free on 127.0.0.1"));
}

TEST_F(PortsTest, BracketsForIpV6) {
  EXPECT_EQ(HostPort("::1", 7), "[::1]:7");
  EXPECT_EQ(HostPort("[::1]", 7), "[::1]:7");
  EXPECT_EQ(HostPort("10.0.0.1", 7), "10.0.0.1:7");
}

}  // namespace
}  // namespace stator::distribute
