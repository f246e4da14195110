// The certificates of one job.
#ifndef STATOR_DISTRIBUTE_CONTROL_CERTIFICATES_H_
#define STATOR_DISTRIBUTE_CONTROL_CERTIFICATES_H_

#include <string>
#include <vector>

#include "absl/status/statusor.h"

namespace stator::distribute {

struct TaskCertificate {
  std::string certificate;  // PEM, as is the key
  std::string private_key;
};

struct JobCertificates {
  std::string authority;
  std::vector<TaskCertificate> tasks;
};

// A new authority and, signed by it, a certificate for each name (subject alternative name of kind
// DNS; for servers and clients). P-256, valid for 90 days. The authority's key is forgotten.
absl::StatusOr<JobCertificates> MakeJobCertificates(const std::string& job,
                                                    const std::vector<std::string>& names);

}  // namespace stator::distribute

#endif  // STATOR_DISTRIBUTE_CONTROL_CERTIFICATES_H_
