#include "ops/nn/windows.h"

namespace stator::ops {

using compiler::Expansion;
using core::DimExpr;
using core::Dims;

ImageLayout LayoutOf(Expansion& e) {
  const std::string format = e.HasAttr("data_format") ? e.Str("data_format") : "NHWC";
  ImageLayout layout;
  layout.spatial.clear();
  for (size_t i = 0; i < format.size(); ++i) {
    const auto axis = static_cast<int64_t>(i);
    if (format[i] == 'N') {
      layout.batch = axis;
    } else if (format[i] == 'C') {
      layout.channels = axis;
    } else {
      layout.spatial.push_back(axis);
    }
  }
  if (format.size() < 4 || format.size() > 5)
    e.Fail("data format '" + format + "' is not supported");
  return layout;
}

WindowPadding PaddingOf(Expansion& e, const ImageLayout& layout, const Dims& sizes,
                        const Dims& windows, const std::vector<int64_t>& strides,
                        const std::vector<int64_t>& dilations) {
  WindowPadding padding;
  const std::string kind = e.Str("padding");
  const std::vector<int64_t> given =
      kind == "EXPLICIT" ? e.Ints("explicit_paddings") : std::vector<int64_t>();
  if (kind == "EXPLICIT" && given.size() != 2 * (sizes.size() + 2)) {
    e.Fail("'explicit_paddings' must have two elements for each dimension");
    return padding;
  }
  for (size_t i = 0; i < sizes.size(); ++i) {
    DimExpr low = e.b.Dim(0), high = e.b.Dim(0);
    if (kind == "SAME") {
      // As many windows as strides begin in the dimension; an odd element of padding goes to the
      // end.
      DimExpr count = core::CeilDiv(sizes[i], strides[i]);
      DimExpr extent = (windows[i] - 1) * dilations[i] + 1;
      DimExpr total = (count - 1) * strides[i] + extent - sizes[i];
      // A window at least as large as the stride never needs less than nothing, one of a single
      // element never more; the expressions without max let the result's size simplify to `count`.
      if (extent.IsConstant(1)) {
        total = e.b.Dim(0);
      } else if (!core::ProvablyLessEqual(e.b.Dim(strides[i]), extent)) {
        total = core::Max(total, 0);
      }
      low = core::FloorDiv(total, 2);
      high = total - low;
    } else if (kind == "EXPLICIT") {
      const int64_t axis = layout.spatial[i];
      if (given[2 * axis] < 0 || given[2 * axis + 1] < 0)
        e.Fail("'explicit_paddings' must not be negative");
      low = e.b.Dim(given[2 * axis]);
      high = e.b.Dim(given[2 * axis + 1]);
    }
    padding.low.push_back(low);
    padding.high.push_back(high);
  }
  for (int64_t axis : {layout.batch, layout.channels}) {
    if (!given.empty() && (given[2 * axis] != 0 || given[2 * axis + 1] != 0)) {
      e.Fail("batch and channels cannot be padded");
    }
  }
  return padding;
}

std::vector<int64_t> SpatialAttr(Expansion& e, absl::string_view name, const ImageLayout& layout) {
  const std::vector<int64_t> all = e.Ints(name);
  std::vector<int64_t> spatial;
  const llvm::StringRef label(name.data(), name.size());
  if (all.size() != layout.spatial.size() + 2) {
    e.Fail("'" + label + "' must have " + llvm::Twine(layout.spatial.size() + 2) +
           " elements, found " + llvm::Twine(all.size()));
    return std::vector<int64_t>(layout.spatial.size(), 1);
  }
  for (int64_t axis : layout.spatial) {
    if (all[axis] < 1) e.Fail("'" + label + "' must be positive, found " + llvm::Twine(all[axis]));
    spatial.push_back(std::max<int64_t>(all[axis], 1));
  }
  if (all[layout.batch] != 1 || all[layout.channels] != 1) {
    e.Fail("'" + label + "' must be 1 for batch and channels");
  }
  return spatial;
}

}  // namespace stator::ops
