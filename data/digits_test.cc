#include "data/digits.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdint>
#include <vector>

#include "data/digit_sketches.h"
#include "formats/idx.h"

namespace stator::data {
namespace {

uint64_t Fingerprint(uint64_t seed, int count) {
  uint64_t hash = 0xcbf29ce484222325;
  for (int i = 0; i < count; ++i) {
    const Digit digit = DrawDigit(seed, i);
    hash = (hash ^ digit.label) * 0x100000001b3;
    for (const uint8_t pixel : digit.pixels) hash = (hash ^ pixel) * 0x100000001b3;
  }
  return hash;
}

// The data of the quickstart: whoever changes a pixel changes the accuracy that the documents
// quote.
TEST(Digits, AreTheSameOnEveryMachine) {
  EXPECT_EQ(Fingerprint(1, 200), 0x4a6442714158654e);
  EXPECT_NE(Fingerprint(2, 200), Fingerprint(1, 200));
}

TEST(Digits, LabelsAreBalancedAndImagesDiffer) {
  std::array<int, 10> count{};
  for (int i = 0; i < 5000; ++i) ++count[DrawDigit(3, i).label];
  for (const int n : count) EXPECT_NEAR(n, 500, 100);
  EXPECT_NE(DrawDigit(3, 1).pixels, DrawDigit(3, 2).pixels);
}

TEST(Digits, StayOnThePaper) {
  // The border of an image holds noise only: no stroke is cut off by much.
  int64_t border = 0, inside = 0;
  for (int i = 0; i < 500; ++i) {
    const Digit digit = DrawDigit(4, i);
    for (int k = 0; k < kDigitSide; ++k) {
      border += digit.pixels[k] + digit.pixels[27 * kDigitSide + k];
      inside += digit.pixels[13 * kDigitSide + k] + digit.pixels[14 * kDigitSide + k];
    }
  }
  EXPECT_LT(border * 4, inside);
}

TEST(Digits, SketchesLieInTheUnitSquare) {
  for (int digit = 0; digit < 10; ++digit) {
    ASSERT_GE(SketchesOf(digit).size(), 3u);
    for (const Sketch& sketch : SketchesOf(digit)) {
      for (const SketchStroke& stroke : sketch) {
        ASSERT_GE(stroke.points.size(), 2u);
        for (const SketchPoint& p : stroke.points) {
          EXPECT_TRUE(p.x >= 0 && p.x <= 1 && p.y >= 0 && p.y <= 1) << digit;
        }
      }
    }
  }
}

// Pixels as numbers in [0, 1], row by row, and the labels.
struct Split {
  std::vector<std::array<float, 785>> rows;  // the last column is 1
  std::vector<int> labels;
};

Split Draw(uint64_t seed, int first, int count) {
  Split split;
  for (int i = first; i < first + count; ++i) {
    const Digit digit = DrawDigit(seed, i);
    auto& row = split.rows.emplace_back();
    for (int k = 0; k < 784; ++k) row[k] = digit.pixels[k] / 255.0f;
    row[784] = 1;
    split.labels.push_back(digit.label);
  }
  return split;
}

using Weights = std::array<std::array<float, 785>, 10>;

std::array<float, 10> Scores(const Weights& w, const std::array<float, 785>& row) {
  std::array<float, 10> scores{};
  for (int c = 0; c < 10; ++c) {
    for (int k = 0; k < 785; ++k) scores[c] += w[c][k] * row[k];
  }
  return scores;
}

// Multinomial logistic regression by plain stochastic gradient descent.
TEST(Digits, ALinearModelStaysBelow95Percent) {
  const Split train = Draw(1, 0, 8000);
  const Split test = Draw(1, 24000, 2000);
  Weights w{};
  for (int step = 0; step < 8 * 8000; ++step) {
    const auto& row = train.rows[step % 8000];
    std::array<float, 10> p = Scores(w, row);
    float sum = 0;
    for (float& v : p) sum += v = std::exp(std::min(v, 60.0f));
    const float rate = 0.02f / (1 + step / 16000);
    for (int c = 0; c < 10; ++c) {
      const float error = p[c] / sum - (c == train.labels[step % 8000] ? 1 : 0);
      for (int k = 0; k < 785; ++k) w[c][k] -= rate * error * row[k];
    }
  }
  int right = 0;
  for (int i = 0; i < 2000; ++i) {
    const std::array<float, 10> scores = Scores(w, test.rows[i]);
    right += std::max_element(scores.begin(), scores.end()) - scores.begin() == test.labels[i];
  }
  EXPECT_LT(right, 1900);  // the promise
  EXPECT_GT(right, 1400);  // and yet the digits are readable
}

TEST(Digits, WritesMnistFiles) {
  DigitSetOptions options;
  options.train_count = 30;
  options.test_count = 20;
  ASSERT_TRUE(WriteDigitSet(testing::TempDir(), options).ok());
  const auto images = formats::ReadIdxOrGz(testing::TempDir() + "/t10k-images-idx3-ubyte");
  const auto labels = formats::ReadIdxOrGz(testing::TempDir() + "/t10k-labels-idx1-ubyte");
  ASSERT_TRUE(images.ok() && labels.ok()) << images.status() << labels.status();
  EXPECT_EQ(images->dims, (std::vector<int64_t>{20, 28, 28}));
  EXPECT_EQ(labels->values[3], DrawDigit(1, 33).label);
  EXPECT_FALSE(WriteDigitSet(testing::TempDir() + "/missing", options).ok());
}

}  // namespace
}  // namespace stator::data
