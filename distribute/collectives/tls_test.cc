#include "distribute/collectives/tls.h"

#include <gtest/gtest.h>
#include <poll.h>

#include <algorithm>
#include <chrono>
#include <memory>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "distribute/collectives/frames.h"
#include "distribute/collectives/tcp.h"
#include "distribute/collectives/test_certificates.h"
#include "distribute/collectives/test_world.h"

namespace stator::distribute {
namespace {

bool Says(const absl::Status& status, const std::string& text) {
  return std::string(status.message()).find(text) != std::string::npos;
}

// A socket that takes `send_limit` bytes at a time and turns over a bit of what it receives.
class BadSocket final : public ByteStream {
 public:
  explicit BadSocket(FileDescriptor socket) : below_(SocketStream(std::move(socket))) {}

  int fd() const override { return below_->fd(); }
  ssize_t Send(absl::Span<const iovec> parts) override {
    if (parts.empty() || (full_ = send_limit > 0 && !full_)) return 0;
    iovec first = parts[0];
    if (send_limit > 0) first.iov_len = std::min(first.iov_len, send_limit);
    return below_->Send(absl::MakeConstSpan(&first, 1));
  }
  ssize_t Receive(absl::Span<const iovec> parts) override {
    const ssize_t got = below_->Receive(parts);
    if (got > 0) received += std::string(static_cast<char*>(parts[0].iov_base), got);
    if (got > 0 && damage) static_cast<char*>(parts[0].iov_base)[got / 2] ^= 1;
    return got;
  }

  size_t send_limit = 0;  // 0: any; else every other call finds it full
  bool damage = false;
  std::string received;

 private:
  std::unique_ptr<ByteStream> below_;
  bool full_ = false;
};

// Both ends in one thread, past the handshake.
struct Pair {
  explicit Pair(uint64_t bytes_per_key = uint64_t{1} << 30) {
    auto [near_fd, far_fd] = TcpPair();
    auto near_below = std::make_unique<BadSocket>(std::move(near_fd));
    auto far_below = std::make_unique<BadSocket>(std::move(far_fd));
    near_socket = near_below.get();
    far_socket = far_below.get();
    TlsIdentity identity = JobAuthority().identity(0);
    identity.bytes_per_key = bytes_per_key;
    std::tie(near_stream, far_stream) =
        TlsPair(identity, JobAuthority().identity(1), std::move(near_below), std::move(far_below));
    const auto [near_status, far_status] = ShakeHands(*near_stream, *far_stream);
    EXPECT_TRUE(near_status.ok()) << near_status;
    EXPECT_TRUE(far_status.ok()) << far_status;
    near = FramedChannel(std::move(near_stream), "worker 1");
    far = FramedChannel(std::move(far_stream), "worker 0");
  }

  // A message from near to far; OK if it came.
  absl::Status Move(std::string message) {
    std::string found(message.size(), '\0');
    size_t sent = 0, received = 0;
    for (int round = 0; round < 1'000'000 && received < found.size(); ++round) {
      const iovec out = {message.data() + sent, message.size() - sent};
      const auto taken = near->TrySend(absl::MakeConstSpan(&out, 1));
      if (!taken.ok()) return taken.status();
      sent += *taken;
      const iovec in = {found.data() + received, found.size() - received};
      const auto filled = far->TryReceive(absl::MakeConstSpan(&in, 1));
      if (!filled.ok()) return filled.status();
      received += *filled;
    }
    if (found == message) return absl::OkStatus();
    return absl::InternalError(absl::StrCat("other bytes; ", received, " came"));
  }

  BadSocket* near_socket;
  BadSocket* far_socket;
  std::unique_ptr<TlsStream> near_stream, far_stream;
  std::unique_ptr<Channel> near, far;
};

std::string Message(size_t bytes) {
  std::string message(bytes, '\0');
  for (size_t i = 0; i < bytes; ++i) message[i] = static_cast<char>(i * 7 + i / 251);
  return message;
}

TEST(Tls, HidesWhatItCarries) {
  Pair pair;
  const std::string secret = "the weights of the model are secret";
  ASSERT_TRUE(pair.Move(secret).ok());
  EXPECT_GT(pair.far_socket->received.size(), secret.size());
  EXPECT_EQ(pair.far_socket->received.find("weights"), std::string::npos);
}

// A socket that takes little at a time: each byte travels once.
TEST(Tls, CarriesAnyMessageThroughAnySocket) {
  for (const size_t limit : {0, 7, 1000, 65536}) {
    Pair pair;
    pair.near_socket->send_limit = limit;
    for (const size_t bytes : {1, 8, 4096, 16384, 16385, 300'000}) {
      if (limit == 7 && bytes > 20'000) continue;
      const absl::Status status = pair.Move(Message(bytes));
      EXPECT_TRUE(status.ok()) << bytes << " bytes, " << limit << " at a time: " << status;
    }
  }
}

TEST(Tls, ChangesItsKeys) {
  Pair often(100'000), never;
  for (int i = 0; i < 20; ++i) {
    for (Pair* pair : {&often, &never}) {
      const absl::Status status = pair->Move(Message(50'000));
      ASSERT_TRUE(status.ok()) << status;
    }
  }
  // The bytes of the messages are as many; those of nine or more key updates came on top.
  EXPECT_GE(often.far_socket->received.size(), never.far_socket->received.size() + 9 * 20);
}

TEST(Tls, ADamagedRecordIsNeverShown) {
  Pair pair;
  ASSERT_TRUE(pair.Move(Message(1000)).ok());
  pair.far_socket->damage = true;
  const absl::Status status = pair.Move(Message(1000));
  EXPECT_EQ(status.code(), absl::StatusCode::kDataLoss) << status;
  EXPECT_TRUE(Says(status, "worker 0")) << status;
  EXPECT_EQ(pair.far->state(), PeerState::kVanished);
  EXPECT_FALSE(pair.Move("again").ok());
}

// Last words that were received, but not read, before a sleep: no poll would ever show them.
TEST(Tls, LastWordsBehindAMessageAreFoundBeforeASleep) {
  for (const bool gives_up : {false, true}) {
    Pair pair;
    std::string message = Message(100), found(100, '\0');
    const iovec out = {message.data(), message.size()};
    ASSERT_EQ(pair.near->TrySend(absl::MakeConstSpan(&out, 1)).value(), 100u);
    if (gives_up) {
      pair.near->GiveUp(1);
    } else {
      pair.near->SayDone();
    }
    pollfd wait = {pair.far->fd(), POLLIN, 0};
    poll(&wait, 1, 1000);
    std::this_thread::sleep_for(std::chrono::milliseconds(20));
    size_t received = 0;
    while (received < found.size()) {
      const iovec rest = {found.data() + received, found.size() - received};
      received += pair.far->TryReceive(absl::MakeConstSpan(&rest, 1)).value();
    }
    EXPECT_EQ(found, message);
    wait.events = pair.far->PrepareToSleep(/*wants_to_receive=*/false, /*wants_to_send=*/false);
    EXPECT_EQ(poll(&wait, 1, 10'000), 1);
    pair.far->WakeUp(wait.revents);
    EXPECT_EQ(pair.far->state(), gives_up ? PeerState::kGaveUp : PeerState::kDone);
  }
}

// In the middle of a record that the socket has taken half of.
TEST(Tls, GivingUpInsideAMessageIsHeard) {
  Pair pair;
  std::string message = Message(300'000);
  pair.near_socket->send_limit = 50'000;
  const iovec out = {message.data(), message.size()};
  ASSERT_TRUE(pair.near->TrySend(absl::MakeConstSpan(&out, 1)).ok());
  pair.near_socket->send_limit = 0;
  std::thread quitter([&] { pair.near->GiveUp(5); });
  std::string found(message.size(), '\0');
  const iovec in = {found.data(), found.size()};
  absl::Status status;
  for (int i = 0; i < 1000 && pair.far->state() == PeerState::kAlive; ++i) {
    status = pair.far->TryReceive(absl::MakeConstSpan(&in, 1)).status();
    if (!status.ok()) break;
    pair.far->WakeUp(POLLIN);
    std::this_thread::sleep_for(std::chrono::milliseconds(1));
  }
  quitter.join();
  EXPECT_EQ(pair.far->state(), PeerState::kGaveUp) << status;
  EXPECT_EQ(pair.far->culprit(), 5);
}

// Anything that is no TLS; and an end before its time.
TEST(Tls, StrangersAreRefused) {
  for (const std::string& bytes : {std::string("GET / HTTP/1.1\r\n\r\n"), std::string(500, 'x'),
                                   std::string("\x16\x03\x01\x02\x00\x01\x00", 7), std::string()}) {
    auto [near, far] = TcpPair();
    auto stream =
        TlsStream::Create(*TlsContext::Create(JobAuthority().identity(1)).value(),
                          TlsSide::kAccepts, SocketStream(std::move(far)), "worker 0", "worker-0")
            .value();
    const iovec part = {const_cast<char*>(bytes.data()), bytes.size()};
    auto raw = SocketStream(std::move(near));
    if (!bytes.empty()) {
      ASSERT_EQ(raw->Send(absl::MakeConstSpan(&part, 1)), static_cast<ssize_t>(bytes.size()));
    }
    raw.reset();
    absl::StatusOr<short> events = POLLIN;
    for (int i = 0; i < 100 && events.ok() && *events != 0; ++i) {
      events = stream->Handshake();
      std::this_thread::sleep_for(std::chrono::milliseconds(1));
    }
    const bool is_nonsense = bytes.size() > 10;
    EXPECT_EQ(events.status().code(),
              is_nonsense ? absl::StatusCode::kPermissionDenied : absl::StatusCode::kUnavailable)
        << events.status();
    EXPECT_TRUE(Says(events.status(), "worker 0")) << events.status();
  }
}

TEST(Tls, UnreadableIdentitiesAreNamed) {
  const TlsIdentity& good = JobAuthority().identity(0);
  const auto error = [](const TlsIdentity& identity) {
    return TlsContext::Create(identity).status();
  };
  EXPECT_TRUE(error(good).ok());
  TlsIdentity bad = good;
  bad.authority = "";
  EXPECT_TRUE(Says(error(bad), "authority")) << error(bad);
  bad = good;
  bad.certificate = "no certificate";
  EXPECT_TRUE(Says(error(bad), "certificate")) << error(bad);
  bad = good;
  bad.private_key = JobAuthority().identity(1).private_key;
  EXPECT_TRUE(Says(error(bad), "private key")) << error(bad);
  auto [near, far] = TcpPair();
  EXPECT_EQ(TlsStream::Create(*TlsContext::Create(good).value(), TlsSide::kConnects,
                              SocketStream(std::move(near)), "worker 1", "")
                .status()
                .code(),
            absl::StatusCode::kInvalidArgument);
}

}  // namespace
}  // namespace stator::distribute
