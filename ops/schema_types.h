#ifndef STATOR_OPS_SCHEMA_TYPES_H_
#define STATOR_OPS_SCHEMA_TYPES_H_

// The lists of element types that recur in TensorFlow's schemas, as texts for
// OpSchemaBuilder::Attr. Order counts: a schema equals TensorFlow's only with its list in
// TensorFlow's order.

namespace stator::ops {

// T in four orders.
inline constexpr char kFloats[] = "T: {bfloat16, half, float, double}";
inline constexpr char kFloatsHalfFirst[] = "T: {half, bfloat16, float, double}";
inline constexpr char kFloatsAndComplex[] =
    "T: {bfloat16, half, float, double, complex64, complex128}";
inline constexpr char kSignedNumbers[] =
    "T: {bfloat16, half, float, double, int8, int16, int32, int64, complex64, complex128}";
inline constexpr char kIntegers[] = "T: {int8, int16, int32, int64, uint8, uint16, uint32, uint64}";
inline constexpr char kAnyType[] = "T: type";
inline constexpr char kRealNumbers[] = "T: realnumbertype";
// TensorFlow 1.15's "numbertype", which had no 16-bit quantized types.
inline constexpr char kNumbers[] =
    "T: {float, double, int32, uint8, int16, int8, complex64, int64, qint8, quint8, qint32, "
    "bfloat16, uint16, complex128, "
    "half, uint32, uint64}";

// Types of indices and shapes.
inline constexpr char kIndexType[] = "Tidx: {int32, int64} = DT_INT32";

}  // namespace stator::ops

#endif  // STATOR_OPS_SCHEMA_TYPES_H_
