#ifndef STATOR_TESTS_OPS_OP_COVERAGE_H_
#define STATOR_TESTS_OPS_OP_COVERAGE_H_

#include <string>
#include <vector>

#include "absl/status/status.h"
#include "proto/op_def.pb.h"

// What works for an op, found out by trying.

namespace stator::tests {

// One op on one type.
struct TypeCoverage {
  DataType type = DT_INVALID;  // DT_INVALID: the op has no type to vary
  absl::Status expands;        // into the core dialect
  absl::Status interpreted;    // by the reference interpreter
  absl::Status compiled;       // to code that runs
  std::string difference;      // between the two results; empty if there is none
};

enum class Gradient { kNone, kDerived, kMissing };

struct OpCoverage {
  const OpDef* op = nullptr;
  std::vector<TypeCoverage> types;
  Gradient gradient = Gradient::kNone;  // kNone: nothing about it is differentiable
  std::string gradient_error;
};

OpCoverage CoverageOf(const OpDef& op);

// All ops of the registry.
std::vector<OpCoverage> AllCoverage();

}  // namespace stator::tests

#endif  // STATOR_TESTS_OPS_OP_COVERAGE_H_
