#ifndef STATOR_OPS_ARRAY_HOST_H_
#define STATOR_OPS_ARRAY_HOST_H_

#include "runtime/core/host_function.h"

namespace stator::ops {

// "StringConstant" makes the strings that its attributes hold; "Placeholder" is the error of one that
// is not fed.
void RegisterArrayHostFunctions(runtime::HostRegistry* registry);

}  // namespace stator::ops

#endif  // STATOR_OPS_ARRAY_HOST_H_
