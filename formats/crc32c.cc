#include "formats/crc32c.h"

#include <array>
#include <cstring>

#if defined(__x86_64__)
#include <nmmintrin.h>
#endif

namespace stator::formats {
namespace {

constexpr uint32_t kPolynomial = 0x82f63b78;  // Castagnoli's, bits reversed

using Table = std::array<std::array<uint32_t, 256>, 8>;

// tables[k][b]: what byte b contributes when k more bytes follow it.
constexpr Table MakeTables() {
  Table tables{};
  for (uint32_t b = 0; b < 256; ++b) {
    uint32_t crc = b;
    for (int bit = 0; bit < 8; ++bit) crc = (crc >> 1) ^ ((crc & 1) ? kPolynomial : 0);
    tables[0][b] = crc;
  }
  for (uint32_t b = 0; b < 256; ++b) {
    for (int k = 1; k < 8; ++k) {
      tables[k][b] = (tables[k - 1][b] >> 8) ^ tables[0][tables[k - 1][b] & 0xff];
    }
  }
  return tables;
}
constexpr Table kTables = MakeTables();

uint64_t LoadLittleEndian(const uint8_t* p) {
  uint64_t word = 0;
  for (int i = 0; i < 8; ++i) word |= uint64_t{p[i]} << (8 * i);
  return word;
}

}  // namespace

namespace internal {

uint32_t ExtendCrc32cByTable(uint32_t crc, absl::string_view bytes) {
  const uint8_t* p = reinterpret_cast<const uint8_t*>(bytes.data());
  size_t n = bytes.size();
  crc = ~crc;
  for (; n >= 8; n -= 8, p += 8) {
    const uint64_t word = LoadLittleEndian(p) ^ crc;
    crc = 0;
    for (int i = 0; i < 8; ++i) crc ^= kTables[7 - i][(word >> (8 * i)) & 0xff];
  }
  for (; n > 0; --n) crc = (crc >> 8) ^ kTables[0][(crc ^ *p++) & 0xff];
  return ~crc;
}

#if defined(__x86_64__)

bool HasCrc32cInstruction() { return __builtin_cpu_supports("sse4.2"); }

__attribute__((target("sse4.2"))) uint32_t ExtendCrc32cByInstruction(uint32_t crc,
                                                                     absl::string_view bytes) {
  const char* p = bytes.data();
  size_t n = bytes.size();
  uint64_t state = ~crc;
  for (; n >= 8; n -= 8, p += 8) {
    uint64_t word;
    std::memcpy(&word, p, 8);
    state = _mm_crc32_u64(state, word);
  }
  uint32_t tail = static_cast<uint32_t>(state);
  for (; n > 0; --n) tail = _mm_crc32_u8(tail, static_cast<uint8_t>(*p++));
  return ~tail;
}

#else

bool HasCrc32cInstruction() { return false; }

uint32_t ExtendCrc32cByInstruction(uint32_t crc, absl::string_view bytes) {
  return ExtendCrc32cByTable(crc, bytes);
}

#endif

}  // namespace internal

uint32_t ExtendCrc32c(uint32_t crc, absl::string_view bytes) {
  static const bool fast = internal::HasCrc32cInstruction();
  return fast ? internal::ExtendCrc32cByInstruction(crc, bytes)
              : internal::ExtendCrc32cByTable(crc, bytes);
}

}  // namespace stator::formats
