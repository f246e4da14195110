// Datasets over datasets.

#include <algorithm>
#include <cstring>
#include <mutex>
#include <utility>

#include "absl/strings/str_cat.h"
#include "data/dataset.h"
#include "data/shuffle.h"
#include "graph/status_macros.h"
#include "runtime/session/status.h"

namespace stator::data {
namespace {

using runtime::Tensor;

class Shuffled : public Dataset {
 public:
  Shuffled(DatasetRef source, uint64_t seed) : source_(std::move(source)), seed_(seed) {}

  int64_t size() const override { return source_->size(); }
  absl::StatusOr<Element> Get(int64_t epoch, int64_t position) const override {
    const Permutation order(seed_, static_cast<uint64_t>(epoch), size());
    return source_->Get(epoch, order[position]);
  }

 private:
  DatasetRef source_;
  uint64_t seed_;
};

class BufferShuffled : public Dataset {
 public:
  BufferShuffled(DatasetRef source, uint64_t seed, int64_t buffer_size)
      : source_(std::move(source)), seed_(seed), buffer_size_(buffer_size) {}

  int64_t size() const override { return source_->size(); }
  absl::StatusOr<Element> Get(int64_t epoch, int64_t position) const override {
    return source_->Get(epoch, (*OrderOf(epoch))[static_cast<size_t>(position)]);
  }

 private:
  using Order = std::shared_ptr<const std::vector<uint32_t>>;

  // Threads that read ahead stand in two epochs at most.
  Order OrderOf(int64_t epoch) const {
    const std::lock_guard<std::mutex> lock(mutex_);
    for (const auto& [known, order] : orders_) {
      if (known == epoch) return order;
    }
    auto order = std::make_shared<const std::vector<uint32_t>>(
        BufferShuffleOrder(seed_, static_cast<uint64_t>(epoch), size(), buffer_size_));
    if (orders_.size() == 2) orders_.erase(orders_.begin());
    orders_.emplace_back(epoch, order);
    return order;
  }

  DatasetRef source_;
  uint64_t seed_;
  int64_t buffer_size_;
  mutable std::mutex mutex_;
  mutable std::vector<std::pair<int64_t, Order>> orders_;
};

class Repeated : public Dataset {
 public:
  Repeated(DatasetRef source, int64_t count) : source_(std::move(source)), count_(count) {}

  int64_t size() const override { return source_->size() * count_; }
  absl::StatusOr<Element> Get(int64_t epoch, int64_t position) const override {
    return source_->Get(epoch * count_ + position / source_->size(), position % source_->size());
  }

 private:
  DatasetRef source_;
  int64_t count_;
};

class Mapped : public Dataset {
 public:
  Mapped(DatasetRef source, MapFunction function)
      : source_(std::move(source)), function_(std::move(function)) {}

  int64_t size() const override { return source_->size(); }
  absl::StatusOr<Element> Get(int64_t epoch, int64_t position) const override {
    STATOR_ASSIGN_OR_RETURN(Element element, source_->Get(epoch, position));
    auto mapped = function_(std::move(element), MapPlace{epoch, position});
    if (mapped.ok()) return mapped;
    return absl::Status(mapped.status().code(),
                        absl::StrCat("mapping element ", position, " of epoch ", epoch, ": ",
                                     mapped.status().message()));
  }

 private:
  DatasetRef source_;
  MapFunction function_;
};

// A batch that is being filled.
class Stack {
 public:
  explicit Stack(int64_t count) : count_(count) {}

  absl::Status Add(Element element) {
    if (filled_ == 0) STATOR_RETURN_IF_ERROR(Begin(element));
    if (element.size() != batch_.size()) {
      return absl::InvalidArgumentError(
          absl::StrCat("expected ", batch_.size(), " components, found ", element.size()));
    }
    for (size_t i = 0; i < element.size(); ++i) {
      Tensor& part = element[i];
      if (part.dtype() != types_[i].first || part.dims() != types_[i].second) {
        return absl::InvalidArgumentError(absl::StrCat(
            "component ", i, ": expected ", runtime::TypeText(types_[i].first, types_[i].second),
            " as before in the batch, found ", part.TypeToString()));
      }
      if (part.is_string()) {
        std::move(part.strings().begin(), part.strings().end(),
                  batch_[i].strings().begin() + filled_ * part.num_elements());
      } else if (part.bytes() > 0) {
        std::memcpy(batch_[i].data<char>() + filled_ * part.bytes(), part.raw(),
                    static_cast<size_t>(part.bytes()));
      }
    }
    ++filled_;
    return absl::OkStatus();
  }

  Element Take() { return std::move(batch_); }

 private:
  absl::Status Begin(const Element& first) {
    for (const Tensor& part : first) {
      types_.emplace_back(part.dtype(), part.dims());
      std::vector<int64_t> dims = part.dims();
      dims.insert(dims.begin(), count_);
      STATOR_ASSIGN_OR_RETURN(Tensor whole,
                              runtime::ToAbsl(Tensor::Create(part.dtype(), std::move(dims))));
      batch_.push_back(std::move(whole));
    }
    return absl::OkStatus();
  }

  int64_t count_;
  int64_t filled_ = 0;
  std::vector<std::pair<runtime::DType, std::vector<int64_t>>> types_;
  Element batch_;
};

class Batched : public Dataset {
 public:
  Batched(DatasetRef source, const BatchShape& shape) : source_(std::move(source)), shape_(shape) {
    const int64_t full = source_->size() / shape.size;
    const bool rest = source_->size() % shape.size != 0 && !shape.drop_remainder;
    batches_ = full + rest;
  }

  int64_t size() const override { return batches_; }

  absl::StatusOr<Element> Get(int64_t epoch, int64_t position) const override {
    const int64_t start = position * shape_.size;
    const int64_t elements = std::min(shape_.size, source_->size() - start);
    const int64_t begin = start + shape_.first * elements / shape_.replicas;
    const int64_t end = start + (shape_.first + shape_.count) * elements / shape_.replicas;
    Stack stack(end - begin);
    for (int64_t i = begin; i < end; ++i) {
      STATOR_ASSIGN_OR_RETURN(Element element, source_->Get(epoch, i));
      if (const absl::Status status = stack.Add(std::move(element)); !status.ok()) {
        return absl::Status(status.code(),
                            absl::StrCat("element ", i, " of epoch ", epoch, " in batch ", position,
                                         ": ", status.message()));
      }
    }
    return stack.Take();
  }

 private:
  DatasetRef source_;
  BatchShape shape_;
  int64_t batches_;
};

}  // namespace

absl::StatusOr<DatasetRef> Shuffle(DatasetRef source, uint64_t seed) {
  return std::make_shared<Shuffled>(std::move(source), seed);
}

absl::StatusOr<DatasetRef> ShuffleBuffer(DatasetRef source, uint64_t seed, int64_t buffer_size) {
  if (buffer_size < 1) {
    return absl::InvalidArgumentError(
        absl::StrCat("a shuffle buffer holds at least one element, found ", buffer_size));
  }
  if (source->size() > int64_t{UINT32_MAX}) {
    return absl::InvalidArgumentError(absl::StrCat("a shuffle buffer over ", source->size(),
                                                   " elements: use a full shuffle above 2^32"));
  }
  return std::make_shared<BufferShuffled>(std::move(source), seed, buffer_size);
}

absl::StatusOr<DatasetRef> Repeat(DatasetRef source, int64_t count) {
  int64_t size;
  if (count < 1 || __builtin_mul_overflow(source->size(), count, &size)) {
    return absl::InvalidArgumentError(
        absl::StrCat("cannot repeat a dataset of ", source->size(), " elements ", count, " times"));
  }
  return std::make_shared<Repeated>(std::move(source), count);
}

absl::StatusOr<DatasetRef> Map(DatasetRef source, MapFunction function) {
  return std::make_shared<Mapped>(std::move(source), std::move(function));
}

absl::StatusOr<DatasetRef> Batch(DatasetRef source, const BatchShape& asked) {
  BatchShape shape = asked;
  if (shape.count == 0) shape.count = shape.replicas - shape.first;
  if (shape.size < 1 || (shape.drop_remainder && source->size() < shape.size)) {
    return absl::InvalidArgumentError(
        absl::StrCat("no batch of ", shape.size, " can be made of ", source->size(), " elements"));
  }
  if (shape.replicas < 1 || shape.first < 0 || shape.count < 1 ||
      shape.count > shape.replicas - shape.first) {
    return absl::InvalidArgumentError(absl::StrCat("virtual replicas ", shape.first, " to ",
                                                   shape.first + shape.count - 1, " of ",
                                                   shape.replicas, " are none of the job's"));
  }
  if (shape.size % shape.replicas != 0) {
    return absl::InvalidArgumentError(absl::StrCat("a batch of ", shape.size,
                                                   " cannot be split evenly over ", shape.replicas,
                                                   " virtual replicas"));
  }
  if (const int64_t rest = source->size() % shape.size;
      !shape.drop_remainder && rest % shape.replicas != 0) {
    return absl::InvalidArgumentError(absl::StrCat(
        "the last batch of an epoch has ", rest, " elements, which cannot be split evenly over ",
        shape.replicas, " virtual replicas: drop the remainder"));
  }
  return std::make_shared<Batched>(std::move(source), shape);
}

absl::StatusOr<ShardFunction> ShardedBatches(DatasetRef source, int64_t batch_size) {
  const BatchShape whole{.size = batch_size, .drop_remainder = true};
  STATOR_RETURN_IF_ERROR(Batch(source, whole).status());
  const int64_t steps = source->size() / batch_size;
  return [=](int64_t step, int shard, int shards) -> absl::StatusOr<Element> {
    BatchShape shape = whole;
    shape.replicas = shards;
    shape.first = shard;
    shape.count = 1;
    STATOR_ASSIGN_OR_RETURN(const DatasetRef batches, Batch(source, shape));
    return batches->Get(step / steps, step % steps);
  };
}

}  // namespace stator::data
