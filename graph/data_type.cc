#include "graph/data_type.h"

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"

namespace stator::graph {
namespace {

constexpr int kRefOffset = 100;

}  // namespace

std::string DataTypeName(DataType type) {
  if (!DataType_IsValid(type)) return absl::StrCat("type ", static_cast<int>(type));
  // DT_FLOAT_REF -> float_ref: the short names are the enum's without its prefix.
  return absl::AsciiStrToLower(DataType_Name(type).substr(3));
}

absl::optional<DataType> ParseDataType(absl::string_view name) {
  DataType type;
  if (absl::StartsWith(name, "DT_")) {
    if (DataType_Parse(std::string(name), &type)) return type;
    return absl::nullopt;
  }
  if (name != absl::AsciiStrToLower(name) || name == "invalid") return absl::nullopt;
  if (DataType_Parse(absl::StrCat("DT_", absl::AsciiStrToUpper(name)), &type)) return type;
  return absl::nullopt;
}

bool IsRefType(DataType type) { return type > kRefOffset; }

DataType RemoveRef(DataType type) {
  return IsRefType(type) ? static_cast<DataType>(type - kRefOffset) : type;
}

DataType MakeRef(DataType type) {
  return IsRefType(type) ? type : static_cast<DataType>(type + kRefOffset);
}

int DataTypeSize(DataType type) {
  switch (RemoveRef(type)) {
    case DT_COMPLEX128:
      return 16;
    case DT_DOUBLE:
    case DT_INT64:
    case DT_UINT64:
    case DT_COMPLEX64:
      return 8;
    case DT_FLOAT:
    case DT_INT32:
    case DT_UINT32:
    case DT_QINT32:
      return 4;
    case DT_HALF:
    case DT_BFLOAT16:
    case DT_INT16:
    case DT_UINT16:
    case DT_QINT16:
    case DT_QUINT16:
      return 2;
    case DT_UINT8:
    case DT_INT8:
    case DT_QINT8:
    case DT_QUINT8:
    case DT_BOOL:
    case DT_FLOAT8_E5M2:
    case DT_FLOAT8_E4M3FN:
    case DT_FLOAT8_E4M3FNUZ:
    case DT_FLOAT8_E4M3B11FNUZ:
    case DT_FLOAT8_E5M2FNUZ:
    case DT_FLOAT4_E2M1FN:
    case DT_INT4:
    case DT_UINT4:
    case DT_INT2:
    case DT_UINT2:
      return 1;
    default:
      return 0;
  }
}

const std::vector<DataType>& NumberTypes() {
  static const auto* types = new std::vector<DataType>{
      DT_FLOAT,     DT_DOUBLE,     DT_INT32, DT_UINT8,  DT_INT16,  DT_INT8,
      DT_COMPLEX64, DT_INT64,      DT_QINT8, DT_QUINT8, DT_QINT32, DT_BFLOAT16,
      DT_UINT16,    DT_COMPLEX128, DT_HALF,  DT_UINT32, DT_UINT64};
  return *types;
}

const std::vector<DataType>& RealNumberTypes() {
  static const auto* types =
      new std::vector<DataType>{DT_FLOAT, DT_DOUBLE,   DT_INT32,  DT_UINT8, DT_INT16,  DT_INT8,
                                DT_INT64, DT_BFLOAT16, DT_UINT16, DT_HALF,  DT_UINT32, DT_UINT64};
  return *types;
}

const std::vector<DataType>& QuantizedTypes() {
  static const auto* types =
      new std::vector<DataType>{DT_QINT8, DT_QUINT8, DT_QINT32, DT_QINT16, DT_QUINT16};
  return *types;
}

}  // namespace stator::graph
