#include "distribute/job/network_text.h"

#include <arpa/inet.h>
#include <netinet/in.h>

#include "absl/strings/ascii.h"
#include "absl/strings/numbers.h"

namespace stator::distribute {

bool ParsePort(const std::string& text, int* port) {
  if (text.empty() || text.size() > 5 ||
      text.find_first_not_of("0123456789") != std::string::npos) {
    return false;
  }
  return absl::SimpleAtoi(text, port) && *port >= 1 && *port <= 65535;
}

bool ParsePorts(const std::string& text, int* first, int* last) {
  const size_t dash = text.find('-');
  if (!ParsePort(text.substr(0, dash), first)) return false;
  if (dash == std::string::npos) {
    *last = *first;
    return true;
  }
  return ParsePort(text.substr(dash + 1), last) && *first <= *last;
}

bool IsCidr(const std::string& text) {
  const size_t slash = text.find('/');
  if (slash == std::string::npos) return false;
  const std::string digits = text.substr(slash + 1);
  int bits = 0;
  if (digits.empty() || digits.size() > 3 ||
      digits.find_first_not_of("0123456789") != std::string::npos ||
      !absl::SimpleAtoi(digits, &bits)) {
    return false;
  }
  const std::string address = text.substr(0, slash);
  in_addr v4;
  in6_addr v6;
  if (inet_pton(AF_INET, address.c_str(), &v4) == 1) return bits <= 32;
  if (inet_pton(AF_INET6, address.c_str(), &v6) == 1) return bits <= 128;
  return false;
}

bool IsLoopbackCidr(const std::string& text) {
  if (!IsCidr(text)) return false;
  const size_t slash = text.find('/');
  int bits = 0;
  if (!absl::SimpleAtoi(text.substr(slash + 1), &bits)) return false;
  if (text.rfind("127.", 0) == 0) return bits >= 8;
  return text.substr(0, slash) == "::1" && bits == 128;
}

bool IsHost(const std::string& text) {
  const size_t at = text.find('@');
  const std::string host = at == std::string::npos ? text : text.substr(at + 1);
  const std::string user = at == std::string::npos ? "u" : text.substr(0, at);
  for (const std::string* part : {&host, &user}) {
    if (part->empty() || part->size() > 253 || (*part)[0] == '-') return false;
  }
  for (const char c : host) {
    if (!absl::ascii_isalnum(c) && c != '-' && c != '.' && c != '_' && c != ':') return false;
  }
  for (const char c : user) {
    if (!absl::ascii_isalnum(c) && c != '-' && c != '.' && c != '_') return false;
  }
  return true;
}

bool IsAddress(const std::string& text) {
  const size_t colon = text.rfind(':');
  int port = 0;
  if (colon == std::string::npos || !ParsePort(text.substr(colon + 1), &port)) return false;
  const std::string host = text.substr(0, colon);
  if (!host.empty() && host.front() == '[') {
    in6_addr v6;
    return host.back() == ']' &&
           inet_pton(AF_INET6, host.substr(1, host.size() - 2).c_str(), &v6) == 1;
  }
  return host.find_first_of(":@") == std::string::npos && IsHost(host);
}

bool IsLoopbackHost(const std::string& host) {
  const size_t at = host.find('@');
  const std::string name = at == std::string::npos ? host : host.substr(at + 1);
  return name == "localhost" || name == "::1" || name.rfind("127.", 0) == 0;
}

}  // namespace stator::distribute
