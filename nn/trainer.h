#ifndef STATOR_NN_TRAINER_H_
#define STATOR_NN_TRAINER_H_

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/types/optional.h"
#include "data/dataset.h"
#include "formats/checkpoint_directory.h"
#include "graph/scope.h"
#include "graph/tensor_proto.h"
#include "nn/variables.h"
#include "runtime/session/session.h"

namespace stator::nn {

// The two passes of a program that classifies: what is fed, in the order of a batch's tensors, and
// what comes out. `loss` is a float scalar, the mean over the batch; `correct` a float
// scalar, the number of right answers.
struct TrainingPass {
  std::vector<graph::Output> inputs;
  graph::Output loss;
  graph::Output correct;
  graph::Operation step;  // Minimize's; invalid in the pass that evaluates
};

struct TrainerOptions {
  std::string checkpoint;        // folder; empty: none are saved
  bool resume = false;           // continue from the newest complete checkpoint, if there is one
  int64_t save_every_steps = 0;  // besides the end of each epoch; 0: not
  bool quiet = false;            // no progress bar
  // Called after every training step with its number (from 1) and its loss.
  std::function<void(int64_t step, float loss)> on_step;
};

struct Metrics {
  double loss = 0;      // mean over the examples
  double accuracy = 0;  // share of right answers
  int64_t examples = 0;
};

// Trains a program in a session: initializes or resumes, runs the steps, evaluates, saves. After a
// kill at any moment, a run that resumes computes the same bits as one that was never interrupted:
// variables, optimizer slots and the step counter come from the checkpoint, batches and random
// numbers are functions of the step. Not thread-safe.
class Trainer {
 public:
  // Adds the nodes that save and restore to the program of `variables`; call it before the session
  // first runs that program. `variables` must outlive the trainer.
  static absl::StatusOr<std::unique_ptr<Trainer>> Create(Variables* variables, TrainingPass train,
                                                         TrainingPass evaluate,
                                                         TrainerOptions options);

  // Gives the trainer its session, which holds the whole program, and initializes or resumes. The
  // session must outlive the trainer.
  absl::Status Start(runtime::Session* session);

  // Trains on the elements of `batches`, read ahead by a thread, until `epochs` epochs are complete
  // in all, resumed ones included. Evaluates on `test` after each epoch unless it is null.
  absl::Status Fit(const data::DatasetRef& batches, int64_t epochs,
                   const data::DatasetRef& test = nullptr);

  absl::StatusOr<Metrics> Evaluate(const data::DatasetRef& batches);

  // All variables by name, as they are now.
  absl::StatusOr<std::map<std::string, graph::DenseTensor>> Values();

  // Completed steps.
  int64_t step() const { return step_; }

 private:
  Trainer(Variables* variables, TrainingPass train, TrainingPass evaluate, TrainerOptions options)
      : variables_(variables),
        train_(std::move(train)),
        evaluate_(std::move(evaluate)),
        options_(std::move(options)) {}

  // Fetches and targets of `pass` for one batch: {loss, correct}.
  absl::StatusOr<std::pair<float, float>> RunPass(const TrainingPass& pass,
                                                  const std::vector<runtime::Tensor>& batch);
  absl::Status Initialize();
  absl::Status Restore(const formats::BundleReader& reader);
  absl::Status Save();

  Variables* variables_;
  TrainingPass train_;
  TrainingPass evaluate_;
  TrainerOptions options_;
  runtime::Session* session_ = nullptr;
  absl::optional<formats::CheckpointDirectory> checkpoints_;
  // For each variable: its value, and a placeholder with the node that assigns it.
  std::vector<graph::Output> reads_;
  std::vector<graph::Output> restored_;
  std::vector<graph::Operation> restores_;
  int64_t step_ = 0;
};

}  // namespace stator::nn

#endif  // STATOR_NN_TRAINER_H_
