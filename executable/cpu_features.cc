#include "executable/cpu_features.h"

namespace stator::executable {
namespace {

#if defined(__x86_64__)
// Also asks the operating system for the registers of AVX and AVX-512.
#define STATOR_HAS_X86(name) (__builtin_cpu_supports(name) != 0)
#else
#define STATOR_HAS_X86(name) false
#endif

#if defined(__aarch64__)
constexpr bool kIsArm = true;
#else
constexpr bool kIsArm = false;
#endif

}  // namespace

const char* HostArch() { return kIsArm ? "aarch64" : "x86_64"; }

std::vector<CpuFeature> CpuFeatures(const std::string& arch) {
  // Every 64-bit ARM CPU has it.
  if (arch == "aarch64") return {{"neon", kIsArm}};
  if (arch != "x86_64") return {};
#define STATOR_X86(name) \
  { name, STATOR_HAS_X86(name) }
  return {
      STATOR_X86("sse3"),         STATOR_X86("ssse3"),           STATOR_X86("sse4.1"),
      STATOR_X86("sse4.2"),       STATOR_X86("popcnt"),          STATOR_X86("movbe"),
      STATOR_X86("lzcnt"),        STATOR_X86("bmi"),             STATOR_X86("bmi2"),
      STATOR_X86("avx"),          STATOR_X86("f16c"),            STATOR_X86("fma"),
      STATOR_X86("avx2"),         STATOR_X86("avx512f"),         STATOR_X86("avx512cd"),
      STATOR_X86("avx512bw"),     STATOR_X86("avx512dq"),        STATOR_X86("avx512vl"),
      STATOR_X86("avx512ifma"),   STATOR_X86("avx512vbmi"),      STATOR_X86("avx512vbmi2"),
      STATOR_X86("avx512vnni"),   STATOR_X86("avx512bitalg"),    STATOR_X86("avx512vpopcntdq"),
      STATOR_X86("avx512bf16"),
  };
#undef STATOR_X86
}

}  // namespace stator::executable
