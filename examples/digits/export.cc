#include "examples/digits/export.h"

#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "data/dataset.h"
#include "formats/file.h"
#include "formats/npy.h"
#include "graph/status_macros.h"
#include "nn/freeze.h"
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
  STATOR_RETURN_IF_ERROR(
      formats::WriteNpy(folder + "/image.npy", DT_FLOAT,
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
    STATOR_RETURN_IF_ERROR(
        Append(*shuffled, epoch, train->size() / batch * batch, &examples));
  }
  STATOR_RETURN_IF_ERROR(formats::WriteFileAtomically(folder + "/train.bin", examples));
  examples.clear();
  STATOR_ASSIGN_OR_RETURN(const data::DatasetRef test, Examples(*sets.test));
  STATOR_RETURN_IF_ERROR(Append(*test, 0, test->size(), &examples));
  return formats::WriteFileAtomically(folder + "/test.bin", examples);
}

}  // namespace stator::examples
