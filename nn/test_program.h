#ifndef STATOR_NN_TEST_PROGRAM_H_
#define STATOR_NN_TEST_PROGRAM_H_

#include <cstdint>
#include <string>
#include <vector>

#include "compiler/import/op_set.h"
#include "graph/scope.h"
#include "nn/context.h"
#include "nn/variables.h"

namespace stator::nn {

// A program of all ops, checked as it is written. For tests.
class TestProgram {
 public:
  explicit TestProgram(uint64_t seed = 1);

  static const compiler::OpSet& Ops();
  const graph::Scope& scope() const { return scope_; }
  Variables& variables() { return variables_; }
  Context Training() { return Context(scope_, &variables_, /*training=*/true); }
  Context Inference() { return Context(scope_, &variables_, /*training=*/false); }
  // -1: a size that is not known.
  graph::Output Placeholder(const std::string& name, const std::vector<int64_t>& dims,
                            DataType dtype = DT_FLOAT);

 private:
  graph::Scope scope_;
  Variables variables_;
};

}  // namespace stator::nn

#endif  // STATOR_NN_TEST_PROGRAM_H_
