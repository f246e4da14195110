#include "ops/register_host_functions.h"

#include "ops/array/host.h"
#include "ops/io/host.h"

namespace stator::ops {

void RegisterHostFunctions(runtime::HostRegistry* registry) {
  RegisterArrayHostFunctions(registry);
  RegisterIoHostFunctions(registry);
}

}  // namespace stator::ops
