#include "distribute/images/job_cpu.h"

#include <gtest/gtest.h>

#include <string>

#include "executable/cpu_features.h"

namespace stator::distribute {
namespace {

control::Cpu Cpu(const std::string& arch, const std::vector<std::string>& features) {
  control::Cpu cpu;
  cpu.set_arch(arch);
  for (const std::string& feature : features) cpu.add_features(feature);
  return cpu;
}

TEST(JobCpu, TheTargetHasWhatAllHave) {
  const auto target = CommonTarget({Cpu("x86_64", {"avx512f", "fma", "avx2", "avx512vl"}),
                                    Cpu("aarch64", {"neon"}),
                                    Cpu("x86_64", {"avx2", "fma", "bmi"})},
                                   "x86_64");
  ASSERT_TRUE(target.ok()) << target.status();
  EXPECT_EQ(*target, "x86_64:fma,avx2");
}

TEST(JobCpu, OfOtherArchitecturesItTakesNothing) {
  EXPECT_EQ(*CommonTarget({Cpu("x86_64", {"avx2"}), Cpu("aarch64", {"neon"})}, "aarch64"),
            "aarch64:neon");
  EXPECT_EQ(CommonTarget({Cpu("x86_64", {"avx2"})}, "aarch64").status(),
            absl::NotFoundError("no task of the job runs on a CPU of kind 'aarch64'"));
}

TEST(JobCpu, AFeatureThatNobodyKnowsIsNotUsed) {
  EXPECT_EQ(*CommonTarget({Cpu("x86_64", {"avx2", "from-the-future"})}, "x86_64"), "x86_64:avx2");
}

TEST(JobCpu, TheHostSaysWhatItHas) {
  const control::Cpu host = HostCpu();
  EXPECT_EQ(host.arch(), executable::HostArch());
  EXPECT_GT(host.features_size(), 0);
}

}  // namespace
}  // namespace stator::distribute
