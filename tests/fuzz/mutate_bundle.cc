#include "tests/fuzz/mutate_bundle.h"

#include <algorithm>
#include <cstddef>
#include <cstring>
#include <utility>

#include "executable/image_builder.h"
#include "executable/image_view.h"
#include "tests/fuzz/model_fields.h"

namespace stator::fuzz {
namespace {

using executable::ImageHeader;
using executable::SectionHeader;
using executable::VariantHeader;
using Bytes = std::vector<uint8_t>;

template <typename T>
T Load(const Bytes& bytes, size_t at) {
  T value;
  std::memcpy(&value, bytes.data() + at, sizeof(T));
  return value;
}
template <typename T>
void Store(Bytes* bytes, size_t at, const T& value) {
  std::memcpy(bytes->data() + at, &value, sizeof(T));
}

// Variants whose headers lie inside the bytes.
size_t CountVariants(const Bytes& bytes) {
  if (bytes.size() < sizeof(ImageHeader)) return 0;
  return std::min<size_t>(Load<ImageHeader>(bytes, 0).num_variants,
                          (bytes.size() - sizeof(ImageHeader)) / sizeof(VariantHeader));
}
size_t VariantAt(size_t i) { return sizeof(ImageHeader) + i * sizeof(VariantHeader); }

bool Inside(const Bytes& bytes, const SectionHeader& section) {
  return section.offset <= bytes.size() && section.size <= bytes.size() - section.offset;
}

void Rehash(Seed* seed) {
  Bytes& bytes = seed->bytes;
  if (bytes.size() < sizeof(ImageHeader)) return;
  const auto hash = [](const Bytes& file, SectionHeader* s) {
    if (Inside(file, *s)) s->hash = executable::HashBytes(file.data() + s->offset, s->size);
  };
  auto header = Load<ImageHeader>(bytes, 0);
  hash(seed->external ? seed->weights : bytes, &header.constants);
  if (constexpr size_t kHash = sizeof(uint64_t); seed->weights.size() >= kHash) {
    Store(&seed->weights, seed->weights.size() - kHash, header.constants.hash);
  }
  const size_t variants = CountVariants(bytes);
  for (size_t i = 0; i < variants; ++i) {
    auto variant = Load<VariantHeader>(bytes, VariantAt(i));
    hash(bytes, &variant.plan);
    hash(bytes, &variant.code);
    Store(&bytes, VariantAt(i), variant);
  }
  header.variants_hash =
      executable::HashBytes(bytes.data() + sizeof(ImageHeader), variants * sizeof(VariantHeader));
  header.header_hash = executable::HashBytes(&header, offsetof(ImageHeader, header_hash));
  Store(&bytes, 0, header);
}

void MutateHeader(Seed* seed, Random* random) {
  Bytes& bytes = seed->bytes;
  const size_t end = std::min(bytes.size(), VariantAt(CountVariants(bytes)));
  if (end < 8) return;
  // Past magic and versions, most of the time.
  const size_t first = random->OneIn(8) ? 0 : 16;
  if (random->OneIn(2) && end >= first + 8) {
    const size_t at = first + 8 * random->Below((end - first) / 8);
    const auto old = Load<int64_t>(bytes, at);
    const int64_t values[] = {random->Interesting(),
                              static_cast<int64_t>(bytes.size()),
                              static_cast<int64_t>(static_cast<uint64_t>(old) + 64),
                              static_cast<int64_t>(static_cast<uint64_t>(old) - 64),
                              static_cast<int64_t>(static_cast<uint64_t>(old) ^ 65536),
                              Load<int64_t>(bytes, 8 * random->Below(end / 8))};
    Store(&bytes, at, values[random->Below(std::size(values))]);
  } else {
    bytes[random->Below(end)] ^= static_cast<uint8_t>(1u << random->Below(8));
  }
}

// The plan of one variant, or null.
uint8_t* PickPlan(Bytes* bytes, Random* random, size_t* size) {
  const size_t variants = CountVariants(*bytes);
  if (variants == 0) return nullptr;
  const auto plan = Load<VariantHeader>(*bytes, VariantAt(random->Below(variants))).plan;
  if (!Inside(*bytes, plan) || plan.size < 16) return nullptr;
  *size = plan.size;
  return bytes->data() + plan.offset;
}

void MutatePlanBytes(uint8_t* plan, size_t size, Random* random) {
  const size_t at = 4 * random->Below(size / 4);
  const size_t other = 4 * random->Below(size / 4);
  switch (random->Below(6)) {
    case 0:
      plan[random->Below(size)] ^= static_cast<uint8_t>(1u << random->Below(8));
      return;
    case 1:
      plan[random->Below(size)] = static_cast<uint8_t>(random->Next());
      return;
    case 2: {
      const auto value = static_cast<int32_t>(random->Interesting());
      std::memcpy(plan + at, &value, 4);
      return;
    }
    case 3: {  // an offset to somewhere else, also backwards
      const auto value =
          static_cast<int32_t>(static_cast<int64_t>(other) - static_cast<int64_t>(at));
      std::memcpy(plan + at, &value, 4);
      return;
    }
    case 4: {  // ranges trade places
      const size_t length = std::min({size - at, size - other, size_t{4} << random->Below(6)});
      for (size_t i = 0; i < length; ++i) std::swap(plan[at + i], plan[other + i]);
      return;
    }
    default: {  // or one is repeated
      const size_t length = std::min({size - at, size - other, size_t{4} << random->Below(6)});
      std::memmove(plan + at, plan + other, length);
    }
  }
}

void Shorten(Seed* seed, Random* random) {
  Bytes& bytes = seed->bytes;
  if (seed->external && random->OneIn(2)) {
    seed->weights.resize(random->Below(seed->weights.size() + 1));
    return;
  }
  bytes.resize(random->Below(bytes.size() + 1));
  if (bytes.size() < sizeof(ImageHeader) || random->OneIn(4)) return;
  auto header = Load<ImageHeader>(bytes, 0);
  header.total_size = bytes.size();
  Store(&bytes, 0, header);
}

bool ChangeModel(Seed* seed, Random* random) {
  executable::ReadOptions options;
  options.external_constants = seed->weights.data();
  options.external_constants_size = seed->weights.size();
  const auto view = executable::ReadImage(seed->bytes.data(), seed->bytes.size(), options);
  if (!view.ok()) return false;
  executable::ImageModel model = executable::ToModel(*view);
  MutateModel(&model, random);
  auto bytes =
      executable::Serialize(std::vector<executable::ImageModel>{std::move(model)}, seed->external);
  if (!bytes.ok()) return false;
  seed->bytes = *std::move(bytes);
  return true;
}

void Disarm(uint8_t* code, size_t size) {
  static const uint8_t kReturnZero[kTailBytes] = {0x31, 0xC0, 0xC3};  // xor eax, eax; ret
  if (size < kTailBytes) return;
  std::memset(code, 0x90, size - kTailBytes);  // nop
  std::memcpy(code + size - kTailBytes, kReturnZero, kTailBytes);
}

}  // namespace

bool DisarmKernels(Seed* seed) {
  const size_t variants = CountVariants(seed->bytes);
  for (size_t i = 0; i < variants; ++i) {
    const auto code = Load<VariantHeader>(seed->bytes, VariantAt(i)).code;
    if (!Inside(seed->bytes, code)) return false;
    Disarm(seed->bytes.data() + code.offset, code.size);
  }
  Rehash(seed);
  return variants > 0;
}

Seed Mutate(const Seed& seed, Random* random) {
  Seed out = seed;
  // Most damage to bytes is found at once; fields of a plan that is decoded lead further in.
  bool changed = random->OneIn(2) && ChangeModel(&out, random);
  if (!changed || random->OneIn(8)) {
    size_t size = 0;
    uint8_t* const plan = PickPlan(&out.bytes, random, &size);
    const size_t changes = 1 + random->Below(3);
    for (size_t i = 0; plan != nullptr && i < changes && !random->OneIn(5); ++i) {
      MutatePlanBytes(plan, size, random);
      changed = true;
    }
  }
  if (!changed || random->OneIn(16)) {
    if (random->OneIn(3)) {
      Shorten(&out, random);
    } else {
      MutateHeader(&out, random);
    }
  }
  if (!random->OneIn(64)) Rehash(&out);
  return out;
}

}  // namespace stator::fuzz
