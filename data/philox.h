#ifndef STATOR_DATA_PHILOX_H_
#define STATOR_DATA_PHILOX_H_

// Random numbers that count: the n-th number of a stream is a pure function of (key, n), so that a
// resumed or parallel run needs no saved generator state. Philox 4x32-10, as published by Salmon et
// al. (2011) and used by TensorFlow's random ops.

#include <array>
#include <cstdint>

namespace stator::data {

using PhiloxBlock = std::array<uint32_t, 4>;

// The 128 random bits that belong to (key, counter).
inline PhiloxBlock Philox4x32(PhiloxBlock counter, uint64_t key) {
  uint32_t k0 = static_cast<uint32_t>(key);
  uint32_t k1 = static_cast<uint32_t>(key >> 32);
  for (int round = 0; round < 10; ++round) {
    const uint64_t p0 = uint64_t{0xD2511F53} * counter[0];
    const uint64_t p1 = uint64_t{0xCD9E8D57} * counter[2];
    counter = {static_cast<uint32_t>(p1 >> 32) ^ counter[1] ^ k0, static_cast<uint32_t>(p1),
               static_cast<uint32_t>(p0 >> 32) ^ counter[3] ^ k1, static_cast<uint32_t>(p0)};
    k0 += 0x9E3779B9;
    k1 += 0xBB67AE85;
  }
  return counter;
}

// Reads one stream in order. Two streams of one key are independent. Not thread-safe; copy freely.
class RandomStream {
 public:
  RandomStream(uint64_t key, uint64_t stream) : key_(key), stream_(stream) {}

  uint32_t NextBits() {
    if (used_ == 4) {
      block_ = Philox4x32({static_cast<uint32_t>(next_), static_cast<uint32_t>(next_ >> 32),
                           static_cast<uint32_t>(stream_), static_cast<uint32_t>(stream_ >> 32)},
                          key_);
      ++next_;
      used_ = 0;
    }
    return block_[used_++];
  }

  // Uniform in [low, high), from 24 bits: exact arithmetic up to the final scaling.
  float NextUniform(float low, float high) {
    return low + (high - low) * (static_cast<float>(NextBits() >> 8) * 0x1p-24f);
  }

  // Mean 0, variance 1: the sum of four uniforms, which needs no library function, so every machine
  // gets the same bits. Its tails end at 3.46, which is what noise on pixels wants.
  float NextBell() {
    float sum = -2.0f;
    for (int i = 0; i < 4; ++i) sum += NextUniform(0.0f, 1.0f);
    return sum * 1.7320508f;
  }

 private:
  uint64_t key_;
  uint64_t stream_;
  uint64_t next_ = 0;
  PhiloxBlock block_{};
  int used_ = 4;
};

}  // namespace stator::data

#endif  // STATOR_DATA_PHILOX_H_
