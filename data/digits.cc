#include "data/digits.h"

#include <algorithm>
#include <cmath>
#include <string_view>
#include <vector>

#include "data/digit_sketches.h"
#include "data/philox.h"
#include "formats/idx.h"
#include "graph/status_macros.h"

namespace stator::data {
namespace {

// Only + - * / and sqrt below, which every machine rounds alike (the build file forbids contraction
// to FMA); no libm, whose results differ between versions.

constexpr float kTan7Point5Degrees = 0.13165250f;  // tan(15° / 2)
constexpr int kPiecesPerSpan = 6;                  // straight pieces that stand in for a curve

// Where a sketch lands on the image.
struct Placement {
  float xx, xy, yx, yy;  // pixels per unit of the sketch
  float cx, cy;          // the centre, in pixels

  SketchPoint operator()(SketchPoint p) const {
    const float x = p.x - 0.5f;
    const float y = p.y - 0.5f;
    return {cx + xx * x + xy * y, cy + yx * x + yy * y};
  }
};

Placement RandomPlacement(RandomStream& random) {
  const float height = random.NextUniform(16.0f, 22.0f);
  const float width = height * random.NextUniform(0.60f, 0.95f);
  const float shear = random.NextUniform(-0.25f, 0.25f);
  // Rotation by the half angle's tangent: rational, so exact everywhere.
  const float t = random.NextUniform(-kTan7Point5Degrees, kTan7Point5Degrees);
  const float cosine = (1 - t * t) / (1 + t * t);
  const float sine = 2 * t / (1 + t * t);
  Placement place;
  place.xx = cosine * width;
  place.xy = cosine * shear * height - sine * height;
  place.yx = sine * width;
  place.yy = sine * shear * height + cosine * height;
  place.cx = 0.5f * kDigitSide + random.NextUniform(-2.5f, 2.5f);
  place.cy = 0.5f * kDigitSide + random.NextUniform(-2.5f, 2.5f);
  return place;
}

// A Catmull-Rom curve through the points, as straight pieces.
std::vector<SketchPoint> Flatten(const std::vector<SketchPoint>& points, bool smooth) {
  if (!smooth) return points;
  const int last = static_cast<int>(points.size()) - 1;
  std::vector<SketchPoint> pieces = {points[0]};
  for (int i = 0; i < last; ++i) {
    const SketchPoint& a = points[std::max(i - 1, 0)];
    const SketchPoint& b = points[i];
    const SketchPoint& c = points[i + 1];
    const SketchPoint& d = points[std::min(i + 2, last)];
    for (int k = 1; k <= kPiecesPerSpan; ++k) {
      const float t = static_cast<float>(k) / kPiecesPerSpan;
      const auto at = [t](float p, float q, float r, float s) {
        return 0.5f * (2 * q +
                       t * (r - p + t * (2 * p - 5 * q + 4 * r - s + t * (3 * q - p - 3 * r + s))));
      };
      pieces.push_back({at(a.x, b.x, c.x, d.x), at(a.y, b.y, c.y, d.y)});
    }
  }
  return pieces;
}

// Darkens what a pen of this radius touches between a and b; the edge is one pixel soft.
void DrawLine(SketchPoint a, SketchPoint b, float radius, std::vector<float>& ink) {
  const float reach = radius + 1.0f;
  const auto pixel = [](float v) { return std::clamp(static_cast<int>(v), 0, kDigitSide - 1); };
  const float dx = b.x - a.x;
  const float dy = b.y - a.y;
  const float length2 = std::max(dx * dx + dy * dy, 1e-12f);
  for (int y = pixel(std::min(a.y, b.y) - reach); y <= pixel(std::max(a.y, b.y) + reach); ++y) {
    for (int x = pixel(std::min(a.x, b.x) - reach); x <= pixel(std::max(a.x, b.x) + reach); ++x) {
      const float px = x + 0.5f - a.x;
      const float py = y + 0.5f - a.y;
      const float t = std::clamp((px * dx + py * dy) / length2, 0.0f, 1.0f);
      const float ex = px - t * dx;
      const float ey = py - t * dy;
      const float distance = std::sqrt(ex * ex + ey * ey);
      float& cell = ink[y * kDigitSide + x];
      cell = std::max(cell, std::clamp(radius + 0.5f - distance, 0.0f, 1.0f));
    }
  }
}

absl::Status WriteSplit(const std::string& stem, uint64_t seed, uint64_t first, int count) {
  formats::IdxArray images{{count, kDigitSide, kDigitSide}, {}};
  formats::IdxArray labels{{count}, {}};
  images.values.reserve(static_cast<size_t>(count) * kDigitSide * kDigitSide);
  for (int i = 0; i < count; ++i) {
    const Digit digit = DrawDigit(seed, first + i);
    images.values.insert(images.values.end(), digit.pixels.begin(), digit.pixels.end());
    labels.values.push_back(static_cast<uint8_t>(digit.label));
  }
  STATOR_RETURN_IF_ERROR(formats::WriteIdx(stem + "-images-idx3-ubyte", images));
  return formats::WriteIdx(stem + "-labels-idx1-ubyte", labels);
}

}  // namespace

Digit DrawDigit(uint64_t seed, uint64_t index) {
  RandomStream random(seed, index);
  Digit digit;
  digit.label = static_cast<int>((uint64_t{random.NextBits()} * 10) >> 32);
  const std::vector<Sketch>& sketches = SketchesOf(digit.label);
  const Sketch& sketch = sketches[(uint64_t{random.NextBits()} * sketches.size()) >> 32];

  const Placement place = RandomPlacement(random);
  const float radius = random.NextUniform(0.7f, 1.9f);
  const float contrast = random.NextUniform(0.55f, 1.0f);
  const float noise = random.NextUniform(0.02f, 0.12f);

  std::vector<float> ink(kDigitSide * kDigitSide, 0.0f);
  for (const SketchStroke& stroke : sketch) {
    std::vector<SketchPoint> points = stroke.points;
    for (SketchPoint& p : points) {
      p.x += random.NextUniform(-0.05f, 0.05f);
      p.y += random.NextUniform(-0.05f, 0.05f);
      p = place(p);
    }
    const std::vector<SketchPoint> pieces = Flatten(points, stroke.smooth);
    for (size_t i = 1; i < pieces.size(); ++i) DrawLine(pieces[i - 1], pieces[i], radius, ink);
  }
  for (int i = 0; i < kDigitSide * kDigitSide; ++i) {
    const float value = contrast * ink[i] + noise * random.NextBell();
    digit.pixels[i] = static_cast<uint8_t>(std::clamp(value, 0.0f, 1.0f) * 255.0f + 0.5f);
  }
  return digit;
}

absl::Status WriteDigitSet(const std::string& directory, const DigitSetOptions& options) {
  if (options.train_count < 1 || options.test_count < 1) {
    return absl::InvalidArgumentError("a digit set needs at least one image of each kind");
  }
  // The test images follow the training images in one numbering, so none is in both.
  STATOR_RETURN_IF_ERROR(WriteSplit(directory + "/train", options.seed, 0, options.train_count));
  return WriteSplit(directory + "/t10k", options.seed, options.train_count, options.test_count);
}

}  // namespace stator::data
