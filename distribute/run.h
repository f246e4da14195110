#ifndef STATOR_DISTRIBUTE_RUN_H_
#define STATOR_DISTRIBUTE_RUN_H_

#include "distribute/worker/training_program.h"

namespace stator::distribute {

// Whether this process is one task of a job, started by `stator launch` or by a platform through it.
bool IsTask();

// The main function of a program that trains in jobs: learns job, task, coordinator and epoch from
// the environment (STATOR_*), builds the program with `build`, runs this task of it, and returns the
// exit code.
//
//   int main(int argc, char** argv) {
//     return stator::distribute::Run(argc, argv, [](const stator::Job& job) { ... });
//   }
//
// Without a job in the environment, `--job FILE` runs the job as this one process. `--plan` prints
// what each task would hold, compute and send, and ends. Other arguments are the program's own.
int Run(int argc, char** argv, const BuildProgram& build);

}  // namespace stator::distribute

#endif  // STATOR_DISTRIBUTE_RUN_H_
