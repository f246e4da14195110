#ifndef STATOR_TOOLS_BENCH_BENCH_H_
#define STATOR_TOOLS_BENCH_BENCH_H_

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "runtime/core/tensor.h"

namespace stator::tools {

// What `stator bench` says of one model.
struct BenchResult {
  std::string name;
  int threads = 0;
  double min_ms = 0, median_ms = 0;  // of one prepared run
  double cold_compile_ms = 0;        // from the graph to machine code
  double first_run_ms = 0;           // the first call, compile included
  int64_t planned_bytes = 0;         // memory of a run: arena, scratch, fetches, as planned
  int64_t observed_bytes = 0;        // and at its peak
  double gflops = 0;                 // rate of the fastest run
  double ceiling_gflops = 0;         // the machine's, by the same threads, measured beside it
  double limit_share = 0;            // gflops / ceiling_gflops
};

// What is run of a graph's or bundle's file.
struct BenchCall {
  std::string entry;      // of a bundle
  std::string signature;  // of a SavedModel
  std::vector<std::pair<std::string, runtime::Tensor>> feeds;
  std::vector<std::string> fetches;  // of a graph or a SavedModel
};

// Builds, compiles and measures one model in a session of its own. threads >= 1.
absl::StatusOr<BenchResult> RunBench(const std::string& name, int threads);

// The same for a graph. Nobody counts its operations: those fields stay 0, and are not shown.
absl::StatusOr<BenchResult> RunGraphBench(const std::string& path, const BenchCall& call,
                                          int threads);

// Loads a bundle, or compiles a SavedModel, and measures an entry point; without feeds, that of its
// first sample, with the sample's inputs. There is no count of operations, for bundles nothing to
// compile: those fields stay 0. first_run_ms includes loading and compiling.
absl::StatusOr<BenchResult> RunBundleBench(const std::string& path, const BenchCall& call,
                                           int threads);

// One line of JSON with a key per field that is known.
std::string BenchJson(const BenchResult& result);

// The subcommand: measures `names` (of models, or files of graphs and bundles, which `call` is for)
// one after another, writes a table (or, for `json`, one line of JSON each) to standard output. Stops
// at the first failure.
absl::Status Bench(const std::vector<std::string>& names, const BenchCall& call, int threads,
                   bool json);

}  // namespace stator::tools

#endif  // STATOR_TOOLS_BENCH_BENCH_H_
