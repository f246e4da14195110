#include "distribute/launch/node_list.h"

#include <algorithm>
#include <cstdint>
#include <utility>

#include "absl/status/status.h"
#include "absl/strings/ascii.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "graph/status_macros.h"

namespace stator::distribute {
namespace {

constexpr size_t kMaxNodes = 65536;

absl::Status Malformed(const std::string& text, const std::string& why) {
  return absl::InvalidArgumentError(absl::StrCat("expected a list such as n[1-3,7],m, found \"",
                                                 text.substr(0, 120), "\": ", why));
}

bool ParseNumber(const std::string& text, int64_t* value) {
  return !text.empty() && text.size() <= 9 &&
         text.find_first_not_of("0123456789") == std::string::npos && absl::SimpleAtoi(text, value);
}

// "1-3,07" as 1, 2, 3, 07: as wide as the range's first number.
absl::StatusOr<std::vector<std::string>> ExpandRanges(const std::string& ranges,
                                                      const std::string& whole) {
  std::vector<std::string> numbers;
  for (const std::string& range : std::vector<std::string>(absl::StrSplit(ranges, ','))) {
    const size_t dash = range.find('-');
    const std::string first_text = range.substr(0, dash);
    int64_t first = 0;
    if (!ParseNumber(first_text, &first)) return Malformed(whole, "a range is no number");
    int64_t last = first;
    if (dash != std::string::npos && !ParseNumber(range.substr(dash + 1), &last)) {
      return Malformed(whole, "a range is no number");
    }
    if (last < first) return Malformed(whole, "a range runs backwards");
    if (last - first >= static_cast<int64_t>(kMaxNodes - numbers.size())) {
      return Malformed(whole, absl::StrCat("more than ", kMaxNodes, " hosts"));
    }
    for (int64_t i = first; i <= last; ++i) {
      std::string digits = absl::StrCat(i);
      if (digits.size() < first_text.size())
        digits.insert(0, first_text.size() - digits.size(), '0');
      numbers.push_back(digits);
    }
  }
  return numbers;
}

// One element of the list: text and bracketed ranges in turn.
absl::StatusOr<std::vector<std::string>> ExpandElement(const std::string& element,
                                                       const std::string& whole) {
  if (element.empty()) return Malformed(whole, "an empty name");
  std::vector<std::string> hosts = {""};
  for (size_t at = 0; at < element.size();) {
    std::vector<std::string> parts;
    if (element[at] == '[') {
      const size_t end = element.find(']', at);
      if (end == std::string::npos) return Malformed(whole, "[ without ]");
      STATOR_ASSIGN_OR_RETURN(parts, ExpandRanges(element.substr(at + 1, end - at - 1), whole));
      at = end + 1;
    } else {
      const size_t end = std::min(element.find('[', at), element.size());
      const std::string text = element.substr(at, end - at);
      for (const char c : text) {
        if (!absl::ascii_isalnum(c) && c != '-' && c != '.' && c != '_') {
          return Malformed(whole, "a character that no host's name has");
        }
      }
      parts.push_back(text);
      at = end;
    }
    if (hosts.size() * parts.size() > kMaxNodes) {
      return Malformed(whole, absl::StrCat("more than ", kMaxNodes, " hosts"));
    }
    std::vector<std::string> longer;
    for (const std::string& host : hosts) {
      for (const std::string& part : parts) longer.push_back(host + part);
    }
    hosts = std::move(longer);
  }
  return hosts;
}

}  // namespace

absl::StatusOr<std::vector<std::string>> ExpandNodeList(const std::string& text) {
  std::vector<std::string> hosts;
  std::string element;
  int depth = 0;
  for (size_t i = 0; i <= text.size(); ++i) {
    if (i < text.size() && (text[i] != ',' || depth > 0)) {
      if (text[i] == '[') ++depth;
      if (text[i] == ']') --depth;
      if (depth < 0 || depth > 1) return Malformed(text, "brackets that do not match");
      element += text[i];
      continue;
    }
    STATOR_ASSIGN_OR_RETURN(const std::vector<std::string> expanded, ExpandElement(element, text));
    hosts.insert(hosts.end(), expanded.begin(), expanded.end());
    if (hosts.size() > kMaxNodes) {
      return Malformed(text, absl::StrCat("more than ", kMaxNodes, " hosts"));
    }
    element.clear();
  }
  return hosts;
}

absl::StatusOr<std::vector<int>> ExpandTasksPerNode(const std::string& text) {
  const auto malformed = [&] {
    return absl::InvalidArgumentError(
        absl::StrCat("expected counts such as 2(x3),1, found \"", text.substr(0, 120), "\""));
  };
  std::vector<int> counts;
  for (std::string part : std::vector<std::string>(absl::StrSplit(text, ','))) {
    int64_t repeats = 1;
    const size_t open = part.find("(x");
    if (open != std::string::npos) {
      if (part.back() != ')' ||
          !ParseNumber(part.substr(open + 2, part.size() - open - 3), &repeats)) {
        return malformed();
      }
      part.resize(open);
    }
    int64_t count = 0;
    if (!ParseNumber(part, &count)) return malformed();
    if (repeats < 1 || repeats > static_cast<int64_t>(kMaxNodes - counts.size()))
      return malformed();
    counts.insert(counts.end(), repeats, static_cast<int>(count));
  }
  return counts;
}

}  // namespace stator::distribute
