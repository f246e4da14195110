#include "compiler/reference/random.h"

#include "graph/status_macros.h"

namespace stator::compiler::reference {

std::array<uint32_t, 4> Philox(std::array<uint32_t, 4> counter, std::array<uint32_t, 2> key) {
  constexpr uint64_t kMultiplier[2] = {0xD2511F53, 0xCD9E8D57};
  constexpr uint32_t kWeyl[2] = {0x9E3779B9, 0xBB67AE85};
  for (int round = 0; round < 10; ++round) {
    const uint64_t a = kMultiplier[0] * counter[0], b = kMultiplier[1] * counter[2];
    counter = {static_cast<uint32_t>(b >> 32) ^ counter[1] ^ key[0], static_cast<uint32_t>(b),
               static_cast<uint32_t>(a >> 32) ^ counter[3] ^ key[1], static_cast<uint32_t>(a)};
    key[0] += kWeyl[0];
    key[1] += kWeyl[1];
  }
  return counter;
}

absl::StatusOr<Tensor> RngBits(Budget& budget, const Tensor& key, const Tensor& counter,
                               DType dtype, const Shape& dims) {
  STATOR_ASSIGN_OR_RETURN(Tensor result, budget.Allocate(dtype, dims));
  const uint64_t k = key.As<uint64_t>()[0];
  const unsigned __int128 start =
      (static_cast<unsigned __int128>(counter.As<uint64_t>()[1]) << 64) | counter.As<uint64_t>()[0];
  // Both dtypes are the same sequence of words in memory.
  const int64_t words = result.num_bytes() / 4;
  for (int64_t i = 0; i < words; i += 4) {
    const unsigned __int128 c = start + static_cast<unsigned __int128>(i / 4);
    const std::array<uint32_t, 4> block =
        Philox({static_cast<uint32_t>(c), static_cast<uint32_t>(c >> 32),
                static_cast<uint32_t>(c >> 64), static_cast<uint32_t>(c >> 96)},
               {static_cast<uint32_t>(k), static_cast<uint32_t>(k >> 32)});
    for (int64_t j = i; j < words && j < i + 4; ++j) result.MutableAs<uint32_t>()[j] = block[j - i];
  }
  return result;
}

}  // namespace stator::compiler::reference
