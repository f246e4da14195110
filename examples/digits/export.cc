#include "examples/digits/export.h"

#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "formats/file.h"
#include "formats/npy.h"
#include "graph/status_macros.h"
#include "nn/freeze.h"
#include "proto/serialize.h"

namespace stator::examples {
namespace {

// One byte for the label and one for each pixel.
void AppendExample(const data::LabeledImages& set, int64_t example, std::string* bytes) {
  const int64_t size = set.height * set.width;
  bytes->push_back(static_cast<char>(set.labels[example]));
  bytes->append(reinterpret_cast<const char*>(set.pixels.data()) + example * size, size);
}

}  // namespace

absl::Status ExportTrained(const graph::Graph& graph,
                           const std::map<std::string, graph::DenseTensor>& values,
                           const data::LabeledImages& test, const std::string& folder) {
  STATOR_ASSIGN_OR_RETURN(const GraphDef frozen,
                          nn::Freeze(graph, {"images:0"}, {"digit:0", "probabilities:0"}, values));
  STATOR_ASSIGN_OR_RETURN(const std::string bytes, SerializeDeterministic(frozen));
  STATOR_RETURN_IF_ERROR(formats::WriteFileAtomically(folder + "/digits.pb", bytes));

  std::vector<float> image(test.height * test.width);
  int32_t label = 0;
  data::GatherImages(test, {0}, image.data(), &label);
  const absl::string_view pixels(reinterpret_cast<const char*>(image.data()), image.size() * 4);
  STATOR_RETURN_IF_ERROR(
      formats::WriteNpy(folder + "/image.npy", DT_FLOAT, {1, test.height, test.width, 1}, pixels));
  return formats::WriteFileAtomically(folder + "/label.txt", absl::StrCat(label, "\n"));
}

absl::Status ExportTraining(const graph::Graph& graph, const data::LabeledImages& train,
                            const data::LabeledImages& test, const data::BatchPlan& plan,
                            int epochs, const std::string& folder) {
  STATOR_ASSIGN_OR_RETURN(const std::string bytes, SerializeDeterministic(graph.ToGraphDef()));
  STATOR_RETURN_IF_ERROR(formats::WriteFileAtomically(folder + "/training.pb", bytes));
  std::string examples;
  for (int64_t epoch = 0; epoch < epochs; ++epoch) {
    for (int64_t step = 0; step < plan.steps_per_epoch(); ++step) {
      for (const int64_t example : plan.Examples(epoch, step))
        AppendExample(train, example, &examples);
    }
  }
  STATOR_RETURN_IF_ERROR(formats::WriteFileAtomically(folder + "/train.bin", examples));
  examples.clear();
  for (int64_t example = 0; example < test.count; ++example)
    AppendExample(test, example, &examples);
  return formats::WriteFileAtomically(folder + "/test.bin", examples);
}

}  // namespace stator::examples
