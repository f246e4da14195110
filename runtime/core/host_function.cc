#include "runtime/core/host_function.h"

#include "runtime/core/builtin_functions.h"

namespace stator::runtime {

HostRegistry* HostRegistry::Default() {
  static HostRegistry* const registry = [] {
    auto* made = new HostRegistry;
    RegisterBuiltinFunctions(made);
    return made;
  }();
  return registry;
}

bool HostRegistry::Register(const std::string& name, HostFunction function) {
  const std::lock_guard<std::mutex> lock(mutex_);
  return functions_.emplace(name, std::move(function)).second;
}

const HostFunction* HostRegistry::Find(const std::string& name) const {
  const std::lock_guard<std::mutex> lock(mutex_);
  const auto it = functions_.find(name);
  return it == functions_.end() ? nullptr : &it->second;
}

}  // namespace stator::runtime
