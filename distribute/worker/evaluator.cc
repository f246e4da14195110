#include "distribute/worker/evaluator.h"

#include <memory>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/time/clock.h"
#include "distribute/checkpoint/checkpoint_reader.h"
#include "distribute/collectives/group.h"
#include "distribute/worker/replica.h"
#include "distribute/worker/train_loop.h"
#include "graph/status_macros.h"

namespace stator::distribute {

std::string EvaluationLine(int64_t step, const TrainingProgram& program,
                           const std::vector<double>& values) {
  std::string line = absl::StrCat("step ", step, "  test");
  for (size_t i = 0; i < values.size(); ++i) {
    const Metric& metric = program.evaluation_metrics[i];
    absl::StrAppend(&line, " ", metric.name, " ",
                    metric.aggregation == Aggregation::kMean
                        ? absl::StrFormat("%.4f", values[i])
                        : absl::StrFormat("%.2f %%", 100 * values[i]));
  }
  return line;
}

absl::Status Evaluate(const EvaluatorOptions& options) {
  const Job& job = *options.job;
  if (options.program->evaluation_batches == 0) {
    return absl::InvalidArgumentError(
        "roles.evaluator: expected a program that evaluates, found one that does not");
  }
  std::vector<std::unique_ptr<Channel>> alone(1);
  GroupOptions only;
  only.tasks = {"evaluator:0"};
  STATOR_ASSIGN_OR_RETURN(auto group, Group::Create(std::move(only), std::move(alone)));
  STATOR_ASSIGN_OR_RETURN(
      auto replica, Replica::Create(options.program, nullptr, options.new_session,
                                    {.threads = options.threads, .seed = job.training().seed()},
                                    std::move(group), nullptr));
  STATOR_RETURN_IF_ERROR(replica->Initialize());
  const int64_t last = TotalSteps(job, *options.program);
  int64_t evaluated = -1;
  while (options.stop == nullptr || !*options.stop) {
    std::vector<std::string> warnings;
    const auto reader = CheckpointReader::Open(job.checkpoint().directory(), &warnings);
    // Files may go while they are read, and the next look finds newer ones.
    const bool none = absl::IsNotFound(reader.status()) || absl::IsDataLoss(reader.status());
    if (!reader.ok() && !none) return reader.status();
    if (reader.ok() && reader->manifest().step() != evaluated) {
      STATOR_RETURN_IF_ERROR(
          reader->Restore(replica->variables()->Names(), replica->variables()));
      STATOR_ASSIGN_OR_RETURN(const std::vector<double> values, replica->Evaluate());
      evaluated = reader->manifest().step();
      options.say(EvaluationLine(evaluated, *options.program, values));
      if (evaluated >= last) return absl::OkStatus();
    }
    absl::SleepFor(options.interval);
  }
  return absl::OkStatus();
}

}  // namespace stator::distribute
