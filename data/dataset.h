#ifndef STATOR_DATA_DATASET_H_
#define STATOR_DATA_DATASET_H_

// Input pipelines as values. A dataset says what stands at a position of an epoch; nothing in it
// moves. So the state of a pipeline is where its reader stands (see loader.h): any task resumes
// there, whatever else has read, and gets the same bits.
//
//   auto train = FromTfRecords(paths);              // one record each
//   train = Shuffle(train, seed);
//   train = Map(train, Decode);
//   train = Batch(train, {.size = 128, .drop_remainder = true, .replicas = 4, .first = 2});

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "formats/tfrecord.h"
#include "runtime/core/tensor.h"

namespace stator::data {

struct LabeledImages;

// One tensor per component: image and label, say.
using Element = std::vector<runtime::Tensor>;

// Immutable; any thread may ask, in any order.
class Dataset {
 public:
  virtual ~Dataset() = default;
  // Elements of an epoch; positive.
  virtual int64_t size() const = 0;
  // Element `position` (0 … size-1) of `epoch` (from 0): the same whenever and by whomever it is
  // asked for. Its tensors are the caller's.
  virtual absl::StatusOr<Element> Get(int64_t epoch, int64_t position) const = 0;
};

using DatasetRef = std::shared_ptr<const Dataset>;

// Sources. Every epoch is the same, but where a function decides.

// Element i holds the i-th part of each array along its first dimension, which all have in common.
absl::StatusOr<DatasetRef> FromArrays(std::vector<runtime::Tensor> arrays);
// Element i holds image i as float [height, width, 1] in [0, 1] and its label, an int32 scalar.
absl::StatusOr<DatasetRef> FromImages(std::shared_ptr<const LabeledImages> images);
// The records of the files, one after the other, each a string scalar. Errors name file, record and
// offset.
absl::StatusOr<DatasetRef> FromTfRecords(const std::vector<std::string>& paths,
                                         const formats::TfRecordOptions& options = {});
// Element i of an epoch is what the function makes of it. Must be pure and safe to call from several
// threads at once, as a loader does.
absl::StatusOr<DatasetRef> FromFunction(
    int64_t size,
    std::function<absl::StatusOr<Element>(int64_t epoch, int64_t position)> function);

// Transformations. A null or failed source is the caller's to check before.

// Each epoch in an order of its own, all orders equally likely. Takes no memory.
absl::StatusOr<DatasetRef> Shuffle(DatasetRef source, uint64_t seed);
// What a shuffle buffer of `buffer_size` elements does, as TensorFlow's: neighbours stay near each
// other, so that files are read nearly in order. Takes 4 bytes per element for an epoch's order,
// not the elements; at most 2^32 of them.
absl::StatusOr<DatasetRef> ShuffleBuffer(DatasetRef source, uint64_t seed, int64_t buffer_size);
// One epoch of it is `count` of the source's.
absl::StatusOr<DatasetRef> Repeat(DatasetRef source, int64_t count);

// Where a mapped element stands: what random changes of it are drawn from (see philox.h).
struct MapPlace {
  int64_t epoch = 0;
  int64_t position = 0;
};
// Must be pure and safe to call from several threads at once, as a loader does.
using MapFunction = std::function<absl::StatusOr<Element>(Element, const MapPlace&)>;
// Its errors get the element's place in front.
absl::StatusOr<DatasetRef> Map(DatasetRef source, MapFunction function);

struct BatchShape {
  int64_t size = 0;  // of the global batch
  bool drop_remainder = false;
  // Of a batch of b elements virtual replica s holds elements [s*b/replicas, (s+1)*b/replicas). A
  // task asks for `count` of them from `first` on; 0: all that follow.
  int64_t replicas = 1;
  int64_t first = 0;
  int64_t count = 0;
};
// Puts elements together along a new first dimension. Components must agree in type and shape. The
// replicas must divide the batch, the last one of an epoch too unless that is dropped.
absl::StatusOr<DatasetRef> Batch(DatasetRef source, const BatchShape& shape);

// The same as a function of the job's step, for whom the shards come one by one: shard `shard` of
// `shards` of the batch of `step` (from 0, through all epochs; each epoch's remainder is dropped).
// May be called from several threads at once.
using ShardFunction = std::function<absl::StatusOr<Element>(int64_t step, int shard, int shards)>;
absl::StatusOr<ShardFunction> ShardedBatches(DatasetRef source, int64_t batch_size);

}  // namespace stator::data

#endif  // STATOR_DATA_DATASET_H_
