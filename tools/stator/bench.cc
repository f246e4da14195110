// stator bench: measures models as other frameworks are measured.
#include <CLI/CLI.hpp>
#include <memory>
#include <string>
#include <vector>

#include "graph/status_macros.h"
#include "tools/bench/bench.h"
#include "tools/bench/bench_models.h"
#include "tools/stator/command.h"
#include "tools/stator/tensor_text.h"

namespace stator::tools {
namespace {

struct Flags {
  std::vector<std::string> names;
  std::vector<std::string> feeds;  // TENSOR=FILE
  BenchCall call;
  int threads = 1;
  bool json = false;
};

absl::Status Measure(Flags flags) {
  STATOR_ASSIGN_OR_RETURN(flags.call.feeds, ReadFeeds("--feed", flags.feeds));
  return Bench(flags.names, flags.call, flags.threads, flags.json);
}

}  // namespace

Command AddBench(CLI::App& app) {
  const auto flags = std::make_shared<Flags>();
  CLI::App* command = app.add_subcommand("bench", "compile and time models");
  command
      ->add_option("NAME", flags->names, BenchModelNames() + ", the file of a graph or bundle, or a SavedModel's folder")
      ->required();
  command->add_option("--threads", flags->threads, "compute threads")
      ->check(CLI::Range(1, 4096))
      ->capture_default_str();
  command->add_option("--feed", flags->feeds, "for a file: a tensor's value; a bundle may have a sample instead")
      ->type_name("TENSOR=FILE.npy")
      ->allow_extra_args(false);
  command->add_option("--fetch", flags->call.fetches, "for a graph or SavedModel: what to compute")
      ->type_name("TENSOR")
      ->allow_extra_args(false);
  command->add_option("--entry", flags->call.entry, "for a bundle: the entry point; the only one, or main");
  command->add_option("--signature", flags->call.signature, "for a SavedModel: what its feeds and fetches are");
  command->add_flag("--json", flags->json, "one line of JSON for each name");
  command->footer("Example: stator bench matmul-512x512x512 cnn-train --threads 2 --json");
  return {command, [flags] { return Measure(*flags); }};
}

}  // namespace stator::tools
