// Groups for tests: every worker on a thread of this process, over any transport.
#ifndef STATOR_DISTRIBUTE_COLLECTIVES_TEST_WORLD_H_
#define STATOR_DISTRIBUTE_COLLECTIVES_TEST_WORLD_H_

#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>

#include <functional>
#include <memory>
#include <string>
#include <thread>
#include <tuple>
#include <utility>
#include <vector>

#include "distribute/collectives/frames.h"
#include "distribute/collectives/group.h"
#include "distribute/collectives/shared_memory.h"
#include "distribute/collectives/tcp.h"
#include "distribute/collectives/test_certificates.h"
#include "distribute/collectives/tls.h"

namespace stator::distribute {

enum class Transport { kInProcess, kSharedMemory, kTcp, kTls };

inline const char* TransportName(Transport transport) {
  switch (transport) {
    case Transport::kInProcess:
      return "in_process";
    case Transport::kSharedMemory:
      return "shared_memory";
    case Transport::kTcp:
      return "tcp";
    case Transport::kTls:
      return "tls";
  }
  return "";
}

using Mesh = std::vector<std::vector<std::unique_ptr<Channel>>>;

// Two ends of a TCP connection over the loopback interface.
inline std::pair<FileDescriptor, FileDescriptor> TcpPair() {
  FileDescriptor listener(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  sockaddr_in address = {};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t length = sizeof(address);
  EXPECT_EQ(bind(listener.get(), reinterpret_cast<sockaddr*>(&address), length), 0);
  EXPECT_EQ(listen(listener.get(), 1), 0);
  getsockname(listener.get(), reinterpret_cast<sockaddr*>(&address), &length);
  FileDescriptor near(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  EXPECT_EQ(connect(near.get(), reinterpret_cast<sockaddr*>(&address), length), 0);
  FileDescriptor far(accept4(listener.get(), nullptr, nullptr, SOCK_CLOEXEC));
  return {std::move(near), std::move(far)};
}

inline std::vector<std::string> TaskNames(int workers) {
  std::vector<std::string> names;
  for (int i = 0; i < workers; ++i) names.push_back("worker " + std::to_string(i));
  return names;
}

// Two ends of a TLS stream, before their handshake; `near` and `far` are who they are, and each
// expects the other.
inline std::pair<std::unique_ptr<TlsStream>, std::unique_ptr<TlsStream>> TlsPair(
    const TlsIdentity& near_identity, const TlsIdentity& far_identity,
    std::unique_ptr<ByteStream> near, std::unique_ptr<ByteStream> far) {
  const std::vector<std::string>& hosts = JobAuthority().hosts();
  return {TlsStream::Create(*TlsContext::Create(near_identity).value(), TlsSide::kConnects,
                            std::move(near), "worker 1", hosts[1])
              .value(),
          TlsStream::Create(*TlsContext::Create(far_identity).value(), TlsSide::kAccepts,
                            std::move(far), "worker 0", hosts[0])
              .value()};
}

// Both sides of a handshake in turn, until each is done or has failed.
inline std::pair<absl::Status, absl::Status> ShakeHands(TlsStream& near, TlsStream& far) {
  absl::StatusOr<short> events[2] = {POLLIN, POLLIN};
  for (int round = 0; round < 100'000; ++round) {
    if (events[0].ok() && *events[0] != 0) events[0] = near.Handshake();
    if (events[1].ok() && *events[1] != 0) events[1] = far.Handshake();
    const auto over = [](const auto& e) { return !e.ok() || *e == 0; };
    if (over(events[0]) && over(events[1])) return {events[0].status(), events[1].status()};
  }
  return {absl::DeadlineExceededError("near"), absl::DeadlineExceededError("far")};
}

// Both ends of one connection; over shared memory each end maps the segment for itself, as a
// process of its own would.
inline std::pair<std::unique_ptr<Channel>, std::unique_ptr<Channel>> ChannelPair(
    Transport transport, std::string near_name, std::string far_name,
    size_t queue_bytes = SharedSegment::kDefaultCapacity,
    std::shared_ptr<SharedArena> near_memory = nullptr,
    std::shared_ptr<SharedArena> far_memory = nullptr) {
  if (transport == Transport::kTcp) {
    auto [near, far] = TcpPair();
    return {TcpChannel(std::move(near), far_name), TcpChannel(std::move(far), near_name)};
  }
  if (transport == Transport::kTls) {
    auto [near_socket, far_socket] = TcpPair();
    auto [near, far] =
        TlsPair(JobAuthority().identity(0), JobAuthority().identity(1),
                SocketStream(std::move(near_socket)), SocketStream(std::move(far_socket)));
    const auto [near_status, far_status] = ShakeHands(*near, *far);
    EXPECT_TRUE(near_status.ok() && far_status.ok()) << near_status << far_status;
    return {FramedChannel(std::move(near), far_name), FramedChannel(std::move(far), near_name)};
  }
  int sockets[2];
  EXPECT_EQ(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, sockets), 0);
  std::shared_ptr<SharedSegment> near = SharedSegment::Create(queue_bytes).value();
  std::shared_ptr<SharedSegment> far = near;
  if (transport == Transport::kSharedMemory) {
    far = SharedSegment::Open(FileDescriptor(dup(near->fd()))).value();
  }
  return {SharedMemoryChannel(near, 0, FileDescriptor(sockets[0]), far_name, near_memory),
          SharedMemoryChannel(far, 1, FileDescriptor(sockets[1]), near_name, far_memory)};
}

inline Mesh MakeMesh(Transport transport, int workers,
                     size_t queue_bytes = SharedSegment::kDefaultCapacity) {
  const std::vector<std::string> names = TaskNames(workers);
  if (transport == Transport::kInProcess) return InProcessMesh(names, queue_bytes).value();
  Mesh mesh(workers);
  std::vector<std::shared_ptr<SharedArena>> memory(workers);
  for (int i = 0; i < workers; ++i) {
    mesh[i].resize(workers);
    if (transport == Transport::kSharedMemory) memory[i] = SharedArena::Create().value();
  }
  for (int a = 0; a < workers; ++a) {
    for (int b = a + 1; b < workers; ++b) {
      std::tie(mesh[a][b], mesh[b][a]) =
          ChannelPair(transport, names[a], names[b], queue_bytes, memory[a], memory[b]);
    }
  }
  return mesh;
}

// Runs `work` as every worker at once.
inline void RunWorkers(Mesh mesh, GroupOptions options,
                       const std::function<void(Group& group, int rank)>& work) {
  const int workers = static_cast<int>(mesh.size());
  options.tasks = TaskNames(workers);
  std::vector<std::thread> threads;
  for (int rank = 0; rank < workers; ++rank) {
    options.rank = rank;
    threads.emplace_back([options, rank, &work, channels = std::move(mesh[rank])]() mutable {
      auto group = Group::Create(std::move(options), std::move(channels));
      ASSERT_TRUE(group.ok()) << group.status();
      work(**group, rank);
    });
  }
  for (std::thread& thread : threads) thread.join();
}

}  // namespace stator::distribute

#endif  // STATOR_DISTRIBUTE_COLLECTIVES_TEST_WORLD_H_
