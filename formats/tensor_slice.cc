#include "formats/tensor_slice.h"

#include <algorithm>
#include <cstring>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "graph/status_macros.h"
#include "graph/tensor_shape.h"

namespace stator::formats {
namespace {

// Order-preserving numbers: a length byte, then that many big-endian bytes.
void AppendUnsigned(uint64_t value, std::string* key) {
  std::string bytes;
  for (; value > 0; value >>= 8) bytes.insert(bytes.begin(), static_cast<char>(value));
  key->push_back(static_cast<char>(bytes.size()));
  *key += bytes;
}

// Zero and 0xff bytes are escaped, so that the terminator sorts before any continuation.
void AppendString(absl::string_view text, std::string* key) {
  for (const char c : text) {
    key->push_back(c);
    if (c == '\0') key->push_back('\xff');
    if (c == '\xff') key->push_back('\0');
  }
  key->append("\0\x01", 2);
}

// n bytes of big-endian two's complement, whose first bits tell n: the XOR pattern has n ones.
void AppendSigned(int64_t value, std::string* key) {
  // n bytes hold 7n - 1 bits and a sign; ten hold any number.
  int n = 1;
  while (n < 10 && 7 * n - 1 < 63 && (value >> (7 * n - 1)) != (value < 0 ? -1 : 0)) ++n;
  std::string bytes(n, value < 0 ? '\xff' : '\0');
  for (int i = 0; i < std::min(n, 8); ++i) bytes[n - 1 - i] = static_cast<char>(value >> (8 * i));
  const uint16_t header = n == 10 ? 0xffc0 : n == 9 ? 0xff80 : uint16_t(0xff00u << (8 - n));
  bytes[0] = static_cast<char>(bytes[0] ^ (header >> 8));
  if (n > 8) bytes[1] = static_cast<char>(bytes[1] ^ (header & 0xff));
  *key += bytes;
}

absl::Status Bad(absl::string_view text, const std::string& what) {
  return absl::InvalidArgumentError(absl::StrCat("shape_and_slice '", text, "': ", what));
}

struct Range {
  int64_t begin, end;
};

Range RangeOf(const SliceExtent& extent, int64_t dim) {
  return extent.whole() ? Range{0, dim} : Range{extent.start, extent.start + extent.length};
}

}  // namespace

absl::StatusOr<ShapeAndSlice> ParseShapeAndSlice(absl::string_view text) {
  ShapeAndSlice result;
  if (text.empty()) return result;
  result.whole = false;
  std::vector<absl::string_view> parts = absl::StrSplit(text, ' ');
  const absl::string_view slice = parts.back();
  parts.pop_back();
  for (const absl::string_view part : parts) {
    int64_t dim;
    if (!absl::SimpleAtoi(part, &dim) || dim < 0) {
      return Bad(text, absl::StrCat("expected a size, found '", part, "'"));
    }
    result.dims.push_back(dim);
  }
  for (const absl::string_view item : absl::StrSplit(slice, ':')) {
    SliceExtent extent;
    if (item != "-") {
      const std::vector<absl::string_view> pair = absl::StrSplit(item, ',');
      if (pair.size() != 2 || !absl::SimpleAtoi(pair[0], &extent.start) ||
          !absl::SimpleAtoi(pair[1], &extent.length) || extent.start < 0 || extent.length <= 0) {
        return Bad(text, absl::StrCat("expected '-' or 'start,length', found '", item, "'"));
      }
    }
    result.slice.push_back(extent);
  }
  if (const auto dims = SliceDims(result.slice, result.dims); !dims.ok()) {
    return Bad(text, std::string(dims.status().message()));
  }
  return result;
}

absl::StatusOr<std::vector<int64_t>> SliceDims(const TensorSlice& slice,
                                               absl::Span<const int64_t> dims) {
  if (slice.size() != dims.size()) {
    return absl::InvalidArgumentError(
        absl::StrCat("expected a slice of rank ", dims.size(), ", found ", slice.size()));
  }
  std::vector<int64_t> sizes;
  for (size_t i = 0; i < dims.size(); ++i) {
    const SliceExtent& extent = slice[i];
    if (!extent.whole() &&
        (extent.start < 0 || extent.start > dims[i] || extent.length > dims[i] - extent.start)) {
      return absl::InvalidArgumentError(absl::StrCat("expected a slice inside dimension ", i,
                                                     " of size ", dims[i], ", found ", extent.start,
                                                     " + ", extent.length));
    }
    sizes.push_back(extent.whole() ? dims[i] : extent.length);
  }
  return sizes;
}

std::string SliceKey(absl::string_view tensor, const TensorSlice& slice) {
  std::string key;
  AppendUnsigned(0, &key);
  AppendString(tensor, &key);
  AppendUnsigned(slice.size(), &key);
  for (const SliceExtent& extent : slice) {
    AppendSigned(extent.whole() ? 0 : extent.start, &key);
    AppendSigned(extent.whole() ? -1 : extent.length, &key);
  }
  return key;
}

TensorSliceProto ToProto(const TensorSlice& slice) {
  TensorSliceProto proto;
  for (const SliceExtent& extent : slice) {
    TensorSliceProto::Extent* out = proto.add_extent();
    if (extent.whole()) continue;
    out->set_start(extent.start);
    out->set_length(extent.length);
  }
  return proto;
}

TensorSlice FromProto(const TensorSliceProto& proto) {
  TensorSlice slice;
  for (const TensorSliceProto::Extent& extent : proto.extent()) {
    const bool part = extent.has_length_case() == TensorSliceProto::Extent::kLength;
    // A negative length would read as "whole"; 0 keeps it what it is, no element at all.
    slice.push_back(part ? SliceExtent{extent.start(), std::max<int64_t>(extent.length(), 0)}
                         : SliceExtent{});
  }
  return slice;
}

int64_t CopyShared(absl::Span<const int64_t> dims, int width, const TensorSlice& from_slice,
                   const char* from, const TensorSlice& to_slice, char* to) {
  const int rank = static_cast<int>(dims.size());
  std::vector<Range> shared(rank);
  std::vector<int64_t> from_stride(rank), to_stride(rank);
  int64_t from_at = 0, to_at = 0, count = 1;
  int64_t from_step = width, to_step = width;
  for (int i = rank - 1; i >= 0; --i) {
    const Range a = RangeOf(from_slice[i], dims[i]);
    const Range b = RangeOf(to_slice[i], dims[i]);
    shared[i] = {std::max(a.begin, b.begin), std::min(a.end, b.end)};
    if (shared[i].begin >= shared[i].end) return 0;
    from_stride[i] = from_step;
    to_stride[i] = to_step;
    from_at += (shared[i].begin - a.begin) * from_step;
    to_at += (shared[i].begin - b.begin) * to_step;
    from_step *= a.end - a.begin;
    to_step *= b.end - b.begin;
    count *= shared[i].end - shared[i].begin;
  }
  // Row by row along the last dimension.
  const int64_t row = rank == 0 ? 1 : shared[rank - 1].end - shared[rank - 1].begin;
  std::vector<int64_t> index(rank, 0);
  for (int64_t done = 0; done < count; done += row) {
    std::memcpy(to + to_at, from + from_at, row * width);
    for (int i = rank - 2; i >= 0; --i) {
      from_at += from_stride[i];
      to_at += to_stride[i];
      const int64_t size = shared[i].end - shared[i].begin;
      if (++index[i] < size) break;
      from_at -= size * from_stride[i];
      to_at -= size * to_stride[i];
      index[i] = 0;
    }
  }
  return count;
}

}  // namespace stator::formats
