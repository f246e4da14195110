#ifndef STATOR_DISTRIBUTE_WORKER_BUCKET_REDUCER_H_
#define STATOR_DISTRIBUTE_WORKER_BUCKET_REDUCER_H_

#include <condition_variable>
#include <cstdint>
#include <memory>
#include <mutex>
#include <thread>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/types/span.h"
#include "distribute/collectives/group.h"
#include "distribute/strategy/shard_graph.h"
#include "runtime/core/buffer.h"
#include "runtime/core/host_function.h"
#include "runtime/core/run_control.h"
#include "runtime/core/tensor.h"

namespace stator::distribute {

// One sum of one step, for traces. Times as runtime::NowNanoseconds().
struct ReduceEvent {
  int bucket = 0;
  int64_t start_ns = 0;
  int64_t end_ns = 0;
};

// Sums the buckets of a replica's shards over all replicas, on a thread of its own, while the run
// that computes them goes on. Buckets are summed in their order, each as soon as all shards of this
// replica have given theirs.
//
// One step: for each shard BeginShard, then its run, whose ReduceBucket nodes call Add; then Finish.
// One thread makes these calls. After an error the reducer is of no more use.
class BucketReducer {
 public:
  // `buckets` and `ended` (may be null: nothing else ends a wait) outlive it; `shards` of the replica.
  BucketReducer(const std::vector<Bucket>* buckets, int shards, std::unique_ptr<Group> group,
                const runtime::CancellationToken* ended);
  ~BucketReducer();
  BucketReducer(const BucketReducer&) = delete;
  BucketReducer& operator=(const BucketReducer&) = delete;

  void BeginShard(int shard) { shard_ = shard; }
  // Copies the tensors of one bucket; called inside the shard's run.
  absl::Status Add(int bucket, absl::Span<const runtime::TensorView> tensors);
  // Waits for all sums of the step: for each bucket its tensors.
  absl::StatusOr<std::vector<std::vector<runtime::Tensor>>> Finish();

  // The sums of the step that was finished last, in order.
  std::vector<ReduceEvent> events() const;
  // For what happens between steps: only while no step is under way.
  Group& group() { return *group_; }

  // Registers the host function of ReduceBucket nodes, whose state is a BucketReducer.
  static void Register(runtime::HostRegistry* registry);

 private:
  // A tensor's place in its bucket's memory.
  struct Place {
    runtime::DType dtype;
    std::vector<int64_t> dims;
    int64_t offset;
  };
  struct Memory {
    std::vector<Place> places;
    int64_t bytes = 0;
    std::vector<runtime::BufferRef> shards;  // the first one receives the sum
    int given = 0;
  };

  absl::Status Prepare(Memory& memory, absl::Span<const runtime::TensorView> tensors);
  void Work();
  absl::Status Reduce(int bucket);

  const std::vector<Bucket>& buckets_;
  const int shards_;
  const std::unique_ptr<Group> group_;
  const runtime::CancellationToken* const ended_;
  int shard_ = 0;

  mutable std::mutex mutex_;
  std::condition_variable changed_;
  std::vector<Memory> memory_;
  int reduced_ = 0;  // buckets of this step
  bool stop_ = false;
  absl::Status status_;
  std::vector<ReduceEvent> events_, last_events_;
  runtime::CancellationToken stopped_;
  std::thread thread_;
};

}  // namespace stator::distribute

#endif  // STATOR_DISTRIBUTE_WORKER_BUCKET_REDUCER_H_
