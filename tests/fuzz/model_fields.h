// All numbers of a plan, as places to put others into.
#ifndef STATOR_TESTS_FUZZ_MODEL_FIELDS_H_
#define STATOR_TESTS_FUZZ_MODEL_FIELDS_H_

#include <cstdint>
#include <functional>
#include <vector>

#include "executable/image_model.h"
#include "tests/fuzz/random.h"

namespace stator::fuzz {

// Pointers into one model; good until a table of it changes its size.
struct ModelFields {
  std::vector<int32_t*> ints;   // mostly indices
  std::vector<int64_t*> longs;  // sizes and offsets
  std::vector<uint8_t*> bytes;  // enums
  std::vector<bool*> flags;
  std::vector<std::vector<int32_t>*> lists;  // of indices
  // Each removes, repeats or exchanges elements of a table.
  std::vector<std::function<void(Random*)>> tables;
};
ModelFields FindFields(executable::ImageModel* model);

// Changes one to four of them.
void MutateModel(executable::ImageModel* model, Random* random);

}  // namespace stator::fuzz

#endif  // STATOR_TESTS_FUZZ_MODEL_FIELDS_H_
