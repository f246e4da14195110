// The command line that all of stator's binaries share.
#ifndef STATOR_TOOLS_STATOR_COMMAND_LINE_H_
#define STATOR_TOOLS_STATOR_COMMAND_LINE_H_

#include <vector>

#include "tools/stator/command.h"

namespace stator::tools {

// Parses the flags and runs the subcommand they name. Returns the exit code.
int RunCommandLine(int argc, char** argv, const std::vector<Command (*)(CLI::App&)>& commands);

}  // namespace stator::tools

#endif  // STATOR_TOOLS_STATOR_COMMAND_LINE_H_
