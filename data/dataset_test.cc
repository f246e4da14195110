#include "data/dataset.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <fstream>
#include <map>
#include <numeric>

#include "absl/strings/str_cat.h"
#include "data/philox.h"
#include "data/mnist.h"
#include "data/shuffle.h"

namespace stator::data {
namespace {

using runtime::Tensor;

// Elements 0 … size-1, int64 scalars.
DatasetRef Numbers(int64_t size) {
  std::vector<int64_t> values(size);
  std::iota(values.begin(), values.end(), 0);
  return FromArrays({Tensor::Of<int64_t>({size}, values)}).value();
}

std::vector<int64_t> ValuesOf(const Element& element) {
  const int64_t* begin = element[0].data<int64_t>();
  return std::vector<int64_t>(begin, begin + element[0].num_elements());
}

std::vector<int64_t> Epoch(const Dataset& dataset, int64_t epoch) {
  std::vector<int64_t> all;
  for (int64_t i = 0; i < dataset.size(); ++i) {
    const auto element = dataset.Get(epoch, i);
    EXPECT_TRUE(element.ok()) << element.status();
    const std::vector<int64_t> values = ValuesOf(*element);
    all.insert(all.end(), values.begin(), values.end());
  }
  return all;
}

std::vector<int64_t> Sorted(std::vector<int64_t> values) {
  std::sort(values.begin(), values.end());
  return values;
}

std::string Message(const absl::StatusOr<DatasetRef>& dataset) {
  return std::string(dataset.status().message());
}

TEST(Arrays, GiveTheirParts) {
  const auto dataset =
      FromArrays({Tensor::Of<float>({2, 3}, {1, 2, 3, 4, 5, 6}), Tensor::Of<int32_t>({2}, {7, 8}),
                  Tensor::FromStrings({2, 1}, {"a", "b"}).value()});
  ASSERT_TRUE(dataset.ok()) << dataset.status();
  const auto element = (*dataset)->Get(0, 1);
  ASSERT_TRUE(element.ok());
  EXPECT_EQ((*element)[0].TypeToString(), "float[3]");
  EXPECT_EQ((*element)[0].data<float>()[0], 4);
  EXPECT_EQ(*(*element)[1].data<int32_t>(), 8);
  EXPECT_EQ((*element)[2].strings(), std::vector<std::string>{"b"});
  EXPECT_NE(Message(FromArrays({Tensor::Of<float>({2}, {1, 2}), Tensor::Scalar<float>(1)}))
                .find("array 1 of a dataset"),
            std::string::npos);
  EXPECT_FALSE(FromArrays({}).ok());
}

TEST(Shuffle, EveryEpochIsAnotherPermutation) {
  for (const auto& dataset :
       {Shuffle(Numbers(100), 3).value(), ShuffleBuffer(Numbers(100), 3, 10).value(),
        ShuffleBuffer(Numbers(100), 3, 1000).value()}) {
    const std::vector<int64_t> first = Epoch(*dataset, 0);
    EXPECT_EQ(Sorted(first), Epoch(*Numbers(100), 0));
    EXPECT_EQ(first, Epoch(*dataset, 0));
    EXPECT_NE(first, Epoch(*dataset, 1));
    EXPECT_EQ(dataset->Get(5, 17).ok(), true);
  }
  EXPECT_NE(Epoch(*Shuffle(Numbers(100), 3).value(), 0),
            Epoch(*Shuffle(Numbers(100), 4).value(), 0));
}

TEST(ShuffleBuffer, NeverReadsFurtherAheadThanItHolds) {
  const std::vector<uint32_t> order = BufferShuffleOrder(1, 0, 1000, 16);
  double furthest = 0;
  for (int64_t i = 0; i < 1000; ++i) {
    ASSERT_LT(order[i], i + 16);
    furthest = std::max(furthest, static_cast<double>(i) - order[i]);
  }
  EXPECT_GT(furthest, 16);  // and some wait long
  EXPECT_EQ(BufferShuffleOrder(1, 0, 3, 1), (std::vector<uint32_t>{0, 1, 2}));
  // Of a buffer that holds everything every order is equally likely: 6 of three.
  std::map<std::vector<uint32_t>, int> counts;
  for (uint64_t epoch = 0; epoch < 6000; ++epoch) ++counts[BufferShuffleOrder(7, epoch, 3, 8)];
  ASSERT_EQ(counts.size(), 6u);
  for (const auto& [unused, count] : counts) EXPECT_NEAR(count, 1000, 150);
  EXPECT_FALSE(ShuffleBuffer(Numbers(4), 1, 0).ok());
}

TEST(Repeat, JoinsEpochs) {
  const DatasetRef shuffled = Shuffle(Numbers(10), 1).value();
  const DatasetRef dataset = Repeat(shuffled, 3).value();
  ASSERT_EQ(dataset->size(), 30);
  std::vector<int64_t> expected;
  for (const int64_t epoch : {3, 4, 5}) {
    const std::vector<int64_t> values = Epoch(*shuffled, epoch);
    expected.insert(expected.end(), values.begin(), values.end());
  }
  EXPECT_EQ(Epoch(*dataset, 1), expected);
  EXPECT_FALSE(Repeat(shuffled, 0).ok());
}

TEST(Batch, StacksAndKeepsOrDropsTheRest) {
  const auto dataset = Batch(Numbers(10), {.size = 4});
  ASSERT_TRUE(dataset.ok()) << dataset.status();
  EXPECT_EQ((*dataset)->size(), 3);
  EXPECT_EQ((*dataset)->Get(0, 0)->at(0).TypeToString(), "int64[4]");
  EXPECT_EQ(ValuesOf((*dataset)->Get(0, 2).value()), (std::vector<int64_t>{8, 9}));
  EXPECT_EQ(Batch(Numbers(10), {.size = 4, .drop_remainder = true}).value()->size(), 2);
  EXPECT_FALSE(Batch(Numbers(3), {.size = 4, .drop_remainder = true}).ok());
}

TEST(Batch, TheTasksShardsMakeUpTheGlobalBatch) {
  const DatasetRef shuffled = Shuffle(Numbers(70), 1).value();
  BatchShape shape{.size = 16, .drop_remainder = true};
  const DatasetRef whole = Batch(shuffled, shape).value();
  shape.replicas = 8;
  for (const int tasks : {1, 2, 4, 8}) {
    for (int64_t step = 0; step < whole->size(); ++step) {
      std::vector<int64_t> together;
      for (int task = 0; task < tasks; ++task) {
        shape.count = 8 / tasks;
        shape.first = task * shape.count;
        const std::vector<int64_t> part =
            ValuesOf(Batch(shuffled, shape).value()->Get(2, step).value());
        together.insert(together.end(), part.begin(), part.end());
      }
      EXPECT_EQ(together, ValuesOf(whole->Get(2, step).value())) << tasks;
    }
  }
}

TEST(Batch, ShardsOfAStep) {
  const DatasetRef shuffled = Shuffle(Numbers(70), 1).value();
  const auto shards = ShardedBatches(shuffled, 16);
  ASSERT_TRUE(shards.ok()) << shards.status();
  const DatasetRef whole = Batch(shuffled, {.size = 16, .drop_remainder = true}).value();
  std::vector<int64_t> together;
  for (int shard = 0; shard < 4; ++shard) {
    const std::vector<int64_t> part = ValuesOf((*shards)(4 * 3 + 2, shard, 4).value());
    together.insert(together.end(), part.begin(), part.end());
  }
  EXPECT_EQ(together, ValuesOf(whole->Get(3, 2).value()));
  EXPECT_FALSE((*shards)(0, 0, 3).ok());
  EXPECT_FALSE((*shards)(0, 4, 4).ok());
  EXPECT_FALSE(ShardedBatches(shuffled, 71).ok());
}

TEST(Batch, SaysWhyItCannotBeSplit) {
  EXPECT_NE(Message(Batch(Numbers(10), {.size = 6, .replicas = 4})).find("a batch of 6"),
            std::string::npos);
  EXPECT_NE(Message(Batch(Numbers(10), {.size = 4, .replicas = 4}))
                .find("the last batch of an epoch has 2 elements"),
            std::string::npos);
  EXPECT_FALSE(Batch(Numbers(8), {.size = 4, .replicas = 4, .first = 3, .count = 2}).ok());
  const auto ragged = Map(Numbers(4), [](Element element, const MapPlace& place) {
    std::vector<int64_t> values(static_cast<size_t>(place.position / 2 + 1));
    const std::vector<int64_t> dims = {static_cast<int64_t>(values.size())};
    return absl::StatusOr<Element>(Element{Tensor::Of<int64_t>(dims, values)});
  });
  const auto batch = Batch(*ragged, {.size = 4}).value()->Get(1, 0);
  EXPECT_EQ(batch.status().message(),
            "element 2 of epoch 1 in batch 0: component 0: expected int64[1] as before in the "
            "batch, found int64[2]");
}

TEST(Map, IsAFunctionOfThePlaceAndNamesItInErrors) {
  const auto noisy = Map(Numbers(8), [](Element element, const MapPlace& place) {
    RandomStream random(5, static_cast<uint64_t>(place.epoch * 8 + place.position));
    *element[0].data<int64_t>() += random.NextBits() % 1000;
    return absl::StatusOr<Element>(std::move(element));
  });
  EXPECT_EQ(Epoch(**noisy, 1), Epoch(**noisy, 1));
  EXPECT_NE(Epoch(**noisy, 1), Epoch(**noisy, 2));
  const auto failing = Map(Numbers(8), [](Element element, const MapPlace& place) {
    return absl::StatusOr<Element>(absl::InvalidArgumentError("no such class"));
  });
  const absl::Status status = (*failing)->Get(3, 5).status();
  EXPECT_TRUE(absl::IsInvalidArgument(status));
  EXPECT_EQ(status.message(), "mapping element 5 of epoch 3: no such class");
}

TEST(TfRecords, AreOneListOverAllFiles) {
  const std::string stem = testing::TempDir() + "/records-";
  std::vector<std::string> paths;
  for (int file = 0; file < 3; ++file) {
    paths.push_back(absl::StrCat(stem, file));
    auto writer = formats::TfRecordWriter::Create(paths.back());
    ASSERT_TRUE(writer.ok());
    const int records = file == 1 ? 0 : 3;
    for (int i = 0; i < records; ++i) {
      ASSERT_TRUE(writer->Append(absl::StrCat(file, "/", i)).ok());
    }
    ASSERT_TRUE(writer->Finish().ok());
  }
  const auto dataset = FromTfRecords(paths);
  ASSERT_TRUE(dataset.ok()) << dataset.status();
  ASSERT_EQ((*dataset)->size(), 6);
  const auto batch = Batch(*dataset, {.size = 6}).value()->Get(0, 0);
  EXPECT_EQ(batch->at(0).strings(),
            (std::vector<std::string>{"0/0", "0/1", "0/2", "2/0", "2/1", "2/2"}));
  {
    std::fstream file(paths[2], std::ios::in | std::ios::out | std::ios::binary);
    file.seekp(19 + 13);
    file.put('?');
  }
  EXPECT_EQ((*dataset)->Get(0, 4).status().message(),
            paths[2] + ": record 1 at offset 19: the checksum of its 3 bytes is wrong");
  EXPECT_TRUE(absl::IsNotFound(FromTfRecords({stem + "9"}).status()));
  EXPECT_TRUE(absl::IsInvalidArgument(FromTfRecords({paths[1]}).status()));
}

TEST(Functions, DecideByEpochAndPosition) {
  const auto dataset = FromFunction(3, [](int64_t epoch, int64_t position) {
    return absl::StatusOr<Element>(Element{Tensor::Scalar<int64_t>(10 * epoch + position)});
  });
  ASSERT_TRUE(dataset.ok());
  EXPECT_EQ((*dataset)->size(), 3);
  EXPECT_EQ(*(*dataset)->Get(4, 2)->at(0).data<int64_t>(), 42);
  EXPECT_FALSE(FromFunction(0, nullptr).ok());
}

TEST(Images, AreScaled) {
  auto images = std::make_shared<LabeledImages>();
  *images = {2, 1, 2, {0, 51, 102, 255}, {3, 4}};
  const auto dataset = FromImages(images);
  ASSERT_TRUE(dataset.ok());
  const auto element = (*dataset)->Get(0, 1);
  EXPECT_EQ((*element)[0].TypeToString(), "float[1, 2, 1]");
  EXPECT_EQ((*element)[0].data<float>()[1], 1.0f);
  EXPECT_EQ(*(*element)[1].data<int32_t>(), 4);
}

}  // namespace
}  // namespace stator::data
