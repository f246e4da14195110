// stator launch: runs a job on whatever there is.
#include <CLI/CLI.hpp>
#include <memory>

#include "distribute/launch/launcher.h"
#include "tools/stator/command.h"
#include "tools/stator/job_flags.h"
#include "tools/stator/usage.h"

namespace stator::tools {

Command AddLaunch(CLI::App& app) {
  const auto flags = std::make_shared<distribute::LaunchFlags>();
  const auto exit_code = std::make_shared<int>(0);
  CLI::App* launch =
      app.add_subcommand("launch", "Runs a job's tasks, or joins it as one of them.");
  launch->add_option("JOB", flags->job_file, "job file: YAML, JSON or text proto")->required();
  launch->add_option("ARGUMENTS", flags->program_args, "after `--`: more arguments of the program");
  launch->add_option("--engine", flags->engine,
                     "what starts the tasks: local, ssh, slurm, mpi, tf_config, indexed_job, rank");
  launch->add_option("--workers", flags->workers, "number of workers, for roles.worker")
      ->check(CLI::Range(1, kMostWorkers));
  launch->add_option("--set", flags->sets, "FIELD.PATH=VALUE, over the job file")
      ->allow_extra_args(false);
  launch->add_option("--emit", flags->emit, "print a manifest instead: jobset, sbatch");
  CLI::Option* dry_run = launch->add_flag("--dry-run", flags->dry_run,
                                          "print what would be started, and start nothing");
  launch->add_flag("--json", flags->json, "with --dry-run: as JSON")->needs(dry_run);
  launch->footer(
      "Exit codes: 0 done, 1 failed (again if restarted), 2 bad usage or job file, 42 drained to "
      "a\n"
      "checkpoint by SIGTERM or SIGUSR1, 130 interrupted or out of restarts (may be restarted).");
  return {launch,
          [flags, exit_code] {
            const auto code = distribute::Launch(*flags);
            if (code.ok()) *exit_code = *code;
            return absl::IsInvalidArgument(code.status()) ? UsageError(code.status().message())
                                                          : code.status();
          },
          exit_code};
}

}  // namespace stator::tools
