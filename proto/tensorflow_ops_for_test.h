#ifndef STATOR_PROTO_TENSORFLOW_OPS_FOR_TEST_H_
#define STATOR_PROTO_TENSORFLOW_OPS_FOR_TEST_H_

#include "absl/status/statusor.h"
#include "proto/op_def.pb.h"

namespace stator {

// TensorFlow's op registry as recorded under $STATOR_TEST_DATA: the oracle for our schemas.
// kNotFound when the variable is not set: skip the test.
absl::StatusOr<OpList> ReadTensorFlowOps();

}  // namespace stator

#endif  // STATOR_PROTO_TENSORFLOW_OPS_FOR_TEST_H_
