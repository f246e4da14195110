#include "distribute/collectives/handshake.h"

#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <sys/random.h>

#include <bit>
#include <cstddef>
#include <cstdlib>
#include <cstring>

#include "absl/strings/str_cat.h"

namespace stator::distribute {
namespace {

static_assert(std::endian::native == std::endian::little, "messages are copied as they lie");

constexpr char kMagic[8] = {'S', 'T', 'A', 'T', 'O', 'R', 'D', '2'};
constexpr size_t kMinKeyBytes = 16;

void Nonce(unsigned char (&nonce)[kNonceBytes]) {
  // Never short for so few bytes; without randomness nothing here would be safe.
  if (getrandom(nonce, kNonceBytes, 0) != kNonceBytes) std::abort();
}

// `purpose` keeps a message of one kind from passing for another.
void Mac(const Generation& generation, const char* purpose, absl::string_view first,
         absl::string_view second, unsigned char (&mac)[kMacBytes]) {
  const std::string text = absl::StrCat(purpose, first, second);
  unsigned int length = 0;
  if (HMAC(EVP_sha256(), generation.key.data(), static_cast<int>(generation.key.size()),
           reinterpret_cast<const unsigned char*>(text.data()), text.size(), mac,
           &length) == nullptr ||
      length != kMacBytes) {
    std::abort();
  }
}

template <typename T>
absl::string_view View(const T& message, size_t bytes = sizeof(T)) {
  return absl::string_view(reinterpret_cast<const char*>(&message), bytes);
}

bool Equal(const unsigned char (&a)[kMacBytes], const unsigned char (&b)[kMacBytes]) {
  return CRYPTO_memcmp(a, b, kMacBytes) == 0;
}

}  // namespace

absl::Status CheckGeneration(const Generation& generation) {
  if (generation.job.size() > sizeof(Hello::job)) {
    return absl::InvalidArgumentError(absl::StrCat("job name: expected up to ", sizeof(Hello::job),
                                                   " bytes, found ", generation.job.size()));
  }
  if (generation.key.size() < kMinKeyBytes) {
    return absl::InvalidArgumentError(absl::StrCat("key of the data sockets: expected at least ",
                                                   kMinKeyBytes, " bytes, found ",
                                                   generation.key.size()));
  }
  return absl::OkStatus();
}

Hello MakeHello(const Generation& generation, uint32_t from, uint32_t to, Wire wire) {
  Hello hello = {};
  std::memcpy(hello.magic, kMagic, sizeof(kMagic));
  hello.epoch = generation.epoch;
  hello.from = from;
  hello.to = to;
  hello.wire = static_cast<uint64_t>(wire);
  std::memcpy(hello.job, generation.job.data(), generation.job.size());
  Nonce(hello.nonce);
  Mac(generation, "stator hello", View(hello, offsetof(Hello, mac)), "", hello.mac);
  return hello;
}

Verdict CheckHello(const Generation& generation, const Hello& hello, uint32_t to, Wire wire) {
  char job[sizeof(Hello::job)] = {};
  std::memcpy(job, generation.job.data(), generation.job.size());
  if (std::memcmp(hello.magic, kMagic, sizeof(kMagic)) != 0 ||
      std::memcmp(hello.job, job, sizeof(job)) != 0) {
    return Verdict::kRefused;
  }
  // Keys differ from epoch to epoch, so this must come first to be heard at all.
  if (hello.epoch != generation.epoch) return Verdict::kWrongEpoch;
  unsigned char mac[kMacBytes];
  Mac(generation, "stator hello", View(hello, offsetof(Hello, mac)), "", mac);
  if (!Equal(mac, hello.mac) || hello.to != to) return Verdict::kRefused;
  return hello.wire == static_cast<uint64_t>(wire) ? Verdict::kAccepted : Verdict::kOtherWire;
}

Answer MakeAnswer(const Generation& generation, const Hello& hello, Verdict verdict) {
  Answer answer = {};
  answer.verdict = static_cast<uint32_t>(verdict);
  if (verdict != Verdict::kAccepted) return answer;
  Nonce(answer.nonce);
  Mac(generation, "stator answer", View(hello), View(answer, offsetof(Answer, mac)), answer.mac);
  return answer;
}

absl::Status CheckAnswer(const Generation& generation, const Hello& hello, const Answer& answer,
                         const std::string& peer) {
  switch (static_cast<Verdict>(answer.verdict)) {
    case Verdict::kAccepted: {
      unsigned char mac[kMacBytes];
      Mac(generation, "stator answer", View(hello), View(answer, offsetof(Answer, mac)), mac);
      if (Equal(mac, answer.mac)) return absl::OkStatus();
      return absl::PermissionDeniedError(
          absl::StrCat(peer, ": a stranger answers at its address (it does not know the key)"));
    }
    case Verdict::kWrongEpoch:
      return absl::FailedPreconditionError(absl::StrCat(peer, " is not in epoch ", generation.epoch,
                                                        ": this task's generation has ended"));
    case Verdict::kOtherWire:
      return OtherWire(peer, static_cast<Wire>(hello.wire));
    default:
      return absl::PermissionDeniedError(
          absl::StrCat(peer, " refused this task (wrong job or key, or connected before)"));
  }
}

absl::Status OtherWire(const std::string& peer, Wire wire) {
  const bool tls = wire == Wire::kTls;
  return absl::FailedPreconditionError(
      absl::StrCat(peer, " speaks ", tls ? "plain TCP" : "TLS", " on its data sockets, this task ",
                   tls ? "TLS" : "plain TCP", ": the tasks' security settings differ"));
}

Proof MakeProof(const Generation& generation, const Hello& hello, const Answer& answer) {
  Proof proof = {};
  Mac(generation, "stator proof", View(hello), View(answer), proof.mac);
  return proof;
}

bool CheckProof(const Generation& generation, const Hello& hello, const Answer& answer,
                const Proof& proof) {
  return Equal(MakeProof(generation, hello, answer).mac, proof.mac);
}

}  // namespace stator::distribute
