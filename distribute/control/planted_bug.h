// Mistakes that the simulator must find; switched on by tests alone.
#ifndef STATOR_DISTRIBUTE_CONTROL_PLANTED_BUG_H_
#define STATOR_DISTRIBUTE_CONTROL_PLANTED_BUG_H_

namespace stator::distribute {

enum class PlantedBug {
  kNone,
  kAcceptOldEpoch,          // the coordinator hears tasks of generations that are over
  kForgetRepeatedRequests,  // a repeated request is run again
  kKeepFailureQuiet,        // the end of the generation is told to nobody but who caused it
  kDrainByReports,          // the drain step is taken from the last heartbeats, which may be old
  kBlameAfterPause,         // the observer's own lateness is not allowed for
  kBlameComputing,          // a peer that has nothing to send counts as a dead connection
  kBlameSlowLink,           // bytes that arrive late do not count as life
  kTrustOpenConnection,     // a connection that is open counts as one that delivers
  kKeepEpoch,               // the supervisor restarts without raising the epoch
  kRestartForever,          // the supervisor does not notice that a task fails in the same way
};

}  // namespace stator::distribute

#endif  // STATOR_DISTRIBUTE_CONTROL_PLANTED_BUG_H_
