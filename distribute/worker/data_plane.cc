#include "distribute/worker/data_plane.h"

#include <unistd.h>

#include <algorithm>
#include <fstream>
#include <utility>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "distribute/launch/ports.h"
#include "graph/status_macros.h"

namespace stator::distribute {
namespace {

// "HOST IDENTITY|tcp:...|unix:...", the last part only where memory may be shared.
constexpr char kSeparator = '|';

// How `from` reaches the replica behind `address`.
absl::StatusOr<std::string> Reach(const std::string& from, const std::string& address) {
  const std::vector<std::string> parts = absl::StrSplit(address, kSeparator);
  if (parts.size() < 2) {
    return absl::InternalError(absl::StrCat("expected a data address, found '", address, "'"));
  }
  const bool shares = parts.size() > 2 && parts[0] == from;
  return shares ? parts[2] : parts[1];
}

absl::StatusOr<std::unique_ptr<Listener>> ListenTcp(const std::string& host,
                                                    const DataPorts& ports) {
  if (ports.first == 0) return Listener::Create(absl::StrCat("tcp:", HostPort(host, 0)));
  STATOR_ASSIGN_OR_RETURN(const ReservedPort port,
                          ReservePort(host, ports.first, ports.last, ports.start));
  return Listener::Create(absl::StrCat("tcp:", HostPort(host, port.port)));
}

}  // namespace

std::string HostIdentity() {
  std::string boot;
  std::getline(std::ifstream("/proc/sys/kernel/random/boot_id"), boot);
  char network[64] = {};
  const ssize_t length = readlink("/proc/self/ns/net", network, sizeof(network) - 1);
  return absl::StrCat(boot, " ", length > 0 ? network : "");
}

absl::StatusOr<DataListeners> DataListeners::Create(const std::string& host, int replicas,
                                                    bool local, const DataPorts& ports) {
  DataListeners data;
  for (int i = 0; i < replicas; ++i) {
    auto& listeners = data.listeners_.emplace_back();
    STATOR_ASSIGN_OR_RETURN(listeners.emplace_back(), ListenTcp(host, ports));
    std::string address =
        absl::StrCat(HostIdentity(), std::string(1, kSeparator), listeners.back()->address());
    if (local) {
      STATOR_ASSIGN_OR_RETURN(listeners.emplace_back(), Listener::Create("unix:"));
      absl::StrAppend(&address, std::string(1, kSeparator), listeners.back()->address());
    }
    data.addresses_.push_back(std::move(address));
  }
  return data;
}

absl::StatusOr<std::unique_ptr<Group>> DataListeners::Connect(
    const Generation& generation, int index, int rank, const std::vector<std::string>& names,
    const std::vector<std::string>& addresses, int64_t spin_ns, const runtime::RunControl& control,
    std::optional<MeshTls> tls) {
  MeshOptions mesh;
  mesh.generation = generation;
  mesh.rank = rank;
  mesh.tasks = names;
  mesh.tls = std::move(tls);
  for (const std::string& address : addresses) {
    STATOR_ASSIGN_OR_RETURN(mesh.addresses.emplace_back(), Reach(HostIdentity(), address));
  }
  std::vector<const Listener*> listeners;
  for (const auto& listener : listeners_[index]) listeners.push_back(listener.get());
  STATOR_ASSIGN_OR_RETURN(auto channels, ConnectMesh(mesh, listeners, control));
  listeners_[index].clear();
  GroupOptions options;
  options.rank = rank;
  options.tasks = names;
  options.spin_ns = spin_ns;
  return Group::Create(std::move(options), std::move(channels));
}

}  // namespace stator::distribute
