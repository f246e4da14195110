// The subcommands of `stator`. Each has a file of its own; main.cc lists them.
#ifndef STATOR_TOOLS_STATOR_COMMAND_H_
#define STATOR_TOOLS_STATOR_COMMAND_H_

#include <functional>
#include <memory>

#include "absl/status/status.h"

namespace CLI {
class App;
}

namespace stator::tools {

// A subcommand and what it does once its flags are parsed. Results go to stdout; the status, if not
// OK, is printed on stderr and makes the exit code 1; a UsageError (usage.h) makes it 2, as a mistake in
// the flags does.
struct Command {
  CLI::App* app;
  std::function<absl::Status()> run;
  // The exit code of a run whose status is OK; null: 0.
  std::shared_ptr<const int> exit_code = nullptr;
};

// Each adds its subcommand to `app`, whose parser throws: these files are compiled with exceptions.
Command AddRun(CLI::App& app);
Command AddInspect(CLI::App& app);
Command AddOpt(CLI::App& app);
Command AddOps(CLI::App& app);
Command AddBench(CLI::App& app);
Command AddCompile(CLI::App& app);
Command AddVerify(CLI::App& app);
Command AddTrain(CLI::App& app);
Command AddLaunch(CLI::App& app);
Command AddPlan(CLI::App& app);
Command AddStatus(CLI::App& app);
Command AddDoctor(CLI::App& app);

}  // namespace stator::tools

#endif  // STATOR_TOOLS_STATOR_COMMAND_H_
