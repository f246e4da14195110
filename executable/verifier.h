// Is an image well formed? Everything the runtime relies on without looking again.
#ifndef STATOR_EXECUTABLE_VERIFIER_H_
#define STATOR_EXECUTABLE_VERIFIER_H_

#include <cstdint>
#include <vector>

#include "executable/image_view.h"

namespace stator::executable {

// Sizes of the sections that the plan's offsets must lie in.
struct SectionSizes {
  int64_t constants = 0;
  int64_t code = 0;
};

// Checks every rule of image_model.h that needs no concrete sizes: indices and enum values in
// range, expressions in order and free of scalars where symbols are meant, sizes that may be known
// when memory is planned, wave numbers nested, each block run once, kinds that steps may write,
// ports and variables. InvalidArgument naming table, entry and rule. Any model is safe to pass.
Status VerifyModel(const ImageModel& model, const SectionSizes& sections);

// VerifyModel for a model that still owns its sections.
Status VerifyModel(const ImageModel& model);

// ReadImage, then VerifyModel of the chosen variant, and string constants decode. Safe on any bytes. What generated code
// does is outside: run only code that you trust.
Result<ImageView> VerifyImage(const uint8_t* data, size_t size, const ReadOptions& options = {});

// Per expression: which kinds of leaves it is built from.
struct ExprUse {
  bool input = false;
  bool step = false;
  bool loop = false;
  bool scalar = false;
  bool Constant() const { return !input && !step && !loop && !scalar; }
  bool KnownAtStart() const { return !step && !loop && !scalar; }
};
// For a model whose expression table is in order.
std::vector<ExprUse> ExprUses(const ImageModel& model);

}  // namespace stator::executable

#endif  // STATOR_EXECUTABLE_VERIFIER_H_
