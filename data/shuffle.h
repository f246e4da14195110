#ifndef STATOR_DATA_SHUFFLE_H_
#define STATOR_DATA_SHUFFLE_H_

#include <cstdint>
#include <vector>

namespace stator::data {

// A random permutation of 0 … size-1 of which any element can be computed alone, in constant time
// and without memory: what makes a shuffled epoch a pure function of (seed, epoch). A Feistel
// network over the next even power of two, repeated until the value lies in range. Copy freely.
class Permutation {
 public:
  // `size` must be positive.
  Permutation(uint64_t seed, uint64_t epoch, int64_t size);

  // Where position `index` (0 … size-1) of the shuffled order comes from.
  int64_t operator[](int64_t index) const;

  int64_t size() const { return size_; }

 private:
  static constexpr int kRounds = 6;

  int64_t size_;
  int half_bits_;
  uint64_t mask_;
  uint64_t keys_[kRounds];
};

// The order in which a buffer of `buffer_size` elements gives out 0 … size-1 (below 2^32): it is
// filled, then a random one of it comes out and the next goes into its place; at the end it
// shrinks.
std::vector<uint32_t> BufferShuffleOrder(uint64_t seed, uint64_t epoch, int64_t size,
                                         int64_t buffer_size);

}  // namespace stator::data

#endif  // STATOR_DATA_SHUFFLE_H_
