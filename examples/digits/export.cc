#include "examples/digits/export.h"

#include <vector>

#include "absl/strings/str_cat.h"
#include "formats/file.h"
#include "formats/npy.h"
#include "graph/status_macros.h"
#include "nn/freeze.h"
#include "proto/serialize.h"

namespace stator::examples {

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

}  // namespace stator::examples
