#include "tools/stator/command_line.h"

#include <CLI/CLI.hpp>
#include <cstdio>
#include <string>

#include "tools/stator/usage.h"

namespace stator::tools {
namespace {

constexpr int kFailed = 1;
constexpr int kUsage = 2;

int Report(const Command& ran) {
  const std::string command = ran.app->get_name();
  absl::Status status = ran.run();
  if ((std::fflush(stdout) != 0 || std::ferror(stdout) != 0) && status.ok()) {
    std::fprintf(stderr, "stator %s: cannot write to stdout\n", command.c_str());
    return kFailed;
  }
  if (status.ok()) return ran.exit_code != nullptr ? *ran.exit_code : 0;
  const bool usage = IsUsageError(status);
  const std::string text = usage ? UsageText(status) : status.ToString();
  std::fprintf(stderr, "stator %s: %s\n", command.c_str(), text.c_str());
  return usage ? kUsage : kFailed;
}

}  // namespace

int RunCommandLine(int argc, char** argv, const std::vector<Command (*)(CLI::App&)>& commands) {
  CLI::App app("Runs, inspects and transforms dataflow graphs.", "stator");
  app.require_subcommand(1);
  app.set_version_flag("--version", "stator 0.1");
  app.footer(
      "stator COMMAND --help explains a command. Exit codes: 0 done, 1 failed, 2 bad usage.");
  std::vector<Command> added;
  for (const auto add : commands) added.push_back(add(app));
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    return app.exit(error) == 0 ? 0 : kUsage;  // --help and --version come this way too
  }
  for (const Command& command : added) {
    if (command.app->parsed()) return Report(command);
  }
  return kUsage;
}

}  // namespace stator::tools
