// The host functions that every program has, since they need nothing but the C library.
#ifndef STATOR_RUNTIME_CORE_BUILTIN_FUNCTIONS_H_
#define STATOR_RUNTIME_CORE_BUILTIN_FUNCTIONS_H_

#include "runtime/core/host_function.h"

namespace stator::runtime {

// "StringConstant" makes the strings of its attribute `values`. "Placeholder" is the error of one
// that was not fed. "RestoredTensor" unpacks a tensor of numbers that "RestoreV2" read: int32 dtype
// and rank, int64 sizes, the elements. Names that are taken stay. Safe for any plan that a run
// accepts: what does not fit is an error.
void RegisterBuiltinFunctions(HostRegistry* registry);

}  // namespace stator::runtime

#endif  // STATOR_RUNTIME_CORE_BUILTIN_FUNCTIONS_H_
