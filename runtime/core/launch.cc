// Kernel launches: splitting grids over the pool.
#include <algorithm>
#include <cmath>

#include "runtime/core/run_execution.h"

namespace stator::runtime {
namespace {

// A part costs about a microsecond to hand over: less work than this stays on one thread.
constexpr double kMinPartNs = 3000;
// Cancellation and deadlines are polled about this often inside a launch.
constexpr double kPollNs = 100'000;

struct Job {
  const Task* tasks;
  int count;
  int parts;
  double cost;  // of all tasks
  const RunControl* control;
  executable::ErrorSlot* errors;
  std::atomic<bool> stopped{false};
};

// Tile of task `t` at position x on the axis of summed costs. Neighbouring parts compute the same
// number for the border between them.
int64_t TileAt(const Task& t, double start, double x) {
  if (x <= start) return 0;
  const double tile = std::ceil((x - start) / t.tile_cost);
  return tile >= static_cast<double>(t.grid) ? t.grid : static_cast<int64_t>(tile);
}

// False when the kernel reported an error or the run should stop.
bool RunRange(const Job& job, const Task& task, int64_t begin, int64_t end, int32_t worker,
              executable::ErrorSlot* error) {
  executable::Frame frame = task.frame;
  frame.error = error;
  int64_t chunk = end - begin;
  const bool polls = job.control->active() && task.interruptible;
  if (polls) {
    chunk = std::max<int64_t>(1, static_cast<int64_t>(kPollNs / std::max(task.tile_cost, 1e-3)));
  }
  for (int64_t at = begin; at < end; at += chunk) {
    if (polls && at != begin && job.control->ShouldStop()) return false;
    if (task.fn(&frame, at, std::min(at + chunk, end), worker) != 0) return false;
  }
  return true;
}

void RunPart(void* context, int part) {
  Job& job = *static_cast<Job*>(context);
  executable::ErrorSlot* error = &job.errors[part];
  const double from = job.cost * part / job.parts;
  const double to = job.cost * (part + 1) / job.parts;
  double start = 0;
  for (int i = 0; i < job.count; ++i) {
    const Task& task = job.tasks[i];
    const int64_t begin = part == 0 ? 0 : TileAt(task, start, from);
    const int64_t end = part + 1 == job.parts ? task.grid : TileAt(task, start, to);
    if (begin < end && !RunRange(job, task, begin, end, part, error)) {
      job.stopped.store(true, std::memory_order_relaxed);
      return;
    }
    start += task.tile_cost * static_cast<double>(task.grid);
  }
}

}  // namespace

int RunExecution::ThreadLimit() const {
  const int size = pool_->size();
  return options_.max_threads > 0 ? std::min(options_.max_threads, size) : size;
}

Status RunExecution::EnsureScratch(int64_t stride) {
  const int64_t bytes = stride * ThreadLimit();
  stats_.scratch_bytes = std::max(stats_.scratch_bytes, bytes);
  if (stride == 0) return Status::Ok();
  STATOR_EXEC_RETURN_IF_ERROR(Charge(bytes));
  if (scratch_ == nullptr || scratch_->size() < bytes) {
    scratch_.reset();
    STATOR_EXEC_ASSIGN_OR_RETURN(scratch_, Buffer::Allocate(bytes));
  }
  scratch_stride_ = stride;
  return Status::Ok();
}

// Fills the launch's arguments and scalars; `plan` and `grids` describe its size.
Status RunExecution::PrepareLaunch(const ProgramStep& step, LaunchPlan* plan,
                                   const int64_t** grids) {
  const ProgramLaunch& launch = p_.launches[step.launch];
  const std::vector<int32_t>& buffers = launch.launch->buffers;
  void** args = &args_[launch.first_arg];
  for (size_t i = 0; i < buffers.size(); ++i) args[i] = table_[buffers[i]];
  if (launch.is_static) {
    *plan = plan_->launches[step.launch];
    *grids = &plan_->grids[launch.first_phase];
    return Status::Ok();
  }
  int64_t* scalars = scalars_.data() + launch.first_scalar;
  const std::vector<int32_t>& exprs = launch.launch->scalars;
  for (size_t i = 0; i < exprs.size(); ++i) scalars[i] = values_[exprs[i]];
  int64_t* out = &dynamic_grids_[launch.first_phase];
  STATOR_EXEC_RETURN_IF_ERROR(PlanLaunch(p_, launch, scalars, values_, out, plan));
  *grids = out;
  if (plan->scratch > scratch_stride_) return EnsureScratch(plan->scratch);
  return Status::Ok();
}

namespace {

Task MakeTask(const ProgramLaunch& launch, executable::KernelFn fn, int64_t grid,
              const LaunchPlan& plan, void* const* args, const int64_t* scalars, char* scratch,
              int64_t stride, const executable::Helpers* helpers) {
  double cost = kMinPartNs;  // unknown: each tile is worth a part
  if (plan.cost_ns >= 0 && grid > 0) {
    const auto phases = static_cast<double>(launch.kernel->phases.size());
    cost = std::max(plan.cost_ns / phases / static_cast<double>(grid), 1e-3);
  }
  return Task{
      fn, {args, scalars, scratch, stride, nullptr, helpers}, grid, cost, !launch.writes_variable};
}

}  // namespace

Status RunExecution::Do(const ProgramStep& step, const executable::LaunchKernel& body) {
  const ProgramLaunch& launch = p_.launches[step.launch];
  LaunchPlan plan;
  const int64_t* grids = nullptr;
  STATOR_EXEC_RETURN_IF_ERROR(PrepareLaunch(step, &plan, &grids));
  char* scratch = scratch_ == nullptr ? nullptr : static_cast<char*>(scratch_->data());
  for (size_t phase = 0; phase < launch.kernel->phases.size(); ++phase) {
    Task task = MakeTask(launch, p_.phases[launch.first_phase + phase], grids[phase], plan,
                         args_.data() + launch.first_arg, scalars_.data() + launch.first_scalar,
                         scratch, scratch_stride_, &helpers_);
    STATOR_EXEC_RETURN_IF_ERROR(Dispatch(&task, 1));
  }
  return Status::Ok();
}

Status RunExecution::RunGroup(const ProgramWave& wave) {
  tasks_.clear();
  for (const ProgramStep& step : wave.steps) {
    LaunchPlan plan;
    const int64_t* grids = nullptr;
    STATOR_EXEC_RETURN_IF_ERROR(AtStep(m_, *step.step, PrepareLaunch(step, &plan, &grids)));
    const ProgramLaunch& launch = p_.launches[step.launch];
    tasks_.push_back(MakeTask(launch, p_.phases[launch.first_phase], grids[0], plan,
                              args_.data() + launch.first_arg,
                              scalars_.data() + launch.first_scalar, nullptr, 0, &helpers_));
  }
  // Preparing a later launch may have moved the scratch memory.
  for (Task& task : tasks_) {
    task.frame.scratch = scratch_ == nullptr ? nullptr : static_cast<char*>(scratch_->data());
    task.frame.scratch_stride = scratch_stride_;
  }
  const auto count = static_cast<int64_t>(tasks_.size());
  stats_.steps[static_cast<size_t>(StepKind::kLaunchKernel)] += count;
  STATOR_EXEC_RETURN_IF_ERROR(Dispatch(tasks_.data(), static_cast<int>(count)));
  for (const ProgramStep& step : wave.steps) Wrote(step);
  return Status::Ok();
}

Status RunExecution::Dispatch(Task* tasks, int count) {
  Job job;
  job.tasks = tasks;
  job.count = count;
  job.control = &options_.control;
  job.errors = errors_.data();
  job.cost = 0;
  int64_t tiles = 0;
  for (int i = 0; i < count; ++i) {
    job.cost += tasks[i].tile_cost * static_cast<double>(tasks[i].grid);
    tiles += tasks[i].grid;
  }
  const double by_cost = std::min(job.cost / kMinPartNs, 1e6);
  job.parts = static_cast<int>(std::min<int64_t>(
      {ThreadLimit(), tiles, std::max<int64_t>(static_cast<int64_t>(by_cost), 1)}));
  job.parts = std::max(job.parts, 1);
  parts_of_last_launch_ = job.parts;
  for (int i = 0; i < job.parts; ++i) job.errors[i] = {0, kNone, -1};
  if (job.parts == 1) {
    RunPart(&job, 0);
  } else {
    pool_->Run(job.parts, RunPart, &job);
  }
  if (!job.stopped.load(std::memory_order_relaxed)) return Status::Ok();
  STATOR_EXEC_RETURN_IF_ERROR(options_.control.Poll());
  // Parts are in tile order: the first one's error is the first in logical order, for any number of
  // parts.
  for (int i = 0; i < job.parts; ++i) {
    if (job.errors[i].check != kNone) {
      return CheckFailed(job.errors[i].check, job.errors[i].index);
    }
  }
  return executable::Internal("a kernel failed without saying why");
}

}  // namespace stator::runtime
