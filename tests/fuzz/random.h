// Deterministic random numbers: the same on every machine and in every build.
#ifndef STATOR_TESTS_FUZZ_RANDOM_H_
#define STATOR_TESTS_FUZZ_RANDOM_H_

#include <cstddef>
#include <cstdint>
#include <vector>

namespace stator::fuzz {

class Random {
 public:
  explicit Random(uint64_t seed) : state_(seed) {}

  uint64_t Next() {  // splitmix64
    uint64_t z = state_ += 0x9E3779B97F4A7C15ull;
    z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9ull;
    z = (z ^ (z >> 27)) * 0x94D049BB133111EBull;
    return z ^ (z >> 31);
  }
  // In [0, n); n >= 1.
  size_t Below(size_t n) { return static_cast<size_t>(Next() % n); }
  bool OneIn(size_t n) { return Below(n) == 0; }

  template <typename T>
  T& Pick(std::vector<T>& items) {
    return items[Below(items.size())];
  }
  template <typename T>
  const T& Pick(const std::vector<T>& items) {
    return items[Below(items.size())];
  }

  // A number at which something may break.
  int64_t Interesting() {
    static const std::vector<int64_t> kNumbers = {
        -1,        0,         1,         2,         3,         7,         8,         63,
        64,        65,        127,       255,       256,       4095,      65535,     65536,
        INT32_MAX, INT32_MIN, INT64_MAX, INT64_MIN, 1ll << 32, 1ll << 40, 1ll << 62, -2};
    return Pick(kNumbers);
  }

 private:
  uint64_t state_;
};

}  // namespace stator::fuzz

#endif  // STATOR_TESTS_FUZZ_RANDOM_H_
