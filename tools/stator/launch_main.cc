// The commands for jobs alone: a program without a compiler, for tests and for hosts that only
// launch.
#include "tools/stator/command_line.h"

int main(int argc, char** argv) {
  using namespace stator::tools;  // NOLINT: a list of nothing else
  return RunCommandLine(argc, argv, {AddLaunch, AddPlan, AddStatus, AddDoctor});
}
