#include "data/loader.h"

#include <utility>

#include "absl/strings/escaping.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"

namespace stator::data {

std::string Position::ToString() const { return absl::StrCat("epoch ", epoch, " element ", index); }

absl::StatusOr<Position> Position::Parse(absl::string_view text) {
  const std::vector<absl::string_view> words = absl::StrSplit(text, ' ');
  Position position;
  if (words.size() == 4 && absl::SimpleAtoi(words[1], &position.epoch) &&
      absl::SimpleAtoi(words[3], &position.index) && position.ToString() == text) {
    return position;
  }
  return absl::InvalidArgumentError(
      absl::StrCat("a position in the data: expected 'epoch NUMBER element NUMBER', found '",
                   absl::CEscape(text.substr(0, 100)), "'"));
}

absl::StatusOr<std::unique_ptr<Loader>> Loader::Start(DatasetRef dataset,
                                                      const LoaderOptions& options) {
  const Position& start = options.start;
  if (start.epoch < 0 || start.index < 0 || start.index >= dataset->size()) {
    return absl::InvalidArgumentError(absl::StrCat("cannot go on at ", start.ToString(),
                                                   " of a dataset whose epoch has ",
                                                   dataset->size(), " elements"));
  }
  if (options.threads < 0 || options.ahead < 0 || options.epochs < 0) {
    return absl::InvalidArgumentError("a loader's threads, ahead and epochs are not negative");
  }
  auto loader = std::unique_ptr<Loader>(new Loader(std::move(dataset), options));
  for (int i = 0; i < options.threads; ++i) {
    loader->threads_.emplace_back([raw = loader.get()] { raw->RunThread(); });
  }
  return loader;
}

Loader::~Loader() {
  {
    const std::lock_guard<std::mutex> lock(mutex_);
    stop_ = true;
  }
  wanted_.notify_all();
  for (std::thread& thread : threads_) thread.join();
}

bool Loader::AtEnd(const Position& position) const {
  return options_.epochs > 0 && position.epoch >= options_.epochs;
}

Position Loader::After(const Position& position) const {
  if (position.index + 1 < dataset_->size()) return {position.epoch, position.index + 1};
  return {position.epoch + 1, 0};
}

// Slots are taken in order and filled in any.
void Loader::RunThread() {
  std::unique_lock<std::mutex> lock(mutex_);
  while (true) {
    // The one asked for, and those ahead of it.
    wanted_.wait(lock, [this] {
      return stop_ || AtEnd(next_) || slots_.size() < static_cast<size_t>(options_.ahead) + 1;
    });
    if (stop_ || AtEnd(next_)) return;
    auto slot = std::make_shared<Slot>();
    slots_.push_back(slot);
    const Position position = std::exchange(next_, After(next_));
    lock.unlock();
    absl::StatusOr<Element> element = dataset_->Get(position.epoch, position.index);
    lock.lock();
    slot->element = std::move(element);
    slot->done = true;
    ready_.notify_all();
  }
}

absl::StatusOr<absl::optional<Element>> Loader::Next() {
  if (AtEnd(position_)) return absl::optional<Element>();
  absl::StatusOr<Element> element = absl::UnknownError("not read");
  if (threads_.empty()) {
    element = dataset_->Get(position_.epoch, position_.index);
    if (!element.ok()) return element.status();
  } else {
    std::unique_lock<std::mutex> lock(mutex_);
    ready_.wait(lock, [this] { return !slots_.empty() && slots_.front()->done; });
    if (!slots_.front()->element.ok()) return slots_.front()->element.status();
    element = std::move(slots_.front()->element);
    slots_.pop_front();
    wanted_.notify_one();
  }
  position_ = After(position_);
  return absl::optional<Element>(*std::move(element));
}

}  // namespace stator::data
