#ifndef STATOR_DISTRIBUTE_WORKER_REPLICA_H_
#define STATOR_DISTRIBUTE_WORKER_REPLICA_H_

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "data/loader.h"
#include "distribute/collectives/group.h"
#include "distribute/strategy/shard_graph.h"
#include "distribute/worker/bucket_reducer.h"
#include "distribute/worker/training_program.h"
#include "runtime/core/run_control.h"
#include "runtime/session/session.h"

namespace stator::distribute {

struct ReplicaOptions {
  int virtual_replicas = 1;  // of the job
  int threads = 0;
  int64_t seed = 1;
  int64_t memory_bytes = 0;  // of one run, beside the variables; 0: no limit
};

// One copy of the variables and the shards of each batch that belong to it: a session, and a rank in
// the group of all copies. After the same steps every replica of a job holds the same bits, however
// many of them share the shards. One thread at a time uses it.
class Replica {
 public:
  // `program`, `sharded` (null when virtual_replicas is 1: the plain program runs) and `ended` (which
  // stops calls; may be null) outlive the replica.
  static absl::StatusOr<std::unique_ptr<Replica>> Create(const TrainingProgram* program,
                                                         const ShardedStep* sharded,
                                                         const SessionFactory& new_session,
                                                         ReplicaOptions options,
                                                         std::unique_ptr<Group> group,
                                                         const runtime::CancellationToken* ended);

  // First values, computed here.
  absl::Status Initialize();
  // Makes the variables those of rank 0. A collective: all replicas call it.
  absl::Status Broadcast();
  // An error that names the first variable, and the replica, that differs. A collective.
  absl::Status CheckEqual();

  // Says that the steps from `first` up to `end` follow in order: threads prepare their inputs, the
  // next step's at most, while a step runs. An error stands in its step's place.
  absl::Status ReadAhead(int64_t first, int64_t end);

  // One training step; the metrics' values for the whole batch. A collective. A step that was not
  // read ahead gets its inputs now.
  absl::StatusOr<std::vector<double>> Step(int64_t step);

  // Values of the evaluation's metrics over all its batches; computed by this replica alone.
  absl::StatusOr<std::vector<double>> Evaluate();

  // Bytes planned for one run of a shard's part (the plain step's, if there are no shards) beside
  // variables and sums, with inputs as those of step 0. Runs that step, alone: for reports.
  absl::StatusOr<int64_t> PlannedBytes();

  // Whether steps from now on keep their events. Traced kernels run one after the other.
  void set_trace(bool trace) { trace_ = trace; }
  // Chrome's trace format: the kernels of the last shard of the last step, which was traced, and on
  // a line of their own the sums beside them.
  absl::StatusOr<std::string> TraceJson() const;

  // Share of the time of the last step's sums that lay beside kernels of its shards, and that time
  // of all. Traced or not.
  double HiddenShare() const;
  int64_t SumNanoseconds() const;
  // How long the last step waited for its inputs.
  int64_t InputNanoseconds() const { return input_ns_; }

  runtime::VariableStore* variables() { return session_->variables(); }
  runtime::Session* session() { return session_.get(); }
  int rank() const { return reducer_->group().rank(); }
  int replicas() const { return reducer_->group().workers(); }
  Group& group() { return reducer_->group(); }

 private:
  Replica(const TrainingProgram* program, const ShardedStep* sharded, ReplicaOptions options,
          const runtime::CancellationToken* ended)
      : program_(*program), sharded_(sharded), options_(options), ended_(ended) {}

  absl::Status Bind();
  runtime::CallOptions Call(runtime::RunTrace* trace) const;
  // Shards of each batch that belong to this replica.
  int shards() const;
  // Of this replica's shard `i`.
  absl::StatusOr<std::vector<runtime::Tensor>> Inputs(int64_t step, int i);
  absl::StatusOr<std::vector<double>> PlainStep(int64_t step);
  // Row-major content of the variables, by name.
  absl::StatusOr<std::vector<std::pair<std::string, runtime::Tensor>>> Values();

  const TrainingProgram& program_;
  const ShardedStep* const sharded_;
  const ReplicaOptions options_;
  const runtime::CancellationToken* const ended_;
  std::unique_ptr<BucketReducer> reducer_;
  std::unique_ptr<runtime::Session> session_;  // its host functions use the reducer
  std::unique_ptr<runtime::Callable> shard_, update_, plain_;
  std::unique_ptr<data::Loader> inputs_;
  int64_t input_ns_ = 0;
  std::vector<runtime::Tensor> update_results_, plain_results_, no_results_;
  bool trace_ = false;
  std::vector<runtime::RunTrace> traces_;  // one for each shard
  std::vector<std::pair<int64_t, int64_t>> shard_times_;
};

}  // namespace stator::distribute

#endif  // STATOR_DISTRIBUTE_WORKER_REPLICA_H_
