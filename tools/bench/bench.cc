#include "tools/bench/bench.h"

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <filesystem>
#include <functional>
#include <memory>
#include <system_error>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "graph/status_macros.h"
#include "runtime/core/executable.h"
#include "runtime/core/runner.h"
#include "runtime/session/session.h"
#include "runtime/session/status.h"
#include "stator.h"
#include "tools/bench/bench_models.h"
#include "tools/bench/machine_peak.h"
#include "tools/stator/bundle_file.h"
#include "tools/stator/compile_bundle.h"
#include "tools/stator/graph_file.h"
#include "tools/stator/usage.h"

namespace stator::tools {
namespace {

using runtime::Tensor;

double Milliseconds() {
  return std::chrono::duration<double, std::milli>(
             std::chrono::steady_clock::now().time_since_epoch())
      .count();
}

// Times of `call`, each the mean of as many calls as take about 2 ms, over at most 6 s.
absl::Status Measure(const std::function<absl::Status()>& call, BenchResult* result) {
  STATOR_RETURN_IF_ERROR(call());
  double start = Milliseconds();
  STATOR_RETURN_IF_ERROR(call());
  const double one = std::max(Milliseconds() - start, 1e-4);
  const int inner = std::max(1, static_cast<int>(2 / one));
  const int rounds = std::clamp(static_cast<int>(6000 / (one * inner)), 7, 30);
  std::vector<double> times;
  for (int round = 0; round < rounds; ++round) {
    start = Milliseconds();
    for (int i = 0; i < inner; ++i) STATOR_RETURN_IF_ERROR(call());
    times.push_back((Milliseconds() - start) / inner);
  }
  std::sort(times.begin(), times.end());
  result->min_ms = times.front();
  result->median_ms = times[times.size() / 2];
  return absl::OkStatus();
}

// The executable that the session made for these fetches and targets.
std::shared_ptr<runtime::Executable> ExecutableOf(const runtime::Session& session,
                                                  const BenchModel& model) {
  for (const auto& executable : session.Executables()) {
    const executable::EntryPoint& entry = executable->model().entry_points[0];
    if (entry.targets.size() == model.targets.size() && !entry.fetches.empty()) return executable;
  }
  return nullptr;
}

// One more run, by hand, whose memory is counted.
absl::Status AddMemory(const BenchModel& model, const std::vector<Tensor>& feeds,
                       runtime::Session* session, BenchResult* result) {
  const std::shared_ptr<runtime::Executable> executable = ExecutableOf(*session, model);
  if (executable == nullptr) return absl::InternalError("the session holds no executable");
  STATOR_ASSIGN_OR_RETURN(auto runner, runtime::ToAbsl(runtime::Runner::Create(
                                           executable, /*entry=*/0, session->variables())));
  runtime::RunOptions options;
  options.max_threads = result->threads;
  std::vector<Tensor> outputs;
  STATOR_RETURN_IF_ERROR(runtime::ToAbsl(runner->Run(feeds, options, &outputs)));
  const runtime::RunStats& stats = runner->stats();
  result->planned_bytes = stats.arena_bytes + stats.scratch_bytes;
  for (const Tensor& output : outputs) result->planned_bytes += output.bytes();
  result->observed_bytes = stats.peak_bytes;
  return absl::OkStatus();
}

runtime::SessionOptions Options(int threads) {
  runtime::SessionOptions options;
  options.num_threads = threads;
  options.compile.num_threads = threads;
  options.seed = 1;
  return options;
}

absl::StatusOr<BenchResult> RunInSession(const std::string& name, int threads, BenchModel model,
                                         runtime::Session* session) {
  BenchResult result;
  result.name = name;
  result.threads = threads;
  for (const auto& [variable, value] : model.variables) {
    STATOR_RETURN_IF_ERROR(runtime::ToAbsl(session->variables()->Write(variable, value)));
  }
  model.variables.clear();
  if (!model.initializers.empty()) {
    STATOR_RETURN_IF_ERROR(session->Run({}, {}, model.initializers).status());
  }

  std::vector<std::string> names;
  std::vector<Tensor> feeds, outputs;
  for (auto& [feed, value] : model.feeds) {
    names.push_back(feed);
    feeds.push_back(std::move(value));
  }
  STATOR_ASSIGN_OR_RETURN(auto callable,
                          session->MakeCallable(names, model.fetches, model.targets));
  const int64_t compiled_before = session->Stats().compile_ns;
  const double start = Milliseconds();
  STATOR_RETURN_IF_ERROR(callable->Run(feeds, &outputs));
  result.first_run_ms = Milliseconds() - start;
  const runtime::SessionStats stats = session->Stats();
  result.cold_compile_ms = static_cast<double>(stats.compile_ns - compiled_before) * 1e-6;

  STATOR_RETURN_IF_ERROR(Measure([&] { return callable->Run(feeds, &outputs); }, &result));
  STATOR_RETURN_IF_ERROR(AddMemory(model, feeds, session, &result));
  if (model.gflop == 0) return result;
  result.gflops = model.gflop / result.min_ms * 1e3;
  result.ceiling_gflops = PeakGflops(threads);
  if (result.ceiling_gflops > 0) result.limit_share = result.gflops / result.ceiling_gflops;
  return result;
}

// A bundle, or what `stator compile` would make of a SavedModel.
absl::StatusOr<BundleProgram> LoadProgram(const std::string& path, const BenchCall& call, int threads) {
  if (!IsFolder(path)) {
    if (!call.fetches.empty()) return UsageError("--fetch is for graphs; a bundle gives all it has");
    if (!call.signature.empty()) return UsageError("a bundle has entry points (--entry), no --signature");
    return BundleProgram::FromFile(path, threads);
  }
  if (!call.entry.empty()) return UsageError("--entry is for bundles; a SavedModel has --signature");
  EntryFlags entry;
  entry.name = "main";
  entry.signature = call.signature;
  entry.fetches = call.fetches;
  if (call.signature.empty()) {
    for (const auto& [name, tensor] : call.feeds) entry.feeds.push_back(name);
  }
  CompileFlags compile;
  compile.graph = path;
  compile.entries = {std::move(entry)};
  return CompileProgram(std::move(compile), threads);
}

}  // namespace

absl::StatusOr<BenchResult> RunBench(const std::string& name, int threads) {
  const graph::Scope program = NewProgram();
  STATOR_ASSIGN_OR_RETURN(BenchModel model, BuildBenchModel(name, program));
  STATOR_ASSIGN_OR_RETURN(auto session, NewSession(program, Options(threads)));
  return RunInSession(name, threads, std::move(model), session.get());
}

absl::StatusOr<BenchResult> RunGraphBench(const std::string& path, const BenchCall& call,
                                          int threads) {
  if (call.fetches.empty() || !call.entry.empty() || !call.signature.empty()) {
    return UsageError("a graph needs --fetch, and has no --entry or --signature");
  }
  STATOR_ASSIGN_OR_RETURN(const graph::Graph graph, LoadGraph(path));
  BenchModel model;
  model.feeds = call.feeds;
  model.fetches = call.fetches;
  STATOR_ASSIGN_OR_RETURN(auto session, NewSession(graph.ToGraphDef(), Options(threads)));
  return RunInSession(path, threads, std::move(model), session.get());
}

absl::StatusOr<BenchResult> RunBundleBench(const std::string& path, const BenchCall& call,
                                           int threads) {
  BenchResult result;
  result.name = path;
  result.threads = threads;
  const double start = Milliseconds();
  STATOR_ASSIGN_OR_RETURN(BundleProgram program, LoadProgram(path, call, threads));
  if (IsFolder(path)) result.cold_compile_ms = Milliseconds() - start;
  std::vector<Tensor> feeds, outputs;
  int32_t index = 0;
  if (!call.feeds.empty() || !call.entry.empty()) {
    STATOR_ASSIGN_OR_RETURN(index, program.FindEntry(call.entry));
    STATOR_ASSIGN_OR_RETURN(
        feeds, program.OrderFeeds(program.model().entry_points[index].name, call.feeds));
  } else if (program.model().samples.empty()) {
    return absl::FailedPreconditionError(
        "the bundle has no sample to run (stator compile --sample); give --feed");
  } else {
    const executable::Sample& sample = program.model().samples[0];
    index = sample.entry;
    for (const executable::StoredTensor& input : sample.inputs) {
      STATOR_ASSIGN_OR_RETURN(Tensor tensor, program.Stored(input));
      feeds.push_back(std::move(tensor));
    }
  }
  const std::string& entry = program.model().entry_points[index].name;
  runtime::RunOptions options;
  options.reuse_fetches = true;
  STATOR_RETURN_IF_ERROR(program.Run(entry, feeds, options, &outputs));
  result.first_run_ms = Milliseconds() - start;
  STATOR_RETURN_IF_ERROR(
      Measure([&] { return program.Run(entry, feeds, options, &outputs); }, &result));
  const runtime::RunStats& stats = program.StatsOf(index);
  result.planned_bytes = stats.arena_bytes + stats.scratch_bytes;
  for (const Tensor& output : outputs) result.planned_bytes += output.bytes();
  result.observed_bytes = stats.peak_bytes;
  return result;
}

std::string BenchJson(const BenchResult& r) {
  std::string json = absl::StrFormat(
      "{\"name\": \"%s\", \"threads\": %d, \"min_ms\": %.5g, \"median_ms\": %.5g", r.name, r.threads,
      r.min_ms, r.median_ms);
  if (r.cold_compile_ms > 0) absl::StrAppendFormat(&json, ", \"cold_compile_ms\": %.5g", r.cold_compile_ms);
  absl::StrAppendFormat(&json, ", \"first_run_ms\": %.5g, \"planned_bytes\": %d, \"observed_bytes\": %d",
                        r.first_run_ms, r.planned_bytes, r.observed_bytes);
  if (r.gflops > 0) absl::StrAppendFormat(&json, ", \"gflops\": %.5g", r.gflops);
  if (r.ceiling_gflops > 0) {
    absl::StrAppendFormat(&json, ", \"ceiling_gflops\": %.5g, \"limit_share\": %.4f", r.ceiling_gflops,
                          r.limit_share);
  }
  return json + "}";
}

namespace {

// "-" for what is not known.
std::string OrDash(const char* format, double value) {
  if (value <= 0) return "-";
  char text[32];
  std::snprintf(text, sizeof(text), format, value);
  return text;
}

}  // namespace

absl::Status Bench(const std::vector<std::string>& names, const BenchCall& call, int threads,
                   bool json) {
  std::error_code no_error;
  const auto measure = [&](const std::string& name) {
    if (IsImageFile(name) || IsFolder(name)) return RunBundleBench(name, call, threads);
    if (std::filesystem::is_regular_file(name, no_error)) return RunGraphBench(name, call, threads);
    return RunBench(name, threads);
  };
  if (!json) {
    std::printf("%-24s %7s %10s %10s %10s %10s %12s %9s %7s\n", "name", "threads", "min ms",
                "median ms", "compile ms", "first ms", "peak bytes", "GFLOP/s", "limit");
  }
  for (const std::string& name : names) {
    const absl::StatusOr<BenchResult> result = measure(name);
    if (!result.ok()) {
      if (IsUsageError(result.status())) return result.status();
      return absl::Status(result.status().code(),
                          absl::StrCat(name, ": ", result.status().message()));
    }
    if (json) {
      std::printf("%s\n", BenchJson(*result).c_str());
    } else {
      std::printf("%-24s %7d %10.4f %10.4f %10s %10.1f %12lld %9s %7s\n", result->name.c_str(),
                  threads, result->min_ms, result->median_ms,
                  OrDash("%.1f", result->cold_compile_ms).c_str(), result->first_run_ms,
                  static_cast<long long>(result->observed_bytes),
                  OrDash("%.1f", result->gflops).c_str(),
                  OrDash("%.1f%%", 100 * result->limit_share).c_str());
    }
    std::fflush(stdout);
  }
  return absl::OkStatus();
}

}  // namespace stator::tools
