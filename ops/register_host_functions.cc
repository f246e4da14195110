#include "ops/register_host_functions.h"

#include "ops/io/host.h"
#include "runtime/core/builtin_functions.h"

namespace stator::ops {

void RegisterHostFunctions(runtime::HostRegistry* registry) {
  runtime::RegisterBuiltinFunctions(registry);
  RegisterIoHostFunctions(registry);
}

}  // namespace stator::ops
