#include "distribute/launch/launcher.h"

#include <netdb.h>

#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <system_error>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"
#include "distribute/control/restart_policy.h"
#include "distribute/job/job_file.h"
#include "distribute/job/network_text.h"
#include "distribute/launch/console.h"
#include "distribute/launch/drive.h"
#include "distribute/launch/host_address.h"
#include "distribute/launch/join.h"
#include "distribute/launch/launch_record.h"
#include "distribute/launch/manifest.h"
#include "distribute/launch/plan.h"
#include "distribute/launch/ports.h"
#include "distribute/launch/process.h"
#include "distribute/launch/run_directory.h"
#include "distribute/launch/task_identity.h"
#include "formats/file.h"
#include "graph/status_macros.h"

namespace stator::distribute {
namespace {

absl::StatusOr<Job> ReadResolvedJob(const LaunchFlags& flags) {
  JobOverrides overrides;
  overrides.sets = flags.sets;
  overrides.program_args = flags.program_args;
  if (flags.workers > 0) overrides.sets.push_back(absl::StrCat("roles.worker=", flags.workers));
  if (!flags.engine.empty()) overrides.sets.push_back("engine.name=" + flags.engine);
  absl::StatusOr<Job> read = ReadJob(flags.job_file, overrides);
  if (absl::IsNotFound(read.status())) {
    return absl::InvalidArgumentError(read.status().message());
  }
  STATOR_RETURN_IF_ERROR(read.status());
  Job job = *std::move(read);
  // Tasks may start in other folders.
  job.set_run_directory(RunDirectory(job.run_directory()).path());
  std::error_code error;
  for (std::string* path : {job.mutable_checkpoint()->mutable_directory()}) {
    const auto absolute = std::filesystem::absolute(*path, error);
    if (!error) *path = absolute.lexically_normal().string();
  }
  return job;
}

// As --engine spells it; "" if the job says nothing.
std::string EngineName(const Job& job) {
  if (job.engine().name() == Job::Engine::NAME_UNSPECIFIED) return "";
  const std::string name = Job::Engine::Name_Name(job.engine().name());
  return absl::AsciiStrToLower(absl::StripPrefix(name, "NAME_"));
}

// Slurm's names of nodes need not be host names.
std::string SlurmNodeAddress(const std::string& node) {
  addrinfo* found = nullptr;
  if (getaddrinfo(node.c_str(), nullptr, nullptr, &found) == 0) {
    freeaddrinfo(found);
    return node;
  }
  std::FILE* scontrol =
      popen(absl::StrCat("scontrol --oneliner show node ", ShellQuote(node)).c_str(), "r");
  if (scontrol == nullptr) return node;
  char line[4096] = {};
  (void)!std::fread(line, 1, sizeof(line) - 1, scontrol);
  pclose(scontrol);
  const std::string text = line;
  const size_t start = text.find("NodeAddr=");
  if (start == std::string::npos) return node;
  return text.substr(start + 9, text.find_first_of(" \n", start) - start - 9);
}

absl::StatusOr<TaskIdentity> WhoAmI(const Job& job, const LaunchFlags& flags) {
  TaskQuery query;
  query.workers = job.roles().worker();
  query.evaluators = job.roles().evaluator();
  query.engine = EngineName(job);
  query.engine_from = flags.engine.empty() ? "the job file" : "--engine";
  if (query.engine.empty() && !job.hosts().empty()) {
    // Hosts say ssh, unless a platform has started this process.
    STATOR_ASSIGN_OR_RETURN(TaskIdentity task, FindTask(query));
    if (task.is_task() || task.engine != "local") return task;
    task.engine = "ssh";
    task.reason = "starts the tasks by ssh: the job has hosts";
    return task;
  }
  return FindTask(query);
}

absl::StatusOr<Driver> DriverOf(const TaskIdentity& identity) {
  for (const Driver driver : {Driver::kLocal, Driver::kSsh, Driver::kSlurm, Driver::kMpi}) {
    if (identity.engine == DriverName(driver)) return driver;
  }
  return absl::InvalidArgumentError(
      absl::StrCat("engine ", identity.engine, " does not start tasks: ", identity.reason));
}

// An address for the first of `task`'s coordinators: its port, and its host as others can reach it.
absl::Status CompleteCoordinator(const Job& job, TaskIdentity* task) {
  const std::string given = task->coordinators.empty() ? "" : task->coordinators[0];
  int port = 0;
  const char* stated = std::getenv("STATOR_COORDINATOR_PORT");
  if (stated == nullptr || !ParsePort(stated, &port))
    port = DefaultPort(job, job.name(), task->epoch);
  std::string host = given;
  const size_t colon = given.rfind(':');
  const bool has_port = colon != std::string::npos && ParsePort(given.substr(colon + 1), &port);
  if (has_port) host = given.substr(0, colon);
  if (host.empty()) {
    // The platform does not say where worker:0 is; on one host it does not matter.
    const int tasks = task->workers + task->evaluators;
    if (tasks > 1 && task->local_count != tasks) {
      return absl::InvalidArgumentError(
          absl::StrCat(task->reason,
                       "; but it does not say where worker:0 runs: set STATOR_COORDINATOR to "
                       "HOST:PORT for all tasks"));
    }
    STATOR_ASSIGN_OR_RETURN(host, HostAddress(job.network()));
  }
  if (task->source == TaskSource::kSlurmStep) host = SlurmNodeAddress(host);
  task->coordinators = {HostPort(host, port)};
  return absl::OkStatus();
}

void Print(const std::string& text) { std::fputs(text.c_str(), stdout); }

// The generation of a task whose platform does not number them: a launcher above says it, or a
// manifest how often the platform has started the job again.
uint64_t StatedEpoch(int restarts) {
  uint64_t number = 0;
  const char* epoch = std::getenv("STATOR_EPOCH");
  if (epoch != nullptr && absl::SimpleAtoi(epoch, &number) && number > 0) return number;
  const char* stated = std::getenv("STATOR_RESTARTS");
  if (stated != nullptr && absl::SimpleAtoi(stated, &number)) return number + 1;
  return static_cast<uint64_t>(restarts) + 1;
}

absl::StatusOr<int> Join(Job job, TaskIdentity task, const LaunchFlags& flags) {
  const RunDirectory directory(job.run_directory());
  if (task.epoch == 0) task.epoch = StatedEpoch(task.restarts);
  // `resume` says where the job starts; started again by the platform it goes on.
  if (task.restarts > 0) job.set_resume("auto");
  STATOR_RETURN_IF_ERROR(CompleteCoordinator(job, &task));
  if (flags.dry_run) {
    NameCertificates(&job, directory);
  } else {
    STATOR_RETURN_IF_ERROR(directory.Create());
    STATOR_RETURN_IF_ERROR(PrepareSecurity(&job, directory, task.name() == "worker:0"));
  }
  std::error_code error;
  JoinOptions options;
  STATOR_ASSIGN_OR_RETURN(options.process,
                          TaskProcess(job, task, std::filesystem::current_path(error).string()));
  options.run_directory = directory.path();
  options.epoch = task.epoch;
  if (flags.dry_run) {
    GenerationPlan plan;
    plan.processes = {options.process};
    Print(DescribePlan(job, "joined", task.reason, plan, flags.json));
    return kExitDone;
  }
  STATOR_RETURN_IF_ERROR(directory.EnsureSecret());
  // For `stator status` only.
  WriteCoordinatorRecord(directory.path(), {task.coordinators[0], task.epoch}).IgnoreError();
  if (const char* file = std::getenv("STATOR_JOB_FILE"); file == nullptr) {
    // Every task writes the same bytes.
    STATOR_RETURN_IF_ERROR(formats::WriteFileAtomically(directory.job_file(), FormatJob(job)));
  }
  TerminalConsole console;
  console.Line(Console::Stream::kError,
               absl::StrCat("stator launch: ", job.name(), ": ", task.reason, ", coordinator ",
                            task.coordinators[0], ", epoch ", task.epoch));
  LocalProcessOptions process_options;
  process_options.console = &console;
  process_options.take_signals = true;
  STATOR_ASSIGN_OR_RETURN(const auto processes, NewLocalProcesses(process_options));
  return RunJoined(options, processes.get(), &console);
}

}  // namespace

absl::StatusOr<int> Launch(const LaunchFlags& flags) {
  STATOR_ASSIGN_OR_RETURN(const Job job, ReadResolvedJob(flags));
  if (!flags.emit.empty()) {
    ManifestOptions options;
    options.job_file = flags.job_file;
    for (const std::string& set : flags.sets) {
      // Those are in the manifest.
      if (!absl::StartsWith(set, "engine.lines=")) options.flags.push_back("--set=" + set);
    }
    if (flags.workers > 0) options.flags.push_back(absl::StrCat("--workers=", flags.workers));
    options.program_args = flags.program_args;
    std::string text;
    if (flags.emit == "sbatch") {
      text = SbatchScript(job, options);
    } else if (flags.emit == "jobset") {
      STATOR_ASSIGN_OR_RETURN(text, JobSetManifest(job, options));
    } else {
      return absl::InvalidArgumentError(
          absl::StrCat("--emit: expected jobset or sbatch, found '", flags.emit, "'"));
    }
    Print(text);
    return kExitDone;
  }
  STATOR_ASSIGN_OR_RETURN(const TaskIdentity identity, WhoAmI(job, flags));
  if (identity.is_task()) return Join(job, identity, flags);
  STATOR_ASSIGN_OR_RETURN(const Driver driver, DriverOf(identity));
  if (flags.dry_run) {
    STATOR_ASSIGN_OR_RETURN(const std::string text,
                            DryRun(job, driver, identity.reason, flags.json));
    Print(text);
    return kExitDone;
  }
  return DriveJob(job, driver, identity.reason);
}

}  // namespace stator::distribute
