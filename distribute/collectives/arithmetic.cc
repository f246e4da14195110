#include "distribute/collectives/arithmetic.h"

#include <algorithm>
#include <bit>
#include <cstring>
#include <type_traits>

namespace stator::distribute {
namespace {

// Elements per step of a local tree: what its levels hold on the stack stays in the first cache.
constexpr size_t kStep = 1024;

struct Half {
  uint16_t bits;
};
struct BFloat16 {
  uint16_t bits;
};

// Unaligned, and outside the aliasing rules: bytes of a queue.
template <typename T>
struct __attribute__((packed, may_alias)) Loose {
  T value;
};

// Without a branch, so that loops vectorize: subnormal results come from an exact f32 addition.
inline uint16_t HalfBits(float value) {
  const uint32_t bits = std::bit_cast<uint32_t>(value);
  const uint32_t sign = (bits >> 16) & 0x8000;
  const uint32_t magnitude = bits & 0x7fffffff;
  const uint32_t normal = (magnitude - 0x38000000 + 0xfff + ((magnitude >> 13) & 1)) >> 13;
  // 0.5f has its last bit at 2^-24, the last bit of a subnormal half.
  const float shifted = std::bit_cast<float>(magnitude) + 0.5f;
  const uint32_t subnormal = std::bit_cast<uint32_t>(shifted) - 0x3f000000;
  const uint32_t huge = magnitude > 0x7f800000 ? 0x7e00 : 0x7c00;
  uint32_t result = magnitude < 0x38800000 ? subnormal : normal;
  result = magnitude >= 0x477ff000 ? huge : result;
  return static_cast<uint16_t>(sign | result);
}

inline float HalfValue(uint16_t bits) {
  const uint32_t sign = static_cast<uint32_t>(bits & 0x8000) << 16;
  const uint32_t magnitude = static_cast<uint32_t>(bits & 0x7fff) << 13;
  // Exponents move by 112; a subnormal is the difference of two normals, exactly.
  const uint32_t normal = magnitude + 0x38000000;
  const float subnormal =
      std::bit_cast<float>(magnitude + 0x38800000) - std::bit_cast<float>(0x38800000u);
  uint32_t result = magnitude < 0x00800000 ? std::bit_cast<uint32_t>(subnormal) : normal;
  result = magnitude >= 0x0f800000 ? magnitude + 0x70000000 : result;
  return std::bit_cast<float>(sign | result);
}

inline uint16_t BFloat16Bits(float value) {
  const uint32_t bits = std::bit_cast<uint32_t>(value);
  const uint32_t rounded = (bits + 0x7fff + ((bits >> 16) & 1)) >> 16;
  const bool nan = (bits & 0x7fffffff) > 0x7f800000;
  return static_cast<uint16_t>(nan ? (bits >> 16) | 0x40 : rounded);
}

inline float BFloat16Value(uint16_t bits) {
  return std::bit_cast<float>(static_cast<uint32_t>(bits) << 16);
}

// What a stored type is summed in, and the way there and back.
template <typename T>
struct Element {
  using Work = T;
  static Work Load(T value) { return value; }
  static T Store(Work value) { return value; }
};
template <>
struct Element<Half> {
  using Work = float;
  static float Load(Half value) { return HalfValue(value.bits); }
  static Half Store(float value) { return {HalfBits(value)}; }
};
template <>
struct Element<BFloat16> {
  using Work = float;
  static float Load(BFloat16 value) { return BFloat16Value(value.bits); }
  static BFloat16 Store(float value) { return {BFloat16Bits(value)}; }
};

template <typename Work>
void Accumulate(void* target, const void* source, size_t count) {
  auto* into = static_cast<Loose<Work>*>(target);
  const auto* from = static_cast<const Loose<Work>*>(source);
  for (size_t i = 0; i < count; ++i) into[i].value = into[i].value + from[i].value;
}

template <typename T>
void SumStep(absl::Span<const void* const> inputs, size_t first, typename Element<T>::Work* work,
             size_t count) {
  using Work = typename Element<T>::Work;
  if (inputs.size() == 1) {
    const T* input = static_cast<const T*>(inputs[0]) + first;
    for (size_t i = 0; i < count; ++i) work[i] = Element<T>::Load(input[i]);
    return;
  }
  if (inputs.size() == 2) {
    const T* left = static_cast<const T*>(inputs[0]) + first;
    const T* right = static_cast<const T*>(inputs[1]) + first;
    for (size_t i = 0; i < count; ++i) {
      work[i] = Element<T>::Load(left[i]) + Element<T>::Load(right[i]);
    }
    return;
  }
  const size_t half = inputs.size() / 2;
  Work other[kStep];
  SumStep<T>(inputs.subspan(0, half), first, work, count);
  SumStep<T>(inputs.subspan(half), first, other, count);
  for (size_t i = 0; i < count; ++i) work[i] = work[i] + other[i];
}

template <typename T>
void SumInputs(absl::Span<const void* const> inputs, size_t first, void* work, size_t count) {
  using Work = typename Element<T>::Work;
  Work* out = static_cast<Work*>(work);
  for (size_t done = 0; done < count; done += kStep) {
    SumStep<T>(inputs, first + done, out + done, std::min(kStep, count - done));
  }
}

template <typename T>
void Finish(const void* work, void* output, size_t count, double divisor) {
  using Work = typename Element<T>::Work;
  const Work* from = static_cast<const Work*>(work);
  T* out = static_cast<T*>(output);
  if constexpr (std::is_floating_point_v<Work>) {
    if (divisor != 1.0) {
      // Exact, so the product is the quotient rounded once.
      const Work factor = static_cast<Work>(1.0 / divisor);
      for (size_t i = 0; i < count; ++i) out[i] = Element<T>::Store(from[i] * factor);
      return;
    }
  }
  if (static_cast<const void*>(out) == work) return;
  for (size_t i = 0; i < count; ++i) out[i] = Element<T>::Store(from[i]);
}

template <typename T>
void SumInPlace(absl::Span<const void* const> inputs, absl::Span<void* const> outputs, size_t begin,
                size_t end, double divisor) {
  typename Element<T>::Work work[kStep];
  for (size_t first = begin; first < end; first += kStep) {
    const size_t count = std::min(kStep, end - first);
    SumStep<T>(inputs, first, work, count);
    T* const result = static_cast<T*>(outputs[0]) + first;
    Finish<T>(work, result, count, divisor);
    for (void* other : outputs.subspan(1)) {
      std::memcpy(static_cast<T*>(other) + first, result, count * sizeof(T));
    }
  }
}

template <typename T>
constexpr Arithmetic Make() {
  using Work = typename Element<T>::Work;
  return {sizeof(T), sizeof(Work), Accumulate<Work>, SumInputs<T>, Finish<T>, SumInPlace<T>};
}

}  // namespace

const Arithmetic* ArithmeticOf(executable::DType dtype) {
  using executable::DType;
  // Signed integers wrap as unsigned ones do.
  static constexpr Arithmetic kFloat = Make<float>();
  static constexpr Arithmetic kDouble = Make<double>();
  static constexpr Arithmetic kInt32 = Make<uint32_t>();
  static constexpr Arithmetic kInt64 = Make<uint64_t>();
  static constexpr Arithmetic kHalf = Make<Half>();
  static constexpr Arithmetic kBFloat16 = Make<BFloat16>();
  switch (dtype) {
    case DType::kFloat32:
      return &kFloat;
    case DType::kFloat64:
      return &kDouble;
    case DType::kInt32:
      return &kInt32;
    case DType::kInt64:
      return &kInt64;
    case DType::kFloat16:
      return &kHalf;
    case DType::kBFloat16:
      return &kBFloat16;
    default:
      return nullptr;
  }
}

float FromHalf(uint16_t bits) { return HalfValue(bits); }
uint16_t ToHalf(float value) { return HalfBits(value); }
float FromBFloat16(uint16_t bits) { return BFloat16Value(bits); }
uint16_t ToBFloat16(float value) { return BFloat16Bits(value); }

}  // namespace stator::distribute
