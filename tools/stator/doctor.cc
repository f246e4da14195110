// stator doctor: what would keep a job from running.
#include "distribute/launch/doctor.h"

#include <CLI/CLI.hpp>
#include <algorithm>
#include <cstdio>
#include <memory>
#include <string>
#include <vector>

#include "distribute/job/job_file.h"
#include "graph/status_macros.h"
#include "tools/stator/command.h"

namespace stator::tools {
namespace {

struct DoctorFlags {
  std::string job_file;
  std::vector<std::string> sets;
  bool json = false;
};

absl::Status Run(const DoctorFlags& flags) {
  distribute::JobOverrides overrides;
  overrides.sets = flags.sets;
  STATOR_ASSIGN_OR_RETURN(const Job job, distribute::ReadJob(flags.job_file, overrides));
  const std::vector<distribute::Finding> findings = distribute::Examine(job);
  std::fputs(distribute::DescribeFindings(findings, flags.json).c_str(), stdout);
  const auto failed = std::count_if(findings.begin(), findings.end(),
                                    [](const distribute::Finding& finding) { return !finding.ok; });
  if (failed == 0) return absl::OkStatus();
  return absl::FailedPreconditionError(std::to_string(failed) + " of " +
                                       std::to_string(findings.size()) + " checks failed");
}

}  // namespace

Command AddDoctor(CLI::App& app) {
  const auto flags = std::make_shared<DoctorFlags>();
  CLI::App* doctor = app.add_subcommand("doctor", "Looks for what would keep a job from running.");
  doctor->add_option("JOB", flags->job_file, "job file")->required();
  doctor->add_option("--set", flags->sets, "FIELD.PATH=VALUE, over the job file")
      ->allow_extra_args(false);
  doctor->add_flag("--json", flags->json, "as JSON");
  return {doctor, [flags] { return Run(*flags); }};
}

}  // namespace stator::tools
