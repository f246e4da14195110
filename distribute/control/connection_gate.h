// The control port: accepts connections, hands them on, and bounds what strangers can hold of them,
// which this gRPC cannot do by itself. Links no gRPC.
#ifndef STATOR_DISTRIBUTE_CONTROL_CONNECTION_GATE_H_
#define STATOR_DISTRIBUTE_CONTROL_CONNECTION_GATE_H_

#include <sys/types.h>

#include <functional>
#include <list>
#include <memory>
#include <mutex>
#include <string>
#include <thread>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"

namespace stator::distribute {

struct GateLimits {
  // Connections over which nobody has yet shown to be of the job. One more closes the oldest.
  int strangers = 128;
  absl::Duration patience = absl::Seconds(10);  // with each of them
};

// Thread-safe.
class ConnectionGate {
 public:
  // Listens on HOST:PORT; port 0 takes any free one.
  static absl::StatusOr<std::unique_ptr<ConnectionGate>> Listen(const std::string& address,
                                                                GateLimits limits = {});
  ~ConnectionGate() { Shut(); }
  ConnectionGate(const ConnectionGate&) = delete;
  ConnectionGate& operator=(const ConnectionGate&) = delete;

  const std::string& address() const { return address_; }  // port filled in

  // Hands every connection to `take`, which owns it from then on and may close it at any time.
  // Once.
  void Open(std::function<void(int socket)> take);

  // Closes the port; connections that were handed on live. Once nothing more is handed on, returns.
  void Shut();

  // Whoever is at the other end, `peer` as gRPC writes it ("ipv4:10.0.0.1:4711"), is of the job:
  // its connection stays as long as it likes.
  void Trust(absl::string_view peer);

 private:
  // A connection that was handed on. Its descriptor may have been closed meanwhile, and even stand
  // for something else: the inode tells.
  struct Stranger {
    int socket;
    ino_t inode;
    std::string peer;
    absl::Time until;
  };

  ConnectionGate(int listener, std::string address, GateLimits limits);

  void Run();
  void Accept();
  void Remember(int socket, const std::string& peer);
  // Forgets those that have gone, and closes those whose time is over or who are too many.
  void Review();

  int listener_;
  const std::string address_;
  const GateLimits limits_;
  const int wake_;  // an eventfd: the end
  std::function<void(int socket)> take_;
  std::mutex mutex_;
  std::list<Stranger> strangers_;  // the oldest first
  std::thread thread_;
};

}  // namespace stator::distribute

#endif  // STATOR_DISTRIBUTE_CONTROL_CONNECTION_GATE_H_
