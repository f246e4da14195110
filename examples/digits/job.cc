#include "examples/digits/job.h"

#include <memory>
#include <utility>
#include <vector>

#include "examples/digits/digit_sets.h"
#include "examples/digits/model.h"
#include "graph/status_macros.h"
#include "nn/batch_source.h"
#include "stator.h"

namespace stator::examples {
namespace {

constexpr int64_t kBatch = 128;  // where the job says nothing

// What the program's functions need while the job runs.
struct Source {
  DigitSets sets;
  std::unique_ptr<nn::ImageBatches> train, test;
};

}  // namespace

absl::StatusOr<distribute::TrainingProgram> BuildDigitsProgram(const Job& job,
                                                               const Flags& flags) {
  const uint64_t seed = static_cast<uint64_t>(job.training().seed());
  const int64_t batch = job.training().global_batch() > 0 ? job.training().global_batch() : kBatch;
  const std::string& folder = flags.data.empty() ? job.data().directory() : flags.data;
  auto source = std::make_shared<Source>();
  STATOR_ASSIGN_OR_RETURN(source->sets, LoadDigits(folder, /*quiet=*/true));
  STATOR_ASSIGN_OR_RETURN(
      nn::ImageBatches train,
      nn::ImageBatches::Create(&source->sets.train,
                               {.batch_size = batch, .seed = seed, .drop_remainder = true}));
  STATOR_ASSIGN_OR_RETURN(
      nn::ImageBatches test,
      nn::ImageBatches::Create(&source->sets.test, {.batch_size = 500, .shuffle = false}));
  source->train = std::make_unique<nn::ImageBatches>(train);
  source->test = std::make_unique<nn::ImageBatches>(test);

  const graph::Scope scope = NewProgram();
  const DigitsModel model(scope, seed, source->sets.train.height, source->sets.train.width,
                          train.steps_per_epoch());
  distribute::TrainingProgram program;
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
  program.steps_per_epoch = train.steps_per_epoch();
  program.default_epochs = flags.epochs;
  program.batch = [source](int64_t step, int shard, int shards) {
    const int64_t steps = source->train->steps_per_epoch();
    return source->train->Shard(step / steps, step % steps, shard, shards);
  };
  program.evaluation_batches = test.steps_per_epoch();
  program.evaluation_batch = [source](int64_t i) { return source->test->Batch(0, i); };
  program.keep_alive = source;
  return program;
}

}  // namespace stator::examples
