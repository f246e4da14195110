#include "executable/panels.h"

#include <cstring>

namespace stator::executable {
namespace {

struct Matrix {
  int64_t columns = 0;  // N
  int64_t depth = 1;    // K
};

Matrix MatrixOf(Layout layout, const std::vector<int64_t>& dims) {
  Matrix m;
  m.columns = layout == Layout::kPanelsOfLast ? dims.back() : dims.front();
  for (int64_t dim : dims) m.depth *= dim;
  if (m.columns != 0) m.depth /= m.columns;
  return m;
}

// Walks the panels from end to end; `to_panels` says which of the two is read.
template <size_t kSize>
void Rearrange(Layout layout, const Matrix& m, bool to_panels, const char* from, char* to) {
  const bool last = layout == Layout::kPanelsOfLast;
  const int64_t row_step = last ? m.columns : 1, column_step = last ? 1 : m.depth;
  int64_t packed = 0;
  for (int64_t panel = 0; panel < m.columns; panel += kPanelColumns) {
    for (int64_t row = 0; row < m.depth; ++row) {
      int64_t plain = panel * column_step + row * row_step;
      for (int64_t column = 0; column < kPanelColumns; ++column) {
        const int64_t source = to_panels ? plain : packed, target = to_panels ? packed : plain;
        std::memcpy(to + target * kSize, from + source * kSize, kSize);
        plain += column_step;
        ++packed;
      }
    }
  }
}

void Copy(Layout layout, const std::vector<int64_t>& dims, int64_t element_size, bool to_panels,
          const void* from, void* to) {
  const auto* source = static_cast<const char*>(from);
  auto* target = static_cast<char*>(to);
  if (layout == Layout::kRowMajor) {
    int64_t bytes = element_size;
    for (int64_t dim : dims) bytes *= dim;
    if (bytes > 0) std::memcpy(target, source, static_cast<size_t>(bytes));
    return;
  }
  const Matrix m = MatrixOf(layout, dims);
  switch (element_size) {
    case 1:
      return Rearrange<1>(layout, m, to_panels, source, target);
    case 2:
      return Rearrange<2>(layout, m, to_panels, source, target);
    case 4:
      return Rearrange<4>(layout, m, to_panels, source, target);
    case 8:
      return Rearrange<8>(layout, m, to_panels, source, target);
    default:
      return Rearrange<16>(layout, m, to_panels, source, target);
  }
}

}  // namespace

bool FitsLayout(Layout layout, const std::vector<int64_t>& dims) {
  if (layout == Layout::kRowMajor) return true;
  if (layout > Layout::kPanelsOfFirst || dims.size() < 2) return false;
  for (int64_t dim : dims) {
    if (dim == 0) return false;
  }
  return MatrixOf(layout, dims).columns % kPanelColumns == 0;
}

const char* LayoutText(Layout layout) {
  switch (layout) {
    case Layout::kRowMajor:
      return "row-major order";
    case Layout::kPanelsOfLast:
      return "panels of the last dimension";
    case Layout::kPanelsOfFirst:
      return "panels of the first dimension";
  }
  return "?";
}

void ToLayout(Layout layout, const std::vector<int64_t>& dims, int64_t element_size,
              const void* row_major, void* to) {
  Copy(layout, dims, element_size, /*to_panels=*/true, row_major, to);
}

void FromLayout(Layout layout, const std::vector<int64_t>& dims, int64_t element_size,
                const void* from, void* row_major) {
  Copy(layout, dims, element_size, /*to_panels=*/false, from, row_major);
}

}  // namespace stator::executable
