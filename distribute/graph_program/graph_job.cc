#include "distribute/graph_program/graph_job.h"

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "distribute/graph_program/example_files.h"
#include "distribute/graph_program/program_file.h"
#include "graph/status_macros.h"

namespace stator::distribute {
namespace {

// What other systems call these signatures.
constexpr char kTensorFlowInitialize[] = "__saved_model_init_op";
constexpr char kTensorFlowTrain[] = "__saved_model_train_op";
constexpr char kStepCounter[] = "global_step";

absl::Status InField(const std::string& field, const absl::Status& status) {
  if (status.ok()) return status;
  return absl::Status(status.code(), absl::StrCat(field, ": ", status.message()));
}

absl::Status CheckStepCounter(const GraphDef& graph) {
  for (const NodeDef& node : graph.node()) {
    if (node.op() != "VarHandleOp" && node.op() != "VariableV2") continue;
    const auto shared = node.attr().find("shared_name");
    const bool named = shared != node.attr().end() && !shared->second.s().empty();
    if ((named ? shared->second.s() : node.name()) == kStepCounter) return absl::OkStatus();
  }
  return absl::InvalidArgumentError(
      absl::StrCat("expected a variable '", kStepCounter,
                   "', an int64 scalar to which the training op adds 1, found none"));
}

class Loading {
 public:
  explicit Loading(const Job& job) : job_(job), signatures_(job.program().signatures()) {}

  absl::StatusOr<GraphJob> Load() {
    auto read = ReadProgramFile(job_.program().graph());
    STATOR_RETURN_IF_ERROR(InField("program.graph", read.status()));
    program_ = *std::move(read);
    STATOR_RETURN_IF_ERROR(InGraph("program.graph", CheckStepCounter(program_.graph_def())));
    STATOR_RETURN_IF_ERROR(FindSignatures());
    STATOR_RETURN_IF_ERROR(LoadTraining());
    if (!job_.data().evaluate().empty()) STATOR_RETURN_IF_ERROR(LoadEvaluation());
    out_.graph = std::move(*program_.mutable_graph_def());
    return std::move(out_);
  }

 private:
  absl::Status InGraph(const std::string& field, const absl::Status& status) const {
    return InField(absl::StrCat(field, ": ", job_.program().graph()), status);
  }

  absl::Status Find(const std::string& field, const std::string& name,
                    const std::string& op_signature, StepSignature* signature) const {
    auto found = FindSignature(program_, name, op_signature);
    STATOR_RETURN_IF_ERROR(InGraph("program.signatures." + field, found.status()));
    *signature = *std::move(found);
    return absl::OkStatus();
  }

  absl::Status FindSignatures() {
    STATOR_RETURN_IF_ERROR(Find("train", signatures_.train(), kTensorFlowTrain, &out_.train));
    const std::string no_op = "expected an output that is an op (a name without dtype), found ";
    if (out_.train.op.empty()) {
      return InGraph("program.signatures.train",
                     absl::InvalidArgumentError(
                         absl::StrCat("signature '", out_.train.name, "': ", no_op,
                                      "tensors only: which op updates the variables?")));
    }
    if (out_.train.metrics.empty() || out_.train.inputs.empty()) {
      return InGraph("program.signatures.train",
                     absl::InvalidArgumentError(absl::StrCat(
                         "signature '", out_.train.name,
                         "': expected at least one input and one metric (loss), found ",
                         out_.train.inputs.size(), " and ", out_.train.metrics.size())));
    }
    const bool own = program_.signature_def().contains(signatures_.initialize());
    const bool theirs = program_.signature_def().contains(kTensorFlowInitialize);
    StepSignature initialize;
    STATOR_RETURN_IF_ERROR(Find("initialize",
                                !own && theirs ? kTensorFlowInitialize : signatures_.initialize(),
                                "", &initialize));
    if (initialize.op.empty() || !initialize.inputs.empty()) {
      return InGraph(
          "program.signatures.initialize",
          absl::InvalidArgumentError(absl::StrCat(
              "signature '", initialize.name, "': ", no_op,
              initialize.inputs.empty() ? "none" : "inputs, which nothing feeds at the start")));
    }
    out_.initialize = initialize.op;
    return absl::OkStatus();
  }

  absl::Status LoadTraining() {
    const int64_t batch = job_.training().global_batch();
    const int64_t shards = job_.strategy().virtual_replicas();
    for (const SignatureInput& input : out_.train.inputs) {
      if (input.any_shape || input.dims[0] < 0 || input.dims[0] * shards == batch) continue;
      return InField("training.global_batch",
                     absl::InvalidArgumentError(absl::StrCat(
                         "input '", input.key, "' of signature '", out_.train.name, "' takes ",
                         input.dims[0], " examples: with strategy.virtual_replicas = ", shards,
                         " expected ", input.dims[0] * shards, ", found ", batch)));
    }
    STATOR_ASSIGN_OR_RETURN(
        data::DatasetRef examples,
        ReadExamples("data.train", job_.data().train(), job_.data().directory(), out_.train));
    const uint64_t seed = static_cast<uint64_t>(job_.training().seed());
    if (job_.data().shuffle() == Job::Data::SHUFFLE_FULL) {
      STATOR_ASSIGN_OR_RETURN(examples, data::Shuffle(examples, seed));
    } else if (job_.data().shuffle() == Job::Data::SHUFFLE_BUFFER) {
      auto shuffled = data::ShuffleBuffer(examples, seed, job_.data().shuffle_buffer());
      STATOR_RETURN_IF_ERROR(InField("data.shuffle_buffer", shuffled.status()));
      examples = *std::move(shuffled);
    }
    auto sharded = data::ShardedBatches(examples, batch);
    STATOR_RETURN_IF_ERROR(InField("training.global_batch", sharded.status()));
    out_.batch = *std::move(sharded);
    out_.steps_per_epoch = examples->size() / batch;
    return absl::OkStatus();
  }

  absl::Status LoadEvaluation() {
    STATOR_RETURN_IF_ERROR(Find("evaluate", signatures_.evaluate(), "", &out_.evaluate));
    if (!out_.evaluate.op.empty() || out_.evaluate.metrics.empty()) {
      return InGraph("program.signatures.evaluate",
                     absl::InvalidArgumentError(absl::StrCat(
                         "signature '", out_.evaluate.name, "': expected metrics and no op, found ",
                         out_.evaluate.metrics.size(), " metrics",
                         out_.evaluate.op.empty() ? "" : " and op " + out_.evaluate.op)));
    }
    STATOR_ASSIGN_OR_RETURN(const data::DatasetRef examples,
                            ReadExamples("data.evaluate", job_.data().evaluate(),
                                         job_.data().directory(), out_.evaluate));
    int64_t batch = job_.training().global_batch();
    bool fixed = false;
    for (const SignatureInput& input : out_.evaluate.inputs) {
      if (input.any_shape || input.dims[0] < 0) continue;
      batch = input.dims[0];
      fixed = true;
    }
    if (batch < 1 || (fixed && examples->size() % batch != 0)) {
      return InField("data.evaluate", absl::InvalidArgumentError(absl::StrCat(
                                          "signature '", out_.evaluate.name, "' takes ", batch,
                                          " examples at a time: expected a multiple of it, found ",
                                          examples->size())));
    }
    STATOR_ASSIGN_OR_RETURN(out_.evaluation, data::Batch(examples, {.size = batch}));
    return absl::OkStatus();
  }

  const Job& job_;
  const Job::Signatures& signatures_;
  MetaGraphDef program_;
  GraphJob out_;
};

}  // namespace

absl::StatusOr<GraphJob> LoadGraphJob(const Job& job) { return Loading(job).Load(); }

}  // namespace stator::distribute
