#include "distribute/launch/manifest.h"

#include <algorithm>
#include <cmath>
#include <map>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/strip.h"
#include "distribute/job/job_file.h"
#include "distribute/launch/plan.h"
#include "proto/json_text.h"

namespace stator::distribute {
namespace {

constexpr int kLongestLabel = 63;
// Before the wall time ends: time for an aligned checkpoint.
constexpr int kDrainSeconds = 60;

// JSON strings are YAML strings.
std::string Quoted(const std::string& text) { return JsonQuote(text); }

// A name as Kubernetes wants it: lower case, digits and '-'.
std::string Label(const std::string& name) {
  std::string out;
  for (const char c : name) {
    const char lower = absl::ascii_tolower(static_cast<unsigned char>(c));
    out += absl::ascii_isalnum(static_cast<unsigned char>(lower)) ? lower : '-';
  }
  if (out.size() > kLongestLabel) out.resize(kLongestLabel);
  while (!out.empty() && out.back() == '-') out.pop_back();
  while (!out.empty() && out.front() == '-') out.erase(0, 1);
  return out.empty() ? "job" : out;
}

std::string Clock(double seconds) {
  const int64_t whole = static_cast<int64_t>(std::ceil(seconds));
  return absl::StrFormat("%02d:%02d:%02d", whole / 3600, whole / 60 % 60, whole % 60);
}

class JobSet {
 public:
  JobSet(const Job& job, const ManifestOptions& options, std::string image)
      : job_(job), options_(options), image_(std::move(image)), name_(Label(job.name())) {}

  std::string ToString() {
    Line(0, "apiVersion: jobset.x-k8s.io/v1alpha2");
    Line(0, "kind: JobSet");
    Line(0, "metadata:");
    Line(1, "name: " + name_);
    Line(0, "spec:");
    Line(1, "network:");
    Line(2, "enableDNSHostnames: true");
    Line(2, "subdomain: " + name_);
    Line(2, "publishNotReadyAddresses: true");
    Line(1, "failurePolicy:");
    Line(2, absl::StrCat("maxRestarts: ", job_.restart().max_restarts()));
    Line(2, "rules:");
    Line(2, "- action: FailJobSet");
    Line(3, "onJobFailureReasons: [PodFailurePolicy]");
    Line(1, "successPolicy:");
    Line(2, "operator: All");
    Line(2, "targetReplicatedJobs: [worker]");
    Line(1, "replicatedJobs:");
    Role("worker", job_.roles().worker());
    if (job_.roles().evaluator() > 0) Role("evaluator", job_.roles().evaluator());
    return out_;
  }

 private:
  void Line(int depth, const std::string& text) {
    absl::StrAppend(&out_, std::string(2 * depth, ' '), text, "\n");
  }

  void Role(const std::string& role, int count) {
    Line(2, "- name: " + role);
    Line(3, "replicas: 1");
    Line(3, "template:");
    Line(4, "spec:");
    Line(5, "completionMode: Indexed");
    Line(5, absl::StrCat("completions: ", count));
    Line(5, absl::StrCat("parallelism: ", count));
    Line(5, "backoffLimit: 0");
    if (job_.timeouts().wall_seconds() > 0) {
      Line(5, absl::StrCat(
                  "activeDeadlineSeconds: ",
                  static_cast<int64_t>(std::ceil(job_.timeouts().wall_seconds())) + kDrainSeconds));
    }
    Line(5, "podFailurePolicy:");
    Line(6, "rules:");
    Line(6, "# 1 and 2: a restart would end the same way; 42 and from 128 on, it may go on.");
    Line(6, "- action: FailJob");
    Line(7, "onExitCodes: {containerName: stator, operator: In, values: [1, 2]}");
    Line(5, "template:");
    Line(6, "spec:");
    Line(7, "restartPolicy: Never");
    Line(7, absl::StrCat("terminationGracePeriodSeconds: ", kDrainSeconds));
    Line(7, "# Add a volume for " + job_.run_directory() + ", which all pods share.");
    Line(7, "containers:");
    Line(7, "- name: stator");
    Container(role);
  }

  void Container(const std::string& role) {
    Line(8, "image: " + Quoted(image_));
    std::string command = absl::StrCat(Quoted(options_.launcher), ", launch, ",
                                       Quoted(options_.job_file), ", --engine, indexed_job");
    for (const std::string& flag : options_.flags) absl::StrAppend(&command, ", ", Quoted(flag));
    if (!options_.program_args.empty()) absl::StrAppend(&command, ", --");
    for (const std::string& word : options_.program_args) {
      absl::StrAppend(&command, ", ", Quoted(word));
    }
    Line(8, absl::StrCat("command: [", command, "]"));
    Line(8, "env:");
    const PortRange ports = PortsOf(job_);
    const auto variable = [&](const std::string& name, const std::string& value) {
      Line(8, absl::StrCat("- {name: ", name, ", value: ", Quoted(value), "}"));
    };
    if (role != "worker") variable("STATOR_TASK", role + ":0");
    variable("STATOR_WORKERS", absl::StrCat(job_.roles().worker()));
    variable("STATOR_COORDINATOR", absl::StrCat(name_, "-worker-0-0.", name_, ":", ports.first));
    Line(8, "- name: STATOR_RESTARTS");
    Line(9, "valueFrom:");
    Line(10, "fieldRef: {fieldPath: \"metadata.labels['jobset.sigs.k8s.io/restart-attempt']\"}");
    const std::map<std::string, std::string> sorted(job_.environment().begin(),
                                                    job_.environment().end());
    for (const auto& [name, value] : sorted) variable(name, value);
    Line(8, absl::StrCat("ports: [{name: control, containerPort: ", ports.first, "}]"));
    if (job_.resources().threads() > 0 || job_.resources().memory_bytes() > 0) {
      Line(8, "resources:");
      Line(9, "requests:");
      if (job_.resources().threads() > 0) {
        Line(10, absl::StrCat("cpu: ", job_.resources().threads()));
      }
      if (job_.resources().memory_bytes() > 0) {
        Line(10, absl::StrCat("memory: ", job_.resources().memory_bytes()));
      }
    }
  }

  const Job& job_;
  const ManifestOptions& options_;
  const std::string image_;
  const std::string name_;
  std::string out_;
};

}  // namespace

std::string SbatchScript(const Job& job, const ManifestOptions& options) {
  std::string out = "#!/bin/bash\n";
  const auto add = [&out](const std::string& option) {
    absl::StrAppend(&out, "#SBATCH ", option, "\n");
  };
  add("--job-name=" + job.name());
  add(absl::StrCat("--ntasks=", TaskCount(job)));
  if (job.resources().threads() > 0) {
    add(absl::StrCat("--cpus-per-task=", job.resources().threads()));
  }
  if (job.timeouts().wall_seconds() > 0) {
    add("--time=" + Clock(job.timeouts().wall_seconds() + kDrainSeconds));
  }
  add("--requeue");
  add("--no-kill");
  // To this script alone, which execs the launcher, which drains the job.
  add(absl::StrCat("--signal=B:USR1@", kDrainSeconds));
  for (const std::string& line : job.engine().lines()) add(line);
  absl::StrAppend(&out, "exec ", ShellQuote(options.launcher), " launch ",
                  ShellQuote(options.job_file), " --engine slurm");
  for (const std::string& flag : options.flags) absl::StrAppend(&out, " ", ShellQuote(flag));
  if (!options.program_args.empty()) absl::StrAppend(&out, " --");
  for (const std::string& word : options.program_args) {
    absl::StrAppend(&out, " ", ShellQuote(word));
  }
  return out + "\n";
}

absl::StatusOr<std::string> JobSetManifest(const Job& job, const ManifestOptions& options) {
  if (job.roles().worker() > 1 && job.network().cidr().empty() &&
      job.network().interface() == "lo") {
    return absl::InvalidArgumentError(
        "network.interface: the tasks of a JobSet talk between pods, but would listen on loopback: "
        "--set network.interface=eth0, or the network.cidr of the pods");
  }
  std::string image;
  for (const std::string& line : job.engine().lines()) {
    if (!absl::StartsWith(line, "image=")) {
      return absl::InvalidArgumentError(
          absl::StrCat("engine.lines: a JobSet takes image=NAME only, found '", line, "'"));
    }
    image = line.substr(6);
  }
  if (image.empty()) {
    return absl::InvalidArgumentError(
        "a JobSet needs a container image: --set 'engine.lines=[\"image=NAME\"]'");
  }
  return JobSet(job, options, image).ToString();
}

}  // namespace stator::distribute
