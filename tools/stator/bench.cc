// stator bench: measures models as other frameworks are measured.
#include <CLI/CLI.hpp>
#include <memory>
#include <string>
#include <vector>

#include "tools/bench/bench.h"
#include "tools/bench/bench_models.h"
#include "tools/stator/command.h"

namespace stator::tools {
namespace {

struct Flags {
  std::vector<std::string> names;
  int threads = 1;
  bool json = false;
};

}  // namespace

Command AddBench(CLI::App& app) {
  const auto flags = std::make_shared<Flags>();
  CLI::App* command = app.add_subcommand("bench", "compile and time models");
  command
      ->add_option("NAME", flags->names, BenchModelNames() + ", or a bundle (.stb) with a sample")
      ->required();
  command->add_option("--threads", flags->threads, "compute threads")
      ->check(CLI::Range(1, 4096))
      ->capture_default_str();
  command->add_flag("--json", flags->json, "one line of JSON for each name");
  command->footer("Example: stator bench matmul-512x512x512 cnn-train --threads 2 --json");
  return {command, [flags] { return Bench(flags->names, flags->threads, flags->json); }};
}

}  // namespace stator::tools
