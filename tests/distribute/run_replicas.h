#ifndef STATOR_TESTS_DISTRIBUTE_RUN_REPLICAS_H_
#define STATOR_TESTS_DISTRIBUTE_RUN_REPLICAS_H_

#include <functional>

#include "distribute/worker/replica.h"

namespace stator::distribute {

// Calls `work` for each of so many replicas of a program, each in a thread of its own, connected
// within the process. Their variables have no values yet. Failures are the test's.
void RunReplicas(const TrainingProgram& program, const ShardedStep* sharded, int replicas,
                 int virtual_replicas, const std::function<void(Replica&)>& work);

}  // namespace stator::distribute

#endif  // STATOR_TESTS_DISTRIBUTE_RUN_REPLICAS_H_
