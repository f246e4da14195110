#ifndef STATOR_OPS_IO_HOST_H_
#define STATOR_OPS_IO_HOST_H_

#include "runtime/core/host_function.h"

namespace stator::ops {

// "SaveV2" writes a checkpoint and "RestoreV2" reads tensors from one. Numbers that it reads travel
// as a string of type, sizes and bytes until "RestoredTensor" (runtime/core/builtin_functions.h)
// unpacks it into a tensor whose type, and sizes as far as they are known, are the plan's. Scalars of strings are restored as they are;
// other tensors of strings are Unimplemented.
void RegisterIoHostFunctions(runtime::HostRegistry* registry);

}  // namespace stator::ops

#endif  // STATOR_OPS_IO_HOST_H_
