#ifndef STATOR_DATA_DIGITS_H_
#define STATOR_DATA_DIGITS_H_

// Handwriting-like digits, drawn in code: the data of the quickstart, so that it needs no download.
//
// A digit starts as one of several stroke sketches; its points are jittered, the sketch is slanted,
// scaled, rotated by up to 15 degrees and shifted, then drawn with a random pen width and contrast
// and covered with noise. The ranges are chosen so that a linear classifier stays below 95 % and a
// small convolutional network exceeds 98 %.
//
// Every image is a pure function of (seed, index) in arithmetic that is exact on every machine.

#include <array>
#include <cstdint>
#include <string>

#include "absl/status/status.h"

namespace stator::data {

inline constexpr int kDigitSide = 28;

struct Digit {
  int label = 0;                                        // 0 to 9
  std::array<uint8_t, kDigitSide * kDigitSide> pixels;  // row major; 0 is paper, 255 is ink
};

// Draws the index-th digit of the set `seed`. Labels are uniform and independent.
Digit DrawDigit(uint64_t seed, uint64_t index);

struct DigitSetOptions {
  uint64_t seed = 1;
  int train_count = 24000;
  int test_count = 4000;
};

// Writes the four files of MNIST (train-images-idx3-ubyte, …, t10k-labels-idx1-ubyte) into the
// existing folder `directory`, replacing what is there. Train and test share no image.
absl::Status WriteDigitSet(const std::string& directory, const DigitSetOptions& options);

}  // namespace stator::data

#endif  // STATOR_DATA_DIGITS_H_
