#include "distribute/job/job_errors.h"

#include <algorithm>
#include <numeric>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"

namespace stator::distribute {
namespace {

constexpr size_t kMaxLines = 20;

// Letters to insert, delete or replace to make one of the other.
size_t EditDistance(const std::string& a, const std::string& b) {
  std::vector<size_t> row(b.size() + 1);
  std::iota(row.begin(), row.end(), 0);
  for (size_t i = 0; i < a.size(); ++i) {
    size_t diagonal = row[0];
    row[0] = i + 1;
    for (size_t j = 0; j < b.size(); ++j) {
      const size_t replaced = diagonal + (a[i] == b[j] ? 0 : 1);
      diagonal = row[j + 1];
      row[j + 1] = std::min({replaced, row[j] + 1, row[j + 1] + 1});
    }
  }
  return row.back();
}

}  // namespace

void JobErrors::Add(const std::string& place, const std::string& field, const std::string& what) {
  lines_.push_back(field.empty() ? absl::StrCat(place, ": ", what)
                                 : absl::StrCat(place, ": ", field, ": ", what));
}

absl::Status JobErrors::status() const {
  if (lines_.empty()) return absl::OkStatus();
  const size_t shown = std::min(lines_.size(), kMaxLines);
  std::string text = absl::StrJoin(lines_.begin(), lines_.begin() + shown, "\n");
  if (shown < lines_.size()) absl::StrAppend(&text, "\nand ", lines_.size() - shown, " more");
  return absl::InvalidArgumentError(text);
}

std::string NearestName(const std::string& wrong, const std::vector<std::string>& names) {
  if (wrong.size() > 64) return "";
  std::string nearest;
  size_t least = std::max<size_t>(2, wrong.size() / 3) + 1;
  for (const std::string& name : names) {
    const size_t distance = EditDistance(wrong, name);
    if (distance < least && distance < name.size()) {
      least = distance;
      nearest = name;
    }
  }
  return nearest;
}

}  // namespace stator::distribute
