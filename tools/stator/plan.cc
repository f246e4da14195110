// stator plan: what each task of a job would hold, compute and send.
#include <sys/mman.h>
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "distribute/job/job_file.h"
#include "distribute/launch/task_command.h"
#include "graph/status_macros.h"
#include "tools/stator/command.h"
#include "tools/stator/job_flags.h"

namespace stator::tools {
namespace {

// The program itself knows its graph: it is run with --plan in place of this process.
absl::Status Plan(const JobFlags& flags) {
  STATOR_ASSIGN_OR_RETURN(const Job job, ReadJob(flags, /*check_files=*/false));
  // A file without a name, which is gone when the program ends.
  const int file = memfd_create("job.textproto", 0);
  const std::string text = distribute::FormatJob(job);
  if (file < 0 || write(file, text.data(), text.size()) != static_cast<ssize_t>(text.size())) {
    return absl::InternalError(absl::StrCat("cannot pass on the job: ", std::strerror(errno)));
  }
  setenv("STATOR_JOB_FILE", absl::StrCat("/proc/self/fd/", file).c_str(), 1);
  STATOR_ASSIGN_OR_RETURN(std::vector<std::string> words, distribute::TaskCommand(job));
  words.push_back("--plan");
  std::vector<char*> argv;
  for (std::string& word : words) argv.push_back(word.data());
  argv.push_back(nullptr);
  execv(argv[0], argv.data());
  return absl::NotFoundError(
      absl::StrCat("program.binary: cannot run '", words[0], "': ", std::strerror(errno)));
}

}  // namespace

Command AddPlan(CLI::App& app) {
  const auto flags = std::make_shared<JobFlags>();
  CLI::App* plan =
      app.add_subcommand("plan", "Shows what each task of a job holds, computes and sends.");
  plan->add_option("JOB", flags->job_file, "job file")->required();
  plan->add_option("--workers", flags->workers, "number of workers, for roles.worker")
      ->check(CLI::Range(1, kMostWorkers));
  plan->add_option("--set", flags->sets, "FIELD.PATH=VALUE, over the job file")
      ->allow_extra_args(false);
  return {plan, [flags] { return Plan(*flags); }};
}

}  // namespace stator::tools
