#include "distribute/control/coordinator.h"

#include <gtest/gtest.h>

#include <optional>
#include <string>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"

namespace stator::distribute {
namespace {

// Two tasks with `devices` replicas each, in a generation that runs; they beat every 250 ms.
class CoordinatorTest : public testing::Test {
 protected:
  void Start(int devices) {
    CoordinatorOptions options;
    options.job = "digits";
    options.tasks = {"worker:0", "worker:1"};
    coordinator_.emplace(options, now_);
    for (int rank = 0; rank < 2; ++rank) {
      control::AttachRequest join;
      *join.mutable_header() = Header(rank);
      join.set_rank(static_cast<uint32_t>(rank));
      for (int i = 0; i < devices; ++i) join.add_data_addresses("tcp:127.0.0.1:1");
      ASSERT_EQ(coordinator_->Attach(join, static_cast<uint64_t>(rank), now_), absl::OkStatus());
    }
    coordinator_->TakeOutgoing();
  }

  static control::Header Header(int rank) {
    control::Header header;
    header.set_job("digits");
    header.set_task(absl::StrCat("worker:", rank));
    header.set_epoch(1);
    header.set_incarnation(1);
    return header;
  }

  static control::Traffic Count(int replica, int peer, uint64_t sent, uint64_t received,
                                bool waiting) {
    control::Traffic traffic;
    traffic.set_replica(static_cast<uint32_t>(replica));
    traffic.set_peer(static_cast<uint32_t>(peer));
    traffic.set_sent(sent);
    traffic.set_received(received);
    traffic.set_waiting(waiting);
    return traffic;
  }

  void Beat(int rank, const std::vector<control::Traffic>& traffic) {
    control::BeatRequest beat;
    *beat.mutable_header() = Header(rank);
    beat.set_sequence(++sequence_);
    for (const control::Traffic& one : traffic) *beat.add_traffic() = one;
    ASSERT_TRUE(coordinator_->Beat(beat, now_).ok());
  }

  // Until the generation ends, at most for `limit`.
  void Run(absl::Duration limit, const std::vector<control::Traffic>& of_0,
           const std::vector<control::Traffic>& of_1) {
    for (const absl::Time end = now_ + limit; now_ < end && !coordinator_->ended();) {
      if (hears_0_) Beat(0, of_0);
      if (hears_1_) Beat(1, of_1);
      now_ += absl::Milliseconds(250);
      coordinator_->Tick(now_);
    }
  }

  std::string failure() const { return coordinator_->Snapshot(now_).failure(); }

  std::optional<Coordinator> coordinator_;
  absl::Time now_ = absl::UnixEpoch() + absl::Hours(1);
  uint64_t sequence_ = 0;
  bool hears_0_ = true;
  bool hears_1_ = true;
};

TEST_F(CoordinatorTest, AConnectionThatDeliversNothingEndsTheGeneration) {
  Start(1);
  const absl::Time start = now_;
  Run(absl::Minutes(1), {Count(0, 1, 1048576, 0, true)}, {Count(1, 0, 0, 917504, true)});
  EXPECT_EQ(failure(),
            "data connection worker:0 -> worker:1 delivers nothing: 1048576 bytes sent, 917504 "
            "received, nothing for 10.0 s");
  EXPECT_LT(now_ - start, absl::Seconds(10.5));
  const std::vector<Coordinator::Outgoing> events = coordinator_->TakeOutgoing();
  ASSERT_EQ(events.size(), 2u);
  for (const Coordinator::Outgoing& outgoing : events) {
    EXPECT_EQ(outgoing.event.ended().task(), "") << "both ends are there: neither is to blame";
    EXPECT_EQ(outgoing.event.ended().code(), static_cast<int>(absl::StatusCode::kUnavailable));
  }
}

TEST_F(CoordinatorTest, DevicesAreNamed) {
  Start(2);
  Run(absl::Minutes(1), {Count(0, 2, 10, 10, true), Count(1, 3, 10, 4, true)},
      {Count(2, 0, 10, 10, true), Count(3, 1, 10, 10, false)});
  EXPECT_TRUE(absl::StartsWith(
      failure(),
      "data connection worker:1 device 1 -> worker:0 device 1 delivers nothing: 10 "
      "bytes sent, 4 received"))
      << failure();
}

TEST_F(CoordinatorTest, ATaskThatComputesIsWaitedFor) {
  Start(1);
  Run(absl::Minutes(5), {Count(0, 1, 500, 700, false)}, {Count(1, 0, 700, 500, true)});
  EXPECT_FALSE(coordinator_->ended()) << failure();
}

TEST_F(CoordinatorTest, SilenceIsBlamedOnTheTaskNotOnTheConnection) {
  Start(1);
  Run(absl::Seconds(1), {Count(0, 1, 500, 0, false)}, {Count(1, 0, 0, 400, true)});
  hears_0_ = false;
  Run(absl::Minutes(1), {}, {Count(1, 0, 0, 400, true)});
  EXPECT_TRUE(absl::StartsWith(failure(), "worker:0 has been silent for 10.")) << failure();
}

TEST_F(CoordinatorTest, APauseCountsForNeither) {
  Start(1);
  Run(absl::Seconds(5), {Count(0, 1, 500, 0, false)}, {Count(1, 0, 0, 400, true)});
  hears_1_ = false;
  Run(absl::Seconds(9), {Count(0, 1, 500, 0, false)}, {});
  hears_1_ = true;
  Run(absl::Seconds(4), {Count(0, 1, 500, 0, false)}, {Count(1, 0, 0, 400, true)});
  EXPECT_FALSE(coordinator_->ended()) << failure();
  // Everything, the coordinator too, stands still.
  now_ += absl::Seconds(30);
  coordinator_->Tick(now_);
  Run(absl::Seconds(0.5), {Count(0, 1, 500, 0, false)}, {Count(1, 0, 0, 400, true)});
  EXPECT_FALSE(coordinator_->ended()) << failure();
  Run(absl::Seconds(2), {Count(0, 1, 500, 0, false)}, {Count(1, 0, 0, 400, true)});
  EXPECT_TRUE(coordinator_->ended());
}

TEST_F(CoordinatorTest, ATaskCountsForItselfOnly) {
  Start(1);
  Run(absl::Minutes(1), {Count(0, 1, 500, 0, false), Count(1, 0, 0, 0, true)},
      {Count(1, 0, 0, 500, true), Count(1, 1, 9, 0, true), Count(7, 0, 1, 0, true),
       Count(1, 7, 0, 0, true)});
  EXPECT_FALSE(coordinator_->ended()) << failure();
}

}  // namespace
}  // namespace stator::distribute
