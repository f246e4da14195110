// The folder that one job's tasks and its launcher share.
//
//   lock                    held while a launcher drives the job; says who
//   epoch                   the number of the last generation
//   job.textproto           the resolved job
//   secret                  authenticates control on loopback; only the owner may read it
//   status.json             written by the chief: progress (job_status.h)
//   launch.json             written by the launcher: how the launch stands (launch_record.h)
//   coordinator.json        where worker:0 listens (launch_record.h)
//   tls/                    certificates, where tasks speak over more than loopback
//   logs/epoch-3/worker-1.log
//   images/                 what the chief compiled (distribute/images)
//   failures/epoch-3/worker-1.json   why a task failed, written by itself (failure_record.h)
//   exits/epoch-3/worker-1.json      how a task ended, written by the launcher that joined for it
#ifndef STATOR_DISTRIBUTE_LAUNCH_RUN_DIRECTORY_H_
#define STATOR_DISTRIBUTE_LAUNCH_RUN_DIRECTORY_H_

#include <cstdint>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "distribute/collectives/file_descriptor.h"

namespace stator::distribute {

class RunDirectory {
 public:
  // Names only; touches no file. `path` is made absolute.
  explicit RunDirectory(const std::string& path);

  const std::string& path() const { return path_; }
  std::string job_file() const { return path_ + "/job.textproto"; }
  std::string secret_file() const { return path_ + "/secret"; }
  std::string status_file() const { return path_ + "/status.json"; }
  std::string launch_file() const { return path_ + "/launch.json"; }
  std::string coordinator_file() const { return path_ + "/coordinator.json"; }
  std::string tls_directory() const { return path_ + "/tls"; }
  std::string LogFile(uint64_t epoch, const std::string& task) const;
  std::string FailureFile(uint64_t epoch, const std::string& task) const;
  std::string ExitFile(uint64_t epoch, const std::string& task) const;

  // Makes the folder if need be.
  absl::Status Create() const;

  // Held until the result is destroyed. Unavailable, naming pid and host of the holder, if another
  // launcher has it.
  absl::StatusOr<FileDescriptor> Lock() const;

  // Whether a launcher has it. Changes nothing.
  bool InUse() const;

  // The last epoch; 0 before the first.
  absl::StatusOr<uint64_t> LastEpoch() const;
  // One more than the last, stored before it is returned. Needs the lock.
  absl::StatusOr<uint64_t> NextEpoch() const;

  // Writes a new random secret (64 hexadecimal digits, mode 0600) unless there is one.
  absl::Status EnsureSecret() const;

 private:
  std::string path_;
};

// "worker:1" as it stands in file names: "worker-1".
std::string TaskFileName(const std::string& task);

}  // namespace stator::distribute

#endif  // STATOR_DISTRIBUTE_LAUNCH_RUN_DIRECTORY_H_
