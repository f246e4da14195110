// Runs BERT base's encoder on weights and an input from files, and compares the result.
//
//   bert FOLDER [OUTPUT.npy]    w000.npy … w191.npy, in0.npy [batch, length, 768] and, if there is
//                               one, out.npy to compare with
//   bert FOLDER MODEL.pb        writes the model with these weights as constants, for `stator run`
//
// tests/bert_test.cc says how another framework writes such a folder.

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <string>

#include "absl/status/status.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "examples/bert/model.h"
#include "examples/bert/weights.h"
#include "formats/file.h"
#include "formats/npy.h"
#include "graph/status_macros.h"
#include "nn/freeze.h"
#include "proto/serialize.h"
#include "stator.h"

namespace {

using namespace stator;  // NOLINT: an example shows the library, not its namespaces

absl::Status WriteModel(const examples::BertModel& model, const graph::Scope& program,
                        const examples::Weights& weights, const std::string& path) {
  STATOR_ASSIGN_OR_RETURN(
      const GraphDef frozen,
      nn::Freeze(program.graph(), {model.embeddings().name()}, {model.encoded().name()}, weights));
  STATOR_ASSIGN_OR_RETURN(const std::string bytes, SerializeDeterministic(frozen));
  return formats::WriteFileAtomically(path, bytes);
}

// Rounding explains less than this part of the largest number.
constexpr double kTolerance = 1e-4;

// How far apart two results are, in units of the largest expected number.
absl::Status Compare(const formats::NpyArray& expected, const runtime::Tensor& actual) {
  if (expected.dtype != DT_FLOAT || expected.dims != actual.dims()) {
    return absl::InvalidArgumentError("out.npy is not of the result's type and shape");
  }
  const auto* want = reinterpret_cast<const float*>(expected.bytes.data());
  double largest = 0, difference = 0;
  for (int64_t i = 0; i < actual.num_elements(); ++i) {
    const double x = want[i], y = actual.data<float>()[i];
    // Neither of the maxima below would see one.
    if (!std::isfinite(x) || !std::isfinite(y)) {
      return absl::DataLossError(absl::StrCat("number ", i, " is ", y, ", expected ", x));
    }
    largest = std::max(largest, std::abs(x));
    difference = std::max(difference, std::abs(x - y));
  }
  std::printf("largest number: %.4g, largest difference: %.3g (%.2g of it)\n", largest, difference,
              difference / largest);
  if (!(difference <= kTolerance * largest)) {
    return absl::DataLossError("the result differs from out.npy by more than rounding explains");
  }
  return absl::OkStatus();
}

absl::Status Run(const std::string& folder, const std::string& to) {
  const graph::Scope program = NewProgram();
  examples::BertModel model(program, {}, /*seed=*/1);
  STATOR_RETURN_IF_ERROR(program.status());
  STATOR_ASSIGN_OR_RETURN(const examples::Weights weights,
                          examples::ReadWeights(folder, model.variables()));
  if (absl::EndsWith(to, ".pb")) return WriteModel(model, program, weights, to);

  STATOR_ASSIGN_OR_RETURN(auto session, NewSession(program));
  STATOR_RETURN_IF_ERROR(examples::SetWeights(weights, session.get()));
  STATOR_ASSIGN_OR_RETURN(const formats::NpyArray input, formats::ReadNpy(folder + "/in0.npy"));
  if (input.dtype != DT_FLOAT) return absl::InvalidArgumentError("in0.npy does not hold floats");
  auto embeddings =
      runtime::Tensor::FromBytes(runtime::DType::kFloat32, input.dims, input.bytes.data(),
                                 static_cast<int64_t>(input.bytes.size()));
  STATOR_ASSIGN_OR_RETURN(
      const std::vector<runtime::Tensor> results,
      session->Run({{model.embeddings().name(), *embeddings}}, {model.encoded().name()}));
  const runtime::Tensor& encoded = results[0];
  if (const auto expected = formats::ReadNpy(folder + "/out.npy"); expected.ok()) {
    STATOR_RETURN_IF_ERROR(Compare(*expected, encoded));
  } else if (expected.status().code() != absl::StatusCode::kNotFound) {
    return expected.status();
  }
  if (to.empty()) return absl::OkStatus();
  return formats::WriteNpy(to, DT_FLOAT, encoded.dims(),
                           {encoded.data<char>(), static_cast<size_t>(encoded.bytes())});
}

}  // namespace

int main(int argc, char** argv) {
  if (argc < 2 || argc > 3) {
    std::fprintf(stderr, "usage: bert FOLDER [OUTPUT.npy | MODEL.pb]\n");
    return 2;
  }
  const absl::Status status = Run(argv[1], argc > 2 ? argv[2] : "");
  if (!status.ok()) {
    std::fprintf(stderr, "bert: %s\n", std::string(status.message()).c_str());
    return 1;
  }
  return 0;
}
