// stator: runs, inspects and transforms graphs and compiled images.
#include <CLI/CLI.hpp>
#include <cstdio>
#include <string>
#include <vector>

#include "tools/stator/command.h"
#include "tools/stator/usage.h"

namespace {

constexpr int kFailed = 1;
constexpr int kUsage = 2;

int Report(const std::string& command, const absl::Status& status) {
  if ((std::fflush(stdout) != 0 || std::ferror(stdout) != 0) && status.ok()) {
    std::fprintf(stderr, "stator %s: cannot write to stdout\n", command.c_str());
    return kFailed;
  }
  if (status.ok()) return 0;
  std::fprintf(stderr, "stator %s: %s\n", command.c_str(), status.ToString().c_str());
  return stator::tools::IsUsageError(status) ? kUsage : kFailed;
}

}  // namespace

int main(int argc, char** argv) {
  CLI::App app("Runs, inspects and transforms dataflow graphs.", "stator");
  app.require_subcommand(1);
  app.set_version_flag("--version", "stator 0.1");
  app.footer(
      "stator COMMAND --help explains a command. Exit codes: 0 done, 1 failed, 2 bad usage.");
  const std::vector<stator::tools::Command> commands = {
      stator::tools::AddRun(app),
      stator::tools::AddInspect(app),
      stator::tools::AddOpt(app),
      stator::tools::AddOps(app),
      stator::tools::AddBench(app),
      stator::tools::AddCompile(app),
      stator::tools::AddVerify(app),
  };
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    return app.exit(error) == 0 ? 0 : kUsage;  // --help and --version come this way too
  }
  for (const stator::tools::Command& command : commands) {
    if (command.app->parsed()) return Report(command.app->get_name(), command.run());
  }
  return kUsage;
}
