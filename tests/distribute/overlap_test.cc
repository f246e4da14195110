// Sums over replicas go on beside the backward pass.
#include <gtest/gtest.h>

#include <algorithm>
#include <string>
#include <thread>
#include <vector>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "distribute/collectives/shared_memory.h"
#include "distribute/worker/replica.h"
#include "tests/distribute/classifier.h"

namespace stator::distribute {
namespace {

constexpr int kReplicas = 2;
constexpr int64_t kMostSteps = 40;

struct Event {
  std::string name;
  std::string category;
  double start = 0;  // microseconds
  double end = 0;
};

// The text behind `key`, up to a comma or brace, without quotes.
std::string Field(const std::string& line, const std::string& key) {
  const size_t at = line.find("\"" + key + "\":");
  if (at == std::string::npos) return "";
  std::string text = line.substr(at + key.size() + 3);
  text = text.substr(0, text.find_first_of(",}"));
  return text[0] == '"' ? text.substr(1, text.size() - 2) : text;
}

// The trace has one event on each line, in the order in which they happened on their thread.
std::vector<Event> Events(const std::string& json) {
  std::vector<Event> events;
  for (const absl::string_view line : absl::StrSplit(json, '\n')) {
    const std::string text(line);
    Event event = {Field(text, "name"), Field(text, "cat")};
    double duration = 0;
    if (event.name.empty() || !absl::SimpleAtod(Field(text, "ts"), &event.start) ||
        !absl::SimpleAtod(Field(text, "dur"), &duration)) {
      continue;
    }
    event.end = event.start + duration;
    events.push_back(std::move(event));
  }
  return events;
}

// What the first replica's trace of one step shows.
struct Overlap {
  int hand_overs = 0;  // ReduceBucket calls
  int sums = 0;
  int kernels_behind_first = 0;     // launched after the first bucket was handed over
  bool first_sum_is_early = false;  // began before the last kernel ended
};

Overlap Look(const std::vector<Event>& events) {
  Overlap overlap;
  double last_kernel_end = 0, first_sum = -1;
  for (const Event& event : events) {
    if (event.category == "host_call" && event.name == "ReduceBucket") ++overlap.hand_overs;
    if (event.category == "launch") {
      overlap.kernels_behind_first += overlap.hand_overs > 0;
      last_kernel_end = std::max(last_kernel_end, event.end);
    }
    if (event.category != "sum") continue;
    ++overlap.sums;
    if (event.name == "sum of bucket 0") first_sum = event.start;
  }
  overlap.first_sum_is_early = first_sum >= 0 && first_sum < last_kernel_end;
  return overlap;
}

// Steps of both replicas until the first one's trace shows a sum beside kernels; every trace that
// was looked at. When a thread wakes is the system's choice; what comes before what is not.
std::vector<Overlap> Train(const TrainingProgram& program, const ShardedStep& sharded,
                           double* hidden) {
  std::vector<std::string> names;
  for (int i = 0; i < kReplicas; ++i) names.push_back(absl::StrCat("replica ", i));
  auto mesh = InProcessMesh(names);
  EXPECT_TRUE(mesh.ok());
  std::vector<Overlap> seen;
  std::vector<std::thread> threads;
  for (int rank = 0; rank < kReplicas; ++rank) {
    threads.emplace_back([&, rank] {
      auto group = Group::Create({.rank = rank, .tasks = names}, std::move((*mesh)[rank]));
      ASSERT_TRUE(group.ok()) << group.status();
      auto replica = Replica::Create(&program, &sharded, Sessions(),
                                     {.virtual_replicas = kReplicas, .threads = 1},
                                     *std::move(group), nullptr);
      ASSERT_TRUE(replica.ok()) << replica.status();
      ASSERT_TRUE((*replica)->Initialize().ok());
      ASSERT_TRUE((*replica)->Broadcast().ok());
      (*replica)->set_trace(rank == 0);
      for (int64_t step = 0; step < kMostSteps; ++step) {
        const auto metrics = (*replica)->Step(step);
        ASSERT_TRUE(metrics.ok()) << metrics.status();
        if (rank != 0) continue;
        const auto json = (*replica)->TraceJson();
        ASSERT_TRUE(json.ok()) << json.status();
        seen.push_back(Look(Events(*json)));
        *hidden = std::max(*hidden, (*replica)->HiddenShare());
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  return seen;
}

TEST(OverlapTest, SumsBeginBeforeTheBackwardPassEnds) {
  const TrainingProgram program = Classifier(
      {.hidden_layers = 6, .units = 192, .batch_norm = false, .dropout = false, .clip_norm = 0});
  const auto sharded = Shard(program, 64 << 10);
  ASSERT_TRUE(sharded.ok()) << sharded.status();
  ASSERT_GE(sharded->buckets.size(), 4u);
  double hidden = 0;
  const std::vector<Overlap> seen = Train(program, *sharded, &hidden);
  ASSERT_EQ(seen.size(), static_cast<size_t>(kMostSteps));
  bool early = false;
  for (const Overlap& overlap : seen) {
    EXPECT_EQ(overlap.hand_overs, static_cast<int>(sharded->buckets.size()));
    EXPECT_EQ(overlap.sums, static_cast<int>(sharded->buckets.size()));
    // The gradients of the first layers are computed after the last layers' were handed over.
    EXPECT_GE(overlap.kernels_behind_first, 4);
    early = early || overlap.first_sum_is_early;
  }
  EXPECT_TRUE(early);
  EXPECT_GT(hidden, 0);
}

TEST(OverlapTest, NoTraceWithoutATracedStep) {
  const TrainingProgram program = Classifier();
  const auto sharded = Shard(program, 1 << 20);
  ASSERT_TRUE(sharded.ok()) << sharded.status();
  auto mesh = InProcessMesh({"alone"});
  auto group = Group::Create({.rank = 0, .tasks = {"alone"}}, std::move((*mesh)[0]));
  ASSERT_TRUE(group.ok()) << group.status();
  auto replica = Replica::Create(&program, &*sharded, Sessions(), {.virtual_replicas = 1},
                                 *std::move(group), nullptr);
  ASSERT_TRUE(replica.ok()) << replica.status();
  ASSERT_TRUE((*replica)->Initialize().ok());
  ASSERT_TRUE((*replica)->Step(0).ok());
  EXPECT_EQ((*replica)->TraceJson().status().code(), absl::StatusCode::kFailedPrecondition);
}

}  // namespace
}  // namespace stator::distribute
