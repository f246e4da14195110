#ifndef STATOR_DISTRIBUTE_JOB_JOB_FILE_H_
#define STATOR_DISTRIBUTE_JOB_JOB_FILE_H_

// The job file: proto/job.proto written as YAML, JSON (which is YAML) or text proto.
//
//   STATOR_ASSIGN_OR_RETURN(const Job job, ReadJob("examples/jobs/digits.yaml", {.sets =
//   {"roles.worker=4"}}));
//
// Reading goes: text, `--set`s, `--` arguments, defaults (ResolveJob), rules (ValidateJob). All
// errors of one kind are listed together, one a line:
//
//   digits.yaml:7:9: strategy.kind: expected one of single, mirrored, multi_worker, found "multi"
//
// No input aborts: files are at most 1 MiB, nesting at most 32, and YAML's anchors, aliases and
// tags are refused.

#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "distribute/job/environment.h"
#include "proto/job.pb.h"

namespace stator::distribute {

struct JobOverrides {
  // Each `FIELD.PATH=VALUE`, the value in YAML; later ones win over earlier ones and over the file.
  // A list or a map is replaced, a section is merged; `environment.NAME=VALUE` sets one variable.
  std::vector<std::string> sets;

  // Answers ${NAME} and ${NAME:-otherwise} in the file's values ($${ stands for a plain ${). Where
  // this is null, no variable is set.
  EnvironmentLookup environment = ProcessEnvironment();

  // Appended to program.args as they are.
  std::vector<std::string> program_args;

  // Whether the checkpoint that `resume` names must exist here. A task on another host need not see
  // it.
  bool check_files = true;
};

// Reads the job at `path`, resolved and valid: every default is filled in but those that depend on
// the host. What ends in .yaml, .yml or .json is YAML; .textproto, .txtpb and .pbtxt are text
// proto; else its content decides.
absl::StatusOr<Job> ReadJob(const std::string& path, const JobOverrides& overrides);

// The same for text that was read elsewhere; errors call it `path`.
absl::StatusOr<Job> ParseJob(const std::string& text, const std::string& path,
                             const JobOverrides& overrides);

// Text proto that ReadJob reads back as an equal job; equal jobs give equal text. For the run
// directory.
std::string FormatJob(const Job& job);

// Tasks of all roles.
int TaskCount(const Job& job);

// Replicas over all workers: the size of the job's collectives group.
int ReplicaCount(const Job& job);

struct PortRange {
  int first = 0;
  int last = 0;  // inclusive
};

// network.ports, of a valid job.
PortRange PortsOf(const Job& job);

}  // namespace stator::distribute

#endif  // STATOR_DISTRIBUTE_JOB_JOB_FILE_H_
