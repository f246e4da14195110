#include "nn/context.h"

#include "ops/wrappers.h"

namespace stator::nn {

graph::Output Context::Read(const Variable& variable) const {
  const auto [place, added] = collected_->reads.try_emplace(variable.name);
  if (added) {
    const graph::Scope scope = scope_.WithoutControlDependencies().WithOpName("read");
    place->second = ops::ReadVariableOp(scope, variable.handle, variable.dtype);
  }
  return place->second;
}

graph::Output Context::Step() const {
  return collected_->step.valid() ? collected_->step : Read(variables_->GlobalStep());
}

graph::Output Context::Weight(const std::string& name, DataType dtype,
                              const std::vector<int64_t>& dims,
                              const Initializer& initializer) const {
  return Read(variables_->Get(name, dtype, dims, initializer, /*trainable=*/true));
}

const Variable& Context::State(const std::string& name, DataType dtype,
                               const std::vector<int64_t>& dims,
                               const Initializer& initializer) const {
  return variables_->Get(name, dtype, dims, initializer, /*trainable=*/false);
}

std::vector<std::pair<const Variable*, graph::Output>> Context::Trained() const {
  std::vector<std::pair<const Variable*, graph::Output>> trained;
  for (const Variable& variable : variables_->all()) {
    const auto read = collected_->reads.find(variable.name);
    if (variable.trainable && read != collected_->reads.end()) {
      trained.emplace_back(&variable, read->second);
    }
  }
  return trained;
}

}  // namespace stator::nn
