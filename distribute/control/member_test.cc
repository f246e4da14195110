#include "distribute/control/member.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <string>
#include <thread>
#include <vector>

#include "absl/strings/str_cat.h"
#include "distribute/control/clock.h"
#include "distribute/control/coordinator_host.h"

namespace stator::distribute {
namespace {

class MemberTest : public testing::Test {
 protected:
  void StartCoordinator(int tasks, absl::Duration start_timeout = absl::Seconds(20)) {
    CoordinatorOptions options;
    options.job = "digits";
    options.epoch = 3;
    options.key = DrawKey();
    for (int rank = 0; rank < tasks; ++rank) {
      options.tasks.push_back(absl::StrCat("worker:", rank));
    }
    options.heartbeat = absl::Milliseconds(20);
    options.start_timeout = start_timeout;
    host_ = CoordinatorHost::Start(options, nullptr);
  }

  MemberOptions Options(int rank) {
    return {.job = "digits",
            .task = absl::StrCat("worker:", rank),
            .rank = rank,
            .epoch = 3,
            .heartbeat = absl::Milliseconds(20)};
  }

  absl::StatusOr<std::unique_ptr<Member>> Join(int rank, Roster* roster = nullptr) {
    Roster own;
    const JoinInfo info{.program_hash = "abc",
                        .collectives = {"sum w", rank < 9 ? "sum b" : "sum c"},
                        .data_addresses = {absl::StrCat("tcp:127.0.0.1:", 100 + rank)}};
    return Member::Join(host_->Connect(), Options(rank), info, roster != nullptr ? roster : &own);
  }

  // Runs `body` on a thread for each of `tasks` members that have joined.
  template <typename Body>
  void OnAll(int tasks, Body body) {
    std::vector<std::thread> threads;
    for (int rank = 0; rank < tasks; ++rank) {
      threads.emplace_back([this, rank, &body] {
        auto member = Join(rank);
        ASSERT_TRUE(member.ok()) << member.status();
        body(rank, *member);
      });
    }
    for (std::thread& thread : threads) thread.join();
  }

  std::shared_ptr<CoordinatorHost> host_;
};

TEST_F(MemberTest, JoinsAndLeaves) {
  StartCoordinator(3);
  std::vector<Roster> rosters(3);
  std::vector<std::thread> threads;
  for (int rank = 0; rank < 3; ++rank) {
    threads.emplace_back([&, rank] {
      auto member = Join(rank, &rosters[rank]);
      ASSERT_TRUE(member.ok()) << member.status();
      EXPECT_EQ((*member)->Barrier("begin", absl::Seconds(10)), absl::OkStatus());
      EXPECT_EQ((*member)->Barrier("begin", absl::Seconds(10)), absl::OkStatus());
      EXPECT_EQ((*member)->Leave(), absl::OkStatus());
      EXPECT_FALSE((*member)->ended().cancelled());
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(host_->Snapshot().state(), "done");
  EXPECT_TRUE(host_->AwaitEmpty(absl::Seconds(1)));
  for (const Roster& roster : rosters) {
    EXPECT_EQ(roster.epoch, 3u);
    EXPECT_EQ(roster.key, rosters[0].key);
    EXPECT_EQ(roster.key.size(), 32u);
    ASSERT_EQ(roster.tasks, (std::vector<std::string>{"worker:0", "worker:1", "worker:2"}));
    EXPECT_EQ(roster.data_addresses[2][0], "tcp:127.0.0.1:102");
  }
}

TEST_F(MemberTest, StartTimeoutNamesWhoIsMissing) {
  StartCoordinator(3, absl::Milliseconds(100));
  const absl::Status status = Join(1).status();
  EXPECT_EQ(status.code(), absl::StatusCode::kDeadlineExceeded);
  EXPECT_NE(status.message().find("no sign of worker:0, worker:2"), absl::string_view::npos)
      << status;
}

TEST_F(MemberTest, DeathReachesAllAtOnce) {
  StartCoordinator(3);
  std::atomic<int64_t> died{0};
  OnAll(3, [&](int rank, std::unique_ptr<Member>& member) {
    EXPECT_EQ(member->Barrier("begin", absl::Seconds(10)), absl::OkStatus());
    if (rank == 1) {
      died = absl::ToUnixNanos(SteadyClock::Get().Now());
      member.reset();
      return;
    }
    const absl::Status status = member->Barrier("never", absl::Seconds(10));
    const int64_t after = absl::ToUnixNanos(SteadyClock::Get().Now()) - died;
    EXPECT_EQ(status.code(), absl::StatusCode::kUnavailable);
    EXPECT_NE(status.message().find("worker:1 died"), absl::string_view::npos) << status;
    EXPECT_TRUE(member->ended().cancelled());
    EXPECT_EQ(member->failure(), status);
    EXPECT_LT(after, 500'000'000);
  });
}

TEST_F(MemberTest, FailureNamesTaskAndCause) {
  StartCoordinator(2);
  OnAll(2, [&](int rank, std::unique_ptr<Member>& member) {
    Progress progress;
    progress.phase = "train";
    progress.step = 7;
    member->Report(progress);
    EXPECT_EQ(member->begun_step(), 7);
    absl::SleepFor(absl::Milliseconds(100));
    EXPECT_EQ(member->failed_task(), "");
    EXPECT_EQ(member->Barrier("looked", absl::Seconds(10)), absl::OkStatus());
    if (rank == 1) {
      member->Fail(absl::InternalError("loss is NaN"));
    } else {
      EXPECT_EQ(member->Barrier("never", absl::Seconds(10)).code(), absl::StatusCode::kInternal);
      EXPECT_EQ(member->failure().message(),
                "worker:1 failed in phase 'train', step 7: loss is NaN");
    }
    EXPECT_EQ(member->failed_task(), "worker:1");
    EXPECT_EQ(member->failure().code(), absl::StatusCode::kInternal);
    EXPECT_EQ(member->Leave(), member->failure());
  });
}

TEST_F(MemberTest, BlameGivesWayToTheCause) {
  StartCoordinator(2);
  OnAll(2, [&](int rank, std::unique_ptr<Member>& member) {
    EXPECT_EQ(member->Barrier("begin", absl::Seconds(10)), absl::OkStatus());
    if (rank == 1) {
      absl::SleepFor(absl::Milliseconds(50));
      member.reset();
      return;
    }
    member->Fail(absl::UnavailableError("a socket closed"));
    EXPECT_NE(member->failure().message().find("worker:1 died"), absl::string_view::npos)
        << member->failure();
  });
}

TEST_F(MemberTest, DrainStopsAllAfterTheSameStep) {
  StartCoordinator(3);
  std::atomic<int64_t> last[3] = {};
  OnAll(3, [&](int rank, std::unique_ptr<Member>& member) {
    for (int64_t step = 1; member->BeginStep(step); ++step) {
      last[rank] = step;
      if (rank == 2 && step == 40) member->RequestDrain();
      absl::SleepFor(absl::Microseconds(300 * (rank + 1)));
    }
    EXPECT_EQ(member->drain_step(), last[rank]);
    EXPECT_EQ(member->Leave(), absl::OkStatus());
  });
  EXPECT_GE(last[0], 40);
  EXPECT_EQ(last[0], last[1]);
  EXPECT_EQ(last[0], last[2]);
}

TEST_F(MemberTest, BarrierNamesWhoIsMissing) {
  StartCoordinator(2);
  OnAll(2, [&](int rank, std::unique_ptr<Member>& member) {
    Progress progress;
    progress.phase = "evaluate";
    progress.step = 5;
    member->Report(progress);
    if (rank == 0) {
      absl::SleepFor(absl::Milliseconds(80));
      const absl::Status status = member->Barrier("save", absl::Milliseconds(100));
      EXPECT_EQ(status.code(), absl::StatusCode::kDeadlineExceeded);
      EXPECT_EQ(status.message(), "barrier 'save': no sign of worker:1 (evaluate, step 5)");
    } else {
      absl::SleepFor(absl::Milliseconds(400));
    }
    EXPECT_EQ(member->Leave(), absl::OkStatus());
  });
}

TEST_F(MemberTest, DifferentProgramsDoNotStart) {
  StartCoordinator(10);
  std::vector<std::thread> threads;
  for (int rank : {0, 9}) {
    threads.emplace_back([&, rank] {
      const absl::Status status = Join(rank).status();
      EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument);
      EXPECT_NE(status.message().find("worker:0"), absl::string_view::npos) << status;
      EXPECT_NE(status.message().find("worker:9"), absl::string_view::npos) << status;
      EXPECT_NE(status.message().find("line 2"), absl::string_view::npos) << status;
    });
  }
  for (std::thread& thread : threads) thread.join();
}

TEST_F(MemberTest, AnOldEpochIsRefused) {
  StartCoordinator(1);
  MemberOptions options = Options(0);
  options.epoch = 2;
  Roster roster;
  const absl::Status status = Member::Join(host_->Connect(), options, {}, &roster).status();
  EXPECT_EQ(status.code(), absl::StatusCode::kFailedPrecondition);
  EXPECT_EQ(status.message(), "epoch 2 is over: the job is at epoch 3");
}

}  // namespace
}  // namespace stator::distribute
