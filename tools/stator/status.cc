// stator status: how far a job is.
#include <CLI/CLI.hpp>
#include <cstdio>
#include <memory>
#include <string>

#include "distribute/job/job_file.h"
#include "distribute/launch/status_report.h"
#include "graph/status_macros.h"
#include "tools/stator/command.h"

namespace stator::tools {
namespace {

struct StatusFlags {
  std::string job_file;
  bool json = false;
};

absl::Status Show(const StatusFlags& flags) {
  distribute::JobOverrides overrides;
  overrides.check_files = false;
  STATOR_ASSIGN_OR_RETURN(const Job job, distribute::ReadJob(flags.job_file, overrides));
  STATOR_ASSIGN_OR_RETURN(const std::string text,
                          distribute::DescribeStatus(job.run_directory(), flags.json));
  std::fputs(text.c_str(), stdout);
  return absl::OkStatus();
}

}  // namespace

Command AddStatus(CLI::App& app) {
  const auto flags = std::make_shared<StatusFlags>();
  CLI::App* status = app.add_subcommand("status", "Shows how far a job is.");
  status->add_option("JOB", flags->job_file, "job file")->required();
  status->add_flag("--json", flags->json, "as JSON");
  return {status, [flags] { return Show(*flags); }};
}

}  // namespace stator::tools
