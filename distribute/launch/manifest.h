// Scripts and manifests that hand a job to a platform, which starts the tasks that join.
#ifndef STATOR_DISTRIBUTE_LAUNCH_MANIFEST_H_
#define STATOR_DISTRIBUTE_LAUNCH_MANIFEST_H_

#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "proto/job.pb.h"

namespace stator::distribute {

struct ManifestOptions {
  std::string launcher = "stator";  // the program, as it is called on the hosts
  std::string job_file;             // as given to launch
  // What else launch was given, for the launchers there.
  std::vector<std::string> flags;
  std::vector<std::string> program_args;
};

// A script for sbatch: one allocation, a step for each generation.
std::string SbatchScript(const Job& job, const ManifestOptions& options);

// A JobSet (jobset.x-k8s.io/v1alpha2) of an Indexed Job per role. The image is the one of the job's
// `image=NAME` engine line; folders of the job must lie on the volumes that the image's cluster
// mounts.
absl::StatusOr<std::string> JobSetManifest(const Job& job, const ManifestOptions& options);

}  // namespace stator::distribute

#endif  // STATOR_DISTRIBUTE_LAUNCH_MANIFEST_H_
