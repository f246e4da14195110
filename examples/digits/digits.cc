// Trains a small convolutional network to read handwritten digits.
//
//   digits                        on digits that the program draws itself
//   digits --data DIR             on MNIST's IDX files, plain or .gz
//   digits --export-job DIR       writes the program for a job by graph
//
// The last line is the accuracy on the test images. Started by `stator launch` it is one task of a
// training job (examples/jobs/digits.yaml).

#include "data/digits.h"

#include <cstdio>
#include <cstdlib>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "data/dataset.h"
#include "distribute/run.h"
#include "examples/digits/digit_sets.h"
#include "examples/digits/export.h"
#include "examples/digits/flags.h"
#include "examples/digits/job.h"
#include "examples/digits/model.h"
#include "graph/status_macros.h"
#include "nn/trainer.h"
#include "stator.h"

namespace {

using namespace stator;  // NOLINT: an example shows the library, not its namespaces

using examples::Flags;

constexpr int64_t kBatch = 128;

// Writes the program and its data for a job by graph.
absl::Status ExportJob(const Flags& flags) {
  if (flags.data.empty()) {
    STATOR_RETURN_IF_ERROR(data::WriteDigitSet(flags.export_job, data::DigitSetOptions()));
  }
  STATOR_ASSIGN_OR_RETURN(
      const examples::DigitSets sets,
      examples::LoadDigits(flags.data.empty() ? flags.export_job : flags.data, flags.quiet));
  const graph::Scope scope = NewProgram();
  const examples::DigitsModel model(scope, flags.seed, sets.train->height, sets.train->width,
                                    sets.train->count / kBatch, examples::DigitsInput::kBytes);
  STATOR_RETURN_IF_ERROR(scope.status());
  return examples::ExportJob(scope.graph(), model, *sets.train, flags.export_job);
}

absl::Status Train(const Flags& flags) {
  STATOR_ASSIGN_OR_RETURN(const examples::DigitSets sets,
                          examples::LoadDigits(flags.data, flags.quiet));
  STATOR_ASSIGN_OR_RETURN(const data::DatasetRef images,
                          examples::TrainingImages(sets, flags.seed));
  STATOR_ASSIGN_OR_RETURN(const data::DatasetRef batches,
                          data::Batch(images, {.size = kBatch, .drop_remainder = true}));
  STATOR_ASSIGN_OR_RETURN(const data::DatasetRef test_batches, examples::TestBatches(sets));

  // The program: one graph with the passes that train and evaluate.
  const graph::Scope scope = NewProgram();
  examples::DigitsModel model(scope, flags.seed, sets.train->height, sets.train->width,
                              batches->size());
  if (!flags.export_training.empty()) {
    STATOR_RETURN_IF_ERROR(examples::ExportTraining(scope.graph(), sets, flags.seed, kBatch,
                                                    flags.epochs, flags.export_training));
  }
  nn::TrainerOptions options;
  options.checkpoint = flags.checkpoint;
  options.resume = flags.resume;
  options.save_every_steps = flags.save_every;
  options.quiet = flags.quiet;
  std::FILE* log = nullptr;
  if (!flags.loss_log.empty()) {
    log = std::fopen(flags.loss_log.c_str(), flags.resume ? "a" : "w");
    if (log == nullptr) return absl::InvalidArgumentError("cannot write " + flags.loss_log);
    options.on_step = [log](int64_t step, float loss) {
      std::fprintf(log, "%lld %a\n", static_cast<long long>(step), loss);
      std::fflush(log);
    };
  }
  STATOR_ASSIGN_OR_RETURN(auto trainer, nn::Trainer::Create(&model.variables(), model.train_pass(),
                                                            model.evaluate_pass(), options));
  runtime::SessionOptions session_options;
  session_options.num_threads = flags.threads;
  session_options.seed = static_cast<int64_t>(flags.seed);
  STATOR_ASSIGN_OR_RETURN(auto session, NewSession(scope, std::move(session_options)));
  STATOR_RETURN_IF_ERROR(trainer->Start(session.get()));
  if (trainer->step() > 0 && !flags.quiet) {
    std::fprintf(stderr, "resuming after step %lld\n", static_cast<long long>(trainer->step()));
  }
  STATOR_RETURN_IF_ERROR(trainer->Fit(batches, flags.epochs, test_batches));
  if (log != nullptr) std::fclose(log);

  STATOR_ASSIGN_OR_RETURN(const nn::Metrics metrics, trainer->Evaluate(test_batches));
  if (!flags.export_folder.empty()) {
    STATOR_ASSIGN_OR_RETURN(const auto values, trainer->Values());
    STATOR_RETURN_IF_ERROR(
        examples::ExportTrained(scope.graph(), values, sets, flags.export_folder));
  }
  std::printf("test accuracy: %.2f %%\n", 100 * metrics.accuracy);
  return absl::OkStatus();
}

}  // namespace

int main(int argc, char** argv) {
  Flags flags;
  int exit_code = 0;
  if (!examples::ParseFlags(argc, argv, &flags, &exit_code)) return exit_code;
  if (distribute::IsTask() || !flags.job.empty() || flags.plan) {
    return distribute::Run(
        argc, argv, [&](const Job& job) { return examples::BuildDigitsProgram(job, flags); });
  }
  const absl::Status status = flags.export_job.empty() ? Train(flags) : ExportJob(flags);
  if (!status.ok()) {
    std::fprintf(stderr, "digits: %s\n", std::string(status.message()).c_str());
    return 1;
  }
  return 0;
}
