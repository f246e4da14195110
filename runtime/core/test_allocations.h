// Counts what a test program allocates with operator new.
#ifndef STATOR_RUNTIME_CORE_TEST_ALLOCATIONS_H_
#define STATOR_RUNTIME_CORE_TEST_ALLOCATIONS_H_

#include <cstdint>

namespace stator::runtime {

// Calls of operator new so far, by all threads. Linking this replaces the operator.
int64_t AllocationCount();

}  // namespace stator::runtime

#endif  // STATOR_RUNTIME_CORE_TEST_ALLOCATIONS_H_
