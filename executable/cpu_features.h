// The CPU features that code may use: the compiler uses no others, and whoever loads the code asks
// this machine for each that it names.
#ifndef STATOR_EXECUTABLE_CPU_FEATURES_H_
#define STATOR_EXECUTABLE_CPU_FEATURES_H_

#include <string>
#include <vector>

namespace stator::executable {

struct CpuFeature {
  const char* name;  // LLVM's
  // The CPU of this process has it and the operating system enables it; false for features of
  // another architecture.
  bool present;
};

// "x86_64" or "aarch64": what this process runs on.
const char* HostArch();

// All that are known for `arch`; none for an unknown one.
std::vector<CpuFeature> CpuFeatures(const std::string& arch);

}  // namespace stator::executable

#endif  // STATOR_EXECUTABLE_CPU_FEATURES_H_
