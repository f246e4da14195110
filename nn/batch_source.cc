#include "nn/batch_source.h"

#include <utility>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "graph/status_macros.h"
#include "runtime/session/status.h"

namespace stator::nn {

absl::StatusOr<ImageBatches> ImageBatches::Create(const data::LabeledImages* set,
                                                  const data::BatchOptions& options) {
  STATOR_ASSIGN_OR_RETURN(data::BatchPlan plan, data::BatchPlan::Create(set->count, options));
  return ImageBatches(set, plan);
}

absl::StatusOr<std::vector<runtime::Tensor>> ImageBatches::Batch(int64_t epoch,
                                                                 int64_t step) const {
  return Gather(plan_.Examples(epoch, step));
}

absl::StatusOr<std::vector<runtime::Tensor>> ImageBatches::Shard(int64_t epoch, int64_t step,
                                                                 int shard, int shards) const {
  const std::vector<int64_t> examples = plan_.Examples(epoch, step);
  const int64_t count = static_cast<int64_t>(examples.size());
  if (count % shards != 0) {
    return absl::InvalidArgumentError(absl::StrCat("expected a batch that ", shards,
                                                   " shards divide, found ", count, " examples"));
  }
  const auto begin = examples.begin() + shard * (count / shards);
  return Gather({begin, begin + count / shards});
}

absl::StatusOr<std::vector<runtime::Tensor>> ImageBatches::Gather(
    const std::vector<int64_t>& examples) const {
  const int64_t count = static_cast<int64_t>(examples.size());
  STATOR_ASSIGN_OR_RETURN(runtime::Tensor images,
                          runtime::ToAbsl(runtime::Tensor::Create(
                              runtime::DType::kFloat32, {count, set_->height, set_->width, 1})));
  STATOR_ASSIGN_OR_RETURN(runtime::Tensor labels, runtime::ToAbsl(runtime::Tensor::Create(
                                                      runtime::DType::kInt32, {count})));
  data::GatherImages(*set_, examples, images.data<float>(), labels.data<int32_t>());
  return std::vector<runtime::Tensor>{std::move(images), std::move(labels)};
}

}  // namespace stator::nn
