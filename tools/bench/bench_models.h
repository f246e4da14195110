#ifndef STATOR_TOOLS_BENCH_BENCH_MODELS_H_
#define STATOR_TOOLS_BENCH_BENCH_MODELS_H_

// The models that `stator bench` measures: the same computations as other frameworks are given,
// with weights and inputs of the same distributions.

#include <string>
#include <utility>
#include <vector>

#include "absl/status/statusor.h"
#include "graph/scope.h"
#include "runtime/core/tensor.h"

namespace stator::tools {

// A built model: what a run feeds, fetches and runs.
struct BenchModel {
  double gflop = 0;  // of one run: multiply-adds of contractions, two each
  std::vector<std::pair<std::string, runtime::Tensor>> feeds;
  std::vector<std::string> fetches;
  std::vector<std::string> targets;
  std::vector<std::string> initializers;  // targets to run once, before
  std::vector<std::pair<std::string, runtime::Tensor>> variables;  // values to set, before
};

// Adds the model to the program: "matmul-MxNxK" (A[M,K] fed, B[K,N] constant), "tiny-mlp",
// "mlp-train", "cnn-train" or "bert-base-N" (a sequence of length N; the program leaves batch and
// length open). kNotFound for another name.
absl::StatusOr<BenchModel> BuildBenchModel(const std::string& name, const graph::Scope& program);

// For --help.
std::string BenchModelNames();

}  // namespace stator::tools

#endif  // STATOR_TOOLS_BENCH_BENCH_MODELS_H_
