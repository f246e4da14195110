#include "distribute/collectives/tls.h"

#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>
#include <poll.h>

#include <algorithm>
#include <cstring>
#include <utility>
#include <vector>

#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "graph/status_macros.h"

namespace stator::distribute {
namespace {

// So much is encrypted before the socket gets it, and taken from the socket at once.
constexpr size_t kBatchBytes = 64 << 10;
constexpr size_t kInboxBytes = 128 << 10;
// Records add 22 bytes to each 16 KB.
constexpr size_t kOutboxBytes = kBatchBytes + (kBatchBytes >> 6) + 1024;

template <auto Free>
struct Deleter {
  template <typename T>
  void operator()(T* pointer) const {
    Free(pointer);
  }
};
using Certificate = std::unique_ptr<X509, Deleter<X509_free>>;
using Key = std::unique_ptr<EVP_PKEY, Deleter<EVP_PKEY_free>>;
using Memory = std::unique_ptr<BIO, Deleter<BIO_free_all>>;
using Names = std::unique_ptr<GENERAL_NAMES, Deleter<GENERAL_NAMES_free>>;

// "tlsv1 alert unknown ca", from the first error of this thread.
std::string Reason() {
  const unsigned long error = ERR_peek_error();
  const char* reason = error != 0 ? ERR_reason_error_string(error) : nullptr;
  return reason != nullptr ? reason : "unknown error";
}

absl::Status IdentityError(const char* part) {
  const absl::Status status =
      absl::InvalidArgumentError(absl::StrCat("TLS identity: ", part, ": ", Reason()));
  ERR_clear_error();
  return status;
}

std::vector<Certificate> ParseCertificates(const std::string& pem) {
  std::vector<Certificate> certificates;
  const Memory memory(BIO_new_mem_buf(pem.data(), static_cast<int>(pem.size())));
  while (X509* certificate = PEM_read_bio_X509(memory.get(), nullptr, nullptr, nullptr)) {
    certificates.emplace_back(certificate);
  }
  // The end of the text is an error too; that of an empty one shall stay.
  if (!certificates.empty()) ERR_clear_error();
  return certificates;
}

// The first name that a certificate is for. A stranger wrote it.
std::string NameIn(X509* certificate) {
  const Names names(static_cast<GENERAL_NAMES*>(
      X509_get_ext_d2i(certificate, NID_subject_alt_name, nullptr, nullptr)));
  for (int i = 0; names != nullptr && i < sk_GENERAL_NAME_num(names.get()); ++i) {
    const GENERAL_NAME* name = sk_GENERAL_NAME_value(names.get(), i);
    if (name->type != GEN_DNS) continue;
    const auto* text = reinterpret_cast<const char*>(ASN1_STRING_get0_data(name->d.dNSName));
    const size_t length = std::clamp(ASN1_STRING_length(name->d.dNSName), 0, 64);
    return absl::CHexEscape(absl::string_view(text, length));
  }
  return "nobody";
}

class Context final : public TlsContext {
 public:
  absl::Status Load(const TlsIdentity& identity) {
    bytes_per_key_ = identity.bytes_per_key;
    ERR_clear_error();
    context_.reset(SSL_CTX_new(TLS_method()));
    SSL_CTX* c = context_.get();
    if (c == nullptr || SSL_CTX_set_min_proto_version(c, TLS1_3_VERSION) != 1 ||
        SSL_CTX_set_ciphersuites(c,
                                 "TLS_AES_128_GCM_SHA256:TLS_AES_256_GCM_SHA384:"
                                 "TLS_CHACHA20_POLY1305_SHA256") != 1 ||
        SSL_CTX_set_num_tickets(c, 0) != 1) {
      return IdentityError("TLS 1.3");
    }
    SSL_CTX_set_session_cache_mode(c, SSL_SESS_CACHE_OFF);
    const std::vector<Certificate> authorities = ParseCertificates(identity.authority);
    if (authorities.empty()) return IdentityError("authority");
    for (const Certificate& authority : authorities) {
      if (X509_STORE_add_cert(SSL_CTX_get_cert_store(c), authority.get()) != 1) {
        return IdentityError("authority");
      }
    }
    const std::vector<Certificate> chain = ParseCertificates(identity.certificate);
    if (chain.empty() || SSL_CTX_use_certificate(c, chain[0].get()) != 1) {
      return IdentityError("certificate");
    }
    for (size_t i = 1; i < chain.size(); ++i) {
      if (SSL_CTX_add1_chain_cert(c, chain[i].get()) != 1) return IdentityError("certificate");
    }
    const Memory text(BIO_new_mem_buf(identity.private_key.data(),
                                      static_cast<int>(identity.private_key.size())));
    const Key key(PEM_read_bio_PrivateKey(text.get(), nullptr, nullptr, nullptr));
    if (key == nullptr || SSL_CTX_use_PrivateKey(c, key.get()) != 1 ||
        SSL_CTX_check_private_key(c) != 1) {
      return IdentityError("private key");
    }
    return absl::OkStatus();
  }

  SSL_CTX* get() const { return context_.get(); }
  uint64_t bytes_per_key() const { return bytes_per_key_; }

 private:
  std::unique_ptr<SSL_CTX, Deleter<SSL_CTX_free>> context_;
  uint64_t bytes_per_key_ = 0;
};

class Stream final : public TlsStream {
 public:
  Stream(TlsSide side, std::unique_ptr<ByteStream> socket, std::string peer, std::string peer_host)
      : side_(side),
        socket_(std::move(socket)),
        peer_(std::move(peer)),
        peer_host_(std::move(peer_host)),
        inbox_(kInboxBytes) {
    outbox_.reserve(kOutboxBytes);
  }

  absl::Status Start(const Context& context) {
    bytes_per_key_ = context.bytes_per_key();
    ssl_.reset(SSL_new(context.get()));
    BIO* bio = ssl_ != nullptr ? BIO_new(SocketMethod()) : nullptr;
    if (bio == nullptr) return absl::ResourceExhaustedError("TLS: no memory");
    BIO_set_data(bio, this);
    BIO_set_init(bio, 1);
    SSL_set_bio(ssl_.get(), bio, bio);
    SSL_set_app_data(ssl_.get(), this);
    SSL_set_verify(ssl_.get(), SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT, NoteRefused);
    SSL_set_hostflags(ssl_.get(),
                      X509_CHECK_FLAG_NEVER_CHECK_SUBJECT | X509_CHECK_FLAG_NO_WILDCARDS);
    // An empty name would match every certificate.
    if (peer_host_.empty() || SSL_set1_host(ssl_.get(), peer_host_.c_str()) != 1) {
      return absl::InvalidArgumentError(
          absl::StrCat(peer_, ": TLS: no certificate is for '", peer_host_, "'"));
    }
    if (side_ == TlsSide::kConnects) {
      SSL_set_connect_state(ssl_.get());
    } else {
      SSL_set_accept_state(ssl_.get());
    }
    return absl::OkStatus();
  }

  // In TLS 1.3 whoever connects has finished before its certificate is looked at. So the acceptor
  // ends the handshake with one byte of welcome.
  absl::StatusOr<short> Handshake() override {
    ERR_clear_error();
    if (!secured_) {
      const int result = SSL_do_handshake(ssl_.get());
      if (result == 1) {
        secured_ = true;
        size_t written;
        if (side_ == TlsSide::kAccepts) SSL_write_ex(ssl_.get(), "w", 1, &written);
      } else if (SSL_get_error(ssl_.get(), result) != SSL_ERROR_WANT_READ) {
        const absl::Status refused = HandshakeError();
        Flush();  // tells the peer
        return refused;
      }
    }
    if (!Flush()) socket_ended_ = true;
    if (socket_ended_) return HandshakeError();
    if (!outbox_.empty()) return POLLOUT;
    if (!secured_) return POLLIN;
    if (side_ == TlsSide::kAccepts) return 0;
    char welcome;
    size_t read;
    if (SSL_read_ex(ssl_.get(), &welcome, 1, &read) == 1) return 0;
    if (SSL_get_error(ssl_.get(), 0) == SSL_ERROR_WANT_READ) return POLLIN;
    return HandshakeError();
  }

  int fd() const override { return socket_->fd(); }

  // What was encrypted must travel whole, and only then counts as taken: nobody would come back to
  // send the rest of it.
  ssize_t Send(absl::Span<const iovec> parts) override {
    if (ended_) return kEnded;
    ERR_clear_error();
    if (outbox_.empty()) {
      for (const iovec& part : parts) {
        const size_t count = std::min(part.iov_len, kBatchBytes - encrypted_);
        if (count > 0 && !Encrypt(part.iov_base, count)) return kEnded;
      }
    }
    if (!Flush()) return kEnded;
    return outbox_.empty() ? std::exchange(encrypted_, 0) : 0;
  }

  ssize_t Receive(absl::Span<const iovec> parts) override {
    if (ended_) return kEnded;
    ERR_clear_error();
    size_t filled = 0;
    for (const iovec& part : parts) {
      for (size_t done = 0; done < part.iov_len;) {
        size_t count = 0;
        char* target = static_cast<char*>(part.iov_base) + done;
        if (SSL_read_ex(ssl_.get(), target, part.iov_len - done, &count) != 1) {
          if (SSL_get_error(ssl_.get(), 0) != SSL_ERROR_WANT_READ) End();
          return filled > 0 || !ended_ ? static_cast<ssize_t>(filled) : kEnded;
        }
        done += count;
        filled += count;
      }
    }
    return filled;
  }

  bool holds_bytes() const override {
    return !ended_ && (inbox_begin_ < inbox_end_ || SSL_pending(ssl_.get()) > 0);
  }

  absl::Status failure() const override { return failure_; }

 private:
  static BIO_METHOD* SocketMethod() {
    static BIO_METHOD* const method = [] {
      BIO_METHOD* made = BIO_meth_new(BIO_get_new_index() | BIO_TYPE_SOURCE_SINK, "stator socket");
      BIO_meth_set_read(made, [](BIO* bio, char* bytes, int count) {
        BIO_clear_retry_flags(bio);
        const int got = static_cast<Stream*>(BIO_get_data(bio))->ReadRecords(bytes, count);
        if (got < 0) BIO_set_retry_read(bio);
        return got;
      });
      BIO_meth_set_write(made, [](BIO* bio, const char* bytes, int count) {
        std::vector<char>& outbox = static_cast<Stream*>(BIO_get_data(bio))->outbox_;
        outbox.insert(outbox.end(), bytes, bytes + count);
        return count;
      });
      BIO_meth_set_ctrl(made, [](BIO*, int command, long, void*) -> long {
        return command == BIO_CTRL_FLUSH ? 1 : 0;
      });
      return made;
    }();
    return method;
  }

  // -1: none are here now; 0: the end.
  int ReadRecords(char* bytes, int count) {
    if (inbox_begin_ == inbox_end_) {
      const iovec room = {inbox_.data(), inbox_.size()};
      const ssize_t got = socket_->Receive(absl::MakeConstSpan(&room, 1));
      if (got == kEnded) socket_ended_ = true;
      if (got <= 0) return got == kEnded ? 0 : -1;
      inbox_begin_ = 0;
      inbox_end_ = got;
    }
    const size_t taken = std::min<size_t>(count, inbox_end_ - inbox_begin_);
    std::memcpy(bytes, inbox_.data() + inbox_begin_, taken);
    inbox_begin_ += taken;
    return static_cast<int>(taken);
  }

  bool Encrypt(const void* bytes, size_t count) {
    if (under_key_ + count > bytes_per_key_) {
      if (SSL_key_update(ssl_.get(), SSL_KEY_UPDATE_NOT_REQUESTED) != 1) return false;
      under_key_ = 0;
    }
    under_key_ += count;
    encrypted_ += count;
    size_t written;  // all of it: the outbox grows
    return SSL_write_ex(ssl_.get(), bytes, count, &written) == 1;
  }

  // As much of the outbox as the socket takes; false if it is closed.
  bool Flush() {
    if (outbox_.empty()) return true;
    const iovec rest = {outbox_.data() + flushed_, outbox_.size() - flushed_};
    const ssize_t sent = socket_->Send(absl::MakeConstSpan(&rest, 1));
    if (sent == kEnded) return false;
    flushed_ += sent;
    if (flushed_ < outbox_.size()) return true;
    outbox_.clear();
    flushed_ = 0;
    return true;
  }

  void End() {
    ended_ = true;
    if (socket_ended_) return;
    failure_ = absl::DataLossError(
        absl::StrCat(peer_, ": what came over TLS cannot be trusted: ", Reason()));
    Flush();  // tells the peer
  }

  absl::Status HandshakeError() {
    const long verdict = SSL_get_verify_result(ssl_.get());
    if (verdict != X509_V_OK) {
      return absl::PermissionDeniedError(absl::StrCat(
          peer_, " showed a certificate for ", found_, ", expected one for ", peer_host_,
          " by this job's authority: ", X509_verify_cert_error_string(verdict)));
    }
    const unsigned long error = ERR_peek_error();
    // What the peer says about us: an alert, whose number OpenSSL shifts.
    if (ERR_GET_LIB(error) == ERR_LIB_SSL && ERR_GET_REASON(error) >= SSL_AD_REASON_OFFSET) {
      return absl::PermissionDeniedError(
          absl::StrCat(peer_, " refused this task's certificate: ", Reason()));
    }
    if (socket_ended_) {
      return absl::UnavailableError(
          absl::StrCat(peer_, " closed the connection during the TLS handshake"));
    }
    return absl::PermissionDeniedError(absl::StrCat(peer_, ": TLS handshake: ", Reason()));
  }

  // Remembers whose certificate was found wanting.
  static int NoteRefused(int accepted, X509_STORE_CTX* store) {
    if (accepted != 1) {
      auto* ssl = static_cast<SSL*>(
          X509_STORE_CTX_get_ex_data(store, SSL_get_ex_data_X509_STORE_CTX_idx()));
      auto* self = static_cast<Stream*>(SSL_get_app_data(ssl));
      X509* certificate = X509_STORE_CTX_get0_cert(store);
      if (certificate != nullptr) self->found_ = NameIn(certificate);
    }
    return accepted;
  }

  const TlsSide side_;
  std::unique_ptr<ByteStream> socket_;
  const std::string peer_;
  const std::string peer_host_;
  std::unique_ptr<SSL, Deleter<SSL_free>> ssl_;
  uint64_t bytes_per_key_ = 0;
  uint64_t under_key_ = 0;  // bytes that the present key has encrypted
  bool secured_ = false;
  bool socket_ended_ = false;
  bool ended_ = false;
  absl::Status failure_;
  std::string found_ = "nobody";
  // Records on their way to the socket, and the plain bytes in them that count as sent with them.
  std::vector<char> outbox_;
  size_t flushed_ = 0;
  size_t encrypted_ = 0;
  // Records from the socket.
  std::vector<char> inbox_;
  size_t inbox_begin_ = 0;
  size_t inbox_end_ = 0;
};

}  // namespace

absl::StatusOr<std::unique_ptr<TlsContext>> TlsContext::Create(const TlsIdentity& identity) {
  auto context = std::make_unique<Context>();
  STATOR_RETURN_IF_ERROR(context->Load(identity));
  return context;
}

absl::StatusOr<std::unique_ptr<TlsStream>> TlsStream::Create(const TlsContext& context,
                                                             TlsSide side,
                                                             std::unique_ptr<ByteStream> socket,
                                                             std::string peer,
                                                             const std::string& peer_host) {
  auto stream = std::make_unique<Stream>(side, std::move(socket), std::move(peer), peer_host);
  STATOR_RETURN_IF_ERROR(stream->Start(static_cast<const Context&>(context)));
  return stream;
}

}  // namespace stator::distribute
