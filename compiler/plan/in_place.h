#ifndef STATOR_COMPILER_PLAN_IN_PLACE_H_
#define STATOR_COMPILER_PLAN_IN_PLACE_H_

#include "executable/image_model.h"

namespace stator::compiler {

// Lets a kernel's result take the memory of an input that dies in the same launch, where the kernel
// says that the two may be the same memory: arena buffers, and variables that are read for the last
// time by the launch that writes them. Lifetimes must be final.
void ShareDyingInputs(executable::ImageModel* model);

}  // namespace stator::compiler

#endif  // STATOR_COMPILER_PLAN_IN_PLACE_H_
