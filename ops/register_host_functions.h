#ifndef STATOR_OPS_REGISTER_HOST_FUNCTIONS_H_
#define STATOR_OPS_REGISTER_HOST_FUNCTIONS_H_

#include "runtime/core/host_function.h"

namespace stator::ops {

// Registers the C++ functions of all ops that expand to host calls. Once for each registry; names
// that are taken stay. A program that runs graphs does this before its first session.
void RegisterHostFunctions(runtime::HostRegistry* registry);

}  // namespace stator::ops

#endif  // STATOR_OPS_REGISTER_HOST_FUNCTIONS_H_
