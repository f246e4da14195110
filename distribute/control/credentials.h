// How the tasks of a job know each other on the control channel.
//
// On loopback: a secret that all tasks of the job read from a file. It never travels; a call
// carries an HMAC of job, task and epoch under it, and code that the chief ships one of the request
// and itself. Between hosts: mutual TLS under an authority that is made for the one job and thrown
// away, so no further certificate can be issued.
#ifndef STATOR_DISTRIBUTE_CONTROL_CREDENTIALS_H_
#define STATOR_DISTRIBUTE_CONTROL_CREDENTIALS_H_

#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"

namespace stator::distribute {

struct Credentials {
  enum class Mode { kSecret, kMutualTls };
  Mode mode = Mode::kSecret;
  std::string secret;  // kSecret: 32 bytes
  // kMutualTls, in PEM:
  std::string authority;
  std::string certificate;
  std::string private_key;
};

// The name under which `stator status` and other tools ask.
inline constexpr char kToolTask[] = "tool";

// A new random secret, in a file that only its owner can read. Fails if the file exists.
absl::Status WriteNewSecret(const std::string& path);
// Refuses a file that others can read.
absl::StatusOr<Credentials> ReadSecret(const std::string& path);

// Makes `directory` (0700) with authority.pem, and NAME.pem and NAME.key for each task and for
// tools, where NAME is TaskHostName(task). Valid for 90 days.
absl::Status WriteJobCertificates(const std::string& directory, const std::string& job,
                                  const std::vector<std::string>& tasks);
absl::StatusOr<Credentials> ReadCertificates(const std::string& directory, const std::string& task);
// The name in a task's certificate: "worker:1" is worker-1.
std::string TaskHostName(const std::string& task);

// What a call carries in kSecret mode: 64 hexadecimal digits.
std::string MakeToken(const std::string& secret, const std::string& job, const std::string& task,
                      uint64_t epoch);
// Compares in constant time.
bool CheckToken(const std::string& token, const std::string& secret, const std::string& job,
                const std::string& task, uint64_t epoch);

// What an image carries in kSecret mode, where whoever listens may not be the chief: 64 hexadecimal
// digits. `request` is the serialized request that it answers.
std::string MakeImageProof(const std::string& secret, const std::string& request,
                           const std::string& image);
// Compares in constant time.
bool CheckImageProof(const std::string& proof, const std::string& secret,
                     const std::string& request, const std::string& image);

// OK if control may listen on, or connect to, HOST:PORT: plain text stays on loopback.
absl::Status CheckAddress(const std::string& address, const Credentials& credentials);

}  // namespace stator::distribute

#endif  // STATOR_DISTRIBUTE_CONTROL_CREDENTIALS_H_
