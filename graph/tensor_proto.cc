#include "graph/tensor_proto.h"

#include <cstring>
#include <limits>
#include <string>
#include <type_traits>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "absl/types/span.h"
#include "google/protobuf/io/coded_stream.h"
#include "graph/data_type.h"
#include "graph/status_macros.h"
#include "graph/tensor_shape.h"

namespace stator::graph {
namespace {

// Bytes are copied as they lie in memory; every supported target is little-endian.
static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__);

absl::Status TooLarge(const TensorProto& proto, int64_t limit) {
  return absl::ResourceExhaustedError(
      absl::StrCat("tensor of ", DataTypeName(proto.dtype()), " ", ShapeText(proto.tensor_shape()),
                   ": expected at most ", limit, " bytes, found more"));
}

absl::Status WrongCount(const TensorProto& proto, int64_t expected, int64_t found,
                        absl::string_view what) {
  return absl::InvalidArgumentError(absl::StrCat("tensor of ", DataTypeName(proto.dtype()), " ",
                                                 ShapeText(proto.tensor_shape()), ": expected ",
                                                 expected, " ", what, ", found ", found));
}

// The values of a typed field as element bytes, one after another.
struct Values {
  std::string bytes;
  int64_t count = 0;
};

template <typename Element, typename Repeated>
absl::StatusOr<Values> Narrow(const TensorProto& proto, const Repeated& field) {
  Values values;
  values.count = field.size();
  values.bytes.resize(values.count * sizeof(Element));
  char* out = values.bytes.data();
  for (const auto value : field) {
    if constexpr (std::is_integral_v<Element> && sizeof(Element) < sizeof(value)) {
      if (value < std::numeric_limits<Element>::min() ||
          value > std::numeric_limits<Element>::max()) {
        return absl::InvalidArgumentError(absl::StrCat("tensor of ", DataTypeName(proto.dtype()),
                                                       ": expected values of this type, found ",
                                                       value));
      }
    }
    const Element element = static_cast<Element>(value);
    std::memcpy(out, &element, sizeof(element));
    out += sizeof(element);
  }
  return values;
}

template <typename Component, typename Repeated>
absl::StatusOr<Values> Pairs(const TensorProto& proto, const Repeated& field) {
  if (field.size() % 2 != 0) {
    return WrongCount(proto, field.size() + 1, field.size(), "real and imaginary parts");
  }
  STATOR_ASSIGN_OR_RETURN(Values values, Narrow<Component>(proto, field));
  values.count /= 2;
  return values;
}

absl::StatusOr<Values> TypedValues(const TensorProto& proto) {
  switch (proto.dtype()) {
    case DT_FLOAT:
      return Narrow<float>(proto, proto.float_val());
    case DT_DOUBLE:
      return Narrow<double>(proto, proto.double_val());
    case DT_INT32:
    case DT_QINT32:
      return Narrow<int32_t>(proto, proto.int_val());
    case DT_INT16:
    case DT_QINT16:
      return Narrow<int16_t>(proto, proto.int_val());
    case DT_UINT16:
    case DT_QUINT16:
      return Narrow<uint16_t>(proto, proto.int_val());
    case DT_INT8:
    case DT_QINT8:
    case DT_INT4:
    case DT_INT2:
      return Narrow<int8_t>(proto, proto.int_val());
    case DT_UINT8:
    case DT_QUINT8:
    case DT_UINT4:
    case DT_UINT2:
      return Narrow<uint8_t>(proto, proto.int_val());
    case DT_UINT32:
      return Narrow<uint32_t>(proto, proto.uint32_val());
    case DT_INT64:
      return Narrow<int64_t>(proto, proto.int64_val());
    case DT_UINT64:
      return Narrow<uint64_t>(proto, proto.uint64_val());
    case DT_BOOL:
      return Narrow<bool>(proto, proto.bool_val());
    case DT_HALF:
    case DT_BFLOAT16:
      return Narrow<uint16_t>(proto, proto.half_val());
    case DT_COMPLEX64:
      return Pairs<float>(proto, proto.scomplex_val());
    case DT_COMPLEX128:
      return Pairs<double>(proto, proto.dcomplex_val());
    case DT_FLOAT8_E5M2:
    case DT_FLOAT8_E4M3FN:
    case DT_FLOAT8_E4M3FNUZ:
    case DT_FLOAT8_E4M3B11FNUZ:
    case DT_FLOAT8_E5M2FNUZ:
    case DT_FLOAT4_E2M1FN:
      return Values{proto.float8_val(), static_cast<int64_t>(proto.float8_val().size())};
    default:
      return absl::UnimplementedError(
          absl::StrCat("tensor of ", DataTypeName(proto.dtype()), ": has no plain values"));
  }
}

// Strings in tensor_content: all lengths as varints, then all bytes.
absl::Status DecodeStringContent(const TensorProto& proto, int64_t count,
                                 std::vector<std::string>* strings) {
  const std::string& content = proto.tensor_content();
  if (count > static_cast<int64_t>(content.size())) {  // each length takes a byte at least
    return WrongCount(proto, count, content.size(), "string lengths");
  }
  google::protobuf::io::CodedInputStream stream(reinterpret_cast<const uint8_t*>(content.data()),
                                                static_cast<int>(content.size()));
  std::vector<uint32_t> sizes(count);
  for (uint32_t& size : sizes) {
    if (!stream.ReadVarint32(&size)) return WrongCount(proto, count, 0, "string lengths");
  }
  strings->resize(count);
  for (int64_t i = 0; i < count; ++i) {
    if (sizes[i] > content.size() ||
        !stream.ReadString(&(*strings)[i], static_cast<int>(sizes[i]))) {
      return WrongCount(proto, sizes[i], content.size(), "bytes of a string");
    }
  }
  if (stream.CurrentPosition() != static_cast<int>(content.size())) {
    return WrongCount(proto, stream.CurrentPosition(), content.size(), "bytes in tensor_content");
  }
  return absl::OkStatus();
}

absl::Status DecodeStrings(const TensorProto& proto, int64_t count, const DecodeOptions& options,
                           DenseTensor* tensor) {
  const int64_t given = proto.string_val_size();
  if (proto.tensor_content().empty() && given > count) {
    return WrongCount(proto, count, given, "values at most");
  }
  tensor->is_splat =
      options.keep_splat && proto.tensor_content().empty() && given <= 1 && count > 1;
  const int64_t stored = tensor->is_splat ? 1 : count;
  const int64_t repeated = given > 0 ? proto.string_val(given - 1).size() : 0;
  int64_t bytes = 0;
  if (__builtin_mul_overflow(stored, static_cast<int64_t>(sizeof(std::string)) + repeated,
                             &bytes) ||
      bytes > options.max_bytes) {
    return TooLarge(proto, options.max_bytes);
  }
  if (!proto.tensor_content().empty()) return DecodeStringContent(proto, count, &tensor->strings);
  tensor->strings.assign(proto.string_val().begin(), proto.string_val().end());
  const std::string last = given > 0 ? proto.string_val(given - 1) : std::string();
  tensor->strings.resize(stored, last);
  return absl::OkStatus();
}

// Repeats the last element of `values`, or zero, until `bytes` are full.
void Fill(const Values& values, int element_size, int64_t bytes, std::string* out) {
  out->reserve(bytes);
  out->append(values.bytes);
  const std::string last = values.count > 0
                               ? values.bytes.substr(values.bytes.size() - element_size)
                               : std::string(element_size, '\0');
  if (last.find_first_not_of(last[0]) == std::string::npos) {
    out->resize(bytes, last[0]);
    return;
  }
  while (static_cast<int64_t>(out->size()) < bytes) out->append(last);
}

absl::Status CheckBools(const DenseTensor& tensor) {
  if (tensor.dtype != DT_BOOL) return absl::OkStatus();
  for (const char byte : tensor.bytes) {
    if (byte != 0 && byte != 1) {
      return absl::InvalidArgumentError(absl::StrCat(
          "tensor of bool: expected bytes of 0 or 1, found ", static_cast<unsigned char>(byte)));
    }
  }
  return absl::OkStatus();
}

template <typename Element, typename Repeated>
void AddValue(const std::string& bytes, Repeated* field) {
  for (size_t at = 0; at < bytes.size(); at += sizeof(Element)) {
    Element element;
    std::memcpy(&element, bytes.data() + at, sizeof(element));
    field->Add(element);
  }
}

// Stores one element in the typed field of its dtype.
void EncodeValue(const DenseTensor& tensor, TensorProto* proto) {
  const std::string& bytes = tensor.bytes;
  switch (tensor.dtype) {
    case DT_FLOAT:
      return AddValue<float>(bytes, proto->mutable_float_val());
    case DT_DOUBLE:
      return AddValue<double>(bytes, proto->mutable_double_val());
    case DT_INT32:
    case DT_QINT32:
      return AddValue<int32_t>(bytes, proto->mutable_int_val());
    case DT_INT16:
    case DT_QINT16:
      return AddValue<int16_t>(bytes, proto->mutable_int_val());
    case DT_UINT16:
    case DT_QUINT16:
      return AddValue<uint16_t>(bytes, proto->mutable_int_val());
    case DT_INT8:
    case DT_QINT8:
    case DT_INT4:
    case DT_INT2:
      return AddValue<int8_t>(bytes, proto->mutable_int_val());
    case DT_UINT8:
    case DT_QUINT8:
    case DT_UINT4:
    case DT_UINT2:
      return AddValue<uint8_t>(bytes, proto->mutable_int_val());
    case DT_UINT32:
      return AddValue<uint32_t>(bytes, proto->mutable_uint32_val());
    case DT_INT64:
      return AddValue<int64_t>(bytes, proto->mutable_int64_val());
    case DT_UINT64:
      return AddValue<uint64_t>(bytes, proto->mutable_uint64_val());
    case DT_BOOL:
      return AddValue<bool>(bytes, proto->mutable_bool_val());
    case DT_HALF:
    case DT_BFLOAT16:
      return AddValue<uint16_t>(bytes, proto->mutable_half_val());
    case DT_COMPLEX64:
      return AddValue<float>(bytes, proto->mutable_scomplex_val());
    case DT_COMPLEX128:
      return AddValue<double>(bytes, proto->mutable_dcomplex_val());
    default:
      proto->set_float8_val(bytes);
  }
}

}  // namespace

int64_t DenseTensor::num_elements() const { return NumElements(shape).value_or(0); }

absl::StatusOr<DenseTensor> DecodeTensor(const TensorProto& proto, const DecodeOptions& options) {
  DenseTensor tensor;
  tensor.dtype = proto.dtype();
  STATOR_ASSIGN_OR_RETURN(tensor.shape, StaticShape(proto.tensor_shape()));
  STATOR_ASSIGN_OR_RETURN(const int64_t count, NumElements(tensor.shape));
  if (tensor.dtype == DT_STRING) {
    STATOR_RETURN_IF_ERROR(DecodeStrings(proto, count, options, &tensor));
    return tensor;
  }
  const int element_size = IsRefType(tensor.dtype) ? 0 : DataTypeSize(tensor.dtype);
  if (element_size == 0) {
    return absl::UnimplementedError(
        absl::StrCat("tensor of ", DataTypeName(tensor.dtype), ": has no plain values"));
  }
  int64_t bytes = 0;
  const bool overflow = __builtin_mul_overflow(count, static_cast<int64_t>(element_size), &bytes);
  if (!proto.tensor_content().empty()) {
    if (overflow || bytes > options.max_bytes) return TooLarge(proto, options.max_bytes);
    if (static_cast<int64_t>(proto.tensor_content().size()) != bytes) {
      return WrongCount(proto, bytes, proto.tensor_content().size(), "bytes in tensor_content");
    }
    tensor.bytes = proto.tensor_content();
    STATOR_RETURN_IF_ERROR(CheckBools(tensor));
    return tensor;
  }
  STATOR_ASSIGN_OR_RETURN(Values values, TypedValues(proto));
  if (values.count > count) return WrongCount(proto, count, values.count, "values at most");
  tensor.is_splat = options.keep_splat && values.count <= 1 && count > 1;
  if (tensor.is_splat) bytes = element_size;
  if ((overflow && !tensor.is_splat) || bytes > options.max_bytes) {
    return TooLarge(proto, options.max_bytes);
  }
  Fill(values, element_size, bytes, &tensor.bytes);
  return tensor;
}

absl::StatusOr<TensorProto> EncodeTensor(const DenseTensor& tensor) {
  TensorProto proto;
  proto.set_dtype(tensor.dtype);
  *proto.mutable_tensor_shape() = ShapeProto(tensor.shape);
  STATOR_ASSIGN_OR_RETURN(const int64_t count, NumElements(tensor.shape));
  const int64_t stored = tensor.is_splat ? 1 : count;
  if (tensor.dtype == DT_STRING) {
    if (static_cast<int64_t>(tensor.strings.size()) != stored) {
      return WrongCount(proto, stored, tensor.strings.size(), "strings");
    }
    for (const std::string& value : tensor.strings) proto.add_string_val(value);
    return proto;
  }
  const int element_size = IsRefType(tensor.dtype) ? 0 : DataTypeSize(tensor.dtype);
  if (element_size == 0) {
    return absl::UnimplementedError(
        absl::StrCat("tensor of ", DataTypeName(tensor.dtype), ": has no plain values"));
  }
  int64_t bytes = 0;
  if (__builtin_mul_overflow(stored, static_cast<int64_t>(element_size), &bytes) ||
      bytes != static_cast<int64_t>(tensor.bytes.size())) {
    return WrongCount(proto, bytes, tensor.bytes.size(), "bytes");
  }
  STATOR_RETURN_IF_ERROR(CheckBools(tensor));
  if (stored == 1) {
    EncodeValue(tensor, &proto);
  } else {
    proto.set_tensor_content(tensor.bytes);
  }
  return proto;
}

}  // namespace stator::graph
