// stator status: how far a job is.
#include <CLI/CLI.hpp>
#include <cstdio>
#include <filesystem>
#include <memory>
#include <string>
#include <system_error>

#include "distribute/job/job_file.h"
#include "distribute/launch/ask_coordinator.h"
#include "distribute/launch/run_directory.h"
#include "distribute/launch/status_report.h"
#include "graph/status_macros.h"
#include "tools/stator/command.h"
#include "tools/stator/job_flags.h"

namespace stator::tools {
namespace {

constexpr absl::Duration kPatience = absl::Seconds(3);

struct StatusFlags {
  JobFlags job;
  bool json = false;
};

// The job as it was launched, if it was; else as it would be.
absl::StatusOr<Job> FindJob(const StatusFlags& flags) {
  std::string run_directory = flags.job.job_file;
  absl::StatusOr<Job> job = absl::InternalError("not read");
  std::error_code error;
  if (!std::filesystem::is_directory(run_directory, error)) {
    job = ReadJob(flags.job, /*check_files=*/false);
    STATOR_RETURN_IF_ERROR(job.status());
    run_directory = job->run_directory();
  }
  JobFlags resolved;
  resolved.job_file = distribute::RunDirectory(run_directory).job_file();
  absl::StatusOr<Job> launched = ReadJob(resolved, /*check_files=*/false);
  if (launched.ok()) return launched;
  if (job.ok()) return job;
  return absl::NotFoundError(absl::StrCat("no job was launched in run directory ", run_directory));
}

absl::Status Show(const StatusFlags& flags) {
  STATOR_ASSIGN_OR_RETURN(const Job job, FindJob(flags));
  distribute::StatusQuery query;
  query.run_directory = job.run_directory();
  query.tasks = distribute::TaskCount(job);
  query.total_steps = job.training().steps();
  query.ask = [&job](const std::string& address) {
    return distribute::AskCoordinator(job, address, kPatience);
  };
  STATOR_ASSIGN_OR_RETURN(const distribute::StatusReport report, distribute::ExamineStatus(query));
  std::fputs(distribute::DescribeStatus(report, flags.json).c_str(), stdout);
  return absl::OkStatus();
}

}  // namespace

Command AddStatus(CLI::App& app) {
  const auto flags = std::make_shared<StatusFlags>();
  CLI::App* status = app.add_subcommand("status", "Shows how far a job is, or how it ended.");
  status->add_option("JOB", flags->job.job_file, "job file, or run directory")->required();
  status->add_option("--set", flags->job.sets, "FIELD.PATH=VALUE, over the job file")
      ->allow_extra_args(false);
  status->add_flag("--json", flags->json, "as JSON");
  status->footer(
      "Asks the job's coordinator; where it does not answer, shows what the run directory keeps.\n"
      "Exit codes: 0 shown, whatever the state; 1 no such job was launched; 2 bad usage or job "
      "file.");
  return {status, [flags] { return Show(*flags); }};
}

}  // namespace stator::tools
