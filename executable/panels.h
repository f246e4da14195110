// Where the elements of a variable lie in memory.
#ifndef STATOR_EXECUTABLE_PANELS_H_
#define STATOR_EXECUTABLE_PANELS_H_

#include <cstdint>
#include <vector>

namespace stator::executable {

// Panels are what contraction kernels read of a matrix [K, N], for every CPU: 16 columns each,
// [N/16][K][16]. They have the matrix's elements and no more.
enum class Layout : uint8_t {
  kRowMajor = 0,
  kPanelsOfLast = 1,   // N is the last dimension, K all others in order
  kPanelsOfFirst = 2,  // N is the first dimension, K all others in order
};

inline constexpr int64_t kPanelColumns = 16;

// Whether tensors of these dims (not negative, their product no overflow) may lie so: panels want
// two dimensions, elements, and whole panels. False for a value outside the enumeration.
bool FitsLayout(Layout layout, const std::vector<int64_t>& dims);

// "row-major order", "panels of the last dimension", …
const char* LayoutText(Layout layout);

// Copies all elements, of `element_size` bytes each, from row-major order into the layout, or back.
// The dims fit; the two memories do not overlap.
void ToLayout(Layout layout, const std::vector<int64_t>& dims, int64_t element_size,
              const void* row_major, void* to);
void FromLayout(Layout layout, const std::vector<int64_t>& dims, int64_t element_size,
                const void* from, void* row_major);

}  // namespace stator::executable

#endif  // STATOR_EXECUTABLE_PANELS_H_
