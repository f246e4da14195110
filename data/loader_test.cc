#include "data/loader.h"

#include <gtest/gtest.h>

#include <atomic>
#include <chrono>
#include <numeric>

#include "data/philox.h"

namespace stator::data {
namespace {

using runtime::Tensor;

DatasetRef Numbers(int64_t size) {
  std::vector<int64_t> values(size);
  std::iota(values.begin(), values.end(), 0);
  return FromArrays({Tensor::Of<int64_t>({size}, values)}).value();
}

// Elements take different times, so that threads overtake each other.
absl::StatusOr<Element> Dawdle(Element element, const MapPlace& place) {
  RandomStream random(1, static_cast<uint64_t>(place.epoch * 1000 + place.position));
  std::this_thread::sleep_for(std::chrono::microseconds(random.NextBits() % 200));
  *element[0].data<int64_t>() += 1000 * place.epoch;
  return element;
}

// Shuffled, mapped at random places, in batches of 4; 6 per epoch, the last one short.
DatasetRef Batches(int64_t buffer) {
  const DatasetRef numbers = Numbers(23);
  const DatasetRef shuffled =
      buffer == 0 ? Shuffle(numbers, 5).value() : ShuffleBuffer(numbers, 5, buffer).value();
  return Batch(Map(shuffled, Dawdle).value(), {.size = 4}).value();
}

std::unique_ptr<Loader> Start(DatasetRef dataset, const LoaderOptions& options) {
  auto loader = Loader::Start(std::move(dataset), options);
  EXPECT_TRUE(loader.ok()) << loader.status();
  return std::move(loader).value();
}

// To the end.
std::vector<std::vector<int64_t>> Read(Loader* loader) {
  std::vector<std::vector<int64_t>> all;
  while (true) {
    const auto element = loader->Next();
    EXPECT_TRUE(element.ok()) << element.status();
    if (!element.ok() || !element->has_value()) return all;
    const Tensor& values = (**element)[0];
    all.emplace_back(values.data<int64_t>(), values.data<int64_t>() + values.num_elements());
  }
}

TEST(Loader, ThreadsKeepTheOrder) {
  const DatasetRef dataset = Batches(8);
  const auto expected = Read(Start(dataset, {.threads = 0, .epochs = 3}).get());
  EXPECT_EQ(expected.size(), 18u);
  EXPECT_EQ(expected, Read(Start(dataset, {.threads = 1, .ahead = 0, .epochs = 3}).get()));
  EXPECT_EQ(expected, Read(Start(dataset, {.threads = 4, .ahead = 7, .epochs = 3}).get()));
}

TEST(Loader, ResumesExactlyAtEveryPosition) {
  for (const int64_t buffer : {0, 5}) {
    const DatasetRef dataset = Batches(buffer);
    const auto loader = Start(dataset, {.threads = 2, .epochs = 3});
    std::vector<std::string> saved = {loader->position().ToString()};
    std::vector<std::vector<int64_t>> expected;
    while (true) {
      const auto element = loader->Next();
      ASSERT_TRUE(element.ok());
      if (!element->has_value()) break;
      const Tensor& values = (**element)[0];
      expected.emplace_back(values.data<int64_t>(), values.data<int64_t>() + values.num_elements());
      saved.push_back(loader->position().ToString());
    }
    ASSERT_EQ(expected.size(), 18u);
    for (size_t i = 0; i < saved.size(); ++i) {
      const auto position = Position::Parse(saved[i]);
      ASSERT_TRUE(position.ok()) << position.status();
      // Another process, as far as the dataset can tell.
      const auto resumed = Start(Batches(buffer), {.threads = 2, .epochs = 3, .start = *position});
      EXPECT_EQ(Read(resumed.get()),
                std::vector<std::vector<int64_t>>(expected.begin() + i, expected.end()));
    }
  }
}

TEST(Loader, ReadsAheadNoFurtherThanItMay) {
  std::atomic<int64_t> begun{0};
  const DatasetRef counted =
      Map(Numbers(100), [&](Element element, const MapPlace&) -> absl::StatusOr<Element> {
        ++begun;
        return element;
      }).value();
  const auto loader = Start(counted, {.threads = 4, .ahead = 3});
  for (int64_t asked = 0; asked < 50; ++asked) {
    if (asked % 10 == 0) std::this_thread::sleep_for(std::chrono::milliseconds(5));
    EXPECT_LE(begun, asked + 4);
    ASSERT_TRUE(loader->Next().ok());
  }
  EXPECT_GE(begun, 50);
}

TEST(Loader, AnErrorComesInItsPlaceAndStays) {
  const DatasetRef failing =
      Map(Numbers(10), [](Element element, const MapPlace& place) -> absl::StatusOr<Element> {
        if (place.position == 4) return absl::DataLossError("bad record");
        return element;
      }).value();
  for (const int threads : {0, 3}) {
    const auto loader = Start(failing, {.threads = threads, .ahead = 6});
    for (int i = 0; i < 4; ++i) ASSERT_TRUE(loader->Next().ok());
    for (int i = 0; i < 2; ++i) {
      EXPECT_EQ(loader->Next().status(),
                absl::DataLossError("mapping element 4 of epoch 0: bad record"));
    }
    EXPECT_EQ(loader->position(), (Position{0, 4}));
  }
}

TEST(Loader, StopsWherever) {
  for (int i = 0; i < 20; ++i) {
    const auto loader = Start(Batches(0), {.threads = 3, .ahead = 4});
    for (int k = 0; k < i; ++k) ASSERT_TRUE(loader->Next().ok());
  }
}

TEST(Loader, RefusesAStartThatIsNone) {
  EXPECT_FALSE(Loader::Start(Numbers(4), {.start = {0, 4}}).ok());
  EXPECT_FALSE(Loader::Start(Numbers(4), {.start = {-1, 0}}).ok());
  EXPECT_FALSE(Position::Parse("epoch 1 element 2 ").ok());
  EXPECT_FALSE(Position::Parse("epoch 1 element").ok());
  EXPECT_FALSE(Position::Parse("").ok());
}

}  // namespace
}  // namespace stator::data
