#ifndef STATOR_TESTS_PROGRAM_CORE_PROGRAM_H_
#define STATOR_TESTS_PROGRAM_CORE_PROGRAM_H_

// Programs written with the CoreBuilder.

#include <functional>
#include <map>
#include <string>
#include <vector>

#include "compiler/dialect/core_builder.h"
#include "tests/program/compare.h"

namespace stator::tests {

using core::CoreBuilder;
using Values = CoreBuilder::Values;
using Sizes = std::map<std::string, int64_t>;  // of symbols

struct Feed {
  DType dtype;
  std::vector<std::string> dims;  // "4", or a symbol
  Fill fill = Fill::kModerate;
};

struct CoreProgram {
  std::vector<Feed> feeds;
  std::function<Values(CoreBuilder&, mlir::ValueRange)> build;  // returns the fetches
  std::map<std::string, Feed> variables = {};
};

// One run per element of `sizes`, with inputs made from the feeds' descriptions. A way that a
// variable's sizes are bound is not tested: they must be numbers.
Program MakeProgram(const CoreProgram& program, const std::vector<Sizes>& sizes, uint64_t seed = 1);

mlir::Type ElementType(DType dtype, mlir::MLIRContext* context);

// An op with one result of the type of its first operand, such as "core.tanh".
mlir::Value MakeOp(CoreBuilder& b, const std::string& name, mlir::ValueRange operands);

mlir::Value I32(CoreBuilder& b, int64_t value);

// A while loop that counts an i32 from 0 up to `trips`. The body takes the count and the carried
// values and gives the next ones; the result is what they are in the end.
using LoopBody = std::function<Values(mlir::Value count, mlir::ValueRange carried)>;
Values ForLoop(CoreBuilder& b, mlir::Value trips, mlir::ValueRange initial, const LoopBody& body);

// Of the sum of all elements of y.
Values Gradients(CoreBuilder& b, mlir::Value y, mlir::ValueRange xs);

}  // namespace stator::tests

#endif  // STATOR_TESTS_PROGRAM_CORE_PROGRAM_H_
