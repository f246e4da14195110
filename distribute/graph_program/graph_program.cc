#include "distribute/graph_program/graph_program.h"

#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "distribute/graph_program/graph_job.h"
#include "graph/status_macros.h"

namespace stator::distribute {
namespace {

void Describe(const StepSignature& signature, std::vector<std::string>* inputs,
              std::vector<Metric>* metrics) {
  for (const SignatureInput& input : signature.inputs) inputs->push_back(input.tensor);
  for (const SignatureMetric& metric : signature.metrics) {
    metrics->push_back(
        {metric.key, metric.tensor, metric.is_sum ? Aggregation::kSum : Aggregation::kMean});
  }
}

}  // namespace

absl::StatusOr<TrainingProgram> BuildGraphProgram(const Job& job) {
  if (job.program().graph().empty()) {
    return absl::InvalidArgumentError(
        "program.graph: expected a graph, found a job whose program is a binary");
  }
  STATOR_ASSIGN_OR_RETURN(GraphJob loaded, LoadGraphJob(job));
  TrainingProgram program;
  program.graph = std::move(loaded.graph);
  program.initialize = loaded.initialize;
  Describe(loaded.train, &program.step.inputs, &program.step.metrics);
  program.step.target = loaded.train.op;
  program.steps_per_epoch = loaded.steps_per_epoch;
  program.batch = std::move(loaded.batch);
  if (loaded.evaluation != nullptr) {
    Describe(loaded.evaluate, &program.evaluation_inputs, &program.evaluation_metrics);
    program.evaluation_batches = loaded.evaluation->size();
    program.evaluation_batch = [batches = loaded.evaluation](int64_t i) {
      return batches->Get(0, i);
    };
  }
  return program;
}

}  // namespace stator::distribute
