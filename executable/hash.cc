#include <cstring>

#include "executable/image_view.h"

// Four independent multiply-rotate lanes over 32-byte blocks, then an avalanche: about memory
// speed, good dispersion, no claim against an adversary.

namespace stator::executable {
namespace {

constexpr uint64_t kMultiplierA = 0x9E3779B97F4A7C15ull;  // 2^64 / golden ratio
constexpr uint64_t kMultiplierB = 0xC2B2AE3D27D4EB4Full;  // odd, about half of its bits set

uint64_t Rotate(uint64_t x, int bits) { return (x << bits) | (x >> (64 - bits)); }

uint64_t Round(uint64_t lane, uint64_t word) {
  return Rotate(lane + word * kMultiplierB, 31) * kMultiplierA;
}

uint64_t Load(const uint8_t* p) {
  uint64_t word;
  std::memcpy(&word, p, sizeof(word));
  if constexpr (__BYTE_ORDER__ == __ORDER_BIG_ENDIAN__) word = __builtin_bswap64(word);
  return word;
}

uint64_t Avalanche(uint64_t x) {
  x = (x ^ (x >> 33)) * kMultiplierB;
  x = (x ^ (x >> 29)) * kMultiplierA;
  return x ^ (x >> 32);
}

}  // namespace

uint64_t HashBytes(const void* data, size_t size, uint64_t seed) {
  const uint8_t* p = static_cast<const uint8_t*>(data);
  const uint8_t* const end = p + size;
  uint64_t lanes[4] = {seed + kMultiplierA, seed ^ kMultiplierB, seed, seed - kMultiplierA};
  for (; end - p >= 32; p += 32) {
    for (int i = 0; i < 4; ++i) lanes[i] = Round(lanes[i], Load(p + 8 * i));
  }
  uint64_t hash = Rotate(lanes[0], 1) + Rotate(lanes[1], 7) + Rotate(lanes[2], 12) +
                  Rotate(lanes[3], 18) + size;
  for (; end - p >= 8; p += 8) hash = Round(hash, Load(p));
  uint8_t tail[8] = {0};
  if (p != end) {
    std::memcpy(tail, p, static_cast<size_t>(end - p));
    hash = Round(hash, Load(tail));
  }
  return Avalanche(hash);
}

}  // namespace stator::executable
