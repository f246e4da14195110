// stator compile: a graph becomes a bundle that runs without a compiler.
#include <CLI/CLI.hpp>
#include <algorithm>
#include <cstdio>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "executable/image_builder.h"
#include "formats/file.h"
#include "graph/status_macros.h"
#include "runtime/session/status.h"
#include "tools/emit_object/emit_object.h"
#include "tools/stator/command.h"
#include "tools/stator/compile_bundle.h"
#include "tools/stator/usage.h"

namespace stator::tools {
namespace {

struct Flags {
  CompileFlags compile;
  EntryFlags main;  // from --feed, --fetch, --run, --signature
  std::vector<std::string> entries;
  std::string output;
  std::string weights = "embed";
  std::vector<std::string> emit = {"bundle"};
  bool check = false;
};

absl::string_view Text(const std::vector<uint8_t>& bytes) {
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

absl::Status CollectEntries(Flags* flags) {
  EntryFlags& main = flags->main;
  if (!main.feeds.empty() || !main.fetches.empty() || !main.targets.empty() ||
      !main.signature.empty()) {
    main.name = "main";
    flags->compile.entries.push_back(main);
  }
  for (const std::string& text : flags->entries) {
    STATOR_ASSIGN_OR_RETURN(EntryFlags entry, ParseEntry(text));
    flags->compile.entries.push_back(std::move(entry));
  }
  if (flags->compile.entries.empty()) {
    return UsageError(
        "nothing to compile: give --fetch, --signature or --entry");
  }
  return absl::OkStatus();
}

absl::Status Check(const Flags& flags) {
  STATOR_ASSIGN_OR_RETURN(const std::vector<std::string> problems, CheckGraph(flags.compile));
  for (const std::string& problem : problems) std::printf("%s\n", problem.c_str());
  if (problems.empty()) {
    std::printf("all nodes can be compiled\n");
    return absl::OkStatus();
  }
  return absl::UnimplementedError(std::to_string(problems.size()) +
                                  (problems.size() == 1 ? " problem" : " problems"));
}

void Report(const Flags& flags, const std::vector<executable::ImageModel>& bundle, size_t bytes) {
  const executable::ImageModel& model = bundle[0];
  std::printf("%s: %zu bytes", flags.output.c_str(), bytes);
  if (flags.weights == "external") {
    std::printf(" and %zu in %s.weights", model.constants.size(), flags.output.c_str());
  }
  std::printf("\n");
  for (const executable::ImageModel& variant : bundle) {
    std::printf("target %s: %zu kernels, %zu bytes of code\n", variant.target.name.c_str(),
                variant.kernels.size(), variant.code.size());
  }
  for (const executable::EntryPoint& entry : model.entry_points) {
    std::printf("entry %s: %zu inputs, %zu outputs, %zu variables\n", entry.name.c_str(),
                entry.feeds.size(), entry.fetches.size(), entry.variables.size());
  }
  for (const executable::FixedWeight& weight : model.fixed_weights) {
    std::printf("fixed weight %s: %s\n", weight.name.c_str(), weight.reason.c_str());
  }
}

bool Emits(const Flags& flags, const char* what) {
  return std::find(flags.emit.begin(), flags.emit.end(), what) != flags.emit.end();
}

// OUT.o and OUT.h beside OUT.stb, for the last target, which asks least of the CPU.
absl::Status WriteObject(const Flags& flags, const executable::ImageModel& model) {
  std::string stem = flags.output;
  if (const size_t dot = stem.rfind(".stb"); dot != std::string::npos && dot + 4 == stem.size()) {
    stem.resize(dot);
  }
  EmitOptions options;
  options.name = stem.substr(stem.rfind('/') + 1);
  STATOR_ASSIGN_OR_RETURN(const EmittedObject emitted, runtime::ToAbsl(EmitObject(model, options)));
  if (Emits(flags, "object")) {
    STATOR_RETURN_IF_ERROR(formats::WriteFileAtomically(stem + ".o", Text(emitted.object)));
    std::printf("%s.o: target %s\n", stem.c_str(), model.target.name.c_str());
  }
  if (Emits(flags, "header")) {
    STATOR_RETURN_IF_ERROR(formats::WriteFileAtomically(stem + ".h", emitted.header));
    std::printf("%s.h\n", stem.c_str());
  }
  return absl::OkStatus();
}

absl::Status Compile(Flags flags) {
  STATOR_RETURN_IF_ERROR(CollectEntries(&flags));
  std::set<std::string> targets;
  for (const std::string& target : flags.compile.targets) {
    if (!targets.insert(target).second) return UsageError("--target names " + target + " twice");
  }
  if (flags.weights == "external" && !Emits(flags, "bundle")) {
    return UsageError("--weights external is for bundles: an object holds its weights");
  }
  if (flags.check) return Check(flags);
  if (flags.output.empty()) return UsageError("give -o OUT.stb");
  const bool emits_object = Emits(flags, "object") || Emits(flags, "header");
  // The classes of the header take weights as their callers have them.
  flags.compile.pack_weights = !emits_object;
  // An object is for the last target alone.
  if (!Emits(flags, "bundle")) flags.compile.targets = {flags.compile.targets.back()};
  STATOR_ASSIGN_OR_RETURN(const std::vector<executable::ImageModel> bundle,
                          CompileBundle(flags.compile));
  if (emits_object) {
    STATOR_RETURN_IF_ERROR(WriteObject(flags, bundle.back()));
  }
  if (!Emits(flags, "bundle")) return absl::OkStatus();
  const bool external = flags.weights == "external";
  STATOR_ASSIGN_OR_RETURN(const std::vector<uint8_t> bytes,
                          runtime::ToAbsl(executable::Serialize(bundle, external)));
  // The weights first: a bundle never stands without them.
  if (external) {
    STATOR_RETURN_IF_ERROR(formats::WriteFileAtomically(
        flags.output + ".weights", Text(executable::SerializeConstants(bundle[0]))));
  }
  STATOR_RETURN_IF_ERROR(formats::WriteFileAtomically(flags.output, Text(bytes)));
  Report(flags, bundle, bytes.size());
  return absl::OkStatus();
}

}  // namespace

Command AddCompile(CLI::App& app) {
  const auto flags = std::make_shared<Flags>();
  CLI::App* command = app.add_subcommand("compile", "Compiles a graph into a bundle.");
  command->add_option("GRAPH", flags->compile.graph, "GraphDef (.pb, .pbtxt) or a SavedModel's folder")
      ->required()
      ->check(CLI::ExistingPath);
  command->add_option("-o,--output", flags->output, "the bundle to write")->type_name("OUT.stb");
  command->add_option("--feed", flags->main.feeds, "a tensor that callers give")->type_name("TENSOR")->allow_extra_args(false);
  command->add_option("--fetch", flags->main.fetches, "a tensor that callers get")->type_name("TENSOR")->allow_extra_args(false);
  command->add_option("--run", flags->main.targets, "a node to run for its effect")->type_name("NODE")->allow_extra_args(false);
  command->add_option("--signature", flags->main.signature, "feeds and fetches by the SavedModel's signature");
  command->add_option("--entry", flags->entries, "a further entry point: NAME feed=A,B fetch=C run=NODE signature=KEY")
      ->type_name("\"NAME ...\"")
      ->allow_extra_args(false);
  command->add_option("--checkpoint", flags->compile.checkpoint, "values of the variables")->type_name("PREFIX");
  command
      ->add_option("--target", flags->compile.targets,
                   "CPUs, best first: x86-64-v3, x86-64-v4, aarch64, native; the machine that loads chooses")
      ->delimiter(',')
      ->allow_extra_args(false)
      ->capture_default_str();
  command
      ->add_option("--symbol", flags->compile.symbols, "names an unknown dimension, and may bound it")
      ->type_name("x:0[0]=batch[,1..[64]]")
      ->allow_extra_args(false);
  command->add_option("--weights", flags->weights, "embed, or external: in OUT.stb.weights")
      ->check(CLI::IsMember({"embed", "external"}))
      ->capture_default_str();
  command
      ->add_option("--emit", flags->emit,
                   "bundle; object and header: OUT.o and OUT.h, which need no library")
      ->delimiter(',')
      ->check(CLI::IsMember({"bundle", "object", "header"}))
      ->allow_extra_args(false)
      ->capture_default_str();
  command->add_flag("--fixed-weights", flags->compile.fixed_weights,
                    "compile weights as constants, which nobody can replace");
  command->add_flag("--strip", flags->compile.strip, "leave out node names and source lines");
  command
      ->add_option("--sample", flags->compile.samples,
                   "an input of the first entry point: what comes out is kept for `stator verify`")
      ->type_name("TENSOR=FILE.npy")
      ->allow_extra_args(false);
  command->add_flag("--check", flags->check, "write nothing; list all nodes that cannot be compiled");
  command->footer("Example: stator compile digits.pb --feed images --fetch probabilities -o digits.stb");
  return {command, [flags] { return Compile(*flags); }};
}

}  // namespace stator::tools
