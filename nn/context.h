#ifndef STATOR_NN_CONTEXT_H_
#define STATOR_NN_CONTEXT_H_

#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "graph/scope.h"
#include "nn/variables.h"

namespace stator::nn {

// What layers are built into: a scope for their nodes, the program's variables, and whether this is
// the pass that trains. A program usually builds its layers twice, once for training and once for
// inference; both share the variables. A cheap value; copies share what they collect.
class Context {
 public:
  // `variables` must outlive the context.
  Context(const graph::Scope& scope, Variables* variables, bool training)
      : scope_(scope),
        variables_(variables),
        training_(training),
        collected_(std::make_shared<Collected>()) {}

  const graph::Scope& scope() const { return scope_; }
  Variables& variables() const { return *variables_; }
  bool training() const { return training_; }

  // The same pass with nodes under `name/`.
  Context Under(const std::string& name) const {
    Context inner = *this;
    inner.scope_ = scope_.SubScope(name);
    return inner;
  }

  // A weight's value in this pass, made on first use; gradients are taken with respect to it.
  graph::Output Weight(const std::string& name, DataType dtype, const std::vector<int64_t>& dims,
                       const Initializer& initializer) const;
  // A variable that training does not differentiate, such as a moving average.
  const Variable& State(const std::string& name, DataType dtype, const std::vector<int64_t>& dims,
                        const Initializer& initializer) const;
  // The value of any variable in this pass, read once.
  graph::Output Read(const Variable& variable) const;

  // What schedules and random numbers are functions of, for all copies of this context: the number
  // of completed steps, an int64 scalar, which is the global step unless set; and an int64 scalar
  // that changes every random number, if set. Set them before layers are built.
  void SetStep(const graph::Output& step) const { collected_->step = step; }
  void SetSeed(const graph::Output& seed) const { collected_->seed = seed; }
  graph::Output Step() const;
  const graph::Output& Seed() const { return collected_->seed; }

  // An operation that each training step runs besides the optimizer's.
  void AddUpdate(const graph::Operation& operation) const {
    collected_->updates.push_back(operation);
  }
  const std::vector<graph::Operation>& updates() const { return collected_->updates; }

  // The weights that this pass has read, with their values, in order of creation.
  std::vector<std::pair<const Variable*, graph::Output>> Trained() const;

 private:
  struct Collected {
    std::map<std::string, graph::Output> reads;
    std::vector<graph::Operation> updates;
    graph::Output step, seed;  // invalid: not set
  };

  graph::Scope scope_;
  Variables* variables_;
  bool training_;
  std::shared_ptr<Collected> collected_;
};

}  // namespace stator::nn

#endif  // STATOR_NN_CONTEXT_H_
