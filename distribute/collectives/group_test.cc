#include "distribute/collectives/group.h"

#include <gtest/gtest.h>

#include <bit>
#include <cmath>
#include <cstring>
#include <map>
#include <string>
#include <tuple>
#include <vector>

#include "distribute/collectives/arithmetic.h"
#include "distribute/collectives/test_world.h"
#include "executable/dtype.h"

namespace stator::distribute {
namespace {

using executable::DType;
using executable::DTypeSize;

using Bytes = std::vector<char>;

uint64_t Mix(uint64_t x) {
  x += 0x9e3779b97f4a7c15;
  x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9;
  x = (x ^ (x >> 27)) * 0x94d049bb133111eb;
  return x ^ (x >> 31);
}

template <typename T>
void Put(Bytes& bytes, int64_t i, T value) {
  std::memcpy(bytes.data() + i * sizeof(T), &value, sizeof(T));
}
template <typename T>
T Get(const Bytes& bytes, int64_t i) {
  T value;
  std::memcpy(&value, bytes.data() + i * sizeof(T), sizeof(T));
  return value;
}

// Values of many magnitudes, so that any other order of summing shows.
Bytes Leaf(DType dtype, int64_t count, int replica) {
  Bytes bytes(count * DTypeSize(dtype));
  for (int64_t i = 0; i < count; ++i) {
    const uint64_t bits = Mix(i * 1000003 + replica);
    const double value = std::ldexp(static_cast<double>(static_cast<int64_t>(bits)) * 0x1p-63,
                                    static_cast<int>(bits % 13) - 6);
    switch (dtype) {
      case DType::kFloat32:
        Put(bytes, i, static_cast<float>(value));
        break;
      case DType::kFloat64:
        Put(bytes, i, value);
        break;
      case DType::kInt32:
        Put(bytes, i, static_cast<uint32_t>(bits));
        break;
      case DType::kInt64:
        Put(bytes, i, bits);
        break;
      case DType::kFloat16:
        Put(bytes, i, ToHalf(static_cast<float>(value)));
        break;
      default:
        Put(bytes, i, ToBFloat16(static_cast<float>(value)));
    }
  }
  return bytes;
}

// The tree, as its definition reads.
template <typename Work, typename Load>
Work Tree(const std::vector<Bytes>& leaves, size_t first, size_t n, int64_t i, const Load& load) {
  if (n == 1) return load(leaves[first], i);
  return Tree<Work>(leaves, first, n / 2, i, load) +
         Tree<Work>(leaves, first + n / 2, n / 2, i, load);
}

Bytes TreeReference(DType dtype, int64_t count, const std::vector<Bytes>& leaves, bool mean) {
  Bytes result(count * DTypeSize(dtype));
  const size_t n = leaves.size();
  const auto half = [](const Bytes& b, int64_t i) { return FromHalf(Get<uint16_t>(b, i)); };
  const auto brain = [](const Bytes& b, int64_t i) { return FromBFloat16(Get<uint16_t>(b, i)); };
  const float by = mean ? static_cast<float>(n) : 1.0f;
  for (int64_t i = 0; i < count; ++i) {
    switch (dtype) {
      case DType::kFloat32:
        Put(result, i, Tree<float>(leaves, 0, n, i, Get<float>) / by);
        break;
      case DType::kFloat64:
        Put(result, i, Tree<double>(leaves, 0, n, i, Get<double>) / by);
        break;
      case DType::kInt32:
        Put(result, i, Tree<uint32_t>(leaves, 0, n, i, Get<uint32_t>));
        break;
      case DType::kInt64:
        Put(result, i, Tree<uint64_t>(leaves, 0, n, i, Get<uint64_t>));
        break;
      case DType::kFloat16:
        Put(result, i, ToHalf(Tree<float>(leaves, 0, n, i, half) / by));
        break;
      default:
        Put(result, i, ToBFloat16(Tree<float>(leaves, 0, n, i, brain) / by));
    }
  }
  return result;
}

std::vector<Bytes> Leaves(DType dtype, int64_t count, int n) {
  std::vector<Bytes> leaves;
  for (int i = 0; i < n; ++i) leaves.push_back(Leaf(dtype, count, i));
  return leaves;
}

// The same test on another transport or number of workers has the same leaves and sums.
struct Problem {
  std::vector<Bytes> leaves;
  Bytes sum;
};
const Problem& ProblemOf(DType dtype, int64_t count, int n) {
  static auto& problems = *new std::map<std::tuple<DType, int64_t, int>, Problem>;
  Problem& problem = problems[{dtype, count, n}];
  if (problem.leaves.empty()) {
    problem.leaves = Leaves(dtype, count, n);
    problem.sum = TreeReference(dtype, count, problem.leaves, false);
  }
  return problem;
}

std::vector<const void*> Inputs(const std::vector<Bytes>& leaves, int rank, int workers) {
  std::vector<const void*> inputs;
  const size_t each = leaves.size() / workers;
  for (size_t i = 0; i < each; ++i) inputs.push_back(leaves[rank * each + i].data());
  return inputs;
}

// Empty vectors have no address; a collective of nothing must not need one.
bool Same(const Bytes& a, const Bytes& b, size_t begin, size_t end) {
  return begin == end || std::memcmp(a.data() + begin, b.data() + begin, end - begin) == 0;
}

class Collectives : public testing::TestWithParam<std::tuple<Transport, DType, int>> {
 protected:
  Transport transport() const { return std::get<0>(GetParam()); }
  DType dtype() const { return std::get<1>(GetParam()); }
  int workers() const { return std::get<2>(GetParam()); }
  std::vector<int64_t> counts() const {
    return {0, 1, 37, 1024 / DTypeSize(dtype()), (1 << 20) / DTypeSize(dtype()) + 5};
  }
};

// Eight virtual replicas on any number of workers, and one on each.
TEST_P(Collectives, AllReduceIsTheTree) {
  for (const int replicas : {8, workers()}) {
    for (const int64_t count : counts()) {
      for (const bool mean : {false, true}) {
        if (mean && !executable::IsFloatDType(dtype())) continue;
        if (mean && count > 1000) continue;
        const Problem& problem = ProblemOf(dtype(), count, replicas);
        const std::vector<Bytes>& leaves = problem.leaves;
        const Bytes expected = mean ? TreeReference(dtype(), count, leaves, true) : problem.sum;
        RunWorkers(MakeMesh(transport(), workers()), {}, [&](Group& group, int rank) {
          Bytes output(count * DTypeSize(dtype()));
          const absl::Status status =
              group.AllReduce(mean ? ReduceOp::kMean : ReduceOp::kSum, dtype(),
                              Inputs(leaves, rank, workers()), output.data(), count);
          ASSERT_TRUE(status.ok()) << status;
          EXPECT_TRUE(output == expected) << count << " elements, rank " << rank;
        });
      }
    }
  }
}

// Many small blocks through queues that hold less than one message; in place; one after another.
TEST_P(Collectives, BlocksInPlace) {
  GroupOptions options;
  options.block_bytes = 4096;
  options.small_bytes = 64;
  const int64_t count = 100'003 / DTypeSize(dtype());
  const Problem& problem = ProblemOf(dtype(), count, workers());
  const std::vector<Bytes>& leaves = problem.leaves;
  const Bytes& expected = problem.sum;
  RunWorkers(MakeMesh(transport(), workers(), 64 << 10), options, [&](Group& group, int rank) {
    for (int round = 0; round < 3; ++round) {
      Bytes data = leaves[rank];
      const void* input = data.data();
      const absl::Status status = group.AllReduce(
          ReduceOp::kSum, dtype(), absl::MakeConstSpan(&input, 1), data.data(), count);
      ASSERT_TRUE(status.ok()) << status;
      EXPECT_TRUE(data == expected) << "rank " << rank << ", round " << round;
    }
  });
}

// Buffers from the group: no copies between workers, and the same bits. Means, half precision and
// several inputs; the buffers of the next round are the same ones, or new ones.
TEST_P(Collectives, InPlaceInSharedMemory) {
  GroupOptions options;
  options.small_bytes = 64;
  for (const int replicas : {workers(), 8}) {
    const int64_t count = 50'003 / DTypeSize(dtype());
    const bool mean = executable::IsFloatDType(dtype());
    const std::vector<Bytes>& leaves = ProblemOf(dtype(), count, replicas).leaves;
    const Bytes expected = TreeReference(dtype(), count, leaves, mean);
    RunWorkers(MakeMesh(transport(), workers()), options, [&](Group& group, int rank) {
      for (int round = 0; round < 3; ++round) {
        std::vector<runtime::BufferRef> buffers;
        std::vector<const void*> inputs;
        for (int i = 0; i < replicas / workers(); ++i) {
          auto buffer = group.Allocate(count * DTypeSize(dtype()));
          ASSERT_TRUE(buffer.ok()) << buffer.status();
          const Bytes& leaf = leaves[rank * (replicas / workers()) + i];
          std::memcpy((*buffer)->data(), leaf.data(), leaf.size());
          buffers.push_back(*std::move(buffer));
          inputs.push_back(buffers.back()->data());
        }
        // In the last round one worker's output lies elsewhere, and all copy.
        Bytes elsewhere(count * DTypeSize(dtype()));
        void* const output =
            round == 2 && rank == 0 ? elsewhere.data() : const_cast<void*>(inputs[0]);
        const absl::Status status = group.AllReduce(mean ? ReduceOp::kMean : ReduceOp::kSum,
                                                    dtype(), inputs, output, count);
        ASSERT_TRUE(status.ok()) << status;
        EXPECT_EQ(std::memcmp(output, expected.data(), expected.size()), 0)
            << "rank " << rank << ", round " << round;
      }
      const bool shares = transport() != Transport::kTcp && transport() != Transport::kTls;
      EXPECT_EQ(group.sums_in_place(), shares && workers() > 1 ? 2 : 0);
    });
  }
}

TEST_P(Collectives, ReduceScatterThenAllGather) {
  for (const int64_t count : counts()) {
    const Problem& problem = ProblemOf(dtype(), count, 8);
    const std::vector<Bytes>& leaves = problem.leaves;
    const Bytes& expected = problem.sum;
    RunWorkers(MakeMesh(transport(), workers()), {}, [&](Group& group, int rank) {
      Bytes output(count * DTypeSize(dtype()));
      absl::Status status = group.ReduceScatter(
          ReduceOp::kSum, dtype(), Inputs(leaves, rank, workers()), output.data(), count);
      ASSERT_TRUE(status.ok()) << status;
      const Shard shard = ShardOf(count, workers(), rank);
      const size_t begin = shard.begin * DTypeSize(dtype()), end = shard.end * DTypeSize(dtype());
      EXPECT_TRUE(Same(output, expected, begin, end)) << count << " elements, rank " << rank;
      std::fill(output.begin(), output.begin() + begin, 1);
      std::fill(output.begin() + end, output.end(), 2);
      status = group.AllGather(dtype(), output.data(), count);
      ASSERT_TRUE(status.ok()) << status;
      EXPECT_TRUE(output == expected) << count << " elements, rank " << rank;
    });
  }
}

TEST_P(Collectives, BroadcastFromEveryRoot) {
  for (const int64_t count : counts()) {
    const std::vector<Bytes>& leaves = ProblemOf(dtype(), count, workers()).leaves;
    RunWorkers(MakeMesh(transport(), workers()), {}, [&](Group& group, int rank) {
      for (int root = 0; root < workers(); ++root) {
        Bytes data = leaves[rank];
        const absl::Status status = group.Broadcast(dtype(), root, data.data(), count);
        ASSERT_TRUE(status.ok()) << status;
        EXPECT_TRUE(data == leaves[root]) << "root " << root << ", rank " << rank;
      }
    });
  }
}

INSTANTIATE_TEST_SUITE_P(
    All, Collectives,
    testing::Combine(testing::Values(Transport::kInProcess, Transport::kSharedMemory,
                                     Transport::kTcp, Transport::kTls),
                     testing::Values(DType::kFloat32, DType::kFloat64, DType::kInt32, DType::kInt64,
                                     DType::kFloat16, DType::kBFloat16),
                     testing::Values(1, 2, 4, 8)),
    [](const auto& info) {
      return std::string(TransportName(std::get<0>(info.param))) + "_" +
             executable::DTypeName(std::get<1>(info.param)) + "_" +
             std::to_string(std::get<2>(info.param));
    });

TEST(Group, RefusesWrongArguments) {
  GroupOptions options;
  options.tasks = TaskNames(3);
  EXPECT_EQ(Group::Create(options, {}).status().code(), absl::StatusCode::kInvalidArgument);
  RunWorkers(MakeMesh(Transport::kInProcess, 2), {}, [&](Group& group, int rank) {
    int32_t data[4] = {};
    const void* inputs[3] = {data, data, data};
    EXPECT_EQ(group.AllReduce(ReduceOp::kMean, DType::kInt32, {inputs, 1}, data, 4).code(),
              absl::StatusCode::kInvalidArgument);
    EXPECT_EQ(group.AllReduce(ReduceOp::kSum, DType::kInt32, inputs, data, 4).code(),
              absl::StatusCode::kInvalidArgument);
    EXPECT_EQ(group.AllReduce(ReduceOp::kSum, DType::kString, {inputs, 1}, data, 4).code(),
              absl::StatusCode::kInvalidArgument);
    EXPECT_EQ(group.Broadcast(DType::kInt32, 2, data, 4).code(),
              absl::StatusCode::kInvalidArgument);
    EXPECT_TRUE(group.Barrier().ok());  // none of it reached the peer
  });
}

TEST(Group, AMismatchIsAnErrorAtBothEnds) {
  for (const Transport transport : {Transport::kInProcess, Transport::kTcp, Transport::kTls}) {
    RunWorkers(MakeMesh(transport, 2), {}, [&](Group& group, int rank) {
      std::vector<float> data(100'000 + rank);
      const void* input = data.data();
      const absl::Status status =
          group.AllReduce(ReduceOp::kSum, DType::kFloat32, absl::MakeConstSpan(&input, 1),
                          data.data(), static_cast<int64_t>(data.size()));
      EXPECT_FALSE(status.ok());
      EXPECT_NE(std::string(status.message()).find("worker " + std::to_string(1 - rank)),
                std::string::npos)
          << status;
      EXPECT_EQ(group.Barrier(), status);  // the group is of no more use
    });
  }
}

// Larger than all queues together.
TEST(Group, AHundredMegabytes) {
  constexpr int64_t kCount = 26'000'003;
  for (const Transport transport : {Transport::kSharedMemory, Transport::kTcp, Transport::kTls}) {
    RunWorkers(MakeMesh(transport, 2), {}, [&](Group& group, int rank) {
      std::vector<uint32_t> data(kCount);
      for (int64_t i = 0; i < kCount; ++i) data[i] = static_cast<uint32_t>(i * (rank + 1));
      const void* input = data.data();
      const absl::Status status = group.AllReduce(
          ReduceOp::kSum, DType::kInt32, absl::MakeConstSpan(&input, 1), data.data(), kCount);
      ASSERT_TRUE(status.ok()) << status;
      int64_t wrong = 0;
      for (int64_t i = 0; i < kCount; ++i) wrong += data[i] != static_cast<uint32_t>(i * 3);
      EXPECT_EQ(wrong, 0) << TransportName(transport) << ", rank " << rank;
    });
  }
}

TEST(Arithmetic, HalvesRoundTripAndRoundToEven) {
  for (uint32_t bits = 0; bits < 0x10000; ++bits) {
    const uint16_t half = static_cast<uint16_t>(bits);
    if (std::isnan(FromHalf(half))) {
      EXPECT_TRUE(std::isnan(FromHalf(ToHalf(FromHalf(half)))));
    } else {
      ASSERT_EQ(ToHalf(FromHalf(half)), half);
    }
    if (std::isnan(FromBFloat16(half))) {
      EXPECT_TRUE(std::isnan(FromBFloat16(ToBFloat16(FromBFloat16(half)))));
    } else {
      ASSERT_EQ(ToBFloat16(FromBFloat16(half)), half);
    }
    // Exactly between two neighbours: the even one; a little above: the upper one.
    if ((half & 0x7fff) >= 0x7bff) continue;
    const float low = FromHalf(half), high = FromHalf(half + 1);
    const float middle = (low + high) / 2;
    EXPECT_EQ(ToHalf(middle), (half & 1) ? half + 1 : half);
    EXPECT_EQ(ToHalf(std::nextafter(middle, high)), half + 1);
    EXPECT_EQ(ToHalf(std::nextafter(middle, low)), half);
  }
  EXPECT_EQ(FromHalf(0x3c00), 1.0f);
  EXPECT_EQ(FromHalf(0x0001), 0x1p-24f);
  EXPECT_EQ(FromHalf(0xfbff), -65504.0f);
  EXPECT_EQ(ToHalf(65519.0f), 0x7bff);
  EXPECT_EQ(ToHalf(65520.0f), 0x7c00);
  EXPECT_EQ(ToHalf(INFINITY), 0x7c00);
  EXPECT_EQ(ToBFloat16(1.00390625f), 0x3f80);  // a tie
}

}  // namespace
}  // namespace stator::distribute
