// stator run: feeds files to a graph and prints or writes what it computes.
#include <CLI/CLI.hpp>
#include <cstdio>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "formats/file.h"
#include "graph/status_macros.h"
#include "proto/json_text.h"
#include "runtime/session/session.h"
#include "stator.h"
#include "tools/stator/bundle_file.h"
#include "tools/stator/command.h"
#include "tools/stator/compile_bundle.h"
#include "tools/stator/core_stages.h"
#include "tools/stator/graph_file.h"
#include "tools/stator/tensor_text.h"
#include "tools/stator/usage.h"

namespace stator::tools {
namespace {

using runtime::Tensor;

struct RunFlags {
  std::string graph;
  std::string entry;
  std::string signature;
  std::vector<std::string> feeds;    // TENSOR=FILE
  std::vector<std::string> fetches;  // TENSOR[=FILE]
  std::vector<std::string> targets;
  int threads = 0;
  bool reference = false;
  std::string trace;
  bool json = false;
};

struct Outcome {
  std::vector<Tensor> tensors;
  double compile_ms = 0;
  double run_ms = 0;
};

// "tensor=file"; the file is empty when there is none.
std::pair<std::string, std::string> Split(const std::string& text) {
  const size_t at = text.find('=');
  if (at == std::string::npos) return {text, ""};
  return {text.substr(0, at), text.substr(at + 1)};
}

std::vector<std::string> Names(const std::vector<std::string>& flags) {
  std::vector<std::string> names;
  for (const std::string& flag : flags) names.push_back(Split(flag).first);
  return names;
}

double MillisecondsSince(int64_t start) {
  return static_cast<double>(runtime::NowNanoseconds() - start) / 1e6;
}

absl::StatusOr<Outcome> RunCompiled(graph::Graph graph, const RunFlags& flags, NamedTensors feeds) {
  runtime::SessionOptions options;
  options.num_threads = flags.threads;
  STATOR_ASSIGN_OR_RETURN(const std::unique_ptr<runtime::Session> session,
                          NewSession(graph.ToGraphDef(), options));
  runtime::RunTrace trace;
  runtime::CallOptions call;
  if (!flags.trace.empty()) call.run_trace = &trace;
  Outcome outcome;
  const int64_t start = runtime::NowNanoseconds();
  STATOR_ASSIGN_OR_RETURN(outcome.tensors,
                          session->Run(feeds, Names(flags.fetches), flags.targets, call));
  const double total = MillisecondsSince(start);
  outcome.compile_ms = static_cast<double>(session->Stats().compile_ns) / 1e6;
  outcome.run_ms = total - outcome.compile_ms;
  if (!flags.trace.empty()) {
    STATOR_RETURN_IF_ERROR(formats::WriteFileAtomically(flags.trace, trace.ToChromeJson()));
  }
  return outcome;
}

absl::StatusOr<Outcome> RunByReference(const graph::Graph& graph, const RunFlags& flags,
                                       const NamedTensors& feeds) {
  std::vector<Tensor> tensors;
  STATOR_ASSIGN_OR_RETURN(
      executable::CompileRequest request,
      MakeRequest(graph, Names(flags.feeds), Names(flags.fetches), flags.targets));
  for (size_t i = 0; i < feeds.size(); ++i) {
    executable::FeedSpec& spec = request.feeds[i];
    const Tensor& feed = feeds[i].second;
    if (feed.dtype() != spec.dtype) {
      return absl::InvalidArgumentError("feed '" + spec.name + "': expected " +
                                        executable::DTypeName(spec.dtype) + ", got " +
                                        feed.TypeToString());
    }
    spec.rank_known = true;
    spec.dims.assign(feed.dims().size(), -1);
    tensors.push_back(feed);
  }
  Outcome outcome;
  const int64_t start = runtime::NowNanoseconds();
  STATOR_ASSIGN_OR_RETURN(outcome.tensors, RunReference(graph, request, tensors));
  outcome.run_ms = MillisecondsSince(start);
  return outcome;
}

// A bundle, or what `stator compile` would make of a SavedModel.
absl::StatusOr<BundleProgram> LoadProgram(const RunFlags& flags) {
  if (flags.reference) return UsageError("--reference is for a graph's file");
  if (!IsFolder(flags.graph)) {
    if (!flags.targets.empty() || !flags.signature.empty()) {
      return UsageError("a bundle has entry points (--entry), not --target or --signature");
    }
    return BundleProgram::FromFile(flags.graph, flags.threads);
  }
  if (!flags.entry.empty())
    return UsageError("--entry is for bundles; a SavedModel has --signature");
  EntryFlags entry;
  entry.name = "main";
  entry.signature = flags.signature;
  entry.targets = flags.targets;
  if (flags.signature.empty()) {
    entry.feeds = Names(flags.feeds);
    entry.fetches = Names(flags.fetches);
  }
  CompileFlags compile;
  compile.graph = flags.graph;
  compile.entries = {std::move(entry)};
  return CompileProgram(std::move(compile), flags.threads);
}

// Without --fetch all results are wanted, and `flags` says so afterwards.
absl::StatusOr<Outcome> RunBundle(const NamedTensors& feeds, RunFlags* run_flags) {
  RunFlags& flags = *run_flags;
  Outcome outcome;
  const int64_t load = runtime::NowNanoseconds();
  STATOR_ASSIGN_OR_RETURN(BundleProgram program, LoadProgram(flags));
  STATOR_ASSIGN_OR_RETURN(const int32_t index, program.FindEntry(flags.entry));
  const executable::EntryPoint& entry = program.model().entry_points[index];
  STATOR_ASSIGN_OR_RETURN(const std::vector<Tensor> ordered, program.OrderFeeds(entry.name, feeds));
  if (flags.fetches.empty()) {
    for (const executable::Port& port : entry.fetches) flags.fetches.push_back(port.name);
  }
  std::vector<size_t> wanted;
  for (const std::string& name : Names(flags.fetches)) {
    STATOR_ASSIGN_OR_RETURN(const size_t at, FindPort(entry.fetches, "output", name));
    wanted.push_back(at);
  }
  outcome.compile_ms = MillisecondsSince(load);
  runtime::RunTrace trace;
  trace.Start(program.executable());
  runtime::RunOptions options;
  if (!flags.trace.empty()) options.trace = &trace;
  const int64_t start = runtime::NowNanoseconds();
  std::vector<Tensor> fetches;
  STATOR_RETURN_IF_ERROR(program.Run(entry.name, ordered, options, &fetches));
  outcome.run_ms = MillisecondsSince(start);
  if (!flags.trace.empty()) {
    STATOR_RETURN_IF_ERROR(formats::WriteFileAtomically(flags.trace, trace.ToChromeJson()));
  }
  for (const size_t at : wanted) outcome.tensors.push_back(fetches[at]);
  return outcome;
}

absl::Status Report(const RunFlags& flags, const Outcome& outcome) {
  std::string json = "{\"fetches\": {";
  for (size_t i = 0; i < flags.fetches.size(); ++i) {
    const auto [name, file] = Split(flags.fetches[i]);
    const Tensor& tensor = outcome.tensors[i];
    std::string to;
    if (!file.empty()) {
      STATOR_RETURN_IF_ERROR(WriteTensor(file, tensor));
      to = " -> " + file;
    }
    if (flags.json) {
      json += (i == 0 ? "" : ", ") + JsonQuote(name) + ": " + TensorJson(tensor);
      continue;
    }
    std::printf("%s: %s%s\n", name.c_str(), tensor.TypeToString().c_str(), to.c_str());
    if (file.empty()) std::printf("%s\n", TensorText(tensor).c_str());
  }
  if (!flags.json) return absl::OkStatus();
  char times[96];
  std::snprintf(times, sizeof(times), "}, \"compile_ms\": %.3f, \"run_ms\": %.3f}",
                outcome.compile_ms, outcome.run_ms);
  std::printf("%s%s\n", json.c_str(), times);
  return absl::OkStatus();
}

absl::Status Run(const RunFlags& flags) {
  STATOR_ASSIGN_OR_RETURN(NamedTensors feeds, ReadFeeds("--feed", flags.feeds));
  if (IsImageFile(flags.graph) || IsFolder(flags.graph)) {
    RunFlags all = flags;
    STATOR_ASSIGN_OR_RETURN(const Outcome outcome, RunBundle(feeds, &all));
    return Report(all, outcome);
  }
  if (!flags.entry.empty()) return UsageError("--entry is for bundles");
  if (!flags.signature.empty()) return UsageError("--signature is for a SavedModel's folder");
  if (flags.fetches.empty() && flags.targets.empty()) {
    return UsageError("nothing to do: give --fetch or --target");
  }
  STATOR_ASSIGN_OR_RETURN(graph::Graph graph, LoadGraph(flags.graph));
  absl::StatusOr<Outcome> outcome = flags.reference
                                        ? RunByReference(graph, flags, feeds)
                                        : RunCompiled(std::move(graph), flags, std::move(feeds));
  STATOR_RETURN_IF_ERROR(outcome.status());
  return Report(flags, *outcome);
}

}  // namespace

Command AddRun(CLI::App& app) {
  const auto flags = std::make_shared<RunFlags>();
  CLI::App* run = app.add_subcommand("run", "Runs a graph or a bundle once.");
  run->add_option(
         "GRAPH", flags->graph,
         "GraphDef, binary (.pb) or text (.pbtxt), a SavedModel's folder, or a bundle (.stb)")
      ->required()
      ->check(CLI::ExistingPath);
  run->add_option("--feed", flags->feeds, "a tensor's value; any number of them")
      ->type_name("TENSOR=FILE.npy")
      ->allow_extra_args(false);
  run->add_option("--fetch", flags->fetches, "what to compute, and where to write it")
      ->type_name("TENSOR[=FILE.npy]")
      ->allow_extra_args(false);
  run->add_option("--target", flags->targets, "a node to run for its effect")
      ->type_name("NODE")
      ->allow_extra_args(false);
  run->add_option("--threads", flags->threads, "compute threads; 0: as many as the machine gives")
      ->check(CLI::Range(0, 4096))
      ->capture_default_str();
  run->add_option("--entry", flags->entry, "of a bundle: the entry point; the only one, or main");
  run->add_option("--signature", flags->signature,
                  "of a SavedModel: what its feeds and fetches are");
  CLI::Option* trace =
      run->add_option("--trace", flags->trace, "write a trace for chrome://tracing or Perfetto")
          ->type_name("FILE");
  run->add_flag("--reference", flags->reference,
                "run op by op with the reference interpreter, without generating code")
      ->excludes(trace);
  run->add_flag("--json", flags->json, "print one JSON object");
  return {run, [flags] { return Run(*flags); }};
}

}  // namespace stator::tools
