// stator verify: does a bundle compute here what it computed where it was made?
#include <CLI/CLI.hpp>
#include <cstdio>
#include <cstring>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "graph/status_macros.h"
#include "runtime/session/session.h"
#include "runtime/session/status.h"
#include "stator.h"
#include "tools/stator/bundle_file.h"
#include "tools/stator/command.h"
#include "tools/stator/graph_file.h"
#include "tools/stator/tensor_text.h"
#include "tools/stator/usage.h"

namespace stator::tools {
namespace {

using runtime::Tensor;

struct Flags {
  std::string bundle;
  std::string against;    // graph or SavedModel
  std::string signature;  // of the SavedModel
  std::string inputs;     // folder of NAME.npy
  std::string entry;
  int threads = 0;
};

// OK if both have equal bits; else which element differs first.
absl::Status Compare(const std::string& name, const Tensor& expected, const Tensor& found) {
  if (expected.dtype() != found.dtype() || expected.dims() != found.dims()) {
    return absl::DataLossError("output '" + name + "': expected " + expected.TypeToString() +
                               ", found " + found.TypeToString());
  }
  const auto equal = [&](int64_t i) {
    if (expected.dtype() == executable::DType::kString) {
      return expected.strings()[i] == found.strings()[i];
    }
    const int64_t size = executable::DTypeSize(expected.dtype());
    return std::memcmp(expected.data<char>() + i * size, found.data<char>() + i * size,
                       static_cast<size_t>(size)) == 0;
  };
  for (int64_t i = 0; i < expected.num_elements(); ++i) {
    if (equal(i)) continue;
    return absl::DataLossError("output '" + name + "': element " + std::to_string(i) + " of " +
                               std::to_string(expected.num_elements()) + " differs");
  }
  std::printf("%s: %s, equal\n", name.c_str(), expected.TypeToString().c_str());
  return absl::OkStatus();
}

// Those of the entry point of that name; of all, if it is empty.
absl::Status RunSamples(const std::string& only, BundleProgram& program) {
  const executable::ImageModel& model = program.model();
  if (!only.empty()) STATOR_RETURN_IF_ERROR(program.FindEntry(only).status());
  bool any = false;
  for (const executable::Sample& sample : model.samples) {
    const executable::EntryPoint& entry = model.entry_points[sample.entry];
    if (!only.empty() && entry.name != only) continue;
    any = true;
    std::vector<Tensor> feeds;
    for (const executable::StoredTensor& input : sample.inputs) {
      STATOR_ASSIGN_OR_RETURN(Tensor tensor, program.Stored(input));
      feeds.push_back(std::move(tensor));
    }
    std::vector<Tensor> fetches;
    STATOR_RETURN_IF_ERROR(program.Run(entry.name, feeds, {}, &fetches));
    for (size_t i = 0; i < fetches.size(); ++i) {
      STATOR_ASSIGN_OR_RETURN(const Tensor expected, program.Stored(sample.outputs[i]));
      STATOR_RETURN_IF_ERROR(Compare(sample.outputs[i].name, expected, fetches[i]));
    }
  }
  if (any) return absl::OkStatus();
  const std::string what = only.empty() ? "the bundle" : "entry point '" + only + "'";
  return absl::FailedPreconditionError(
      what + " has no sample (stator compile --sample, of the first entry point); give --against and --inputs");
}

// The file of an input: NAME.npy, with ":0" left out and '/' as '_'.
std::string FileOf(const std::string& folder, std::string name) {
  if (const size_t at = name.rfind(":0"); at != std::string::npos && at + 2 == name.size()) {
    name.resize(at);
  }
  for (char& c : name) {
    if (c == '/' || c == ':') c = '_';
  }
  return folder + "/" + name + ".npy";
}

// The graph's tensors for an entry point's inputs or outputs. With a signature the bundle knows them
// by its keys.
std::vector<std::string> Tensors(const std::vector<executable::Port>& ports,
                                 const std::vector<std::pair<std::string, std::string>>& keys) {
  std::vector<std::string> tensors;
  for (const executable::Port& port : ports) {
    std::string tensor = port.name;
    for (const auto& [key, name] : keys) {
      if (key == port.name) tensor = name;
    }
    tensors.push_back(std::move(tensor));
  }
  return tensors;
}

// The session starts with the bundle's variables, as these are now.
absl::Status CopyVariables(const BundleProgram& program, runtime::Session* session) {
  for (const executable::StoredTensor& initial : program.model().initial_values) {
    STATOR_ASSIGN_OR_RETURN(const Tensor value,
                            runtime::ToAbsl(program.variables()->Read(initial.name)));
    STATOR_RETURN_IF_ERROR(runtime::ToAbsl(session->variables()->Write(initial.name, value)));
  }
  return absl::OkStatus();
}

absl::Status RunAgainst(const Flags& flags, BundleProgram& program) {
  STATOR_ASSIGN_OR_RETURN(const int32_t index, program.FindEntry(flags.entry));
  const executable::EntryPoint& entry = program.model().entry_points[index];
  STATOR_ASSIGN_OR_RETURN(const GraphFile file, LoadGraphFile(flags.against));
  NamedSignature signature;
  if (!flags.signature.empty()) {
    STATOR_ASSIGN_OR_RETURN(signature, FindSignature(file, flags.signature));
  }
  const std::vector<std::string> names = Tensors(entry.feeds, signature.inputs);
  std::vector<Tensor> feeds;
  std::vector<runtime::NamedTensor> named;
  for (size_t i = 0; i < names.size(); ++i) {
    STATOR_ASSIGN_OR_RETURN(Tensor tensor, ReadTensor(FileOf(flags.inputs, entry.feeds[i].name)));
    named.emplace_back(names[i], tensor);
    feeds.push_back(std::move(tensor));
  }
  runtime::SessionOptions options;
  options.num_threads = flags.threads;
  STATOR_ASSIGN_OR_RETURN(const std::unique_ptr<runtime::Session> session,
                          NewSession(file.graph.ToGraphDef(), options));
  STATOR_RETURN_IF_ERROR(CopyVariables(program, session.get()));
  STATOR_ASSIGN_OR_RETURN(
      const std::vector<Tensor> expected,
      session->Run(named, Tensors(entry.fetches, signature.outputs), entry.targets));
  std::vector<Tensor> found;
  STATOR_RETURN_IF_ERROR(program.Run(entry.name, feeds, {}, &found));
  for (size_t i = 0; i < found.size(); ++i) {
    STATOR_RETURN_IF_ERROR(Compare(entry.fetches[i].name, expected[i], found[i]));
  }
  return absl::OkStatus();
}

absl::Status Verify(const Flags& flags) {
  if (flags.against.empty() != flags.inputs.empty()) {
    return UsageError("--against and --inputs go together");
  }
  if (flags.against.empty() && !flags.signature.empty()) {
    return UsageError("--signature is for --against");
  }
  STATOR_ASSIGN_OR_RETURN(
      BundleProgram program,
      BundleProgram::FromFile(flags.bundle, flags.threads, executable::HashCheck::kAll));
  std::printf("target %s\n", program.model().target.name.c_str());
  return flags.against.empty() ? RunSamples(flags.entry, program) : RunAgainst(flags, program);
}

}  // namespace

Command AddVerify(CLI::App& app) {
  const auto flags = std::make_shared<Flags>();
  CLI::App* command = app.add_subcommand("verify", "Checks a bundle, and runs its sample on this machine.");
  command->add_option("BUNDLE", flags->bundle, "what `stator compile` wrote")->required()->check(CLI::ExistingFile);
  command->add_option("--against", flags->against, "the graph or SavedModel that it was made from, to compare with")->check(CLI::ExistingPath);
  command->add_option("--signature", flags->signature, "the SavedModel's signature that was compiled");
  command->add_option("--inputs", flags->inputs, "a folder with NAME.npy for each input")->check(CLI::ExistingDirectory);
  command->add_option("--entry", flags->entry, "the entry point whose sample to run, or that to compare; the only one, or main");
  command->add_option("--threads", flags->threads, "compute threads; 0: as many as the machine gives")->check(CLI::Range(0, 4096));
  return {command, [flags] { return Verify(*flags); }};
}

}  // namespace stator::tools
