#include "executable/dtype.h"

namespace stator::executable {

const char* DTypeName(DType dtype) {
  switch (dtype) {
    case DType::kInvalid:
      return "invalid";
    case DType::kFloat32:
      return "float";
    case DType::kFloat64:
      return "double";
    case DType::kInt32:
      return "int32";
    case DType::kUInt8:
      return "uint8";
    case DType::kInt16:
      return "int16";
    case DType::kInt8:
      return "int8";
    case DType::kString:
      return "string";
    case DType::kComplex64:
      return "complex64";
    case DType::kInt64:
      return "int64";
    case DType::kBool:
      return "bool";
    case DType::kQInt8:
      return "qint8";
    case DType::kQUInt8:
      return "quint8";
    case DType::kQInt32:
      return "qint32";
    case DType::kBFloat16:
      return "bfloat16";
    case DType::kQInt16:
      return "qint16";
    case DType::kQUInt16:
      return "quint16";
    case DType::kUInt16:
      return "uint16";
    case DType::kComplex128:
      return "complex128";
    case DType::kFloat16:
      return "half";
    case DType::kResource:
      return "resource";
    case DType::kVariant:
      return "variant";
    case DType::kUInt32:
      return "uint32";
    case DType::kUInt64:
      return "uint64";
    case DType::kFloat8E5M2:
      return "float8_e5m2";
    case DType::kFloat8E4M3FN:
      return "float8_e4m3fn";
  }
  return "unknown";
}

}  // namespace stator::executable
