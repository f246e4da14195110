#include "tools/emit_object/prelude.h"

#include <type_traits>

#include "executable/kernel_frame.h"

namespace stator::tools {

// The text below repeats these types.
static_assert(STATOR_KERNEL_ABI_VERSION == 1 && sizeof(executable::Frame) == 48);
static_assert(std::is_same_v<executable::KernelFn,
                             int32_t (*)(const executable::Frame*, int64_t, int64_t, int32_t)>);

const char kPrelude[] = R"text(
// How kernels report a failed check.
struct Error {
  std::int32_t code;
  std::int32_t check;
  std::int64_t index;  // of the first element that failed, or -1
};

struct Helpers {
  std::uint32_t version;
  std::uint32_t size;
  void* run;
  std::int32_t (*poll)(void* run);
};

// What a kernel is given.
struct Frame {
  void* const* buffers;
  const std::int64_t* scalars;
  char* scratch;
  std::int64_t scratch_bytes;
  Error* error;
  const Helpers* helpers;
};

using Kernel = std::int32_t(const Frame* frame, std::int64_t begin, std::int64_t end,
                            std::int32_t worker);

inline std::int32_t never(void*) { return 0; }

// Computes all tiles of one phase of a kernel. False when a check failed.
inline bool launch(Kernel* kernel, void* const* buffers, const std::int64_t* scalars,
                   std::int64_t tiles, char* scratch, std::int64_t scratch_bytes, Error* error) {
  if (tiles <= 0) return true;
  const Helpers helpers = {1, sizeof(Helpers), nullptr, never};
  *error = {0, -1, -1};
  const Frame frame = {buffers, scalars, scratch, scratch_bytes, error, &helpers};
  return kernel(&frame, 0, tiles, 0) == 0;
}

// Arithmetic on sizes that remembers whether a result did not fit.
struct Checked {
  bool ok = true;

  std::int64_t add(std::int64_t a, std::int64_t b) {
    std::int64_t out = 0;
    if (__builtin_add_overflow(a, b, &out)) ok = false;
    return out;
  }
  std::int64_t mul(std::int64_t a, std::int64_t b) {
    std::int64_t out = 0;
    if (__builtin_mul_overflow(a, b, &out)) ok = false;
    return out;
  }
  bool divides(std::int64_t a, std::int64_t b) {
    if (b == 0 || (b == -1 && a == INT64_MIN)) ok = false;
    return ok;
  }
  std::int64_t floor_div(std::int64_t a, std::int64_t b) {
    if (!divides(a, b)) return 0;
    return a / b - (a % b != 0 && (a % b < 0) != (b < 0) ? 1 : 0);
  }
  std::int64_t ceil_div(std::int64_t a, std::int64_t b) {
    if (!divides(a, b)) return 0;
    return a / b + (a % b != 0 && (a % b < 0) == (b < 0) ? 1 : 0);
  }
  std::int64_t mod(std::int64_t a, std::int64_t b) {
    if (!divides(a, b)) return 0;
    return a % b + (a % b != 0 && (a % b < 0) != (b < 0) ? b : 0);
  }
  std::int64_t min(std::int64_t a, std::int64_t b) { return a < b ? a : b; }
  std::int64_t max(std::int64_t a, std::int64_t b) { return a < b ? b : a; }
  std::int64_t round_up(std::int64_t a, std::int64_t b) { return mul(ceil_div(a, b), b); }

  // How many elements of `size` bytes are in `bytes`.
  std::size_t count(std::int64_t bytes, std::size_t size) const {
    return ok && bytes > 0 ? static_cast<std::size_t>(bytes) / size : 0;
  }
  // Where `bytes` bytes begin that are put behind `*end`.
  std::int64_t place(std::int64_t bytes, std::int64_t alignment, std::int64_t* end) {
    const std::int64_t start = round_up(*end, alignment);
    *end = add(start, bytes);
    if (bytes < 0) ok = false;
    return start;
  }
  // Are [offset, offset + bytes) some of `total` bytes?
  void within(std::int64_t offset, std::int64_t bytes, std::int64_t total) {
    if (offset < 0 || offset > total || bytes < 0 || bytes > total - offset) ok = false;
  }
};

// While it lives, numbers round to nearest and denormals count, whatever the caller's mode is.
class FloatMode {
 public:
#if defined(__x86_64__)
  FloatMode() {
    __asm__ volatile("stmxcsr %0" : "=m"(saved_));
    const std::uint32_t mode = 0x1F80;
    __asm__ volatile("ldmxcsr %0" : : "m"(mode));
  }
  ~FloatMode() { __asm__ volatile("ldmxcsr %0" : : "m"(saved_)); }
  FloatMode(const FloatMode&) = delete;
  FloatMode& operator=(const FloatMode&) = delete;

 private:
  std::uint32_t saved_ = 0;
#elif defined(__aarch64__)
  FloatMode() {
    __asm__ volatile("mrs %0, fpcr" : "=r"(saved_));
    const std::uint64_t mode = 0;
    __asm__ volatile("msr fpcr, %0" : : "r"(mode));
  }
  ~FloatMode() { __asm__ volatile("msr fpcr, %0" : : "r"(saved_)); }
  FloatMode(const FloatMode&) = delete;
  FloatMode& operator=(const FloatMode&) = delete;

 private:
  std::uint64_t saved_ = 0;
#endif
};

inline bool divides(std::int64_t a, std::int64_t b) { return a == -1 || (a != 0 && b % a == 0); }

inline char* bytes(const void* p) { return static_cast<char*>(const_cast<void*>(p)); }

inline void copy(void* to, const void* from, std::int64_t bytes) {
  if (bytes > 0 && to != from) std::memcpy(to, from, static_cast<std::size_t>(bytes));
}

inline void exchange(char** a, char** b) {
  char* const old = *a;
  *a = *b;
  *b = old;
}

inline bool truth(const char* p) { return *p != 0; }

template <typename T>
std::int64_t element(const char* p, std::int64_t i) {
  T value;
  std::memcpy(&value, p + i * static_cast<std::int64_t>(sizeof(T)), sizeof(T));
  return value;
}

// False, and the first place in `error`, when one of `count` bools is.
inline bool all(const char* p, std::int64_t count, std::int32_t check, Error* error) {
  for (std::int64_t i = 0; i < count; ++i) {
    if (p[i] != 0) continue;
    *error = {0, check, count == 1 ? -1 : i};
    return false;
  }
  return true;
}

inline bool usable(const void* memory, std::int64_t bytes, std::size_t alignment) {
  return bytes == 0 ||
         (memory != nullptr && reinterpret_cast<std::uintptr_t>(memory) % alignment == 0);
}
)text";

}  // namespace stator::tools
