#include "distribute/checkpoint/snapshot.h"

#include <gtest/gtest.h>

#include <atomic>
#include <thread>

#include "absl/status/status.h"

namespace stator::distribute {
namespace {

using runtime::Tensor;
using runtime::VariableLease;
using runtime::VariableStore;

// What a training step does: adds 1 to every element, in place if it may. True if it could.
bool Step(VariableStore* store, const std::vector<std::string>& names) {
  std::vector<runtime::VariableAccess> accesses;
  for (const std::string& name : names) {
    accesses.push_back({store->FindOrCreate(name), true, true, true});
  }
  std::vector<VariableLease> leases;
  EXPECT_TRUE(store->Acquire(accesses, {}, &leases).ok());
  bool in_place = true;
  for (VariableLease& lease : leases) {
    const int64_t n = lease.dims[0];
    const float* from = static_cast<const float*>(lease.buffer->data());
    float* to = static_cast<float*>(lease.buffer->data());
    if (!lease.exclusive) {
      in_place = false;
      lease.new_buffer = runtime::Buffer::Allocate(n * 4).value();
      to = static_cast<float*>(lease.new_buffer->data());
    }
    for (int64_t i = 0; i < n; ++i) to[i] = from[i] + 1;
    lease.publish = true;
    lease.new_dims = lease.dims;
    lease.new_dtype = lease.dtype;
  }
  store->Release(&leases);
  return in_place;
}

const float* Floats(const Snapshot::Variable& variable) {
  return static_cast<const float*>(variable.buffer->data());
}

TEST(Snapshot, KeepsItsVersionsWhileStepsGoOn) {
  VariableStore store;
  ASSERT_TRUE(store.Write("b", Tensor::Of<float>({2}, {1, 2})).ok());
  ASSERT_TRUE(store.Write("a", Tensor::Of<float>({2}, {5, 6})).ok());
  store.FindOrCreate("without a value");
  EXPECT_TRUE(Step(&store, {"a", "b"}));
  const auto snapshot = Snapshot::Take(&store);
  ASSERT_TRUE(snapshot.ok());
  ASSERT_EQ(snapshot->variables().size(), 2u);
  EXPECT_EQ(snapshot->variables()[0].name, "a");
  const std::string hash = WeightsHash(*snapshot);
  EXPECT_FALSE(Step(&store, {"a", "b"}));  // moves to memory of its own, once
  EXPECT_TRUE(Step(&store, {"a", "b"}));
  EXPECT_EQ(Floats(snapshot->variables()[1])[1], 3);
  EXPECT_EQ(WeightsHash(*snapshot), hash);
  EXPECT_EQ(store.Read("b")->data<float>()[1], 5);
  EXPECT_NE(WeightsHash(Snapshot::Take(&store).value()), hash);
}

TEST(Snapshot, ReadsWhileOthersTrain) {
  constexpr int64_t kSize = 1000;
  VariableStore store;
  const std::vector<float> zeros(kSize);
  ASSERT_TRUE(store
                  .WriteAll({{"a", Tensor::Of<float>({kSize}, zeros)},
                             {"b", Tensor::Of<float>({kSize}, zeros)}})
                  .ok());
  std::atomic<bool> stop{false};
  std::thread trainer([&] {
    while (!stop) Step(&store, {"a", "b"});
  });
  for (int i = 0; i < 200; ++i) {
    const Snapshot snapshot = Snapshot::Take(&store).value();
    const float step = Floats(snapshot.variables()[0])[0];
    for (const Snapshot::Variable& variable : snapshot.variables()) {
      for (int64_t k = 0; k < kSize; ++k) ASSERT_EQ(Floats(variable)[k], step);
    }
  }
  stop = true;
  trainer.join();
}

TEST(Snapshot, NamesWhatIsMissing) {
  VariableStore store;
  ASSERT_TRUE(store.Write("a", Tensor::Scalar<float>(1)).ok());
  store.FindOrCreate("b");
  EXPECT_TRUE(absl::IsNotFound(Snapshot::Take(&store, {"a", "c"}).status()));
  EXPECT_TRUE(absl::IsFailedPrecondition(Snapshot::Take(&store, {"b", "a"}).status()));
  EXPECT_EQ(Snapshot::Take(&store, {"a", "a"})->variables().size(), 1u);
}

TEST(WeightsHash, TellsNamesTypesShapesAndBitsApart) {
  const auto hash = [](const std::string& name, const Tensor& value) {
    VariableStore store;
    EXPECT_TRUE(store.Write(name, value).ok());
    return WeightsHash(Snapshot::Take(&store).value());
  };
  const std::string reference = hash("w", Tensor::Of<float>({2, 1}, {0, 1}));
  EXPECT_EQ(reference.size(), 7u + 64u);
  EXPECT_EQ(reference, hash("w", Tensor::Of<float>({2, 1}, {0, 1})));
  EXPECT_NE(reference, hash("v", Tensor::Of<float>({2, 1}, {0, 1})));
  EXPECT_NE(reference, hash("w", Tensor::Of<float>({1, 2}, {0, 1})));
  EXPECT_NE(reference, hash("w", Tensor::Of<float>({2, 1}, {-0.0f, 1})));
  EXPECT_NE(reference, hash("w", Tensor::Of<int32_t>({2, 1}, {0, 0x3f800000})));
}

TEST(WeightsHash, DoesNotDependOnWhereElementsLie) {
  std::vector<float> values(4 * 16);
  for (size_t i = 0; i < values.size(); ++i) values[i] = static_cast<float>(i);
  std::vector<std::string> hashes;
  for (const auto layout : {executable::Layout::kRowMajor, executable::Layout::kPanelsOfFirst,
                            executable::Layout::kPanelsOfLast}) {
    VariableStore store;
    ASSERT_TRUE(store.SetLayouts({{"w", layout}}).ok());
    ASSERT_TRUE(store.Write("w", Tensor::Of<float>({16, 2, 2}, values)).ok() ||
                store.Write("w", Tensor::Of<float>({4, 16}, values)).ok());
    hashes.push_back(WeightsHash(Snapshot::Take(&store).value()));
  }
  EXPECT_EQ(hashes[0], hashes[1]);
}

}  // namespace
}  // namespace stator::distribute
