#include "distribute/launch/drive.h"

#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <system_error>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "absl/time/time.h"
#include "distribute/control/credentials.h"
#include "distribute/control/restart_policy.h"
#include "distribute/job/job_file.h"
#include "distribute/job/network_text.h"
#include "distribute/launch/console.h"
#include "distribute/launch/host_address.h"
#include "distribute/launch/launch_record.h"
#include "distribute/launch/ports.h"
#include "distribute/launch/run_directory.h"
#include "formats/file.h"
#include "graph/status_macros.h"

namespace stator::distribute {
namespace {

// Passes the chief's `weights sha256:` on once more, as the job's last line.
class LaunchConsole : public TerminalConsole {
 public:
  void Line(Stream stream, absl::string_view text) override {
    const size_t hash = text.find("weights sha256:");
    if (hash != absl::string_view::npos) weights_ = std::string(text.substr(hash));
    TerminalConsole::Line(stream, text);
  }
  const std::string& weights() const { return weights_; }

 private:
  std::string weights_;
};

void WriteState(const RunDirectory& directory, const Job& job, Driver driver,
                const LaunchState& state) {
  LaunchRecord record;
  record.job = job.name();
  record.state = state.name;
  record.epoch = state.epoch;
  record.cause = state.cause;
  record.exit_code = state.exit_code;
  record.pid = getpid();
  record.host = HostName();
  record.engine = DriverName(driver);
  // Only people read it: a full disk must not end the job here.
  WriteLaunchRecord(directory.path(), record).IgnoreError();
}

absl::Status PrepareRunDirectory(const Job& job, const RunDirectory& directory) {
  STATOR_RETURN_IF_ERROR(directory.EnsureSecret());
  STATOR_RETURN_IF_ERROR(formats::WriteFileAtomically(directory.job_file(), FormatJob(job)));
  // Of an earlier launch; the epoch would give it away, but nobody should have to look twice.
  std::error_code error;
  std::filesystem::remove(directory.status_file(), error);
  std::filesystem::remove(directory.coordinator_file(), error);
  return absl::OkStatus();
}

// Ports move on with the epoch, so that a generation never meets the sockets of the last one. On
// another host nobody can try whether one is free.
absl::StatusOr<ReservedPort> CoordinatorPort(const Job& job, const LaunchSite& site, Driver driver,
                                             uint64_t epoch) {
  const bool here = driver == Driver::kLocal || (driver == Driver::kMpi && job.hosts().empty());
  if (!here) return ReservedPort{DefaultPort(job, job.run_directory(), epoch), FileDescriptor()};
  const PortRange range = PortsOf(job);
  const int start = static_cast<int>((epoch - 1) % (range.last - range.first + 1));
  return ReservePort(site.chief_host, range.first, range.last, start);
}

}  // namespace

bool NameCertificates(Job* job, const RunDirectory& directory) {
  const Job::Network& network = job->network();
  const bool loopback =
      network.cidr().empty() ? network.interface() == "lo" : IsLoopbackCidr(network.cidr());
  const bool wanted = job->security().mode() == Job::Security::MODE_MTLS ||
                      (job->security().mode() == Job::Security::MODE_AUTO && !loopback);
  if (!wanted || !job->security().directory().empty()) return false;
  job->mutable_security()->set_directory(directory.tls_directory());
  return true;
}

absl::Status PrepareSecurity(Job* job, const RunDirectory& directory, bool make) {
  if (!NameCertificates(job, directory)) return absl::OkStatus();
  const std::string folder = directory.tls_directory();
  std::error_code error;
  if (make && !std::filesystem::exists(folder, error)) {
    const std::string aside = absl::StrCat(folder, ".", HostName(), "-", getpid());
    STATOR_RETURN_IF_ERROR(WriteJobCertificates(aside, job->name(), TaskNames(*job)));
    std::filesystem::rename(aside, folder, error);
    if (error) {
      return absl::InternalError(
          absl::StrCat("rename ", aside, " to ", folder, ": ", error.message()));
    }
  }
  const absl::Time end = absl::Now() + absl::Seconds(job->timeouts().start_seconds());
  while (!std::filesystem::exists(folder, error)) {
    if (absl::Now() > end) {
      return absl::DeadlineExceededError(
          absl::StrCat(folder, " did not appear: worker:0 makes it; is the run directory shared?"));
    }
    absl::SleepFor(absl::Milliseconds(50));
  }
  return absl::OkStatus();
}

absl::StatusOr<LaunchSite> ThisSite(const Job& job, Driver driver) {
  LaunchSite site;
  std::error_code error;
  site.launcher = std::filesystem::read_symlink("/proc/self/exe", error).string();
  site.directory = std::filesystem::current_path(error).string();
  if (driver == Driver::kLocal || driver == Driver::kMpi) {
    STATOR_ASSIGN_OR_RETURN(site.chief_host, HostAddress(job.network()));
  }
  return site;
}

absl::StatusOr<std::string> DryRun(Job job, Driver driver, const std::string& reason, bool json) {
  NameCertificates(&job, RunDirectory(job.run_directory()));
  STATOR_ASSIGN_OR_RETURN(const LaunchSite site, ThisSite(job, driver));
  const RunDirectory directory(job.run_directory());
  STATOR_ASSIGN_OR_RETURN(const uint64_t last, directory.LastEpoch());
  STATOR_ASSIGN_OR_RETURN(const ReservedPort port, CoordinatorPort(job, site, driver, last + 1));
  STATOR_ASSIGN_OR_RETURN(const GenerationPlan plan,
                          PlanGeneration(job, site, driver, last + 1, port.port));
  return DescribePlan(job, DriverName(driver), reason, plan, json);
}

absl::StatusOr<int> DriveJob(Job job, Driver driver, const std::string& reason) {
  const RunDirectory directory(job.run_directory());
  STATOR_RETURN_IF_ERROR(directory.Create());
  STATOR_ASSIGN_OR_RETURN(const FileDescriptor lock, directory.Lock());
  STATOR_RETURN_IF_ERROR(PrepareSecurity(&job, directory, /*make=*/true));
  STATOR_RETURN_IF_ERROR(PrepareRunDirectory(job, directory));
  STATOR_ASSIGN_OR_RETURN(const LaunchSite site, ThisSite(job, driver));

  LaunchConsole console;
  console.Line(
      Console::Stream::kError,
      absl::StrCat("stator launch: ", job.name(), ": ", TaskCount(job), " tasks, engine ",
                   DriverName(driver), " (", reason, "), run directory ", directory.path()));
  LocalProcessOptions process_options;
  process_options.console = &console;
  process_options.take_signals = true;
  STATOR_ASSIGN_OR_RETURN(const auto processes, NewLocalProcesses(process_options));

  SupervisorOptions options;
  options.job = job.name();
  options.run_directory = directory.path();
  options.wall_time = absl::Seconds(job.timeouts().wall_seconds());
  options.next_epoch = [&directory] { return directory.NextEpoch(); };
  bool first = true;
  ReservedPort port;  // of the generation that runs
  options.plan = [&](uint64_t epoch) -> absl::StatusOr<GenerationPlan> {
    if (!first && job.resume() != "auto") {
      // `resume` says where the launch starts; a restart goes on from its checkpoints.
      job.set_resume("auto");
      STATOR_RETURN_IF_ERROR(formats::WriteFileAtomically(directory.job_file(), FormatJob(job)));
    }
    first = false;
    STATOR_ASSIGN_OR_RETURN(port, CoordinatorPort(job, site, driver, epoch));
    STATOR_ASSIGN_OR_RETURN(GenerationPlan plan,
                            PlanGeneration(job, site, driver, epoch, port.port));
    if (!plan.coordinator.empty()) {  // else the tasks find it, and write it down
      WriteCoordinatorRecord(directory.path(), {plan.coordinator, epoch}).IgnoreError();
    }
    return plan;
  };
  options.restart.max_restarts = job.restart().max_restarts();
  options.restart.backoff = absl::Seconds(job.restart().backoff_seconds());
  options.restart.max_backoff = absl::Seconds(job.restart().max_backoff_seconds());
  options.state_changed = [&](const LaunchState& state) {
    WriteState(directory, job, driver, state);
  };
  const int code = Supervisor(options, processes.get(), &console).Run();
  if (code == kExitDone && !console.weights().empty()) {
    console.Line(Console::Stream::kOut, std::string(console.weights()));
  }
  return code;
}

}  // namespace stator::distribute
