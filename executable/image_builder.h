// Writing images: small helpers to fill an ImageModel, and its serialization.
#ifndef STATOR_EXECUTABLE_IMAGE_BUILDER_H_
#define STATOR_EXECUTABLE_IMAGE_BUILDER_H_

#include <cstdint>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "executable/image_model.h"

namespace stator::executable {

// Appends expressions to a model, one entry per distinct node; constant operands are folded.
// Keeps a reference to the model, which must outlive it; the only writer of model.expressions.
class ExprBuilder {
 public:
  explicit ExprBuilder(ImageModel* model);

  int32_t Const(int64_t value);
  int32_t Symbol(int32_t symbol);
  int32_t Scalar(int32_t scalar);
  // For kAdd ... kMax. Folds two constants unless that would overflow or divide by zero.
  int32_t Binary(ExprKind kind, int32_t lhs, int32_t rhs);
  int32_t Add(int32_t a, int32_t b) { return Binary(ExprKind::kAdd, a, b); }
  int32_t Mul(int32_t a, int32_t b) { return Binary(ExprKind::kMul, a, b); }
  int32_t CeilDiv(int32_t a, int32_t b) { return Binary(ExprKind::kCeilDiv, a, b); }

 private:
  int32_t Intern(const Expr& expr);
  struct Hash {
    size_t operator()(const Expr& expr) const;
  };
  ImageModel* model_;
  std::unordered_map<Expr, int32_t, Hash> index_;
};

// Appends bytes to the constants section at a multiple of 64 and returns their offset there.
int64_t AddConstant(ImageModel* model, const void* data, int64_t size);

// Appends a kernel's linked blob to the code section at a multiple of 64; returns its offset there.
int64_t AddCode(ImageModel* model, const void* data, int64_t size);

// The bytes of a string constant: n, then n + 1 offsets (uint64, little endian, from the end of the
// offsets), then the characters.
std::string EncodeStrings(const std::vector<std::string>& strings);
// The inverse; InvalidArgument when the bytes are not such an encoding.
Result<std::vector<std::string>> DecodeStrings(std::string_view bytes);

// The image's bytes (see image_view.h). The model is written as it is; call VerifyImage
// (verifier.h) on the bytes to know that it is well formed. The same model gives the same bytes.
std::vector<uint8_t> Serialize(const ImageModel& model);

// One image for several targets, in the order in which a machine should prefer them. All have the
// same constants: InvalidArgument otherwise. With `external_constants` those are not in the bytes:
// SerializeConstants(variants[0]) is the other file.
Result<std::vector<uint8_t>> Serialize(const std::vector<ImageModel>& variants,
                                       bool external_constants = false);
std::vector<uint8_t> SerializeConstants(const ImageModel& model);

}  // namespace stator::executable

#endif  // STATOR_EXECUTABLE_IMAGE_BUILDER_H_
