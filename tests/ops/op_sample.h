#ifndef STATOR_TESTS_OPS_OP_SAMPLE_H_
#define STATOR_TESTS_OPS_OP_SAMPLE_H_

#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "proto/graph.pb.h"
#include "proto/op_def.pb.h"
#include "tests/program/run_input.h"

// A small program around one op, made from its schema: what has to hold for every op is tested with
// these, and the page of ops is written from them.

namespace stator::tests {

struct OpSample {
  GraphDef graph;
  GraphProgram program;  // fetches the op's outputs, and variables after it
  RunInput run;
  std::vector<std::string> floats;  // the feeds of the sampled type, if it is floating
};

// The types that its first type attribute may have and machines compute with; DT_INVALID alone for
// an op without one.
std::vector<DataType> SampleTypes(const OpDef& op);

// The op on that type. An op that needs particular inputs has a recipe in op_sample.cc; any other
// gets tensors of one shape.
absl::StatusOr<OpSample> MakeSample(const OpDef& op, DataType dtype);

}  // namespace stator::tests

#endif  // STATOR_TESTS_OPS_OP_SAMPLE_H_
