#ifndef STATOR_DISTRIBUTE_WORKER_STATUS_WRITER_H_
#define STATOR_DISTRIBUTE_WORKER_STATUS_WRITER_H_

#include <atomic>
#include <cstdint>
#include <functional>
#include <string>
#include <thread>

#include "absl/status/status.h"
#include "proto/control.pb.h"

namespace stator::distribute {

// The chief keeps the run directory's status.json fresh, from a thread of its own.
class StatusWriter {
 public:
  // `superseded` is called at most once: this process was paused while the job went on in a newer
  // epoch.
  StatusWriter(std::string run_directory, int64_t total_steps,
               std::function<control::JobStatus()> status,
               std::function<void(const absl::Status&)> superseded);
  // Writes a last time.
  ~StatusWriter();
  StatusWriter(const StatusWriter&) = delete;
  StatusWriter& operator=(const StatusWriter&) = delete;

 private:
  absl::Status Write() const;

  const std::string run_directory_;
  const int64_t total_steps_;
  const std::function<control::JobStatus()> status_;
  const std::function<void(const absl::Status&)> superseded_;
  std::atomic<bool> stop_{false};
  std::thread thread_;
};

}  // namespace stator::distribute

#endif  // STATOR_DISTRIBUTE_WORKER_STATUS_WRITER_H_
