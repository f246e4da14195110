#ifndef STATOR_NN_BATCH_SOURCE_H_
#define STATOR_NN_BATCH_SOURCE_H_

#include <cstdint>
#include <utility>
#include <vector>

#include "absl/status/statusor.h"
#include "data/dataset.h"
#include "data/pipeline.h"
#include "runtime/core/tensor.h"

namespace stator::nn {

// What a trainer feeds: for each step of each epoch, one tensor per input of the program. A pure
// function of (epoch, step), so that a resumed run continues exactly; implementations may be asked
// in any order.
class BatchSource {
 public:
  virtual ~BatchSource() = default;
  virtual int64_t steps_per_epoch() const = 0;
  virtual absl::StatusOr<std::vector<runtime::Tensor>> Batch(int64_t epoch, int64_t step) const = 0;
};

// Images as float [batch, height, width, 1] in [0, 1], and their labels as int32 [batch].
class ImageBatches : public BatchSource {
 public:
  // `set` must outlive the source.
  static absl::StatusOr<ImageBatches> Create(const data::LabeledImages* set,
                                             const data::BatchOptions& options);

  int64_t steps_per_epoch() const override { return plan_.steps_per_epoch(); }
  absl::StatusOr<std::vector<runtime::Tensor>> Batch(int64_t epoch, int64_t step) const override;
  // Part `shard` of `shards` equal ones of that batch; an error if it cannot be cut so.
  absl::StatusOr<std::vector<runtime::Tensor>> Shard(int64_t epoch, int64_t step, int shard,
                                                     int shards) const;

 private:
  absl::StatusOr<std::vector<runtime::Tensor>> Gather(const std::vector<int64_t>& examples) const;
  ImageBatches(const data::LabeledImages* set, data::BatchPlan plan) : set_(set), plan_(plan) {}

  const data::LabeledImages* set_;
  data::BatchPlan plan_;
};

// The batches of any input pipeline.
class DatasetBatches : public BatchSource {
 public:
  explicit DatasetBatches(data::DatasetRef batches) : batches_(std::move(batches)) {}

  int64_t steps_per_epoch() const override { return batches_->size(); }
  absl::StatusOr<std::vector<runtime::Tensor>> Batch(int64_t epoch, int64_t step) const override {
    return batches_->Get(epoch, step);
  }

 private:
  data::DatasetRef batches_;
};

}  // namespace stator::nn

#endif  // STATOR_NN_BATCH_SOURCE_H_
