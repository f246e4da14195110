#include "data/shuffle.h"

#include "data/philox.h"

namespace stator::data {
namespace {

// The stream numbers below are epochs; this key separates shuffling from other uses of a seed.
constexpr uint64_t kShuffleKey = 0x73687566666c6521;  // "shuffle!"

uint64_t Mix(uint64_t x) {  // the finalizer of SplitMix64
  x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9;
  x = (x ^ (x >> 27)) * 0x94d049bb133111eb;
  return x ^ (x >> 31);
}

}  // namespace

Permutation::Permutation(uint64_t seed, uint64_t epoch, int64_t size) : size_(size) {
  half_bits_ = 1;
  while (half_bits_ < 31 && (int64_t{1} << (2 * half_bits_)) < size) ++half_bits_;
  mask_ = (uint64_t{1} << half_bits_) - 1;
  RandomStream random(seed ^ kShuffleKey, epoch);
  for (uint64_t& key : keys_) {
    const uint64_t high = random.NextBits();
    key = high << 32 | random.NextBits();
  }
}

int64_t Permutation::operator[](int64_t index) const {
  uint64_t value = static_cast<uint64_t>(index);
  do {
    uint64_t left = value >> half_bits_;
    uint64_t right = value & mask_;
    for (const uint64_t key : keys_) {
      const uint64_t next = left ^ (Mix(right + key) & mask_);
      left = right;
      right = next;
    }
    value = left << half_bits_ | right;
  } while (value >= static_cast<uint64_t>(size_));  // at most four tries on average
  return static_cast<int64_t>(value);
}

}  // namespace stator::data
