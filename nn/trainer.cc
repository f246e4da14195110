#include "nn/trainer.h"

#include <cstdio>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "data/loader.h"
#include "graph/status_macros.h"
#include "graph/tensor_shape.h"
#include "nn/progress_bar.h"
#include "ops/wrappers.h"
#include "runtime/session/status.h"

namespace stator::nn {
namespace {

using graph::Output;
using graph::Scope;
using runtime::Tensor;

absl::StatusOr<float> ScalarOf(const Tensor& tensor, const char* what) {
  if (tensor.dtype() != runtime::DType::kFloat32 || tensor.num_elements() != 1) {
    return absl::FailedPreconditionError(absl::StrCat(
        "expected the ", what, " to be a float scalar, found ", tensor.TypeToString()));
  }
  return *tensor.data<float>();
}

std::string Describe(double loss, double accuracy) {
  return absl::StrFormat("loss %.4f  accuracy %.2f %%", loss, 100 * accuracy);
}

}  // namespace

absl::StatusOr<std::unique_ptr<Trainer>> Trainer::Create(Variables* variables, TrainingPass train,
                                                         TrainingPass evaluate,
                                                         TrainerOptions options) {
  variables->GlobalStep();  // in the checkpoint of every program, trained or not
  auto trainer = std::unique_ptr<Trainer>(
      new Trainer(variables, std::move(train), std::move(evaluate), std::move(options)));
  const Scope save = variables->root().SubScope("save");
  for (const Variable& variable : variables->all()) {
    trainer->reads_.push_back(ops::ReadVariableOp(save, variable.handle, variable.dtype));
    const Output value = ops::Placeholder(
        save, variable.dtype, {.shape = graph::PartialShape(variable.dims)});
    trainer->restored_.push_back(value);
    trainer->restores_.push_back(ops::AssignVariableOp(save, variable.handle, value));
  }
  STATOR_RETURN_IF_ERROR(variables->root().status());
  if (!trainer->train_.step.valid()) {
    return absl::InvalidArgumentError("the training pass has no step: see Minimize");
  }
  if (!trainer->options_.checkpoint.empty()) {
    STATOR_ASSIGN_OR_RETURN(trainer->checkpoints_,
                            formats::CheckpointDirectory::Open(trainer->options_.checkpoint));
  }
  return trainer;
}

absl::Status Trainer::Start(runtime::Session* session) {
  session_ = session;
  if (options_.resume) {
    if (!checkpoints_) return absl::InvalidArgumentError("resuming needs a checkpoint folder");
    std::vector<std::string> warnings;
    const auto reader = checkpoints_->OpenNewest(&warnings);
    for (const std::string& warning : warnings) std::fprintf(stderr, "%s\n", warning.c_str());
    if (reader.ok()) return Restore(*reader);
    if (reader.status().code() != absl::StatusCode::kNotFound) return reader.status();
  }
  return Initialize();
}

absl::Status Trainer::Initialize() {
  std::vector<std::string> targets;
  for (const Variable& variable : variables_->all()) {
    targets.push_back(variable.initialize.node().name());
  }
  step_ = 0;
  return session_->Run({}, {}, targets).status();
}

absl::Status Trainer::Restore(const formats::BundleReader& reader) {
  std::vector<std::pair<std::string, Tensor>> feeds;
  std::vector<std::string> targets;
  for (size_t i = 0; i < restored_.size(); ++i) {
    const Variable& variable = variables_->all()[i];
    STATOR_ASSIGN_OR_RETURN(
        Tensor value, runtime::ToAbsl(Tensor::Create(static_cast<runtime::DType>(variable.dtype),
                                                     variable.dims)));
    STATOR_ASSIGN_OR_RETURN(const BundleEntryProto* entry, reader.Find(variable.name));
    if (entry->dtype() != variable.dtype) {
      return absl::FailedPreconditionError(
          absl::StrCat("variable '", variable.name, "' has another type in the checkpoint"));
    }
    STATOR_RETURN_IF_ERROR(reader.Read(
        variable.name, absl::MakeSpan(value.data<char>(), static_cast<size_t>(value.bytes()))));
    if (variable.name == variables_->GlobalStep().name) step_ = *value.data<int64_t>();
    feeds.emplace_back(restored_[i].name(), std::move(value));
    targets.push_back(restores_[i].node().name());
  }
  return session_->Run(feeds, {}, targets).status();
}

absl::StatusOr<std::map<std::string, graph::DenseTensor>> Trainer::Values() {
  std::vector<std::string> fetches;
  for (const Output& read : reads_) fetches.push_back(read.name());
  STATOR_ASSIGN_OR_RETURN(const std::vector<Tensor> values, session_->Run({}, fetches));
  std::map<std::string, graph::DenseTensor> by_name;
  for (size_t i = 0; i < values.size(); ++i) {
    const Variable& variable = variables_->all()[i];
    graph::DenseTensor& tensor = by_name[variable.name];
    tensor.dtype = variable.dtype;
    tensor.shape = values[i].dims();
    tensor.bytes.assign(values[i].data<char>(), values[i].bytes());
  }
  return by_name;
}

absl::Status Trainer::Save() {
  if (!checkpoints_) return absl::OkStatus();
  STATOR_ASSIGN_OR_RETURN(const auto values, Values());
  return checkpoints_->Save(step_, [&](formats::BundleWriter& writer) -> absl::Status {
    for (const auto& [name, tensor] : values) {
      STATOR_RETURN_IF_ERROR(writer.Add(name, tensor.dtype, tensor.shape, tensor.bytes));
    }
    return absl::OkStatus();
  });
}

absl::StatusOr<std::pair<float, float>> Trainer::RunPass(const TrainingPass& pass,
                                                         const std::vector<Tensor>& batch) {
  if (batch.size() != pass.inputs.size()) {
    return absl::InvalidArgumentError(
        absl::StrCat("expected a batch of ", pass.inputs.size(), " tensors, found ", batch.size()));
  }
  std::vector<std::pair<std::string, Tensor>> feeds;
  for (size_t i = 0; i < batch.size(); ++i) feeds.emplace_back(pass.inputs[i].name(), batch[i]);
  std::vector<std::string> targets;
  if (pass.step.valid()) targets.push_back(pass.step.node().name());
  STATOR_ASSIGN_OR_RETURN(const std::vector<Tensor> results,
                          session_->Run(feeds, {pass.loss.name(), pass.correct.name()}, targets));
  STATOR_ASSIGN_OR_RETURN(const float loss, ScalarOf(results[0], "loss"));
  STATOR_ASSIGN_OR_RETURN(const float correct, ScalarOf(results[1], "number of right answers"));
  return std::pair(loss, correct);
}

absl::StatusOr<Metrics> Trainer::Evaluate(const data::DatasetRef& batches) {
  Metrics metrics;
  double right = 0;
  STATOR_ASSIGN_OR_RETURN(const auto loader, data::Loader::Start(batches, {.epochs = 1}));
  while (true) {
    STATOR_ASSIGN_OR_RETURN(const absl::optional<data::Element> read, loader->Next());
    if (!read) break;
    const data::Element& batch = *read;
    STATOR_ASSIGN_OR_RETURN(const auto result, RunPass(evaluate_, batch));
    const int64_t count = batch[0].dims().empty() ? 1 : batch[0].dims()[0];
    metrics.loss += double{result.first} * static_cast<double>(count);
    right += result.second;
    metrics.examples += count;
  }
  if (metrics.examples == 0) return absl::InvalidArgumentError("no examples to evaluate");
  metrics.loss /= static_cast<double>(metrics.examples);
  metrics.accuracy = right / static_cast<double>(metrics.examples);
  return metrics;
}

absl::Status Trainer::Fit(const data::DatasetRef& batches, int64_t epochs,
                          const data::DatasetRef& test) {
  const int64_t steps = batches->size();
  if (step_ >= epochs * steps) return absl::OkStatus();
  data::LoaderOptions reading;
  reading.epochs = epochs;
  reading.start = {step_ / steps, step_ % steps};
  STATOR_ASSIGN_OR_RETURN(const auto loader, data::Loader::Start(batches, reading));
  while (step_ < epochs * steps) {
    const int64_t epoch = step_ / steps;
    ProgressBar bar(absl::StrCat("epoch ", epoch + 1, "/", epochs), steps, options_.quiet);
    double loss = 0, right = 0, examples = 0;
    while (step_ < (epoch + 1) * steps) {
      STATOR_ASSIGN_OR_RETURN(const absl::optional<data::Element> read, loader->Next());
      const data::Element& batch = *read;
      STATOR_ASSIGN_OR_RETURN(const auto result, RunPass(train_, batch));
      ++step_;
      const double count = batch[0].dims().empty() ? 1 : static_cast<double>(batch[0].dims()[0]);
      loss += result.first * count;
      right += result.second;
      examples += count;
      if (options_.on_step) options_.on_step(step_, result.first);
      bar.Update(step_ - epoch * steps, Describe(loss / examples, right / examples));
      const bool due = options_.save_every_steps > 0 && step_ % options_.save_every_steps == 0;
      if (due || step_ % steps == 0) STATOR_RETURN_IF_ERROR(Save());
    }
    std::string summary = Describe(loss / examples, right / examples);
    if (test != nullptr) {
      STATOR_ASSIGN_OR_RETURN(const Metrics metrics, Evaluate(test));
      absl::StrAppend(&summary, "  test ", Describe(metrics.loss, metrics.accuracy));
    }
    bar.Finish(summary);
  }
  return absl::OkStatus();
}

}  // namespace stator::nn
