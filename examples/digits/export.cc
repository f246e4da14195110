#include "examples/digits/export.h"

#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "data/dataset.h"
#include "formats/file.h"
#include "formats/npy.h"
#include "graph/status_macros.h"
#include "nn/freeze.h"
#include "proto/meta_graph.pb.h"
#include "proto/saved_model.pb.h"
#include "proto/serialize.h"

namespace stator::examples {
namespace {

// One byte for the label and one for each pixel.
absl::StatusOr<data::DatasetRef> Examples(const data::LabeledImages& set) {
  std::vector<uint8_t> bytes;
  const int64_t size = set.height * set.width;
  bytes.reserve(static_cast<size_t>(set.count * (1 + size)));
  for (int64_t i = 0; i < set.count; ++i) {
    bytes.push_back(set.labels[static_cast<size_t>(i)]);
    bytes.insert(bytes.end(), set.pixels.begin() + i * size, set.pixels.begin() + (i + 1) * size);
  }
  return data::FromArrays({runtime::Tensor::Of<uint8_t>({set.count, 1 + size}, bytes)});
}

// The first `count` elements of an epoch.
absl::Status Append(const data::Dataset& examples, int64_t epoch, int64_t count,
                    std::string* bytes) {
  for (int64_t i = 0; i < count; ++i) {
    STATOR_ASSIGN_OR_RETURN(const data::Element example, examples.Get(epoch, i));
    bytes->append(example[0].data<char>(), static_cast<size_t>(example[0].bytes()));
  }
  return absl::OkStatus();
}

TensorInfo Info(const graph::Output& output, std::vector<int64_t> dims) {
  TensorInfo info;
  info.set_name(output.name());
  info.set_dtype(output.dtype());
  for (const int64_t dim : dims) info.mutable_tensor_shape()->add_dim()->set_size(dim);
  return info;
}

SignatureDef Signature(const nn::TrainingPass& pass, const data::LabeledImages& images) {
  SignatureDef signature;
  auto& inputs = *signature.mutable_inputs();
  inputs["images"] = Info(pass.inputs[0], {-1, images.height, images.width});
  inputs["labels"] = Info(pass.inputs[1], {-1});
  auto& outputs = *signature.mutable_outputs();
  outputs["loss"] = Info(pass.loss, {});
  outputs["accuracy"] = Info(pass.correct, {});
  // An op: a name without dtype.
  if (pass.step.valid()) outputs["train_op"].set_name(pass.step.node().name());
  return signature;
}

}  // namespace

absl::Status ExportTrained(const graph::Graph& graph,
                           const std::map<std::string, graph::DenseTensor>& values,
                           const DigitSets& sets, const std::string& folder) {
  STATOR_ASSIGN_OR_RETURN(const GraphDef frozen,
                          nn::Freeze(graph, {"images:0"}, {"digit:0", "probabilities:0"}, values));
  STATOR_ASSIGN_OR_RETURN(const std::string bytes, SerializeDeterministic(frozen));
  STATOR_RETURN_IF_ERROR(formats::WriteFileAtomically(folder + "/digits.pb", bytes));

  STATOR_ASSIGN_OR_RETURN(const data::DatasetRef images, data::FromImages(sets.test));
  STATOR_ASSIGN_OR_RETURN(const data::Element first, images->Get(0, 0));
  const absl::string_view pixels(first[0].data<char>(), static_cast<size_t>(first[0].bytes()));
  STATOR_RETURN_IF_ERROR(formats::WriteNpy(folder + "/image.npy", DT_FLOAT,
                                           {1, sets.test->height, sets.test->width, 1}, pixels));
  return formats::WriteFileAtomically(folder + "/label.txt",
                                      absl::StrCat(*first[1].data<int32_t>(), "\n"));
}

absl::Status ExportTraining(const graph::Graph& graph, const DigitSets& sets, uint64_t seed,
                            int64_t batch, int epochs, const std::string& folder) {
  STATOR_ASSIGN_OR_RETURN(const std::string bytes, SerializeDeterministic(graph.ToGraphDef()));
  STATOR_RETURN_IF_ERROR(formats::WriteFileAtomically(folder + "/training.pb", bytes));
  STATOR_ASSIGN_OR_RETURN(const data::DatasetRef train, Examples(*sets.train));
  STATOR_ASSIGN_OR_RETURN(const data::DatasetRef shuffled, data::Shuffle(train, seed));
  std::string examples;
  for (int64_t epoch = 0; epoch < epochs; ++epoch) {
    STATOR_RETURN_IF_ERROR(Append(*shuffled, epoch, train->size() / batch * batch, &examples));
  }
  STATOR_RETURN_IF_ERROR(formats::WriteFileAtomically(folder + "/train.bin", examples));
  examples.clear();
  STATOR_ASSIGN_OR_RETURN(const data::DatasetRef test, Examples(*sets.test));
  STATOR_RETURN_IF_ERROR(Append(*test, 0, test->size(), &examples));
  return formats::WriteFileAtomically(folder + "/test.bin", examples);
}

absl::Status ExportJob(const graph::Graph& graph, const DigitsModel& program,
                       const data::LabeledImages& images, const std::string& folder) {
  SavedModel model;
  model.set_saved_model_schema_version(1);
  MetaGraphDef& meta = *model.add_meta_graphs();
  meta.mutable_meta_info_def()->add_tags("train");
  *meta.mutable_graph_def() = graph.ToGraphDef();
  auto& signatures = *meta.mutable_signature_def();
  for (const nn::TrainingPass* pass : {&program.train_pass(), &program.evaluate_pass()}) {
    signatures[pass->step.valid() ? "train" : "evaluate"] = Signature(*pass, images);
    // The number of right answers in a batch is a sum over its parts.
    for (NodeDef& node : *meta.mutable_graph_def()->mutable_node()) {
      if (node.name() != pass->correct.operation().node().name()) continue;
      (*node.mutable_attr())["_aggregation"].set_s("sum");
    }
  }
  (*signatures["initialize"].mutable_outputs())["init"].set_name("init");
  STATOR_ASSIGN_OR_RETURN(const std::string bytes, SerializeDeterministic(model));
  return formats::WriteFileAtomically(folder + "/saved_model.pb", bytes);
}

}  // namespace stator::examples
