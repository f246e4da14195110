#include "distribute/worker/status_writer.h"

#include <unistd.h>

#include <utility>

#include "distribute/launch/control_status.h"
#include "distribute/launch/job_status.h"

namespace stator::distribute {

StatusWriter::StatusWriter(std::string run_directory, int64_t total_steps,
                           std::function<control::JobStatus()> status,
                           std::function<void(const absl::Status&)> superseded)
    : run_directory_(std::move(run_directory)),
      total_steps_(total_steps),
      status_(std::move(status)),
      superseded_(std::move(superseded)) {
  thread_ = std::thread([this] {
    while (!stop_) {
      const absl::Status written = Write();  // other errors: the next one comes soon
      if (absl::IsAborted(written)) return superseded_(written);
      for (int i = 0; i < 10 && !stop_; ++i) usleep(50'000);
    }
  });
}

StatusWriter::~StatusWriter() {
  stop_ = true;
  thread_.join();
  Write().IgnoreError();
}

absl::Status StatusWriter::Write() const {
  return WriteJobStatus(run_directory_, FromControl(status_(), total_steps_));
}

}  // namespace stator::distribute
