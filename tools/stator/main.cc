// stator: runs, inspects and transforms graphs and compiled images, and launches jobs.
#include "tools/stator/command_line.h"

int main(int argc, char** argv) {
  using namespace stator::tools;  // NOLINT: a list of nothing else
  return RunCommandLine(argc, argv,
                        {AddRun, AddInspect, AddOpt, AddOps, AddBench, AddCompile, AddVerify,
                         AddTrain, AddLaunch, AddPlan, AddStatus, AddDoctor});
}
