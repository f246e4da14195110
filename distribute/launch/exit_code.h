// How tasks and launchers end. 1 to 127: starting again ends the same way; from 128: it may not.
#ifndef STATOR_DISTRIBUTE_LAUNCH_EXIT_CODE_H_
#define STATOR_DISTRIBUTE_LAUNCH_EXIT_CODE_H_

namespace stator::distribute {

enum ExitCode : int {
  kExitDone = 0,
  kExitFailed = 1,    // the job's own error: it would come again
  kExitUsage = 2,     // flags or the job file are wrong
  kExitDrained = 42,  // left by request after an aligned checkpoint: a restart continues there
  kExitRetry = 130,   // a peer died, or the job was interrupted: a restart may go on
};

}  // namespace stator::distribute

#endif  // STATOR_DISTRIBUTE_LAUNCH_EXIT_CODE_H_
