#ifndef STATOR_NN_VARIABLES_H_
#define STATOR_NN_VARIABLES_H_

#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <string>
#include <vector>

#include "graph/scope.h"
#include "proto/types.pb.h"

namespace stator::nn {

// Makes a variable's first value. `key` is unique to the variable and derived from the model's seed
// and the variable's name, so that a value does not depend on what else the model holds.
using Initializer = std::function<graph::Output(const graph::Scope& scope, DataType dtype,
                                                const std::vector<int64_t>& dims, uint64_t key)>;

struct Variable {
  std::string name;  // "dense/kernel"; also its key in a checkpoint
  DataType dtype;
  std::vector<int64_t> dims;
  bool trainable;
  graph::Output handle;
  graph::Output initial;        // its first value
  graph::Operation initialize;  // assigns it
};

// All variables of one program: weights, moving averages, optimizer slots, the step counter. They
// are what a checkpoint holds. Not thread-safe.
class Variables {
 public:
  // Random first values derive from `seed`.
  Variables(const graph::Scope& root, uint64_t seed) : root_(root), seed_(seed) {}
  Variables(const Variables&) = delete;
  Variables& operator=(const Variables&) = delete;

  // The variable of this name, made on first use. Asking again with other sizes or another type is
  // an error of the scope. The reference stays valid.
  const Variable& Get(const std::string& name, DataType dtype, const std::vector<int64_t>& dims,
                      const Initializer& initializer, bool trainable);

  // The number of completed training steps, an int64 scalar named "global_step".
  const Variable& GlobalStep();

  // `name`, or with a number if it is taken: for layers, which name their variables after
  // themselves.
  std::string UniqueLayerName(const std::string& name);

  // In order of creation.
  const std::deque<Variable>& all() const { return variables_; }

  // A key for random numbers that belong to `purpose`, below 2^63.
  uint64_t KeyFor(const std::string& purpose) const;

  const graph::Scope& root() const { return root_; }

 private:
  graph::Scope root_;
  uint64_t seed_;
  std::deque<Variable> variables_;
  std::map<std::string, int> by_name_;
  std::map<std::string, int> layer_names_;
};

}  // namespace stator::nn

#endif  // STATOR_NN_VARIABLES_H_
