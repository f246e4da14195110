#ifndef STATOR_DISTRIBUTE_JOB_NETWORK_TEXT_H_
#define STATOR_DISTRIBUTE_JOB_NETWORK_TEXT_H_

// Hosts, ports and networks as people write them.

#include <string>

namespace stator::distribute {

// "FIRST-LAST" or one port. False where it is neither or out of order.
bool ParsePorts(const std::string& text, int* first, int* last);

// A port from 1 to 65535 in decimal.
bool ParsePort(const std::string& text, int* port);

// "10.0.0.0/8", "fd00::/8".
bool IsCidr(const std::string& text);

// Whether all addresses of a CIDR are loopback.
bool IsLoopbackCidr(const std::string& text);

// "host" or "user@host": nothing that ssh could take for an option.
bool IsHost(const std::string& text);

// "host:port", where an IPv6 address stands in brackets.
bool IsAddress(const std::string& text);

// Whether `host`, or the part after the @, means this host.
bool IsLoopbackHost(const std::string& host);

}  // namespace stator::distribute

#endif  // STATOR_DISTRIBUTE_JOB_NETWORK_TEXT_H_
