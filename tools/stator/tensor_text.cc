#include "tools/stator/tensor_text.h"

#include <charconv>
#include <cmath>
#include <set>

#include "absl/strings/match.h"
#include "absl/strings/string_view.h"
#include "compiler/reference/number.h"
#include "formats/npy.h"
#include "graph/status_macros.h"
#include "proto/json_text.h"
#include "runtime/session/status.h"
#include "tools/stator/usage.h"

namespace stator::tools {
namespace {

using executable::DType;
using runtime::Tensor;

constexpr int64_t kSummarizeAbove = 1000;
constexpr int64_t kEdge = 3;

template <typename T>
std::string Number(T value) {
  char text[64];
  const std::to_chars_result end = std::to_chars(text, text + sizeof(text), value);
  return std::string(text, end.ptr);
}

template <typename T>
std::string Float(T value, bool json) {
  if (std::isfinite(value)) return Number(value);
  if (json) return std::isnan(value) ? "\"NaN\"" : value > 0 ? "\"Infinity\"" : "\"-Infinity\"";
  return std::isnan(value) ? "nan" : value > 0 ? "inf" : "-inf";
}

std::string Element(const Tensor& t, int64_t i, bool json) {
  switch (t.dtype()) {
    case DType::kFloat32:
      return Float(t.data<float>()[i], json);
    case DType::kFloat64:
      return Float(t.data<double>()[i], json);
    case DType::kFloat16:
      return Float(compiler::reference::HalfToFloat(t.data<uint16_t>()[i]), json);
    case DType::kBFloat16:
      return Float(compiler::reference::BFloat16ToFloat(t.data<uint16_t>()[i]), json);
    case DType::kInt8:
      return Number<int>(t.data<int8_t>()[i]);
    case DType::kInt16:
      return Number(t.data<int16_t>()[i]);
    case DType::kInt32:
      return Number(t.data<int32_t>()[i]);
    case DType::kInt64:
      return Number(t.data<int64_t>()[i]);
    case DType::kUInt8:
      return Number<int>(t.data<uint8_t>()[i]);
    case DType::kUInt16:
      return Number(t.data<uint16_t>()[i]);
    case DType::kUInt32:
      return Number(t.data<uint32_t>()[i]);
    case DType::kUInt64:
      return Number(t.data<uint64_t>()[i]);
    case DType::kBool:
      return t.data<uint8_t>()[i] != 0 ? "true" : "false";
    case DType::kString:
      return JsonQuote(t.strings()[i]);
    default:
      return json ? "null" : "?";
  }
}

// Elements from `begin` on, of the dimensions from `axis` on.
void Print(const Tensor& t, size_t axis, int64_t begin, int64_t stride, bool summarize,
           std::string* out) {
  if (axis == t.dims().size()) {
    *out += Element(t, begin, /*json=*/false);
    return;
  }
  const int64_t n = t.dims()[axis];
  const int64_t inner = n == 0 ? 0 : stride / n;
  const bool last = axis + 1 == t.dims().size();
  const std::string separator = last ? ", " : ",\n" + std::string(axis + 1, ' ');
  *out += "[";
  for (int64_t i = 0; i < n; ++i) {
    if (i > 0) *out += separator;
    if (summarize && n > 2 * kEdge && i == kEdge) {
      *out += "...";
      i = n - kEdge - 1;
      continue;
    }
    Print(t, axis + 1, begin + i * inner, inner, summarize, out);
  }
  *out += "]";
}

}  // namespace

std::string TensorText(const Tensor& tensor) {
  std::string out;
  Print(tensor, 0, 0, tensor.num_elements(), tensor.num_elements() > kSummarizeAbove, &out);
  return out;
}

std::string TensorJson(const Tensor& tensor) {
  std::string out = "{\"dtype\": \"" + std::string(executable::DTypeName(tensor.dtype())) + "\", ";
  out += "\"dims\": [";
  for (size_t i = 0; i < tensor.dims().size(); ++i) {
    out += (i == 0 ? "" : ", ") + std::to_string(tensor.dims()[i]);
  }
  out += "], \"values\": [";
  for (int64_t i = 0; i < tensor.num_elements(); ++i) {
    if (i > 0) out += ", ";
    out += Element(tensor, i, /*json=*/true);
  }
  return out + "]}";
}

absl::StatusOr<Tensor> ReadTensor(const std::string& path) {
  STATOR_ASSIGN_OR_RETURN(const formats::NpyArray array, formats::ReadNpy(path));
  return runtime::ToAbsl(Tensor::FromBytes(static_cast<DType>(array.dtype), array.dims,
                                           array.bytes.data(),
                                           static_cast<int64_t>(array.bytes.size())));
}

absl::StatusOr<std::vector<std::pair<std::string, Tensor>>> ReadFeeds(
    const std::string& option, const std::vector<std::string>& texts) {
  std::vector<std::pair<std::string, Tensor>> feeds;
  std::set<std::string> names;
  for (const std::string& text : texts) {
    const size_t at = text.find('=');
    if (at == std::string::npos || at == 0 || at + 1 == text.size()) {
      return UsageError("" + option + " takes TENSOR=FILE.npy, not '" + text + "'");
    }
    const std::string name = text.substr(0, at);
    // "x" is "x:0" too.
    if (!names.insert(absl::EndsWith(name, ":0") ? name.substr(0, at - 2) : name).second) {
      return UsageError(option + " gives '" + name + "' twice");
    }
    STATOR_ASSIGN_OR_RETURN(Tensor tensor, ReadTensor(text.substr(at + 1)));
    feeds.emplace_back(name, std::move(tensor));
  }
  return feeds;
}

absl::Status WriteTensor(const std::string& path, const Tensor& tensor) {
  if (tensor.is_string()) {
    return absl::UnimplementedError(path + ": .npy files hold no strings; fetch it without a file");
  }
  return formats::WriteNpy(path, static_cast<DataType>(tensor.dtype()), tensor.dims(),
                           absl::string_view(tensor.data<char>(), tensor.bytes()));
}

}  // namespace stator::tools
