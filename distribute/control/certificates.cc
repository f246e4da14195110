#include "distribute/control/certificates.h"

#include <openssl/bio.h>
#include <openssl/bn.h>
#include <openssl/ec.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>

#include <memory>

#include "absl/strings/str_cat.h"
#include "graph/status_macros.h"

namespace stator::distribute {
namespace {

constexpr long kBeforeSeconds = 3600;  // for clocks that are behind
constexpr long kValidSeconds = 90L * 24 * 3600;

template <auto Free>
struct Deleter {
  template <typename T>
  void operator()(T* pointer) const {
    Free(pointer);
  }
};
using Key = std::unique_ptr<EVP_PKEY, Deleter<EVP_PKEY_free>>;
using Certificate = std::unique_ptr<X509, Deleter<X509_free>>;
using Memory = std::unique_ptr<BIO, Deleter<BIO_free_all>>;
using Extension = std::unique_ptr<X509_EXTENSION, Deleter<X509_EXTENSION_free>>;
using Number = std::unique_ptr<BIGNUM, Deleter<BN_free>>;

absl::Status OpenSslError(const char* what) {
  char text[256] = "";
  ERR_error_string_n(ERR_get_error(), text, sizeof(text));
  ERR_clear_error();
  return absl::InternalError(absl::StrCat("certificates: ", what, ": ", text));
}

bool AddExtension(X509* certificate, X509* issuer, int kind, const std::string& value) {
  X509V3_CTX context;
  X509V3_set_ctx(&context, issuer, certificate, nullptr, nullptr, 0);
  X509V3_set_ctx_nodb(&context);
  const Extension extension(X509V3_EXT_conf_nid(nullptr, &context, kind, value.c_str()));
  return extension != nullptr && X509_add_ext(certificate, extension.get(), -1) == 1;
}

bool SetRandomSerial(X509* certificate) {
  const Number number(BN_new());
  return number != nullptr &&
         BN_rand(number.get(), 126, BN_RAND_TOP_ONE, BN_RAND_BOTTOM_ANY) == 1 &&
         BN_to_ASN1_INTEGER(number.get(), X509_get_serialNumber(certificate)) != nullptr;
}

// Signed by `issuer` with `issuer_key`; by itself where they are null.
absl::StatusOr<Certificate> MakeCertificate(const std::string& name, EVP_PKEY* key, X509* issuer,
                                            EVP_PKEY* issuer_key) {
  Certificate certificate(X509_new());
  if (certificate == nullptr) return OpenSslError("new");
  X509* c = certificate.get();
  const bool authority = issuer == nullptr;
  if (authority) {
    issuer = c;
    issuer_key = key;
  }
  // The subject names the job in at most the 64 characters that the standard allows.
  X509_NAME* subject = X509_get_subject_name(c);
  const std::string common = name.substr(0, 64);
  bool ok = X509_set_version(c, 2) == 1 && SetRandomSerial(c) &&
            X509_gmtime_adj(X509_getm_notBefore(c), -kBeforeSeconds) != nullptr &&
            X509_gmtime_adj(X509_getm_notAfter(c), kValidSeconds) != nullptr &&
            X509_set_pubkey(c, key) == 1 &&
            X509_NAME_add_entry_by_txt(subject, "CN", MBSTRING_UTF8,
                                       reinterpret_cast<const unsigned char*>(common.data()),
                                       static_cast<int>(common.size()), -1, 0) == 1 &&
            X509_set_issuer_name(c, X509_get_subject_name(issuer)) == 1;
  if (authority) {
    ok = ok && AddExtension(c, issuer, NID_basic_constraints, "critical,CA:TRUE,pathlen:0") &&
         AddExtension(c, issuer, NID_key_usage, "critical,keyCertSign") &&
         AddExtension(c, issuer, NID_subject_key_identifier, "hash");
  } else {
    ok = ok && AddExtension(c, issuer, NID_basic_constraints, "critical,CA:FALSE") &&
         AddExtension(c, issuer, NID_key_usage, "critical,digitalSignature") &&
         AddExtension(c, issuer, NID_ext_key_usage, "serverAuth,clientAuth") &&
         AddExtension(c, issuer, NID_subject_alt_name, absl::StrCat("DNS:", name)) &&
         AddExtension(c, issuer, NID_authority_key_identifier, "keyid:always");
  }
  if (!ok || X509_sign(c, issuer_key, EVP_sha256()) == 0) return OpenSslError("sign");
  return certificate;
}

absl::StatusOr<std::string> Contents(const Memory& memory, bool written) {
  char* data = nullptr;
  const long size = written ? BIO_get_mem_data(memory.get(), &data) : 0;
  if (size <= 0) return OpenSslError("PEM");
  return std::string(data, static_cast<size_t>(size));
}

absl::StatusOr<std::string> ToPem(X509* certificate) {
  const Memory memory(BIO_new(BIO_s_mem()));
  return Contents(memory, memory != nullptr && PEM_write_bio_X509(memory.get(), certificate) == 1);
}

absl::StatusOr<std::string> ToPem(EVP_PKEY* key) {
  const Memory memory(BIO_new(BIO_s_mem()));
  return Contents(memory, memory != nullptr &&
                              PEM_write_bio_PKCS8PrivateKey(memory.get(), key, nullptr, nullptr, 0,
                                                            nullptr, nullptr) == 1);
}

}  // namespace

absl::StatusOr<JobCertificates> MakeJobCertificates(const std::string& job,
                                                    const std::vector<std::string>& names) {
  for (const std::string& name : names) {
    if (name.empty() || name.size() > 63 ||
        name.find_first_not_of("abcdefghijklmnopqrstuvwxyz0123456789-_") != std::string::npos) {
      return absl::InvalidArgumentError(absl::StrCat(
          "certificates: expected a task name of a-z, 0-9, - and _, found '", name, "'"));
    }
  }
  const Key authority_key(EVP_EC_gen("P-256"));
  if (authority_key == nullptr) return OpenSslError("key");
  STATOR_ASSIGN_OR_RETURN(
      const Certificate authority,
      MakeCertificate(absl::StrCat("stator job ", job), authority_key.get(), nullptr, nullptr));
  JobCertificates made;
  STATOR_ASSIGN_OR_RETURN(made.authority, ToPem(authority.get()));
  for (const std::string& name : names) {
    const Key key(EVP_EC_gen("P-256"));
    if (key == nullptr) return OpenSslError("key");
    STATOR_ASSIGN_OR_RETURN(const Certificate certificate,
                            MakeCertificate(name, key.get(), authority.get(), authority_key.get()));
    TaskCertificate& task = made.tasks.emplace_back();
    STATOR_ASSIGN_OR_RETURN(task.certificate, ToPem(certificate.get()));
    STATOR_ASSIGN_OR_RETURN(task.private_key, ToPem(key.get()));
  }
  return made;
}

}  // namespace stator::distribute
