#include "data/shuffle.h"

#include <algorithm>
#include <numeric>
#include <utility>

#include "data/philox.h"

namespace stator::data {
namespace {

// The stream numbers below are epochs; these keys separate shuffling from other uses of a seed.
constexpr uint64_t kShuffleKey = 0x73687566666c6521;  // "shuffle!"
constexpr uint64_t kBufferKey = 0x7366666c62756621;

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

std::vector<uint32_t> BufferShuffleOrder(uint64_t seed, uint64_t epoch, int64_t size,
                                         int64_t buffer_size) {
  std::vector<uint32_t> buffer(static_cast<size_t>(std::min(size, buffer_size)));
  std::iota(buffer.begin(), buffer.end(), 0);
  RandomStream random(seed ^ kBufferKey, epoch);
  std::vector<uint32_t> order;
  order.reserve(static_cast<size_t>(size));
  for (int64_t next = static_cast<int64_t>(buffer.size()); !buffer.empty(); ++next) {
    // 64 bits times the size: the bias is below 2^-32 of a place's share.
    const uint64_t high = random.NextBits();
    const uint64_t bits = high << 32 | random.NextBits();
    const auto place = static_cast<size_t>(
        static_cast<unsigned __int128>(bits) * static_cast<uint64_t>(buffer.size()) >> 64);
    order.push_back(buffer[place]);
    if (next < size) {
      buffer[place] = static_cast<uint32_t>(next);
    } else {
      buffer[place] = buffer.back();
      buffer.pop_back();
    }
  }
  return order;
}

}  // namespace stator::data
