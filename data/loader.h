#ifndef STATOR_DATA_LOADER_H_
#define STATOR_DATA_LOADER_H_

#include <condition_variable>
#include <cstdint>
#include <deque>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/types/optional.h"
#include "data/dataset.h"

namespace stator::data {

// The whole state of an input pipeline: the element that comes next.
struct Position {
  int64_t epoch = 0;
  int64_t index = 0;

  // "epoch 3 element 17"; for a checkpoint.
  std::string ToString() const;
  // kInvalidArgument for anything that ToString does not give.
  static absl::StatusOr<Position> Parse(absl::string_view text);

  friend bool operator==(const Position& a, const Position& b) {
    return a.epoch == b.epoch && a.index == b.index;
  }
};

struct LoaderOptions {
  int threads = 1;     // that prepare elements; 0: Next does it itself
  int ahead = 2;       // elements prepared or in preparation beyond the one asked for, at most
  int64_t epochs = 0;  // after which it ends; 0: never
  Position start = {};
};

// Reads a dataset in order, ahead of the one who asks: its maps run in parallel, one element (a
// batch, most often) per thread. Next and position belong to one thread.
class Loader {
 public:
  // kInvalidArgument for a start that is not in the dataset.
  static absl::StatusOr<std::unique_ptr<Loader>> Start(DatasetRef dataset,
                                                       const LoaderOptions& options);
  // Waits for the elements in preparation.
  ~Loader();

  // The next element, in order; null after the last epoch. An error stands in its element's place,
  // and asking again gives it again.
  absl::StatusOr<absl::optional<Element>> Next();

  // Of what Next gives next: where a new loader must start to go on exactly.
  Position position() const { return position_; }

 private:
  struct Slot {
    bool done = false;
    absl::StatusOr<Element> element = absl::UnknownError("in preparation");
  };

  Loader(DatasetRef dataset, const LoaderOptions& options)
      : dataset_(std::move(dataset)),
        options_(options),
        position_(options.start),
        next_(options.start) {}

  bool AtEnd(const Position& position) const;
  Position After(const Position& position) const;
  void RunThread();

  const DatasetRef dataset_;
  const LoaderOptions options_;
  Position position_;

  std::mutex mutex_;
  std::condition_variable wanted_;           // for threads: there may be room
  std::condition_variable ready_;            // for Next: a slot is done
  std::deque<std::shared_ptr<Slot>> slots_;  // from position_ on
  Position next_;                            // that a thread will prepare
  bool stop_ = false;
  std::vector<std::thread> threads_;
};

}  // namespace stator::data

#endif  // STATOR_DATA_LOADER_H_
