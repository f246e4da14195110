#include "distribute/launch/host_address.h"

#include <arpa/inet.h>
#include <ifaddrs.h>
#include <net/if.h>
#include <netinet/in.h>
#include <unistd.h>

#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"

namespace stator::distribute {
namespace {

struct Address {
  std::string interface;
  std::string text;
  std::string bytes;  // in network order
};

std::vector<Address> Addresses() {
  std::vector<Address> out;
  ifaddrs* list = nullptr;
  if (getifaddrs(&list) != 0) return out;
  for (const ifaddrs* entry = list; entry != nullptr; entry = entry->ifa_next) {
    if (entry->ifa_addr == nullptr || (entry->ifa_flags & IFF_UP) == 0) continue;
    char text[INET6_ADDRSTRLEN] = {};
    Address address;
    address.interface = entry->ifa_name;
    if (entry->ifa_addr->sa_family == AF_INET) {
      const auto& ip = reinterpret_cast<const sockaddr_in*>(entry->ifa_addr)->sin_addr;
      address.bytes.assign(reinterpret_cast<const char*>(&ip), sizeof(ip));
      inet_ntop(AF_INET, &ip, text, sizeof(text));
      address.text = text;
      out.insert(out.begin(), address);  // IPv4 first, whatever the order of the list
    } else if (entry->ifa_addr->sa_family == AF_INET6) {
      const auto& ip = reinterpret_cast<const sockaddr_in6*>(entry->ifa_addr)->sin6_addr;
      if (IN6_IS_ADDR_LINKLOCAL(&ip)) continue;  // needs a scope: of no use to other hosts
      address.bytes.assign(reinterpret_cast<const char*>(&ip), sizeof(ip));
      inet_ntop(AF_INET6, &ip, text, sizeof(text));
      address.text = text;
      out.push_back(address);
    }
  }
  freeifaddrs(list);
  return out;
}

// `cidr` has been checked: ADDRESS/BITS.
bool Inside(const std::string& bytes, const std::string& cidr) {
  const size_t slash = cidr.find('/');
  const std::string base = cidr.substr(0, slash);
  int bits = 0;
  char network[16] = {};
  const int family = base.find(':') == std::string::npos ? AF_INET : AF_INET6;
  if (slash == std::string::npos || !absl::SimpleAtoi(cidr.substr(slash + 1), &bits) ||
      inet_pton(family, base.c_str(), network) != 1 ||
      bytes.size() != (family == AF_INET ? 4 : 16)) {
    return false;
  }
  for (int i = 0; i < bits; ++i) {
    if (((bytes[i / 8] ^ network[i / 8]) >> (7 - i % 8) & 1) != 0) return false;
  }
  return true;
}

}  // namespace

absl::StatusOr<std::string> HostAddress(const Job::Network& network) {
  std::vector<std::string> known;
  for (const Address& address : Addresses()) {
    if (network.cidr().empty() ? address.interface == network.interface()
                               : Inside(address.bytes, network.cidr())) {
      return address.text;
    }
    known.push_back(absl::StrCat(address.interface, " ", address.text));
  }
  return absl::NotFoundError(absl::StrCat(
      network.cidr().empty() ? absl::StrCat("network.interface: ", network.interface())
                             : absl::StrCat("network.cidr: ", network.cidr()),
      ": host ", HostName(), " has no such address; it has ", absl::StrJoin(known, ", ")));
}

bool IsLoopback(const std::string& host) {
  return host == "localhost" || host == "::1" || absl::StartsWith(host, "127.");
}

std::string HostName() {
  char name[256] = {};
  gethostname(name, sizeof(name) - 1);
  return name;
}

}  // namespace stator::distribute
