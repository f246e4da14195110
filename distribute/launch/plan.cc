#include "distribute/launch/plan.h"

#include <algorithm>
#include <map>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "distribute/job/job_file.h"
#include "distribute/job/network_text.h"
#include "distribute/launch/ports.h"
#include "distribute/launch/run_directory.h"
#include "distribute/launch/task_command.h"
#include "graph/status_macros.h"
#include "proto/json_text.h"

namespace stator::distribute {
namespace {

// Task `rank` of a generation that this process drives.
TaskIdentity DrivenTask(const Job& job, uint64_t epoch, int rank, const std::string& coordinator) {
  TaskIdentity task;
  task.source = TaskSource::kStator;
  task.workers = job.roles().worker();
  task.evaluators = job.roles().evaluator();
  const bool is_worker = rank < task.workers;
  task.role = is_worker ? "worker" : "evaluator";
  task.index = is_worker ? rank : rank - task.workers;
  task.epoch = epoch;
  task.coordinators = {coordinator};
  return task;
}

// TF_CONFIG names an address for each worker, which its own code may listen on: the coordinator's
// for worker 0, then the ports after it. `hosts` by rank. Empty if the range has too few ports.
std::vector<std::string> WorkerAddresses(const Job& job, const std::vector<std::string>& hosts,
                                         const std::string& coordinator) {
  const PortRange range = PortsOf(job);
  const int count = range.last - range.first + 1;
  int port = range.first;
  ParsePort(coordinator.substr(coordinator.rfind(':') + 1), &port);
  const int workers = job.roles().worker();
  if (workers > count) return {};
  std::vector<std::string> addresses;
  for (int i = 0; i < workers; ++i) {
    addresses.push_back(HostPort(hosts[i], range.first + (port - range.first + i) % count));
  }
  return addresses;
}

absl::StatusOr<GenerationPlan> PlanLocal(const Job& job, const LaunchSite& site, uint64_t epoch,
                                         const std::string& coordinator) {
  GenerationPlan plan;
  plan.coordinator = coordinator;
  const int count = TaskCount(job);
  const std::vector<std::string> addresses =
      WorkerAddresses(job, std::vector<std::string>(count, site.chief_host), coordinator);
  for (int rank = 0; rank < count; ++rank) {
    TaskIdentity task = DrivenTask(job, epoch, rank, coordinator);
    task.worker_addresses = addresses;
    task.local_index = rank;
    task.local_count = count;
    STATOR_ASSIGN_OR_RETURN(ProcessSpec spec, TaskProcess(job, task, site.directory));
    plan.processes.push_back(std::move(spec));
  }
  plan.chief = plan.processes[0].name;
  return plan;
}

// Writes the files that stdin brings, where they are not there already (the folder may be shared);
// then runs the program in a group of its own and waits for it. Further lines on stdin are signals
// for the group; its end, which a lost connection is too, kills it.
std::string RemoteScript(const ProcessSpec& spec) {
  std::vector<std::string> words = {"env"};
  for (const auto& [name, value] : spec.environment) {
    words.push_back(ShellQuote(absl::StrCat(name, "=", value)));
  }
  words.push_back("setsid");
  for (const std::string& word : spec.command) words.push_back(ShellQuote(word));
  const std::string directory = ShellQuote(spec.working_directory);
  return absl::StrCat(
      "cd ", directory, " || exit 2; ",
      "while read -r word mode data path && [ \"$word\" = file ]; do ",
      "[ -r \"$path\" ] && [ \"$(base64 -w0 <\"$path\")\" = \"$data\" ] && continue; ",
      "mkdir -p \"${path%/*}\" && : >\"$path.$$\" && chmod $mode \"$path.$$\" && ",
      "printf %s \"$data\" | base64 -d >\"$path.$$\" && mv -f \"$path.$$\" \"$path\" || ",
      "{ echo \"$(hostname): cannot write $path\" >&2; exit 2; }; done; exec 3<&0; ",
      absl::StrJoin(words, " "), " </dev/null 3<&- & task=$!; ",
      "(while read -r name <&3; do kill -s \"$name\" -- -$task; done; kill -s KILL -- -$task) "
      ">/dev/null 2>&1 & reader=$!; wait $task; code=$?; kill -s KILL $reader 2>/dev/null; "
      "exit $code");
}

// What `task` needs to know of the job, for hosts that do not share the run directory.
std::vector<SentFile> FilesOf(const Job& job, const std::string& task) {
  const RunDirectory directory(job.run_directory());
  std::vector<SentFile> files = {{directory.job_file(), 0644}, {directory.secret_file(), 0600}};
  const std::string& tls = job.security().directory();
  if (tls == directory.tls_directory()) {  // else they are the user's, and on the hosts
    const std::string stem = absl::StrCat(tls, "/", TaskFileName(task));
    files.insert(files.end(),
                 {{tls + "/authority.pem", 0644}, {stem + ".pem", 0644}, {stem + ".key", 0600}});
  }
  return files;
}

absl::StatusOr<GenerationPlan> PlanSsh(const Job& job, const LaunchSite& site, uint64_t epoch,
                                       const std::string& coordinator) {
  if (job.hosts().empty()) {
    return absl::InvalidArgumentError("engine ssh needs `hosts`: a list of host or user@host");
  }
  GenerationPlan plan;
  plan.coordinator = coordinator;
  const int count = TaskCount(job);
  const int hosts = std::min(job.hosts_size(), count);
  const auto host_of = [&](int rank) { return rank * hosts / count; };
  std::map<int, int> on_host;
  for (int rank = 0; rank < count; ++rank) ++on_host[host_of(rank)];
  std::map<int, int> before;
  std::vector<std::string> names;
  for (int rank = 0; rank < count; ++rank) {
    const std::string& name = job.hosts(host_of(rank));
    names.push_back(name.substr(name.find('@') + 1));
  }
  const std::vector<std::string> addresses = WorkerAddresses(job, names, coordinator);
  for (int rank = 0; rank < count; ++rank) {
    const int host = host_of(rank);
    TaskIdentity task = DrivenTask(job, epoch, rank, coordinator);
    task.worker_addresses = addresses;
    task.local_index = before[host]++;
    task.local_count = on_host[host];
    STATOR_ASSIGN_OR_RETURN(ProcessSpec spec, TaskProcess(job, task, site.directory));
    const std::string script = RemoteScript(spec);
    spec.sent_files = FilesOf(job, spec.name);
    spec.command = {"ssh", "-o", "BatchMode=yes", "-o", "ConnectTimeout=10"};
    spec.command.insert(spec.command.end(), job.engine().lines().begin(),
                        job.engine().lines().end());
    spec.command.insert(spec.command.end(), {job.hosts(host), "--", script});
    spec.environment.clear();
    spec.signals_by_stdin = true;
    plan.processes.push_back(std::move(spec));
  }
  plan.chief = plan.processes[0].name;
  return plan;
}

// srun and mpirun start this program again, once per task; it finds its rank and joins.
GenerationPlan PlanEngine(const Job& job, const LaunchSite& site, Driver driver, uint64_t epoch,
                          const std::string& coordinator) {
  GenerationPlan plan;
  if (driver != Driver::kSlurm) plan.coordinator = coordinator;
  const std::vector<std::string> tasks = TaskNames(job);
  const std::string count = absl::StrCat(tasks.size());
  ProcessSpec spec;
  spec.environment = SharedVariables(job, epoch);
  spec.environment.emplace_back(
      driver == Driver::kSlurm ? "STATOR_COORDINATOR_PORT" : "STATOR_COORDINATOR", coordinator);
  if (driver == Driver::kSlurm) {
    spec.name = "srun";
    // One that fails must not take the others' reports along: they end by themselves.
    spec.command = {"srun", "--ntasks=" + count, "--kill-on-bad-exit=0", "--wait=30",
                    "--export=ALL"};
  } else {
    spec.name = "mpirun";
    spec.command = {"mpirun", "-n", count};
    if (!job.hosts().empty()) {
      spec.command.insert(spec.command.end(), {"--host", absl::StrJoin(job.hosts(), ",")});
    }
    for (const auto& [name, value] : spec.environment) {
      spec.command.insert(spec.command.end(), {"-x", name});
    }
  }
  spec.command.insert(spec.command.end(), job.engine().lines().begin(), job.engine().lines().end());
  const RunDirectory directory(job.run_directory());
  spec.command.insert(spec.command.end(), {site.launcher, "launch", directory.job_file(),
                                           "--engine", DriverName(driver)});
  spec.working_directory = site.directory;
  spec.log_file = directory.LogFile(epoch, spec.name);
  spec.prefix_lines = false;
  plan.chief = spec.name;
  plan.remote_tasks = tasks;
  plan.processes.push_back(std::move(spec));
  return plan;
}

std::string CommandLine(const ProcessSpec& process) {
  std::vector<std::string> words;
  for (const std::string& word : process.command) words.push_back(ShellQuote(word));
  return absl::StrJoin(words, " ");
}

std::string ProcessJson(const ProcessSpec& process) {
  std::vector<std::string> command;
  for (const std::string& word : process.command) command.push_back(JsonQuote(word));
  JsonObject environment;
  for (const auto& [name, value] : process.environment) environment.Text(name, value);
  return JsonObject()
      .Text("name", process.name)
      .Json("command", JsonArray(command))
      .Text("working_directory", process.working_directory)
      .Text("log_file", process.log_file)
      .Json("environment", environment.ToString())
      .ToString();
}

}  // namespace

const char* DriverName(Driver driver) {
  switch (driver) {
    case Driver::kLocal:
      return "local";
    case Driver::kSsh:
      return "ssh";
    case Driver::kSlurm:
      return "slurm";
    case Driver::kMpi:
      return "mpi";
  }
  return "";
}

std::string ShellQuote(const std::string& text) {
  const bool plain = !text.empty() && std::all_of(text.begin(), text.end(), [](char c) {
    return absl::ascii_isalnum(static_cast<unsigned char>(c)) ||
           std::string("-_./:=,+@%").find(c) != std::string::npos;
  });
  if (plain) return text;
  std::string out = "'";
  for (const char c : text) {
    if (c == '\'') {
      out += "'\\''";
    } else {
      out += c;
    }
  }
  return out + "'";
}

std::vector<std::string> TaskNames(const Job& job) {
  std::vector<std::string> names;
  for (int i = 0; i < job.roles().worker(); ++i) names.push_back(absl::StrCat("worker:", i));
  for (int i = 0; i < job.roles().evaluator(); ++i) names.push_back(absl::StrCat("evaluator:", i));
  return names;
}

Environment SharedVariables(const Job& job, uint64_t epoch) {
  const RunDirectory directory(job.run_directory());
  const std::map<std::string, std::string> sorted(job.environment().begin(),
                                                  job.environment().end());
  Environment variables(sorted.begin(), sorted.end());
  variables.emplace_back("STATOR_EPOCH", absl::StrCat(epoch));
  variables.emplace_back("STATOR_JOB_FILE", directory.job_file());
  variables.emplace_back("STATOR_SECRET_FILE", directory.secret_file());
  if (!job.security().directory().empty()) {
    variables.emplace_back("STATOR_TLS_DIRECTORY", job.security().directory());
  }
  return variables;
}

absl::StatusOr<Environment> TaskVariables(const Job& job, const TaskIdentity& task) {
  Environment variables = SharedVariables(job, task.epoch);
  STATOR_ASSIGN_OR_RETURN(const Environment own, ExportEnvironment(task));
  for (const auto& variable : own) {
    const bool stated = std::find(variables.begin(), variables.end(), variable) != variables.end();
    if (!stated) variables.push_back(variable);
  }
  return variables;
}

absl::StatusOr<ProcessSpec> TaskProcess(const Job& job, const TaskIdentity& task,
                                        const std::string& directory) {
  ProcessSpec spec;
  spec.name = task.name();
  STATOR_ASSIGN_OR_RETURN(spec.command, TaskCommand(job));
  STATOR_ASSIGN_OR_RETURN(spec.environment, TaskVariables(job, task));
  spec.working_directory = directory;
  spec.log_file = RunDirectory(job.run_directory()).LogFile(task.epoch, spec.name);
  return spec;
}

int DefaultPort(const Job& job, const std::string& key, uint64_t epoch) {
  const PortRange range = PortsOf(job);
  uint64_t hash = 0;
  for (const char c : key) hash = hash * 31 + static_cast<unsigned char>(c);
  hash += epoch;
  return range.first + static_cast<int>(hash % static_cast<uint64_t>(range.last - range.first + 1));
}

absl::StatusOr<GenerationPlan> PlanGeneration(const Job& job, const LaunchSite& site, Driver driver,
                                              uint64_t epoch, int port) {
  const std::string here = HostPort(site.chief_host, port);
  switch (driver) {
    case Driver::kLocal:
      return PlanLocal(job, site, epoch, here);
    case Driver::kSsh: {
      const std::string host = job.hosts().empty() ? "" : job.hosts(0);
      return PlanSsh(job, site, epoch, HostPort(host.substr(host.find('@') + 1), port));
    }
    case Driver::kSlurm:  // the tasks find the chief's host from their step
      return PlanEngine(job, site, driver, epoch, absl::StrCat(port));
    case Driver::kMpi: {
      const std::string host = job.hosts().empty() ? site.chief_host : job.hosts(0);
      return PlanEngine(job, site, driver, epoch, HostPort(host.substr(host.find('@') + 1), port));
    }
  }
  return absl::InternalError("no such driver");
}

std::string DescribePlan(const Job& job, const std::string& engine, const std::string& reason,
                         const GenerationPlan& plan, bool json) {
  const RunDirectory directory(job.run_directory());
  const bool makes_certificates = job.security().directory() == directory.tls_directory();
  if (json) {
    std::vector<std::string> processes;
    for (const ProcessSpec& process : plan.processes) processes.push_back(ProcessJson(process));
    std::vector<std::string> files = {
        JsonObject()
            .Text("path", directory.job_file())
            .Text("mode", "0644")
            .Text("content", FormatJob(job))
            .ToString(),
        JsonObject().Text("path", directory.secret_file()).Text("mode", "0600").ToString(),
    };
    if (makes_certificates) {
      files.push_back(
          JsonObject().Text("path", directory.tls_directory()).Text("mode", "0700").ToString());
    }
    return absl::StrCat("{\"job\": ", JsonQuote(job.name()), ",\n \"engine\": ", JsonQuote(engine),
                        ",\n \"reason\": ", JsonQuote(reason),
                        ",\n \"run_directory\": ", JsonQuote(directory.path()),
                        ",\n \"files\": ", JsonArray(files, "  "),
                        ",\n \"processes\": ", JsonArray(processes, "  "), "}\n");
  }
  std::string out =
      absl::StrCat("job ", job.name(), ", engine ", engine, " (", reason, ")\nrun directory ",
                   directory.path(), "\nwould write ", directory.job_file(), "\nwould write ",
                   directory.secret_file(), " (mode 0600)\n");
  if (makes_certificates) {
    absl::StrAppend(&out, "would make certificates in ", directory.tls_directory(),
                    " unless they are there\n");
  }
  for (const ProcessSpec& process : plan.processes) {
    absl::StrAppend(&out, "\n", process.name, ": ", CommandLine(process), "\n  in ",
                    process.working_directory, "\n  log ", process.log_file, "\n");
    for (const auto& [name, value] : process.environment) {
      absl::StrAppend(&out, "  ", name, "=", value, "\n");
    }
  }
  return out;
}

}  // namespace stator::distribute
