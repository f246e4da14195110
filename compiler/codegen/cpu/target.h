// The CPU that a kernel is compiled for: what vectors it has, and LLVM's TargetMachine for it.
#ifndef STATOR_COMPILER_CODEGEN_CPU_TARGET_H_
#define STATOR_COMPILER_CODEGEN_CPU_TARGET_H_

#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/statusor.h"

namespace llvm {
class TargetMachine;
}  // namespace llvm

namespace stator::compiler {

// A value; cheap to copy, safe to share between threads.
class CpuTarget {
 public:
  // The CPU of this process with those features that the operating system enables.
  // FailedPrecondition on a CPU without AVX2 and FMA: the numbers' contract needs FMA.
  static absl::StatusOr<CpuTarget> Native();
  // "native", "x86-64-v3" (AVX2, FMA, F16C), "x86-64-v4" (AVX-512 F, BW, CD, DQ, VL) or "aarch64"
  // (every 64-bit ARM CPU: NEON). Any of them on any machine: all but "native" cross-compile.
  // "x86_64:avx2,fma,..." has these of executable::CpuFeatures and no others: what several machines
  // have in common. InvalidArgument for any other name.
  static absl::StatusOr<CpuTarget> FromName(const std::string& name);

  const std::string& triple() const { return triple_; }
  const std::string& cpu() const { return cpu_; }
  // LLVM's "+a,-b" list; empty when the CPU name alone says it all.
  const std::string& features() const { return features_; }
  // Names everything that decides about the bytes of the code; part of every cache key.
  std::string CacheKey() const;

  // What an image says that its code needs: the architecture ("x86_64" or "aarch64"), and those of
  // executable::CpuFeatures that code generation may use.
  std::string arch() const { return is_aarch64_ ? "aarch64" : "x86_64"; }
  const std::vector<std::string>& required_features() const { return required_features_; }

  int vector_bits() const { return vector_bits_; }
  int vector_registers() const { return vector_registers_; }
  // Elements of one full vector register.
  int Lanes(int element_bits) const { return vector_bits_ / element_bits; }
  bool is_aarch64() const { return is_aarch64_; }
  bool has_avx2() const { return !is_aarch64_; }
  bool has_avx512() const { return has_avx512_; }
  // Instructions between f16 and f32: F16C, or NEON.
  bool converts_f16() const { return converts_f16_; }

  // This thread's machine for the target, created on first use and kept until the thread ends.
  // The machine must not leave the thread.
  absl::StatusOr<llvm::TargetMachine*> MachineOfThisThread() const;

 private:
  CpuTarget() = default;
  static absl::StatusOr<CpuTarget> WithFeatures(const std::vector<std::string>& names);
  static absl::StatusOr<CpuTarget> Create(std::string triple, std::string cpu,
                                          std::string features);

  std::string triple_;
  std::string cpu_;
  std::string features_;
  std::vector<std::string> required_features_;
  int vector_bits_ = 256;
  int vector_registers_ = 16;
  bool is_aarch64_ = false;
  bool has_avx512_ = false;
  bool converts_f16_ = false;
};

}  // namespace stator::compiler

#endif  // STATOR_COMPILER_CODEGEN_CPU_TARGET_H_
