#include "distribute/images/job_cpu.h"

#include <algorithm>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "executable/cpu_features.h"

namespace stator::distribute {

control::Cpu HostCpu() {
  control::Cpu cpu;
  cpu.set_arch(executable::HostArch());
  for (const executable::CpuFeature& feature : executable::CpuFeatures(cpu.arch())) {
    if (feature.present) cpu.add_features(feature.name);
  }
  return cpu;
}

absl::StatusOr<std::string> CommonTarget(absl::Span<const control::Cpu> cpus,
                                         const std::string& arch) {
  // In the order of the table, so that equal machines give equal names.
  std::vector<std::string> common;
  for (const executable::CpuFeature& feature : executable::CpuFeatures(arch)) {
    common.push_back(feature.name);
  }
  int found = 0;
  for (const control::Cpu& cpu : cpus) {
    if (cpu.arch() != arch) continue;
    ++found;
    const auto missing = [&](const std::string& feature) {
      return std::find(cpu.features().begin(), cpu.features().end(), feature) ==
             cpu.features().end();
    };
    common.erase(std::remove_if(common.begin(), common.end(), missing), common.end());
  }
  if (found == 0) {
    return absl::NotFoundError(absl::StrCat("no task of the job runs on a CPU of kind '", arch,
                                            "'"));
  }
  return absl::StrCat(arch, ":", absl::StrJoin(common, ","));
}

}  // namespace stator::distribute
