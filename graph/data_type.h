#ifndef STATOR_GRAPH_DATA_TYPE_H_
#define STATOR_GRAPH_DATA_TYPE_H_

#include <string>
#include <vector>

#include "absl/strings/string_view.h"
#include "absl/types/optional.h"
#include "proto/types.pb.h"

// Names and sizes of element types.

namespace stator::graph {

// TensorFlow's short name: "float", "int32", "bfloat16", "float_ref"; "type 77" for an unknown
// number.
std::string DataTypeName(DataType type);

// Accepts the short name ("float") and the enum name ("DT_FLOAT").
absl::optional<DataType> ParseDataType(absl::string_view name);

// Reference types stand for mutable buffers of TensorFlow 1's variables.
bool IsRefType(DataType type);
DataType RemoveRef(DataType type);
DataType MakeRef(DataType type);

// Bytes of one element in memory and in tensor_content; the types of less than a byte take one. 0
// for types whose elements are not plain bytes (string, resource, variant) and for types that do
// not exist.
int DataTypeSize(DataType type);

// The types behind the names that stand for several in a schema, in TensorFlow's order.
const std::vector<DataType>& NumberTypes();
const std::vector<DataType>& RealNumberTypes();
const std::vector<DataType>& QuantizedTypes();

}  // namespace stator::graph

#endif  // STATOR_GRAPH_DATA_TYPE_H_
