#include "distribute/launch/process.h"

#include <gtest/gtest.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <memory>
#include <string>
#include <vector>

#include "absl/strings/match.h"
#include "absl/time/clock.h"
#include "formats/file.h"

namespace stator::distribute {
namespace {

class Recorder : public Console {
 public:
  void Line(Stream stream, absl::string_view text) override {
    lines.push_back((stream == Stream::kOut ? "out " : "error ") + std::string(text));
  }
  void Progress(absl::string_view) override {}

  std::vector<std::string> lines;
};

ProcessSpec Shell(const std::string& name, const std::string& script) {
  ProcessSpec spec;
  spec.name = name;
  spec.command = {"sh", "-c", script};
  return spec;
}

class ProcessTest : public testing::Test {
 protected:
  void SetUp() override { Open(false); }
  void Open(bool take_signals) {
    LocalProcessOptions options;
    options.console = &console_;
    options.take_signals = take_signals;
    options.last_lines = 3;
    auto processes = NewLocalProcesses(options);
    ASSERT_TRUE(processes.ok()) << processes.status();
    processes_ = *std::move(processes);
  }
  ProcessEvent Next() {
    const auto event = processes_->Wait(absl::Now() + absl::Seconds(20));
    EXPECT_TRUE(event.has_value());
    return event.value_or(ProcessEvent{});
  }

  Recorder console_;
  std::unique_ptr<ProcessStarter> processes_;
};

TEST_F(ProcessTest, TellsHowItEnded) {
  ASSERT_TRUE(processes_->Start(Shell("a", "exit 3")).ok());
  EXPECT_EQ(Next().status.ToString(), "exit code 3");
  ASSERT_TRUE(processes_->Start(Shell("a", "kill -9 $$")).ok());
  const ProcessEvent event = Next();
  EXPECT_EQ(event.status.ToString(), "killed by signal 9 (SIGKILL)");
  EXPECT_EQ(event.status.AsCode(), 137);
}

TEST_F(ProcessTest, PassesLinesOnBeforeTheEnd) {
  ProcessSpec spec = Shell("worker:1", "echo one; echo two >&2; printf three");
  spec.log_file = testing::TempDir() + "/logs/deep/worker-1.log";
  ASSERT_TRUE(processes_->Start(spec).ok());
  Next();
  std::sort(console_.lines.begin(), console_.lines.end());
  EXPECT_EQ(console_.lines, (std::vector<std::string>{"error [worker:1] two", "out [worker:1] one",
                                                      "out [worker:1] three"}));
  EXPECT_EQ(processes_->LastLines("worker:1").size(), 3);
  const auto log = formats::ReadFile(spec.log_file, 1000);
  ASSERT_TRUE(log.ok()) << log.status();
  EXPECT_TRUE(absl::StrContains(*log, "one\n"));
  EXPECT_TRUE(absl::StrContains(*log, "two\n"));
}

TEST_F(ProcessTest, KeepsTheLastLines) {
  ASSERT_TRUE(processes_->Start(Shell("a", "seq 1 5000")).ok());
  Next();
  EXPECT_EQ(console_.lines.size(), 5000);
  EXPECT_EQ(processes_->LastLines("a"), (std::vector<std::string>{"4998", "4999", "5000"}));
}

TEST_F(ProcessTest, SetsEnvironmentAndDirectory) {
  setenv("STATOR_PROCESS_TEST", "outside", 1);
  ProcessSpec spec = Shell("a", "echo $STATOR_PROCESS_TEST $B; pwd");
  spec.environment = {{"STATOR_PROCESS_TEST", "inside"}, {"B", "x y"}};
  spec.working_directory = "/";
  ASSERT_TRUE(processes_->Start(spec).ok());
  Next();
  EXPECT_EQ(console_.lines, (std::vector<std::string>{"out [a] inside x y", "out [a] /"}));
}

TEST_F(ProcessTest, SaysThatAProgramCannotBeExecuted) {
  ProcessSpec spec;
  spec.name = "worker:0";
  spec.command = {"/nowhere/program"};
  const absl::Status status = processes_->Start(spec);
  EXPECT_TRUE(absl::IsFailedPrecondition(status));
  EXPECT_EQ(status.message(),
            "worker:0: cannot execute /nowhere/program: No such file or directory");
}

TEST_F(ProcessTest, WaitsNoLongerThanAsked) {
  ASSERT_TRUE(processes_->Start(Shell("a", "sleep 60")).ok());
  const absl::Time start = absl::Now();
  EXPECT_FALSE(processes_->Wait(start + absl::Milliseconds(50)).has_value());
  EXPECT_LT(absl::Now() - start, absl::Seconds(5));
  processes_->Signal("a", SIGTERM, /*group=*/true);
  EXPECT_EQ(Next().status.signal, SIGTERM);
}

TEST_F(ProcessTest, DeathIsLearntAtOnceAndTakesGrandchildrenAlong) {
  ASSERT_TRUE(processes_->Start(Shell("a", "sleep 60 & echo $!; wait")).ok());
  while (console_.lines.empty()) processes_->Wait(absl::Now() + absl::Milliseconds(10));
  const pid_t grandchild = std::stoi(console_.lines[0].substr(std::string("out [a] ").size()));
  const absl::Time start = absl::Now();
  processes_->Signal("a", SIGKILL, /*group=*/false);
  EXPECT_EQ(Next().status.signal, SIGKILL);
  EXPECT_LT(absl::Now() - start, absl::Seconds(1));
  // Nobody may reap it at once where no init does; a zombie counts as dead.
  bool gone = false;
  for (int i = 0; i < 200 && !gone; ++i) {
    const auto stat = formats::ReadFile("/proc/" + std::to_string(grandchild) + "/stat", 4096);
    gone = !stat.ok() || absl::StrContains(*stat, ") Z ");
    if (!gone) absl::SleepFor(absl::Milliseconds(10));
  }
  EXPECT_TRUE(gone);
}

TEST_F(ProcessTest, DiesWithItsLauncher) {
  int ends[2];
  ASSERT_EQ(pipe(ends), 0);
  const pid_t launcher = fork();
  if (launcher == 0) {
    auto processes = NewLocalProcesses({});
    // The write end stays open in the grandchild alone, as its descriptor 7.
    (void)(*processes)->Start(Shell("a", "exec sleep 60 7>/dev/null"));
    (void)!write(ends[1], "x", 1);
    pause();
  }
  close(ends[1]);
  char byte;
  ASSERT_EQ(read(ends[0], &byte, 1), 1);
  kill(launcher, SIGKILL);
  waitpid(launcher, nullptr, 0);
  // The end of the pipe: no process holds it any more.
  EXPECT_EQ(read(ends[0], &byte, 1), 0);
  close(ends[0]);
}

TEST_F(ProcessTest, ReportsSignals) {
  processes_.reset();
  Open(true);
  ASSERT_TRUE(processes_->Start(Shell("a", "sleep 60")).ok());
  kill(getpid(), SIGUSR1);
  const ProcessEvent event = Next();
  EXPECT_EQ(event.kind, ProcessEvent::Kind::kSignal);
  EXPECT_EQ(event.signal, SIGUSR1);
  // The child is not deaf to what the launcher blocks.
  processes_->Signal("a", SIGUSR1, /*group=*/false);
  EXPECT_EQ(Next().status.signal, SIGUSR1);
}

TEST_F(ProcessTest, WritesSignalsToStdin) {
  ProcessSpec spec = Shell("a", "while read s; do echo got $s; done; echo end; exit 7");
  spec.signals_by_stdin = true;
  ASSERT_TRUE(processes_->Start(spec).ok());
  processes_->Signal("a", SIGUSR1, /*group=*/false);
  processes_->Signal("a", SIGTERM, /*group=*/true);
  processes_->Signal("a", SIGKILL, /*group=*/true);
  EXPECT_EQ(Next().status.code, 7);
  EXPECT_EQ(console_.lines, (std::vector<std::string>{"out [a] got run", "out [a] got USR1",
                                                      "out [a] got TERM", "out [a] end"}));
}

TEST_F(ProcessTest, SendsFilesToStdin) {
  const std::string path = testing::TempDir() + "/sent file";
  const std::string content(100'000, 'x');  // more than a pipe holds by itself
  ASSERT_TRUE(formats::WriteFileAtomically(path, content).ok());
  ProcessSpec spec = Shell("a",
                           "sleep 0.2; read -r word mode data path; echo $word $mode $path; "
                           "printf %s \"$data\" | base64 -d | wc -c; read -r word; echo $word");
  spec.signals_by_stdin = true;
  spec.sent_files = {{path, 0600}};
  ASSERT_TRUE(processes_->Start(spec).ok());
  EXPECT_EQ(Next().status.code, 0);
  EXPECT_EQ(console_.lines, (std::vector<std::string>{"out [a] file 600 " + path, "out [a] 100000",
                                                      "out [a] run"}));
  // Whoever does not read holds nobody up.
  spec.name = "b";
  spec.command = Shell("b", "exec sleep 60").command;
  spec.sent_files.assign(20, {path, 0600});
  ASSERT_TRUE(processes_->Start(spec).ok());
  EXPECT_FALSE(processes_->Wait(absl::Now() + absl::Milliseconds(50)).has_value());
  spec.name = "c";
  spec.command = Shell("c",
                       "sleep 0.2; while read -r word rest; do echo $word; "
                       "[ $word = run ] && exit 3; done")
                     .command;
  ASSERT_TRUE(processes_->Start(spec).ok());
  EXPECT_EQ(Next().status.code, 3);
  EXPECT_EQ(console_.lines.size(), 3 + 21);
  EXPECT_EQ(console_.lines.back(), "out [c] run");
  spec.sent_files = {{path + " is not there", 0600}};
  EXPECT_TRUE(absl::IsNotFound(processes_->Start(spec)));
}

}  // namespace
}  // namespace stator::distribute
