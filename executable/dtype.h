// Element types of runtime tensors. Numbers are those of TensorFlow's DataType.
#ifndef STATOR_EXECUTABLE_DTYPE_H_
#define STATOR_EXECUTABLE_DTYPE_H_

#include <cstdint>

namespace stator::executable {

enum class DType : uint8_t {
  kInvalid = 0,
  kFloat32 = 1,
  kFloat64 = 2,
  kInt32 = 3,
  kUInt8 = 4,
  kInt16 = 5,
  kInt8 = 6,
  // Inside a run an element is an 8-byte handle, `const std::string*` (null: the empty string);
  // the run owns the strings. Kernels may move handles as they would int64; only host calls look.
  kString = 7,
  kComplex64 = 8,
  kInt64 = 9,
  kBool = 10,  // one byte, 0 or 1
  kQInt8 = 11,
  kQUInt8 = 12,
  kQInt32 = 13,
  kBFloat16 = 14,
  kQInt16 = 15,
  kQUInt16 = 16,
  kUInt16 = 17,
  kComplex128 = 18,
  kFloat16 = 19,
  kResource = 20,
  kVariant = 21,
  kUInt32 = 22,
  kUInt64 = 23,
  kFloat8E5M2 = 24,
  kFloat8E4M3FN = 25,
};

// Bytes of one element in a buffer; 0 for kInvalid and for numbers that are not in the list.
constexpr int64_t DTypeSize(DType dtype) {
  switch (dtype) {
    case DType::kUInt8:
    case DType::kInt8:
    case DType::kBool:
    case DType::kQInt8:
    case DType::kQUInt8:
    case DType::kFloat8E5M2:
    case DType::kFloat8E4M3FN:
      return 1;
    case DType::kInt16:
    case DType::kUInt16:
    case DType::kQInt16:
    case DType::kQUInt16:
    case DType::kBFloat16:
    case DType::kFloat16:
      return 2;
    case DType::kFloat32:
    case DType::kInt32:
    case DType::kUInt32:
    case DType::kQInt32:
      return 4;
    case DType::kFloat64:
    case DType::kInt64:
    case DType::kUInt64:
    case DType::kComplex64:
    case DType::kString:
    case DType::kResource:
    case DType::kVariant:
      return 8;
    case DType::kComplex128:
      return 16;
    case DType::kInvalid:
      return 0;
  }
  return 0;
}

constexpr bool IsKnownDType(DType dtype) { return DTypeSize(dtype) != 0; }

constexpr bool IsFloatDType(DType dtype) {
  return dtype == DType::kFloat32 || dtype == DType::kFloat64 || dtype == DType::kFloat16 ||
         dtype == DType::kBFloat16;
}

// True for types whose elements are handles of the run rather than numbers.
constexpr bool IsObjectDType(DType dtype) {
  return dtype == DType::kString || dtype == DType::kResource || dtype == DType::kVariant;
}

// "float", "double", "int32", ...: TensorFlow's lower-case names.
const char* DTypeName(DType dtype);

}  // namespace stator::executable

#endif  // STATOR_EXECUTABLE_DTYPE_H_
