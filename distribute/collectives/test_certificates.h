// Certificates for tests and benchmarks.
#ifndef STATOR_DISTRIBUTE_COLLECTIVES_TEST_CERTIFICATES_H_
#define STATOR_DISTRIBUTE_COLLECTIVES_TEST_CERTIFICATES_H_

#include <cstdlib>
#include <filesystem>
#include <string>
#include <vector>

#include "distribute/collectives/tls.h"
#include "distribute/control/credentials.h"

namespace stator::distribute {

// The authority of a job, and its workers. Aborts where certificates cannot be made.
class TestAuthority {
 public:
  explicit TestAuthority(int workers) {
    char folder[] = "/tmp/stator.certificates.XXXXXX";
    if (mkdtemp(folder) == nullptr) std::abort();
    const std::string directory = std::string(folder) + "/tls";
    std::vector<std::string> tasks;
    for (int i = 0; i < workers; ++i) tasks.push_back("worker:" + std::to_string(i));
    if (!WriteJobCertificates(directory, "job", tasks).ok()) std::abort();
    for (const std::string& task : tasks) {
      const Credentials credentials = ReadCertificates(directory, task).value();
      TlsIdentity& identity = identities_.emplace_back();
      identity.authority = credentials.authority;
      identity.certificate = credentials.certificate;
      identity.private_key = credentials.private_key;
      hosts_.push_back(TaskHostName(task));
    }
    std::filesystem::remove_all(folder);
  }

  const TlsIdentity& identity(int worker) const { return identities_[worker]; }
  const std::vector<std::string>& hosts() const { return hosts_; }

 private:
  std::vector<TlsIdentity> identities_;
  std::vector<std::string> hosts_;
};

// The job that most tests belong to, of eight workers.
inline const TestAuthority& JobAuthority() {
  static const auto& authority = *new TestAuthority(8);
  return authority;
}

}  // namespace stator::distribute

#endif  // STATOR_DISTRIBUTE_COLLECTIVES_TEST_CERTIFICATES_H_
