#ifndef STATOR_DISTRIBUTE_CHECKPOINT_SHA256_H_
#define STATOR_DISTRIBUTE_CHECKPOINT_SHA256_H_

#include <memory>
#include <string>

#include "absl/strings/string_view.h"

struct evp_md_ctx_st;

namespace stator::distribute {

// SHA-256 of bytes that come in pieces. Not thread-safe.
class Sha256 {
 public:
  Sha256();
  ~Sha256();
  Sha256(Sha256&&) noexcept;

  void Update(absl::string_view bytes);
  // 32 bytes. Nothing may follow it.
  std::string Digest();

 private:
  struct Free {
    void operator()(evp_md_ctx_st* context) const;
  };
  std::unique_ptr<evp_md_ctx_st, Free> context_;
};

// Lower-case hexadecimal digits.
std::string Sha256Hex(absl::string_view bytes);

}  // namespace stator::distribute

#endif  // STATOR_DISTRIBUTE_CHECKPOINT_SHA256_H_
