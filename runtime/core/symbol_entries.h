#ifndef STATOR_RUNTIME_CORE_SYMBOL_ENTRIES_H_
#define STATOR_RUNTIME_CORE_SYMBOL_ENTRIES_H_

#include <cstdint>
#include <vector>

#include "executable/image_model.h"

namespace stator::runtime {

// For each symbol of a verified image the entry point that gives it its value; kNone: several do,
// or none.
std::vector<int32_t> SymbolEntries(const executable::ImageModel& image);

}  // namespace stator::runtime

#endif  // STATOR_RUNTIME_CORE_SYMBOL_ENTRIES_H_
