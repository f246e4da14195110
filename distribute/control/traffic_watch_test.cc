#include "distribute/control/traffic_watch.h"

#include <gtest/gtest.h>

namespace stator::distribute {
namespace {

constexpr absl::Duration kTimeout = absl::Seconds(10);

class TrafficWatchTest : public testing::Test {
 protected:
  // Replica 0 sends to replica 1; both report, the sender first, then the time goes on.
  void Beat(uint64_t sent, uint64_t received, bool waiting) {
    watch_.Report(0, 1, sent, 0, false, now_);
    watch_.Report(1, 0, 0, received, waiting, now_);
    now_ += absl::Milliseconds(250);
  }
  std::optional<TrafficWatch::Dead> Find() {
    return watch_.Find(
        kTimeout, [this](int replica) { return replica != silent_; }, now_);
  }
  // Beats for `duration`, and expects that nobody is blamed meanwhile.
  void BeatFor(absl::Duration duration, uint64_t sent, uint64_t received, bool waiting) {
    for (const absl::Time end = now_ + duration; now_ < end;) {
      Beat(sent, received, waiting);
      ASSERT_FALSE(Find().has_value());
    }
  }

  TrafficWatch watch_;
  absl::Time now_ = absl::UnixEpoch();
  int silent_ = -1;
};

TEST_F(TrafficWatchTest, BytesThatDoNotArriveAreMissed) {
  Beat(1000, 1000, false);
  BeatFor(absl::Seconds(9.5), 5000, 1200, true);
  Beat(5000, 1200, true);
  Beat(5000, 1200, true);
  const auto dead = Find();
  ASSERT_TRUE(dead.has_value());
  EXPECT_EQ(dead->from, 0);
  EXPECT_EQ(dead->to, 1);
  EXPECT_EQ(dead->sent, 5000u);
  EXPECT_EQ(dead->received, 1200u);
  EXPECT_GE(dead->nothing_for, kTimeout);
  EXPECT_LT(dead->nothing_for, kTimeout + absl::Seconds(1));
}

TEST_F(TrafficWatchTest, APeerThatComputesIsWaitedFor) {
  BeatFor(absl::Minutes(5), 1000, 1000, true);
  BeatFor(absl::Seconds(9.5), 2000, 1000, true);  // counts from its first byte
  BeatFor(absl::Minutes(5), 2000, 2000, true);
}

TEST_F(TrafficWatchTest, AReceiverThatReadsLateIsNotBlamed) {
  BeatFor(absl::Minutes(5), 9000, 1000, false);
  BeatFor(absl::Seconds(9.5), 9000, 1000, true);
  BeatFor(absl::Seconds(1), 9000, 1000, false);
  BeatFor(absl::Seconds(9.5), 9000, 1000, true);
}

TEST_F(TrafficWatchTest, OnASlowLinkSomethingMoves) {
  for (uint64_t received = 0; received < 20; ++received) {
    BeatFor(absl::Seconds(9), 1'000'000, received, true);
  }
}

TEST_F(TrafficWatchTest, BothDirectionsAreWatched) {
  for (int i = 0; i < 42; ++i) {
    watch_.Report(0, 1, 0, 0, true, now_);
    watch_.Report(1, 0, 64, 0, false, now_);
    now_ += absl::Milliseconds(250);
  }
  const auto dead = Find();
  ASSERT_TRUE(dead.has_value());
  EXPECT_EQ(dead->from, 1);
  EXPECT_EQ(dead->to, 0);
}

TEST_F(TrafficWatchTest, WhoIsNotHeardIsNotJudged) {
  BeatFor(absl::Seconds(9), 5000, 0, true);
  silent_ = 0;
  now_ += absl::Seconds(20);
  EXPECT_FALSE(Find().has_value());
  silent_ = -1;
  watch_.Forgive(0, absl::Seconds(20), now_);
  BeatFor(absl::Seconds(0.5), 5000, 0, true);
  Beat(5000, 0, true);
  Beat(5000, 0, true);
  EXPECT_TRUE(Find().has_value());
}

TEST_F(TrafficWatchTest, ALateObserverBlamesNobody) {
  BeatFor(absl::Seconds(5), 5000, 0, true);
  now_ += absl::Seconds(60);
  watch_.Forgive(absl::Seconds(60), now_);
  BeatFor(absl::Seconds(4), 5000, 0, true);
}

}  // namespace
}  // namespace stator::distribute
