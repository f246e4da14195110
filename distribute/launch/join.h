// One task of a platform that runs already: its program is started here, and its end passed on.
#ifndef STATOR_DISTRIBUTE_LAUNCH_JOIN_H_
#define STATOR_DISTRIBUTE_LAUNCH_JOIN_H_

#include <cstdint>
#include <string>

#include "distribute/launch/console.h"
#include "distribute/launch/process.h"

namespace stator::distribute {

struct JoinOptions {
  ProcessSpec process;        // the task's
  std::string run_directory;  // its end is written there; "" = nowhere
  uint64_t epoch = 0;
};

// The task's exit code, 128 + signal if a signal ended it. Signals that the launcher receives go on
// to the task; one that the platform repeats, or a second SIGINT, kills it.
int RunJoined(const JoinOptions& options, ProcessStarter* processes, Console* console);

}  // namespace stator::distribute

#endif  // STATOR_DISTRIBUTE_LAUNCH_JOIN_H_
