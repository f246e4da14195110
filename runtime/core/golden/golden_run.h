// Running kept bundles.
#ifndef STATOR_RUNTIME_CORE_GOLDEN_GOLDEN_RUN_H_
#define STATOR_RUNTIME_CORE_GOLDEN_GOLDEN_RUN_H_

#include <cstdint>
#include <memory>
#include <vector>

#include "runtime/core/executable.h"
#include "runtime/core/tensor.h"

namespace stator::runtime {

// With the host functions that kept bundles ask for, and its memory plans proved.
Result<std::shared_ptr<Executable>> LoadGolden(const std::vector<uint8_t>& bytes);

// One run on a state of its own, which starts with the bundle's initial values.
Result<std::vector<Tensor>> RunFromTheStart(const std::shared_ptr<Executable>& executable,
                                            int32_t entry, const std::vector<Tensor>& feeds);

}  // namespace stator::runtime

#endif  // STATOR_RUNTIME_CORE_GOLDEN_GOLDEN_RUN_H_
