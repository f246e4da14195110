#include "distribute/worker/status_writer.h"

#include <unistd.h>

#include <utility>

#include "absl/strings/numbers.h"
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
  const control::JobStatus from = status_();
  JobStatus to;
  to.job = from.job();
  to.epoch = from.epoch();
  to.total_steps = total_steps_;
  for (const control::TaskStatus& task : from.tasks()) {
    const control::Progress& progress = task.progress();
    TaskProgress& added = to.tasks.emplace_back();
    added.task = task.task();
    added.phase = progress.phase();
    added.step = progress.step();
    added.steps_per_second = progress.steps_per_second();
    added.silent_seconds = task.last_beat_age_seconds();
    if (&task != &from.tasks(0)) continue;
    to.step = progress.step();
    to.steps_per_second = progress.steps_per_second();
    if (progress.metrics().count("loss") > 0) to.loss = progress.loss();
    int64_t step = -1;
    if (absl::SimpleAtoi(progress.last_checkpoint(), &step)) to.checkpoint_step = step;
  }
  return WriteJobStatus(run_directory_, to);
}

}  // namespace stator::distribute
