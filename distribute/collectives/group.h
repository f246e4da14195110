// Collectives among the workers of one generation.
#ifndef STATOR_DISTRIBUTE_COLLECTIVES_GROUP_H_
#define STATOR_DISTRIBUTE_COLLECTIVES_GROUP_H_

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/types/span.h"
#include "distribute/collectives/channel.h"
#include "distribute/collectives/exchange.h"
#include "distribute/collectives/shared_arena.h"
#include "distribute/collectives/traffic.h"
#include "executable/dtype.h"
#include "runtime/core/buffer.h"
#include "runtime/core/run_control.h"

namespace stator::distribute {

struct Arithmetic;

enum class ReduceOp {
  kSum,
  kMean
};  // the mean divides the sum by the number of inputs of all workers

struct GroupOptions {
  int rank = 0;
  // Names of all tasks by rank, as errors print them. Their number is a power of two.
  std::vector<std::string> tasks;
  // See SpinBudget. 0: waits sleep at once.
  int64_t spin_ns = 0;
  // A message is worked on in blocks of about so many bytes, several in flight, so that transfer
  // and summing overlap and a block stays in the cache. No choice changes a bit of a result.
  size_t block_bytes = 256 << 10;
  // Messages up to this size use fewer, larger steps.
  size_t small_bytes = 16 << 10;
};

// How long waits may spin: some microseconds if every thread of the host's tasks has a core, else
// 0.
int64_t SpinBudget(int local_tasks, int threads_per_task);

// Elements [begin, end) of `count` belong to `rank`.
struct Shard {
  int64_t begin = 0;
  int64_t end = 0;
};
Shard ShardOf(int64_t count, int workers, int rank);

// Sums follow one balanced binary tree over all inputs: the inputs of rank 0 in order, then those
// of rank 1, and so on. So the same virtual replicas give the same bits on any number of workers.
//
// All workers call the same collectives in the same order, with the same types and counts; a
// mismatch is an error at both ends. Calls block; one at a time. `control` cancels a call. After
// the first error, which names the task at fault, the group is of no more use: the peers are told
// at once, and every later call returns the same error.
class Group {
 public:
  // `channels` has one per rank, null at the group's own.
  static absl::StatusOr<std::unique_ptr<Group>> Create(
      GroupOptions options, std::vector<std::unique_ptr<Channel>> channels);
  // Tells the peers that this task has finished, unless an error was told before.
  ~Group();

  int rank() const { return options_.rank; }
  int workers() const { return static_cast<int>(options_.tasks.size()); }

  // output[i] = the tree over all inputs[j][i], on every worker. `inputs` are this worker's virtual
  // replicas: a power of two of them, as many on every worker. `output` may be inputs[0].
  absl::Status AllReduce(ReduceOp op, executable::DType dtype, absl::Span<const void* const> inputs,
                         void* output, int64_t count, const runtime::RunControl& control = {});

  // Memory for inputs and outputs. Where all workers share a host, AllReduce works in place on
  // memory from here: each worker sums its share straight from everybody's inputs into everybody's
  // outputs, and nothing is copied. It needs all buffers of all workers to come from here; other
  // memory serves as well, more slowly, with the same bits. The buffer may outlive the group. Any
  // thread. After an error of the group its content is not defined.
  absl::StatusOr<runtime::BufferRef> Allocate(int64_t bytes);

  // What went to and came from each rank; any thread may read it, and keep it longer.
  std::shared_ptr<const Traffic> traffic() const { return exchange_.traffic(); }

  // How many calls worked in place.
  int64_t sums_in_place() const { return sums_in_place_; }

  // As AllReduce, but only ShardOf(count, workers, rank) of `output` holds the result; the rest of
  // it is overwritten with anything.
  absl::Status ReduceScatter(ReduceOp op, executable::DType dtype,
                             absl::Span<const void* const> inputs, void* output, int64_t count,
                             const runtime::RunControl& control = {});

  // Each worker has its own shard of `data` in place and gets the others'. Any element type whose
  // elements are plain bytes.
  absl::Status AllGather(executable::DType dtype, void* data, int64_t count,
                         const runtime::RunControl& control = {});

  // `data` of `root` reaches everybody.
  absl::Status Broadcast(executable::DType dtype, int root, void* data, int64_t count,
                         const runtime::RunControl& control = {});

  // Returns when every worker has called it.
  absl::Status Barrier(const runtime::RunControl& control = {});

 private:
  struct Plan;

  Group(GroupOptions options, std::vector<std::unique_ptr<Channel>> channels);
  absl::Status Begin(const char* name, executable::DType dtype, int64_t count, int detail);
  absl::Status End(absl::Status status);
  absl::Status Fail(const absl::Status& status);
  absl::Status CheckInputs(ReduceOp op, executable::DType dtype, size_t inputs, int64_t count);
  // What all reductions have in common; the moves are left out.
  Plan PlanReduction(ReduceOp op, executable::DType dtype, absl::Span<const void* const> inputs,
                     void* output, int64_t count, const runtime::RunControl& control) const;

  absl::Status RunSmall(Plan& plan);
  // Whether every worker's buffers were in shared memory, and so the sums are there.
  absl::StatusOr<bool> RunInPlace(Plan& plan);
  absl::Status AgreeOnMemory(const Plan& plan);
  std::vector<int64_t> Places(const Plan& plan) const;
  absl::Status ExchangeWithAll(const std::vector<int64_t>& mine,
                               std::vector<std::vector<int64_t>>* theirs, const Plan& plan);
  absl::Status RunBlocks(Plan& plan);
  absl::Status RunBroadcast(Plan& plan, int root);
  absl::Status RunStage(Plan& plan, int stage, int64_t block);
  void Prepare(Plan& plan, int64_t block);
  void Finish(Plan& plan, int64_t block);
  // The pieces of a block that ranks equal to `like` in their lowest `bits` bits own.
  Parts Pieces(const Plan& plan, int64_t block, int like, int bits, bool work) const;
  void Greet(int rank);

  GroupOptions options_;
  int levels_;  // log2 of the workers
  std::vector<std::unique_ptr<Channel>> channels_;
  std::shared_ptr<SharedArena> memory_;  // null unless every peer may map it
  // Whether all workers have mapped all memory; unknown before the first message.
  enum class InPlace { kUnknown, kYes, kNo } in_place_ = InPlace::kUnknown;
  int64_t sums_in_place_ = 0;
  Exchange exchange_;
  std::vector<char> work_;  // sums in another type, and small messages
  std::string greeting_;    // what the current collective is: both ends compare it
  std::vector<bool> greeted_;
  uint64_t sequence_ = 0;
  absl::Status status_;
  std::atomic<bool> busy_{false};
};

}  // namespace stator::distribute

#endif  // STATOR_DISTRIBUTE_COLLECTIVES_GROUP_H_
