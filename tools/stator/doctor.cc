// stator doctor: what would keep a job from running.
#include "distribute/launch/doctor.h"

#include <CLI/CLI.hpp>
#include <algorithm>
#include <cstdio>
#include <memory>
#include <string>
#include <vector>

#include "graph/status_macros.h"
#include "tools/stator/command.h"
#include "tools/stator/job_flags.h"

namespace stator::tools {
namespace {

struct DoctorFlags {
  JobFlags job;
  bool json = false;
};

absl::Status Run(const DoctorFlags& flags) {
  STATOR_ASSIGN_OR_RETURN(const Job job, ReadJob(flags.job, /*check_files=*/true));
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
  doctor->add_option("JOB", flags->job.job_file, "job file")->required();
  doctor->add_option("--set", flags->job.sets, "FIELD.PATH=VALUE, over the job file")
      ->allow_extra_args(false);
  doctor->add_option("--workers", flags->job.workers, "number of workers, for roles.worker")
      ->check(CLI::Range(1, kMostWorkers));
  doctor->add_flag("--json", flags->json, "as JSON");
  doctor->footer("Exit codes: 0 all well, 1 a check failed, 2 bad usage or job file.");
  return {doctor, [flags] { return Run(*flags); }};
}

}  // namespace stator::tools
