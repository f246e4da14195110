#include "formats/npy.h"

#include <algorithm>
#include <cctype>
#include <cstring>

#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "formats/file.h"
#include "graph/data_type.h"
#include "graph/status_macros.h"
#include "graph/tensor_shape.h"

namespace stator::formats {
namespace {

constexpr absl::string_view kMagic("\x93NUMPY", 6);
constexpr size_t kMaxHeader = 1 << 16;
constexpr int64_t kMaxFile = int64_t{1} << 40;

struct Kind {
  const char* code;  // without the byte order
  DataType dtype;
};
constexpr Kind kKinds[] = {
    {"b1", DT_BOOL},     {"i1", DT_INT8},      {"i2", DT_INT16},       {"i4", DT_INT32},
    {"i8", DT_INT64},    {"u1", DT_UINT8},     {"u2", DT_UINT16},      {"u4", DT_UINT32},
    {"u8", DT_UINT64},   {"f2", DT_HALF},      {"f4", DT_FLOAT},       {"f8", DT_DOUBLE},
    {"V2", DT_BFLOAT16}, {"c8", DT_COMPLEX64}, {"c16", DT_COMPLEX128},
};

// Reads the one dictionary that a header is: a small part of Python's literals.
class HeaderParser {
 public:
  HeaderParser(const std::string& path, absl::string_view text, size_t offset)
      : path_(path), text_(text), offset_(offset) {}

  struct Header {
    std::string descr;
    bool fortran = false;
    std::vector<int64_t> shape;
  };

  absl::StatusOr<Header> Parse() {
    Header header;
    bool has_descr = false, has_order = false, has_shape = false;
    STATOR_RETURN_IF_ERROR(Expect('{'));
    while (!Accept('}')) {
      STATOR_ASSIGN_OR_RETURN(const std::string key, ParseString());
      STATOR_RETURN_IF_ERROR(Expect(':'));
      if (key == "descr") {
        STATOR_ASSIGN_OR_RETURN(header.descr, ParseString());
        has_descr = true;
      } else if (key == "fortran_order") {
        STATOR_ASSIGN_OR_RETURN(header.fortran, ParseBool());
        has_order = true;
      } else if (key == "shape") {
        STATOR_ASSIGN_OR_RETURN(header.shape, ParseTuple());
        has_shape = true;
      } else {
        return Fail(absl::StrCat("unknown key '", key, "'"));
      }
      if (!Accept(',')) {
        STATOR_RETURN_IF_ERROR(Expect('}'));
        break;
      }
    }
    if (!has_descr || !has_order || !has_shape) {
      return Fail("expected the keys descr, fortran_order and shape");
    }
    return header;
  }

 private:
  absl::Status Fail(const std::string& what) const {
    return absl::DataLossError(absl::StrCat(path_, ": offset ", offset_ + at_, ": ", what));
  }
  void SkipSpace() {
    while (at_ < text_.size() && std::isspace(static_cast<unsigned char>(text_[at_]))) ++at_;
  }
  bool Accept(char c) {
    SkipSpace();
    if (at_ >= text_.size() || text_[at_] != c) return false;
    ++at_;
    return true;
  }
  absl::Status Expect(char c) {
    if (Accept(c)) return absl::OkStatus();
    return Fail(absl::StrCat("expected '", std::string(1, c), "' in the header"));
  }
  absl::StatusOr<std::string> ParseString() {
    SkipSpace();
    const char quote = at_ < text_.size() ? text_[at_] : ' ';
    if (quote != '\'' && quote != '"') return Fail("expected a quoted string in the header");
    const size_t end = text_.find(quote, at_ + 1);
    if (end == absl::string_view::npos) return Fail("a string of the header does not end");
    std::string value(text_.substr(at_ + 1, end - at_ - 1));
    at_ = end + 1;
    return value;
  }
  absl::StatusOr<bool> ParseBool() {
    SkipSpace();
    for (const bool value : {true, false}) {
      const absl::string_view word = value ? "True" : "False";
      if (absl::StartsWith(text_.substr(at_), word)) {
        at_ += word.size();
        return value;
      }
    }
    return Fail("expected True or False in the header");
  }
  absl::StatusOr<std::vector<int64_t>> ParseTuple() {
    STATOR_RETURN_IF_ERROR(Expect('('));
    std::vector<int64_t> values;
    while (!Accept(')')) {
      SkipSpace();
      const size_t begin = at_;
      while (at_ < text_.size() && std::isdigit(static_cast<unsigned char>(text_[at_]))) ++at_;
      int64_t value;
      if (!absl::SimpleAtoi(text_.substr(begin, at_ - begin), &value)) {
        return Fail("expected a size of 64 bits in the shape");
      }
      values.push_back(value);
      if (!Accept(',')) {
        STATOR_RETURN_IF_ERROR(Expect(')'));
        break;
      }
    }
    return values;
  }

  const std::string& path_;
  absl::string_view text_;
  size_t offset_;
  size_t at_ = 0;
};

void SwapBytes(std::string& bytes, int width) {
  for (size_t i = 0; i + width <= bytes.size(); i += width) {
    std::reverse(bytes.begin() + i, bytes.begin() + i + width);
  }
}

// Column major to row major.
std::string Transpose(const std::string& bytes, const std::vector<int64_t>& dims, int width) {
  std::vector<int64_t> strides(dims.size());
  int64_t stride = width;
  for (size_t i = 0; i < dims.size(); ++i) {
    strides[i] = stride;
    stride *= dims[i];
  }
  std::string out(bytes.size(), '\0');
  std::vector<int64_t> index(dims.size(), 0);
  for (size_t to = 0; to < bytes.size(); to += width) {
    int64_t from = 0;
    for (size_t i = 0; i < dims.size(); ++i) from += index[i] * strides[i];
    std::memcpy(&out[to], &bytes[from], width);
    for (size_t i = dims.size(); i-- > 0;) {
      if (++index[i] < dims[i]) break;
      index[i] = 0;
    }
  }
  return out;
}

}  // namespace

absl::StatusOr<NpyArray> ParseNpy(const std::string& path, absl::string_view file) {
  const auto fail = [&](size_t offset, const std::string& what) {
    return absl::DataLossError(absl::StrCat(path, ": offset ", offset, ": ", what));
  };
  if (!absl::StartsWith(file, kMagic)) return fail(0, "expected the .npy signature");
  if (file.size() < 10) return fail(file.size(), "expected a .npy header, found the file's end");
  const uint8_t major = file[6];
  if (major < 1 || major > 3) {
    return fail(6, absl::StrCat("expected .npy version 1 to 3, found ", int{major}));
  }
  const size_t start = major == 1 ? 10 : 12;
  if (file.size() < start) return fail(file.size(), "expected a .npy header, found the file's end");
  size_t length = 0;
  for (size_t i = start; i-- > 8;) length = length << 8 | static_cast<uint8_t>(file[i]);
  if (length > kMaxHeader || length > file.size() - start) {
    return fail(8, absl::StrCat("expected a header within ", kMaxHeader,
                                " bytes and the file, found length ", length));
  }
  STATOR_ASSIGN_OR_RETURN(const HeaderParser::Header header,
                          HeaderParser(path, file.substr(start, length), start).Parse());

  NpyArray array;
  array.dims = header.shape;
  const std::string code = header.descr.empty() ? "" : header.descr.substr(1);
  for (const Kind& kind : kKinds) {
    if (code == kind.code) array.dtype = kind.dtype;
  }
  const char order = header.descr.empty() ? ' ' : header.descr[0];
  if (array.dtype == DT_INVALID ||
      absl::string_view("<>|=").find(order) == absl::string_view::npos) {
    return absl::UnimplementedError(
        absl::StrCat(path, ": element type '", header.descr, "' is not supported"));
  }
  const int width = graph::DataTypeSize(array.dtype);
  const auto count = graph::NumElements(array.dims);
  if (!count.ok()) return fail(start, std::string(count.status().message()));
  const uint64_t found = file.size() - start - length;
  uint64_t expected;
  if (__builtin_mul_overflow(static_cast<uint64_t>(*count), uint64_t(width), &expected) ||
      expected != found) {
    return fail(start + length, absl::StrCat("expected ", *count, " elements of ", width,
                                             " bytes, found ", found, " bytes"));
  }
  array.bytes = std::string(file.substr(start + length));
  if (order == '>') {
    const bool complex = array.dtype == DT_COMPLEX64 || array.dtype == DT_COMPLEX128;
    SwapBytes(array.bytes, complex ? width / 2 : width);
  }
  if (header.fortran && array.dims.size() > 1) {
    array.bytes = Transpose(array.bytes, array.dims, width);
  }
  return array;
}

absl::StatusOr<NpyArray> ReadNpy(const std::string& path) {
  STATOR_ASSIGN_OR_RETURN(const std::string file, ReadFile(path, kMaxFile));
  return ParseNpy(path, file);
}

absl::StatusOr<std::string> SerializeNpy(DataType dtype, const std::vector<int64_t>& dims,
                                         absl::string_view bytes) {
  const Kind* kind = std::find_if(std::begin(kKinds), std::end(kKinds),
                                  [&](const Kind& k) { return k.dtype == dtype; });
  if (kind == std::end(kKinds)) {
    return absl::UnimplementedError(
        absl::StrCat("a .npy file cannot hold elements of type ", graph::DataTypeName(dtype)));
  }
  STATOR_ASSIGN_OR_RETURN(const int64_t count, graph::NumElements(dims));
  const int width = graph::DataTypeSize(dtype);
  if (bytes.size() != static_cast<uint64_t>(count) * width) {
    return absl::InvalidArgumentError(absl::StrCat("expected ", count, " elements of ", width,
                                                   " bytes, found ", bytes.size(), " bytes"));
  }
  std::string header = absl::StrCat(
      "{'descr': '", width == 1 ? "|" : "<", kind->code, "', 'fortran_order': False, 'shape': (",
      absl::StrJoin(dims, ", "), dims.size() == 1 ? ",)" : ")", ", }");
  // NumPy aligns the elements to 64 bytes; a header of version 1 is long enough for any real rank.
  header.resize((10 + header.size() + 1 + 63) / 64 * 64 - 10, ' ');
  header.back() = '\n';
  if (header.size() >= kMaxHeader) return absl::InvalidArgumentError("too many dimensions");
  std::string file = absl::StrCat(kMagic, absl::string_view("\x01\x00", 2));
  file.push_back(static_cast<char>(header.size()));
  file.push_back(static_cast<char>(header.size() >> 8));
  absl::StrAppend(&file, header, bytes);
  return file;
}

absl::Status WriteNpy(const std::string& path, DataType dtype, const std::vector<int64_t>& dims,
                      absl::string_view bytes) {
  STATOR_ASSIGN_OR_RETURN(const std::string file, SerializeNpy(dtype, dims, bytes));
  return WriteFileAtomically(path, file);
}

}  // namespace stator::formats
