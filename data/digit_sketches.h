#ifndef STATOR_DATA_DIGIT_SKETCHES_H_
#define STATOR_DATA_DIGIT_SKETCHES_H_

// The shapes of the ten digits, in several handwritings each.

#include <vector>

namespace stator::data {

struct SketchPoint {
  float x, y;  // the unit square; y grows downwards
};

// One movement of the pen: a smooth curve through its points, or straight lines between them.
struct SketchStroke {
  bool smooth;
  std::vector<SketchPoint> points;
};

using Sketch = std::vector<SketchStroke>;

// The ways to write `digit` (0 to 9). Never empty; lives as long as the program.
const std::vector<Sketch>& SketchesOf(int digit);

}  // namespace stator::data

#endif  // STATOR_DATA_DIGIT_SKETCHES_H_
