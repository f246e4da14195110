#include "tools/bench/machine_peak.h"

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <thread>
#include <vector>

namespace stator::tools {
namespace {

#if defined(__x86_64__)

constexpr int64_t kSteps = 200000;
constexpr int kRounds = 150;
constexpr int kChains = 10;  // independent: more than latency times throughput

double Seconds() {
  return std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch()).count();
}

// One of ten chains of multiply-adds on registers of this constraint.
#define STATOR_TEN_CHAINS(constraint)                                                           \
  asm("vfmadd231ps %10, %10, %0\n\tvfmadd231ps %10, %10, %1\n\t"                                \
      "vfmadd231ps %10, %10, %2\n\tvfmadd231ps %10, %10, %3\n\t"                                \
      "vfmadd231ps %10, %10, %4\n\tvfmadd231ps %10, %10, %5\n\t"                                \
      "vfmadd231ps %10, %10, %6\n\tvfmadd231ps %10, %10, %7\n\t"                                \
      "vfmadd231ps %10, %10, %8\n\tvfmadd231ps %10, %10, %9"                                    \
      : "+" constraint(s0), "+" constraint(s1), "+" constraint(s2), "+" constraint(s3),         \
        "+" constraint(s4), "+" constraint(s5), "+" constraint(s6), "+" constraint(s7),         \
        "+" constraint(s8), "+" constraint(s9)                                                  \
      : constraint(x))

typedef float Vector8 __attribute__((vector_size(32)));
typedef float Vector16 __attribute__((vector_size(64)));

__attribute__((target("avx2,fma"), noinline)) double Peak8() {
  // Not an array: the compiler would keep that in memory.
  Vector8 x = {}, s0 = x, s1 = x, s2 = x, s3 = x, s4 = x, s5 = x, s6 = x, s7 = x, s8 = x, s9 = x;
  double best = 0;
  for (int round = 0; round < kRounds; ++round) {
    const double start = Seconds();
    for (int64_t i = 0; i < kSteps; ++i) STATOR_TEN_CHAINS("x");
    best = std::max(best, kSteps * kChains * 2.0 * 8 / (Seconds() - start) * 1e-9);
  }
  asm volatile("" : : "x"(s0 + s1 + s2 + s3 + s4 + s5 + s6 + s7 + s8 + s9));
  return best;
}

__attribute__((target("avx512f"), noinline)) double Peak16() {
  // Not an array: the compiler would keep that in memory.
  Vector16 x = {}, s0 = x, s1 = x, s2 = x, s3 = x, s4 = x, s5 = x, s6 = x, s7 = x, s8 = x, s9 = x;
  double best = 0;
  for (int round = 0; round < kRounds; ++round) {
    const double start = Seconds();
    for (int64_t i = 0; i < kSteps; ++i) STATOR_TEN_CHAINS("v");
    best = std::max(best, kSteps * kChains * 2.0 * 16 / (Seconds() - start) * 1e-9);
  }
  asm volatile("" : : "v"(s0 + s1 + s2 + s3 + s4 + s5 + s6 + s7 + s8 + s9));
  return best;
}

#undef STATOR_TEN_CHAINS

double PeakOfThisThread() {
  if (__builtin_cpu_supports("avx512f")) return Peak16();
  if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma")) return Peak8();
  return 0;
}

#else

double PeakOfThisThread() { return 0; }

#endif

}  // namespace

double PeakGflops(int threads) {
  std::vector<double> rates(static_cast<size_t>(std::max(threads, 1)));
  std::vector<std::thread> others;
  for (size_t i = 1; i < rates.size(); ++i) {
    others.emplace_back([&rates, i] { rates[i] = PeakOfThisThread(); });
  }
  rates[0] = PeakOfThisThread();
  for (std::thread& other : others) other.join();
  double sum = 0;
  for (double rate : rates) sum += rate;
  return sum;
}

}  // namespace stator::tools
