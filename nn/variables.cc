#include "nn/variables.h"

#include "absl/strings/str_cat.h"
#include "graph/tensor_shape.h"
#include "nn/initializers.h"
#include "ops/wrappers.h"

namespace stator::nn {
namespace {

uint64_t Mix(uint64_t x) {  // the finalizer of SplitMix64
  x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9;
  x = (x ^ (x >> 27)) * 0x94d049bb133111eb;
  return x ^ (x >> 31);
}

}  // namespace

uint64_t Variables::KeyFor(const std::string& purpose) const {
  uint64_t hash = 0xcbf29ce484222325;  // FNV-1a of the name, then mixed with the seed
  for (const unsigned char c : purpose) hash = (hash ^ c) * 0x100000001b3;
  return Mix(hash ^ Mix(seed_ + 0x9e3779b97f4a7c15)) >> 1;
}

const Variable& Variables::Get(const std::string& name, DataType dtype,
                               const std::vector<int64_t>& dims, const Initializer& initializer,
                               bool trainable) {
  if (const auto place = by_name_.find(name); place != by_name_.end()) {
    const Variable& variable = variables_[place->second];
    if (variable.dims != dims || variable.dtype != dtype) {
      root_.UpdateStatus(absl::InvalidArgumentError(
          absl::StrCat("variable '", name, "' was made with sizes ",
                       graph::ShapeText(variable.dims), "; expected ", graph::ShapeText(dims))));
    }
    return variable;
  }
  by_name_[name] = static_cast<int>(variables_.size());
  Variable& variable = variables_.emplace_back(Variable{name, dtype, dims, trainable, {}, {}, {}});
  const graph::Scope scope = root_.SubScope(name);
  variable.handle = ops::VarHandleOp(scope, dtype, graph::PartialShape(dims), {.shared_name = name});
  variable.initial = initializer(scope.SubScope("initial"), dtype, dims, KeyFor(name));
  variable.initialize =
      ops::AssignVariableOp(scope.WithOpName("initialize"), variable.handle, variable.initial);
  return variable;
}

const Variable& Variables::GlobalStep() {
  return Get("global_step", DT_INT64, {}, Zeros(), /*trainable=*/false);
}

std::string Variables::UniqueLayerName(const std::string& name) {
  const int number = layer_names_[name]++;
  return number == 0 ? name : absl::StrCat(name, "_", number);
}

}  // namespace stator::nn
