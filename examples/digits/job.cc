#include "examples/digits/job.h"

#include <string>
#include <vector>

#include "data/dataset.h"
#include "examples/digits/digit_sets.h"
#include "examples/digits/model.h"
#include "graph/status_macros.h"
#include "nn/trainer.h"
#include "stator.h"

namespace stator::examples {
namespace {

constexpr int64_t kBatch = 128;  // where the job says nothing

}  // namespace

absl::StatusOr<distribute::TrainingProgram> BuildDigitsProgram(const Job& job, const Flags& flags) {
  const uint64_t seed = static_cast<uint64_t>(job.training().seed());
  const int64_t batch = job.training().global_batch() > 0 ? job.training().global_batch() : kBatch;
  const std::string& folder = flags.data.empty() ? job.data().directory() : flags.data;
  // The job's tasks, and those that start again after a failure, share what one of them draws.
  const std::string shared = flags.plan ? "" : job.run_directory() + "/digits";
  STATOR_ASSIGN_OR_RETURN(const DigitSets sets, LoadDigits(folder, /*quiet=*/true, shared));
  STATOR_ASSIGN_OR_RETURN(const data::DatasetRef images, TrainingImages(sets, seed));
  STATOR_ASSIGN_OR_RETURN(const data::DatasetRef test, TestBatches(sets));
  distribute::TrainingProgram program;
  STATOR_ASSIGN_OR_RETURN(program.batch, data::ShardedBatches(images, batch));
  program.steps_per_epoch = images->size() / batch;
  program.default_epochs = flags.epochs;
  program.evaluation_batches = test->size();
  program.evaluation_batch = [test](int64_t i) { return test->Get(0, i); };

  const graph::Scope scope = NewProgram();
  const DigitsModel model(scope, seed, sets.train->height, sets.train->width,
                          program.steps_per_epoch);
  STATOR_ASSIGN_OR_RETURN(program.graph, scope.ToGraphDef());
  program.initialize = "init";
  const auto describe = [](const nn::TrainingPass& pass, std::vector<std::string>* inputs,
                           std::vector<distribute::Metric>* metrics) {
    for (const graph::Output& input : pass.inputs) inputs->push_back(input.name());
    *metrics = {{"loss", pass.loss.name(), distribute::Aggregation::kMean},
                {"accuracy", pass.correct.name(), distribute::Aggregation::kSum}};
  };
  describe(model.train_pass(), &program.step.inputs, &program.step.metrics);
  describe(model.evaluate_pass(), &program.evaluation_inputs, &program.evaluation_metrics);
  program.step.target = model.train_pass().step.node().name();
  return program;
}

}  // namespace stator::examples
