#ifndef STATOR_DATA_PIPELINE_H_
#define STATOR_DATA_PIPELINE_H_

// Shuffled batches whose content is a pure function of (seed, epoch, step). There is no iterator to
// save: a resumed run asks for the batch of its step and gets the bits it would have got.

#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"

namespace stator::data {

// The examples of one set: images as bytes, labels as class numbers. Immutable after loading.
struct LabeledImages {
  int64_t count = 0;
  int64_t height = 0;
  int64_t width = 0;
  std::vector<uint8_t> pixels;  // count x height x width
  std::vector<uint8_t> labels;  // count
};

// Loads <folder>/<stem>-images-idx3-ubyte and <folder>/<stem>-labels-idx1-ubyte, plain or .gz;
// MNIST's stems are "train" and "t10k".
absl::StatusOr<LabeledImages> LoadMnist(const std::string& folder, const std::string& stem);

struct BatchOptions {
  int64_t batch_size = 128;
  uint64_t seed = 0;
  bool shuffle = true;
  bool drop_remainder = false;  // leave out the last batch of an epoch if it is short
};

// Says which examples form a batch. Immutable; any thread may ask.
class BatchPlan {
 public:
  static absl::StatusOr<BatchPlan> Create(int64_t example_count, const BatchOptions& options);

  int64_t steps_per_epoch() const { return steps_per_epoch_; }

  // The examples of batch `step` (0 … steps_per_epoch-1) of `epoch`, in order.
  std::vector<int64_t> Examples(int64_t epoch, int64_t step) const;

 private:
  BatchPlan(int64_t example_count, const BatchOptions& options, int64_t steps_per_epoch)
      : example_count_(example_count), options_(options), steps_per_epoch_(steps_per_epoch) {}

  int64_t example_count_;
  BatchOptions options_;
  int64_t steps_per_epoch_;
};

// Copies the examples' pixels, scaled to [0, 1], to `images` (float, NHWC with one channel) and
// their labels to `labels` (int32). Both must have room for all of them.
void GatherImages(const LabeledImages& set, const std::vector<int64_t>& examples, float* images,
                  int32_t* labels);

}  // namespace stator::data

#endif  // STATOR_DATA_PIPELINE_H_
