// What two tasks say before they trust a data socket.
//
//   connector                               acceptor
//   Hello: who, to whom, job, epoch,
//          TLS or not, nonce           ─►
//                                       ◄─ Answer: accepted, nonce   or   an error, then it closes
//   Proof                              ─►
//
// Each message ends with an HMAC-SHA256 under the key of the generation, which the control channel
// hands out; an Answer covers the Hello, a Proof covers the Answer, so nothing can be replayed.
// Integers are little-endian. Where both want TLS (tls.h), its handshake follows the Proof.
#ifndef STATOR_DISTRIBUTE_COLLECTIVES_HANDSHAKE_H_
#define STATOR_DISTRIBUTE_COLLECTIVES_HANDSHAKE_H_

#include <cstdint>
#include <string>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"

namespace stator::distribute {

// The generation that a task belongs to.
struct Generation {
  std::string job;  // up to 64 bytes
  uint64_t epoch = 0;
  std::string key;  // secret; at least 16 bytes, new for every epoch
};

// What carries the bytes after the handshake. Both ends must mean the same.
enum class Wire : uint64_t { kPlain = 0, kTls = 1 };

inline constexpr int kMacBytes = 32;
inline constexpr int kNonceBytes = 32;

struct Hello {
  char magic[8];
  uint64_t epoch;
  uint32_t from;
  uint32_t to;
  uint64_t wire;
  char job[64];
  unsigned char nonce[kNonceBytes];
  unsigned char mac[kMacBytes];
};
static_assert(sizeof(Hello) == 160);

enum class Verdict : uint32_t { kAccepted = 0, kRefused = 1, kWrongEpoch = 2, kOtherWire = 3 };

struct Answer {
  uint32_t verdict;
  uint32_t zero;
  unsigned char nonce[kNonceBytes];  // zero in a refusal, as is the mac
  unsigned char mac[kMacBytes];
};
static_assert(sizeof(Answer) == 72);

struct Proof {
  unsigned char mac[kMacBytes];
};

absl::Status CheckGeneration(const Generation& generation);

Hello MakeHello(const Generation& generation, uint32_t from, uint32_t to, Wire wire);
// A stranger learns nothing but the verdict; a task of another epoch learns that.
Verdict CheckHello(const Generation& generation, const Hello& hello, uint32_t to, Wire wire);
Answer MakeAnswer(const Generation& generation, const Hello& hello, Verdict verdict);
// Unavailable or PermissionDenied with the reason, for `peer`.
absl::Status CheckAnswer(const Generation& generation, const Hello& hello, const Answer& answer,
                         const std::string& peer);
Proof MakeProof(const Generation& generation, const Hello& hello, const Answer& answer);
// FailedPrecondition: `peer` wants the other kind than this task's `wire`.
absl::Status OtherWire(const std::string& peer, Wire wire);
bool CheckProof(const Generation& generation, const Hello& hello, const Answer& answer,
                const Proof& proof);

}  // namespace stator::distribute

#endif  // STATOR_DISTRIBUTE_COLLECTIVES_HANDSHAKE_H_
