#include "distribute/worker/bucket_reducer.h"

#include <algorithm>
#include <cstring>
#include <string>
#include <utility>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "graph/status_macros.h"
#include "runtime/core/host_attributes.h"
#include "runtime/session/status.h"

namespace stator::distribute {
namespace {

using runtime::Buffer;
using runtime::DType;
using runtime::Tensor;
using runtime::TensorView;
using runtime::ToAbsl;

// Of each tensor in a bucket, as kernels like it.
constexpr int64_t kAlignment = 64;

int64_t BytesOf(DType dtype, const std::vector<int64_t>& dims) {
  int64_t bytes = executable::DTypeSize(dtype);
  for (const int64_t dim : dims) bytes *= dim;
  return bytes;
}

// -1 where there is none.
int BucketOf(std::string_view attributes) {
  const std::vector<std::string> texts = runtime::StringsAttribute(attributes, "bucket");
  int bucket = -1;
  return texts.size() == 1 && absl::SimpleAtoi(texts[0], &bucket) ? bucket : -1;
}

executable::Status ReduceBucket(runtime::HostCallContext* call) {
  auto* reducer = static_cast<BucketReducer*>(call->state());
  if (reducer == nullptr) {
    return executable::FailedPrecondition(
        "a graph with sums over replicas runs in a training job only");
  }
  std::vector<TensorView> tensors;
  for (int i = 0; i < call->num_inputs(); ++i) tensors.push_back(call->input(i));
  return runtime::FromAbsl(reducer->Add(BucketOf(call->attributes()), tensors));
}

}  // namespace

BucketReducer::BucketReducer(const std::vector<Bucket>* buckets, int shards,
                             std::unique_ptr<Group> group,
                             const runtime::CancellationToken* ended)
    : buckets_(*buckets),
      shards_(shards),
      group_(std::move(group)),
      ended_(ended),
      memory_(buckets->size()),
      thread_([this] { Work(); }) {}

BucketReducer::~BucketReducer() {
  stopped_.Cancel();
  {
    const std::lock_guard<std::mutex> lock(mutex_);
    stop_ = true;
  }
  changed_.notify_all();
  thread_.join();
}

// Places are those of the first tensors; later ones must be the same.
absl::Status BucketReducer::Prepare(Memory& memory, absl::Span<const TensorView> tensors) {
  if (memory.places.empty()) {
    for (const TensorView& tensor : tensors) {
      memory.places.push_back({tensor.dtype, tensor.dims, memory.bytes});
      const int64_t bytes = BytesOf(tensor.dtype, tensor.dims);
      memory.bytes += (bytes + kAlignment - 1) / kAlignment * kAlignment;
    }
    memory.shards.resize(shards_);
  }
  for (size_t i = 0; i < tensors.size(); ++i) {
    if (tensors[i].dims == memory.places[i].dims) continue;
    return absl::InvalidArgumentError(absl::StrCat(
        "expected the same sizes from all shards in all steps, ",
        runtime::DimsText(memory.places[i].dims), ", found ", runtime::DimsText(tensors[i].dims)));
  }
  // Whoever still holds last step's sum keeps it.
  runtime::BufferRef& slot = memory.shards[shard_];
  if (slot == nullptr || slot.use_count() > 1) {
    STATOR_ASSIGN_OR_RETURN(slot, group_->Allocate(std::max(memory.bytes, kAlignment)));
    std::memset(slot->data(), 0, static_cast<size_t>(slot->size()));
  }
  return absl::OkStatus();
}

absl::Status BucketReducer::Add(int bucket, absl::Span<const TensorView> tensors) {
  if (bucket < 0 || bucket >= static_cast<int>(buckets_.size()) ||
      tensors.size() != buckets_[bucket].tensors.size()) {
    return absl::InternalError(absl::StrCat("bucket ", bucket, " does not exist"));
  }
  // Until all shards are there, the bucket is this thread's alone.
  Memory& memory = memory_[bucket];
  STATOR_RETURN_IF_ERROR(Prepare(memory, tensors));
  char* const base = static_cast<char*>(memory.shards[shard_]->data());
  for (size_t i = 0; i < tensors.size(); ++i) {
    const Place& place = memory.places[i];
    std::memcpy(base + place.offset, tensors[i].data,
                static_cast<size_t>(BytesOf(place.dtype, place.dims)));
  }
  const std::lock_guard<std::mutex> lock(mutex_);
  ++memory.given;
  changed_.notify_all();
  return status_;
}

absl::StatusOr<std::vector<std::vector<Tensor>>> BucketReducer::Finish() {
  std::unique_lock<std::mutex> lock(mutex_);
  for (size_t i = 0; i < memory_.size(); ++i) {
    if (memory_[i].given != shards_) {
      return absl::InternalError(absl::StrCat("bucket ", i, " came from ", memory_[i].given,
                                              " shards instead of ", shards_));
    }
  }
  const int count = static_cast<int>(buckets_.size());
  changed_.wait(lock, [&] { return !status_.ok() || reduced_ == count; });
  STATOR_RETURN_IF_ERROR(status_);
  std::vector<std::vector<Tensor>> sums;
  for (Memory& memory : memory_) {
    std::vector<Tensor>& tensors = sums.emplace_back();
    for (const Place& place : memory.places) {
      const runtime::BufferRef whole = memory.shards[0];
      runtime::BufferRef part = Buffer::Wrap(static_cast<char*>(whole->data()) + place.offset,
                                             BytesOf(place.dtype, place.dims), [whole] {});
      STATOR_ASSIGN_OR_RETURN(Tensor tensor,
                              ToAbsl(Tensor::FromBuffer(place.dtype, place.dims, std::move(part))));
      tensors.push_back(std::move(tensor));
    }
    memory.given = 0;
  }
  reduced_ = 0;
  last_events_ = std::move(events_);
  events_.clear();
  return sums;
}

std::vector<ReduceEvent> BucketReducer::events() const {
  const std::lock_guard<std::mutex> lock(mutex_);
  return last_events_;
}

void BucketReducer::Work() {
  std::unique_lock<std::mutex> lock(mutex_);
  while (true) {
    changed_.wait(lock, [&] {
      return stop_ || (reduced_ < static_cast<int>(memory_.size()) &&
                       memory_[reduced_].given == shards_);
    });
    if (stop_) return;
    const int bucket = reduced_;
    lock.unlock();
    const int64_t start = runtime::NowNanoseconds();
    absl::Status status = Reduce(bucket);
    lock.lock();
    events_.push_back({bucket, start, runtime::NowNanoseconds()});
    ++reduced_;
    if (!status.ok()) status_ = std::move(status);
    changed_.notify_all();
    if (!status_.ok()) return;
  }
}

absl::Status BucketReducer::Reduce(int bucket) {
  Memory& memory = memory_[bucket];
  if (memory.bytes == 0) return absl::OkStatus();
  std::vector<const void*> inputs;
  for (const runtime::BufferRef& shard : memory.shards) inputs.push_back(shard->data());
  const DType dtype = memory.places[0].dtype;
  const ReduceOp op =
      buckets_[bucket].aggregation == Aggregation::kMean ? ReduceOp::kMean : ReduceOp::kSum;
  runtime::RunControl control;
  control.token = ended_;
  control.session = &stopped_;
  return group_->AllReduce(op, dtype, inputs, memory.shards[0]->data(),
                           memory.bytes / executable::DTypeSize(dtype), control);
}

void BucketReducer::Register(runtime::HostRegistry* registry) {
  registry->Register("ReduceBucket", ReduceBucket);
}

}  // namespace stator::distribute
