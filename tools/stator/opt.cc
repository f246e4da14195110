// stator opt: runs the compiler's stages on a graph or on the core dialect's text.
#include <CLI/CLI.hpp>
#include <cstdio>
#include <memory>
#include <string>
#include <vector>

#include "absl/strings/match.h"
#include "formats/file.h"
#include "graph/status_macros.h"
#include "tools/stator/command.h"
#include "tools/stator/core_stages.h"
#include "tools/stator/graph_file.h"
#include "tools/stator/usage.h"

namespace stator::tools {
namespace {

constexpr int64_t kMaxTextBytes = int64_t{1} << 30;

struct OptFlags {
  std::string file;
  std::vector<std::string> feeds;
  std::vector<std::string> fetches;
  std::vector<std::string> targets;
  StageSelection selection;
  bool list = false;
  std::string image;
};

absl::Status OptText(const OptFlags& flags) {
  if (!flags.fetches.empty() || !flags.targets.empty() || !flags.image.empty()) {
    return UsageError("--fetch, --target and --image are for graphs");
  }
  STATOR_ASSIGN_OR_RETURN(const std::string text, formats::ReadFile(flags.file, kMaxTextBytes));
  STATOR_ASSIGN_OR_RETURN(const std::string out, RunStages(text, flags.selection));
  std::printf("%s", out.c_str());
  return absl::OkStatus();
}

absl::Status OptGraph(const OptFlags& flags) {
  STATOR_ASSIGN_OR_RETURN(const graph::Graph graph, LoadGraph(flags.file));
  STATOR_ASSIGN_OR_RETURN(const executable::CompileRequest request,
                          MakeRequest(graph, flags.feeds, flags.fetches, flags.targets));
  if (!flags.image.empty()) {
    STATOR_ASSIGN_OR_RETURN(const std::vector<uint8_t> bytes, CompileImage(graph, request));
    return formats::WriteFileAtomically(
        flags.image, absl::string_view(reinterpret_cast<const char*>(bytes.data()), bytes.size()));
  }
  STATOR_ASSIGN_OR_RETURN(const std::string out, RunStages(graph, request, flags.selection));
  std::printf("%s", out.c_str());
  return absl::OkStatus();
}

absl::Status Opt(const OptFlags& flags) {
  if (flags.list) {
    for (const std::string& name : StageNames()) std::printf("%s\n", name.c_str());
    return absl::OkStatus();
  }
  if (flags.file.empty()) return UsageError("FILE is required");
  return absl::EndsWith(flags.file, ".mlir") ? OptText(flags) : OptGraph(flags);
}

}  // namespace

Command AddOpt(CLI::App& app) {
  const auto flags = std::make_shared<OptFlags>();
  CLI::App* opt =
      app.add_subcommand("opt", "Runs stages of the compiler and prints the core dialect.");
  opt->add_option("FILE", flags->file, "GraphDef (.pb, .pbtxt), or the core dialect (.mlir)")
      ->check(CLI::ExistingFile);
  opt->add_option("--feed", flags->feeds, "a tensor of the graph that is fed")
      ->type_name("TENSOR")
      ->allow_extra_args(false);
  opt->add_option("--fetch", flags->fetches, "a tensor of the graph to compute")
      ->type_name("TENSOR")
      ->allow_extra_args(false);
  opt->add_option("--target", flags->targets, "a node of the graph to run for its effect")
      ->type_name("NODE")
      ->allow_extra_args(false);
  CLI::Option* stages =
      opt->add_option("--stage", flags->selection.stages,
                      "run this stage, and others in the order given; without any: all")
          ->type_name("STAGE")
          ->allow_extra_args(false);
  opt->add_option("--until", flags->selection.until, "run all up to this one; 'import': none")
      ->type_name("STAGE")
      ->excludes(stages);
  opt->add_flag("--print-each", flags->selection.print_each, "print the module after each stage");
  opt->add_flag("--locations", flags->selection.locations, "print each op's node and source line");
  opt->add_flag("--list", flags->list, "list the stages, in order");
  opt->add_option("--image", flags->image, "compile to the end and write the image")
      ->type_name("FILE");
  return {opt, [flags] { return Opt(*flags); }};
}

}  // namespace stator::tools
