#include "distribute/worker/train_loop.h"

#include <algorithm>
#include <fstream>
#include <utility>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/types/optional.h"
#include "distribute/checkpoint/checkpoint_reader.h"
#include "distribute/checkpoint/snapshot.h"
#include "distribute/worker/best_metric.h"
#include "distribute/worker/evaluator.h"
#include "graph/status_macros.h"
#include "runtime/core/run_control.h"
#include "runtime/session/status.h"

namespace stator::distribute {
namespace {

class TrainLoop {
 public:
  TrainLoop(Replica& replica, const TrainLoopOptions& options)
      : replica_(replica),
        options_(options),
        job_(*options.job),
        program_(*options.program),
        total_(TotalSteps(job_, program_)) {}

  absl::StatusOr<TrainResult> Run() {
    STATOR_RETURN_IF_ERROR(Begin());
    while (result_.step < total_) {
      if (!options_.member->BeginStep(result_.step + 1)) {
        result_.drained = true;
        break;
      }
      STATOR_RETURN_IF_ERROR(options_.member->failure());
      STATOR_RETURN_IF_ERROR(Step());
    }
    STATOR_RETURN_IF_ERROR(End());
    return std::move(result_);
  }

 private:
  bool is_chief() const { return replica_.rank() == 0; }

  void Say(const std::string& line) const {
    if (is_chief() && options_.say) options_.say(line);
  }

  void Report(const char* phase) {
    progress_.phase = phase;
    progress_.step = result_.step;
    if (options_.checkpoints != nullptr && options_.checkpoints->last_saved_step() >= 0) {
      progress_.last_checkpoint = absl::StrCat(options_.checkpoints->last_saved_step());
    }
    options_.member->Report(progress_);
  }

  // First values everywhere, so that every variable exists; then those of rank 0.
  absl::Status Begin() {
    Report("start");
    STATOR_ASSIGN_OR_RETURN(best_, FindBestMetric(job_, program_));
    STATOR_RETURN_IF_ERROR(replica_.Initialize());
    if (is_chief()) STATOR_RETURN_IF_ERROR(Restore());
    STATOR_RETURN_IF_ERROR(replica_.Broadcast());
    STATOR_ASSIGN_OR_RETURN(const runtime::Tensor counter,
                            runtime::ToAbsl(replica_.variables()->Read(program_.step_counter)));
    if (counter.dtype() != runtime::DType::kInt64 || counter.num_elements() != 1) {
      return absl::InvalidArgumentError(
          absl::StrCat("variable '", program_.step_counter,
                       "': expected an int64 scalar that counts steps, found ",
                       counter.TypeToString()));
    }
    result_.step = *counter.data<int64_t>();
    if (result_.step > 0) Say(absl::StrCat("resuming after step ", result_.step));
    STATOR_RETURN_IF_ERROR(replica_.ReadAhead(result_.step, total_));
    started_at_ = result_.step;
    started_ns_ = runtime::NowNanoseconds();
    return absl::OkStatus();
  }

  absl::Status Restore() {
    if (job_.resume() == "never") return absl::OkStatus();
    const bool automatic = job_.resume().empty() || job_.resume() == "auto";
    const std::string path = automatic ? job_.checkpoint().directory() : job_.resume();
    std::vector<std::string> warnings;
    const auto reader = CheckpointReader::Open(path, &warnings);
    for (const std::string& warning : warnings) Say(warning);
    if (automatic && absl::IsNotFound(reader.status())) return absl::OkStatus();
    STATOR_RETURN_IF_ERROR(reader.status());
    const int then = reader->manifest().virtual_replicas();
    const int now = job_.strategy().virtual_replicas();
    if (then != 0 && then != now) {
      Say(absl::StrCat("the checkpoint was made with ", then, " virtual replicas, this job has ",
                       now, ": it will not go on with the same numbers"));
    }
    return reader->Restore(replica_.variables()->Names(), replica_.variables());
  }

  absl::Status Step() {
    const bool trace = result_.step + 1 == options_.trace_step;
    replica_.set_trace(trace);
    STATOR_ASSIGN_OR_RETURN(std::vector<double> metrics, replica_.Step(result_.step));
    ++result_.step;
    if (trace) STATOR_RETURN_IF_ERROR(WriteTrace());
    TakeMetrics(metrics);
    const auto due = [&](int64_t every) { return every > 0 && result_.step % every == 0; };
    if (due(job_.training().verify_every_steps())) STATOR_RETURN_IF_ERROR(replica_.CheckEqual());
    if (due(job_.training().evaluate_every_steps()) && result_.step < total_) {
      STATOR_RETURN_IF_ERROR(Evaluate());
    }
    if (due(job_.checkpoint().every_steps())) STATOR_RETURN_IF_ERROR(Save());
    return absl::OkStatus();
  }

  absl::Status WriteTrace() {
    STATOR_ASSIGN_OR_RETURN(const std::string json, replica_.TraceJson());
    std::ofstream file(options_.trace_file, std::ios::trunc);
    file << json;
    file.close();
    if (!file) return absl::UnavailableError(absl::StrCat(options_.trace_file, ": cannot write"));
    Say(absl::StrFormat("step %d  %.0f %% of %.2f ms of sums beside kernels, %.2f ms waited for "
                        "input, see %s",
                        result_.step, 100 * replica_.HiddenShare(),
                        replica_.SumNanoseconds() * 1e-6, replica_.InputNanoseconds() * 1e-6,
                        options_.trace_file));
    return absl::OkStatus();
  }

  void TakeMetrics(const std::vector<double>& metrics) {
    progress_.metrics.clear();
    for (size_t i = 0; i < metrics.size(); ++i) {
      const std::string& name = program_.step.metrics[i].name;
      if (name == "loss") progress_.loss = metrics[i];
      progress_.metrics.emplace_back(name, metrics[i]);
    }
    const int64_t now = runtime::NowNanoseconds();
    if (now - started_ns_ > 500'000'000) {
      progress_.steps_per_second =
          static_cast<double>(result_.step - started_at_) * 1e9 / (now - started_ns_);
      started_ns_ = now;
      started_at_ = result_.step;
    }
    Report("train");
    if (is_chief() && options_.on_step) options_.on_step(result_.step, metrics);
  }

  absl::Status Evaluate() {
    if (!is_chief() || program_.evaluation_batches == 0) return absl::OkStatus();
    Report("evaluate");
    STATOR_ASSIGN_OR_RETURN(result_.evaluation, replica_.Evaluate());
    Say(EvaluationLine(result_.step, program_, result_.evaluation));
    return absl::OkStatus();
  }

  absl::Status Save() {
    if (options_.checkpoints == nullptr) return absl::OkStatus();
    SaveRequest request;
    request.step = result_.step;
    STATOR_ASSIGN_OR_RETURN(request.snapshot, Snapshot::Take(replica_.variables()));
    if (best_.has_value()) {
      // None before the first step or evaluation of this run.
      if (best_->of_evaluation) {
        if (best_->index < result_.evaluation.size()) {
          request.metric = result_.evaluation[best_->index];
        }
      } else if (best_->index < progress_.metrics.size()) {
        request.metric = progress_.metrics[best_->index].second;
      }
    }
    return options_.checkpoints->Save(std::move(request));
  }

  absl::Status End() {
    if (!result_.drained) STATOR_RETURN_IF_ERROR(Evaluate());
    STATOR_RETURN_IF_ERROR(replica_.CheckEqual());
    if (!is_chief()) return absl::OkStatus();
    STATOR_RETURN_IF_ERROR(Save());
    Report("checkpoint");
    if (options_.checkpoints != nullptr) STATOR_RETURN_IF_ERROR(options_.checkpoints->Wait());
    Report("end");
    STATOR_ASSIGN_OR_RETURN(const Snapshot last, Snapshot::Take(replica_.variables()));
    result_.weights = WeightsHash(last);
    return absl::OkStatus();
  }

  Replica& replica_;
  const TrainLoopOptions& options_;
  const Job& job_;
  const TrainingProgram& program_;
  const int64_t total_;
  absl::optional<BestMetric> best_;
  TrainResult result_;
  Progress progress_;
  int64_t started_at_ = 0;  // of the rate that is shown
  int64_t started_ns_ = 0;
};

}  // namespace

int64_t TotalSteps(const Job& job, const TrainingProgram& program) {
  if (job.training().steps() > 0) return job.training().steps();
  const int64_t epochs =
      job.training().epochs() > 0 ? job.training().epochs() : program.default_epochs;
  return epochs * program.steps_per_epoch;
}

absl::StatusOr<TrainResult> Train(Replica& replica, const TrainLoopOptions& options) {
  return TrainLoop(replica, options).Run();
}

}  // namespace stator::distribute
