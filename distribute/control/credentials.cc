#include "distribute/control/credentials.h"

#include <errno.h>
#include <fcntl.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <openssl/sha.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <cstring>

#include "absl/strings/ascii.h"
#include "absl/strings/escaping.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "distribute/control/certificates.h"
#include "distribute/control/random_bytes.h"
#include "graph/status_macros.h"

namespace stator::distribute {
namespace {

constexpr size_t kSecretBytes = 32;
constexpr size_t kMaxFileBytes = 64 << 10;

absl::Status FileError(const std::string& path, const char* what) {
  return absl::Status(errno == ENOENT ? absl::StatusCode::kNotFound : absl::StatusCode::kInternal,
                      absl::StrCat(path, ": ", what, ": ", std::strerror(errno)));
}

absl::Status WriteNewFile(const std::string& path, const std::string& content, mode_t mode) {
  const int fd = open(path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, mode);
  if (fd < 0) return FileError(path, "create");
  size_t done = 0;
  while (done < content.size()) {
    const ssize_t n = write(fd, content.data() + done, content.size() - done);
    if (n < 0 && errno == EINTR) continue;
    if (n <= 0) {
      const absl::Status status = FileError(path, "write");
      close(fd);
      return status;
    }
    done += static_cast<size_t>(n);
  }
  return close(fd) == 0 ? absl::OkStatus() : FileError(path, "close");
}

// A `secret` file must be its owner's alone.
absl::StatusOr<std::string> ReadFile(const std::string& path, bool secret) {
  const int fd = open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (fd < 0) return FileError(path, "open");
  struct stat info;
  absl::Status status;
  std::string content;
  if (fstat(fd, &info) != 0) {
    status = FileError(path, "stat");
  } else if (!S_ISREG(info.st_mode) || info.st_size > static_cast<off_t>(kMaxFileBytes)) {
    status = absl::InvalidArgumentError(
        absl::StrCat(path, ": expected a file of at most ", kMaxFileBytes, " bytes"));
  } else if (secret && (info.st_mode & 077) != 0) {
    status = absl::PermissionDeniedError(
        absl::StrCat(path, ": expected a file for its owner alone (0600), found mode 0",
                     absl::Hex((info.st_mode >> 6) & 7), absl::Hex((info.st_mode >> 3) & 7),
                     absl::Hex(info.st_mode & 7)));
  } else {
    content.resize(static_cast<size_t>(info.st_size));
    size_t done = 0;
    while (done < content.size()) {
      const ssize_t n = read(fd, content.data() + done, content.size() - done);
      if (n < 0 && errno == EINTR) continue;
      if (n <= 0) {
        status = absl::DataLossError(absl::StrCat(path, ": became shorter while it was read"));
        break;
      }
      done += static_cast<size_t>(n);
    }
  }
  close(fd);
  if (!status.ok()) return status;
  return content;
}

}  // namespace

absl::Status WriteNewSecret(const std::string& path) {
  return WriteNewFile(path, absl::BytesToHexString(RandomBytes(kSecretBytes)), 0600);
}

absl::StatusOr<Credentials> ReadSecret(const std::string& path) {
  STATOR_ASSIGN_OR_RETURN(const std::string content, ReadFile(path, /*secret=*/true));
  if (content.size() != 2 * kSecretBytes ||
      !std::all_of(content.begin(), content.end(),
                   [](char c) { return absl::ascii_isxdigit(static_cast<unsigned char>(c)); })) {
    return absl::InvalidArgumentError(
        absl::StrCat(path, ": expected ", 2 * kSecretBytes, " hexadecimal digits"));
  }
  Credentials credentials;
  credentials.secret = absl::HexStringToBytes(content);
  return credentials;
}

absl::Status WriteJobCertificates(const std::string& directory, const std::string& job,
                                  const std::vector<std::string>& tasks) {
  if (mkdir(directory.c_str(), 0700) != 0) return FileError(directory, "create");
  std::vector<std::string> names;
  for (const std::string& task : tasks) names.push_back(TaskHostName(task));
  names.push_back(kToolTask);
  STATOR_ASSIGN_OR_RETURN(const JobCertificates made, MakeJobCertificates(job, names));
  STATOR_RETURN_IF_ERROR(WriteNewFile(directory + "/authority.pem", made.authority, 0644));
  for (size_t i = 0; i < names.size(); ++i) {
    const std::string stem = absl::StrCat(directory, "/", names[i]);
    STATOR_RETURN_IF_ERROR(WriteNewFile(stem + ".pem", made.tasks[i].certificate, 0644));
    STATOR_RETURN_IF_ERROR(WriteNewFile(stem + ".key", made.tasks[i].private_key, 0600));
  }
  return absl::OkStatus();
}

absl::StatusOr<Credentials> ReadCertificates(const std::string& directory,
                                             const std::string& task) {
  const std::string stem = absl::StrCat(directory, "/", TaskHostName(task));
  Credentials credentials;
  credentials.mode = Credentials::Mode::kMutualTls;
  STATOR_ASSIGN_OR_RETURN(credentials.authority, ReadFile(directory + "/authority.pem", false));
  STATOR_ASSIGN_OR_RETURN(credentials.certificate, ReadFile(stem + ".pem", false));
  STATOR_ASSIGN_OR_RETURN(credentials.private_key, ReadFile(stem + ".key", true));
  return credentials;
}

std::string TaskHostName(const std::string& task) {
  std::string name = task;
  std::replace(name.begin(), name.end(), ':', '-');
  return name;
}

namespace {

std::string HexHmac(const std::string& secret, const std::string& text) {
  unsigned char mac[EVP_MAX_MD_SIZE];
  unsigned int length = 0;
  if (HMAC(EVP_sha256(), secret.data(), static_cast<int>(secret.size()),
           reinterpret_cast<const unsigned char*>(text.data()), text.size(), mac,
           &length) == nullptr) {
    std::abort();
  }
  return absl::BytesToHexString(
      absl::string_view(reinterpret_cast<const char*>(mac), static_cast<size_t>(length)));
}

bool IsExpected(const std::string& found, const std::string& secret, const std::string& expected) {
  return !secret.empty() && found.size() == expected.size() &&
         CRYPTO_memcmp(found.data(), expected.data(), expected.size()) == 0;
}

std::string HexDigest(const std::string& text) {
  unsigned char digest[SHA256_DIGEST_LENGTH];
  SHA256(reinterpret_cast<const unsigned char*>(text.data()), text.size(), digest);
  return absl::BytesToHexString(
      absl::string_view(reinterpret_cast<const char*>(digest), sizeof(digest)));
}

}  // namespace

std::string MakeToken(const std::string& secret, const std::string& job, const std::string& task,
                      uint64_t epoch) {
  // Lengths first, so that no two triples give the same text.
  return HexHmac(secret, absl::StrCat("stator control ", job.size(), " ", task.size(), " ", epoch,
                                      " ", job, task));
}

bool CheckToken(const std::string& token, const std::string& secret, const std::string& job,
                const std::string& task, uint64_t epoch) {
  return IsExpected(token, secret, MakeToken(secret, job, task, epoch));
}

std::string MakeImageProof(const std::string& secret, const std::string& request,
                           const std::string& image) {
  return HexHmac(secret,
                 absl::StrCat("stator image ", HexDigest(request), " ", HexDigest(image)));
}

bool CheckImageProof(const std::string& proof, const std::string& secret,
                     const std::string& request, const std::string& image) {
  return IsExpected(proof, secret, MakeImageProof(secret, request, image));
}

absl::Status CheckAddress(const std::string& address, const Credentials& credentials) {
  const size_t colon = address.rfind(':');
  if (colon == std::string::npos || colon + 1 == address.size()) {
    return absl::InvalidArgumentError(
        absl::StrCat("control address: expected HOST:PORT, found '", address, "'"));
  }
  if (credentials.mode == Credentials::Mode::kMutualTls) return absl::OkStatus();
  if (credentials.secret.empty()) {
    return absl::InvalidArgumentError("control: expected the secret of the job, found none");
  }
  const std::string host = address.substr(0, colon);
  const bool digits = host.find_first_not_of("0123456789.") == std::string::npos;
  if (host == "localhost" || host == "[::1]" || (digits && absl::StartsWith(host, "127."))) {
    return absl::OkStatus();
  }
  return absl::FailedPreconditionError(
      absl::StrCat("control on ", address,
                   " would go in plain text: only loopback may; set security.mode to mtls"));
}

}  // namespace stator::distribute
