#include "distribute/launch/control_status.h"

#include "absl/strings/numbers.h"

namespace stator::distribute {

JobStatus FromControl(const control::JobStatus& status, int64_t total_steps) {
  JobStatus out;
  out.job = status.job();
  out.epoch = status.epoch();
  out.total_steps = total_steps;
  for (const control::TaskStatus& task : status.tasks()) {
    const control::Progress& progress = task.progress();
    TaskProgress& added = out.tasks.emplace_back();
    added.task = task.task();
    const bool works = task.state() == "running" && !progress.phase().empty();
    added.phase = works ? progress.phase() : task.state();
    added.step = progress.step();
    added.steps_per_second = progress.steps_per_second();
    added.silent_seconds = task.last_beat_age_seconds();
    if (&task != &status.tasks(0)) continue;
    out.step = progress.step();
    out.steps_per_second = progress.steps_per_second();
    if (progress.metrics().count("loss") > 0) out.loss = progress.loss();
    int64_t step = -1;
    if (absl::SimpleAtoi(progress.last_checkpoint(), &step)) out.checkpoint_step = step;
  }
  return out;
}

}  // namespace stator::distribute
