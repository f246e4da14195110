#ifndef STATOR_DISTRIBUTE_JOB_JOB_ERRORS_H_
#define STATOR_DISTRIBUTE_JOB_JOB_ERRORS_H_

// Errors of a job file, and where its fields were set.

#include <map>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"

namespace stator::distribute {

// Where each field got its value.
class JobPlaces {
 public:
  explicit JobPlaces(std::string file) : file_(std::move(file)) {}

  const std::string& file() const { return file_; }

  // `place` is as errors print it: "digits.yaml:7:9" or "--set roles.worker=3".
  void Set(const std::string& field, std::string place) { places_[field] = std::move(place); }

  // The file alone for a field that nobody set.
  const std::string& Of(const std::string& field) const {
    const auto found = places_.find(field);
    return found == places_.end() ? file_ : found->second;
  }

 private:
  std::string file_;
  std::map<std::string, std::string> places_;
};

// Collects errors, so that a user sees all of them at once.
class JobErrors {
 public:
  // One line: `PLACE: FIELD: WHAT`; a field of the whole file is "".
  void Add(const std::string& place, const std::string& field, const std::string& what);

  bool empty() const { return lines_.empty(); }

  // OK where there were none; else InvalidArgument with a line for each of the first twenty.
  absl::Status status() const;

 private:
  std::vector<std::string> lines_;
};

// The name among `names` that `wrong` was probably meant to be, or "".
std::string NearestName(const std::string& wrong, const std::vector<std::string>& names);

}  // namespace stator::distribute

#endif  // STATOR_DISTRIBUTE_JOB_JOB_ERRORS_H_
