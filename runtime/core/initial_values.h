// The values that an image gives its variables.
#ifndef STATOR_RUNTIME_CORE_INITIAL_VALUES_H_
#define STATOR_RUNTIME_CORE_INITIAL_VALUES_H_

#include <cstdint>
#include <memory>

#include "runtime/core/executable.h"
#include "runtime/core/variable_store.h"

namespace stator::runtime {

// Tells the store how the variables of one entry point, or of all with kNone, lie in memory. See
// VariableStore::SetLayouts.
Status DeclareLayouts(const Executable& executable, int32_t entry, VariableStore* store);

// Declares the layouts of all entry points, then gives the image's initial values to those variables of the store that hold none, zeros to its
// counters included. The values read the image's constants in place, which keeps the executable
// loaded, until they are written. Variables that the image says nothing of stay as they are.
Status InitializeVariables(const std::shared_ptr<Executable>& executable, VariableStore* store);

// The zeros of one entry point only: what any run may rely on.
Status InitializeCounters(const Executable& executable, int32_t entry, VariableStore* store);

}  // namespace stator::runtime

#endif  // STATOR_RUNTIME_CORE_INITIAL_VALUES_H_
