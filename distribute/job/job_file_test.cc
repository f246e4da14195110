#include "distribute/job/job_file.h"

#include <gmock/gmock.h>
#include <google/protobuf/util/message_differencer.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include <filesystem>
#include <fstream>
#include <sstream>
#include <string>
#include <vector>

namespace stator::distribute {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

JobOverrides Overrides(std::vector<std::string> sets = {}) {
  JobOverrides overrides;
  overrides.sets = std::move(sets);
  overrides.environment = EnvironmentOf({{"HOME", "/home/ada"}, {"EMPTY", ""}, {"BAD", "\xff"}});
  return overrides;
}

Job Read(const std::string& text, const JobOverrides& overrides = Overrides(),
         const std::string& name = "job.yaml") {
  absl::StatusOr<Job> job = ParseJob(text, name, overrides);
  EXPECT_TRUE(job.ok()) << job.status();
  return job.ok() ? *job : Job();
}

std::string ErrorOf(const std::string& text, const JobOverrides& overrides = Overrides(),
                    const std::string& name = "job.yaml") {
  const absl::StatusOr<Job> job = ParseJob(text, name, overrides);
  EXPECT_FALSE(job.ok()) << text;
  return std::string(job.status().message());
}

constexpr char kProgram[] = "program: {binary: p}\n";

TEST(ReadJobTest, FillsInDefaults) {
  const Job job = Read(kProgram, Overrides(), "dir/my job.yaml");
  EXPECT_EQ(job.name(), "my-job");
  EXPECT_EQ(job.strategy().kind(), Job::Strategy::KIND_SINGLE);
  EXPECT_EQ(job.strategy().virtual_replicas(), 1);
  EXPECT_EQ(job.strategy().determinism(), Job::Strategy::DETERMINISM_EXACT);
  EXPECT_EQ(job.roles().worker(), 1);
  EXPECT_EQ(job.run_directory(), "runs/my-job");
  EXPECT_EQ(job.checkpoint().directory(), "runs/my-job/checkpoints");
  EXPECT_EQ(job.resume(), "auto");
  EXPECT_EQ(job.network().interface(), "lo");
  EXPECT_EQ(PortsOf(job).first, 20000);
  EXPECT_EQ(PortsOf(job).last, 20999);
  EXPECT_EQ(job.security().mode(), Job::Security::MODE_AUTO);
}

TEST(ReadJobTest, KindFollowsCounts) {
  EXPECT_EQ(Read("program: {binary: p}\nstrategy: {devices: 2}").strategy().kind(),
            Job::Strategy::KIND_MIRRORED);
  const Job job = Read("program: {binary: p}\nstrategy: {devices: 2}\nroles: {worker: 4}");
  EXPECT_EQ(job.strategy().kind(), Job::Strategy::KIND_MULTI_WORKER);
  EXPECT_EQ(ReplicaCount(job), 8);
  EXPECT_EQ(job.strategy().virtual_replicas(), 8);
  EXPECT_EQ(TaskCount(job), 4);
}

TEST(ReadJobTest, AnExplicitZeroIsKept) {
  const Job job = Read(
      "program: {binary: p}\nrestart: {max_restarts: 0}\ntraining: {seed: 0, verify_every_steps: "
      "0}\ncheckpoint: {every_steps: 0}");
  EXPECT_EQ(job.restart().max_restarts(), 0);
  EXPECT_EQ(job.training().seed(), 0);
  EXPECT_EQ(job.training().verify_every_steps(), 0);
  EXPECT_EQ(job.checkpoint().every_steps(), 0);
}

TEST(ReadJobTest, JsonIsYaml) {
  const Job job = Read(R"({
  "program": {"binary": "p", "args": ["a\tb", "\u00e9"]},
  "roles": {"worker": 2},
  "timeouts": {"failure_seconds": 2.5},
  "environment": {"A": "b"},
  "data": null
})",
                       Overrides(), "job.json");
  EXPECT_THAT(job.program().args(), ElementsAre("a\tb", "\xc3\xa9"));
  EXPECT_EQ(job.roles().worker(), 2);
  EXPECT_EQ(job.timeouts().failure_seconds(), 2.5);
  EXPECT_EQ(job.environment().at("A"), "b");
}

TEST(ReadJobTest, TextProtoGivesTheSameJob) {
  const Job text =
      Read("program { binary: 'p' args: '--x' } roles { worker: 2 }", Overrides(), "job.textproto");
  const Job yaml = Read("program: {binary: p, args: [--x]}\nroles: {worker: 2}");
  EXPECT_TRUE(google::protobuf::util::MessageDifferencer::Equals(text, yaml));
}

TEST(ReadJobTest, ContentDecidesWithoutExtension) {
  EXPECT_EQ(Read("program {\n  binary: 'p'\n}\n", Overrides(), "job").program().binary(), "p");
  EXPECT_EQ(Read("program: {\n  binary: p\n}\n", Overrides(), "job").program().binary(), "p");
  EXPECT_EQ(Read("{\"program\": {\"binary\": \"p\"}}", Overrides(), "job").program().binary(), "p");
}

TEST(ReadJobTest, ReplacesVariables) {
  const Job job = Read(
      "program: {binary: \"${HOME}/p\", args: [\"${NONE:-x y}\", \"${EMPTY:-z}\", \"$${HOME}\", "
      "$HOME, \"a${EMPTY}b\"]}\nroles:\n  worker: ${WORKERS:-2}\n");
  EXPECT_EQ(job.program().binary(), "/home/ada/p");
  EXPECT_THAT(job.program().args(), ElementsAre("x y", "z", "${HOME}", "$HOME", "ab"));
  EXPECT_EQ(job.roles().worker(), 2);
  const Job text = Read("program { binary: '${HOME}/p' }", Overrides(), "job.pbtxt");
  EXPECT_EQ(text.program().binary(), "/home/ada/p");
}

TEST(ReadJobTest, SetsWinInOrder) {
  const Job job =
      Read("program: {binary: p, args: [old]}\nroles: {worker: 2}\nenvironment: {A: a, B: b}",
           Overrides({"roles.worker=4", "roles.worker=8", "program.args=[x, --y=1]",
                      "environment.A=c=d", "strategy={kind: multi_worker, virtual_replicas: 16}",
                      "data.directory=", "name=n", "run_directory=${HOME}/r"}));
  EXPECT_EQ(job.roles().worker(), 8);
  EXPECT_THAT(job.program().args(), ElementsAre("x", "--y=1"));
  EXPECT_EQ(job.environment().at("A"), "c=d");
  EXPECT_EQ(job.environment().at("B"), "b");
  EXPECT_EQ(job.strategy().virtual_replicas(), 16);
  EXPECT_EQ(job.name(), "n");
  EXPECT_EQ(job.run_directory(), "/home/ada/r");
}

TEST(ReadJobTest, ProgramArgsAreAppendedAsTheyAre) {
  JobOverrides overrides = Overrides();
  overrides.program_args = {"--loss", "${HOME}"};
  EXPECT_THAT(Read("program: {binary: p, args: [a]}", overrides).program().args(),
              ElementsAre("a", "--loss", "${HOME}"));
}

TEST(ReadJobTest, ResolvedJobsReadBackEqual) {
  JobOverrides overrides =
      Overrides({"hosts=[localhost]", "environment={B: \"$${x\", A: \"\xc3\xa9\"}"});
  overrides.program_args = {"$${HOME}", "line\nbreak \"quote\"", "$", "${"};
  const Job job = Read("program: {binary: p}\nroles: {worker: 2}", overrides);
  const std::string text = FormatJob(job);
  const Job again = Read(text, Overrides(), "job.textproto");
  EXPECT_TRUE(google::protobuf::util::MessageDifferencer::Equals(job, again)) << text;
  EXPECT_EQ(FormatJob(again), text);
  EXPECT_LT(text.find("key: \"A\""), text.find("key: \"B\""));
}

TEST(ReadJobTest, AnEmptySectionIsNoError) {
  EXPECT_EQ(Read("program: {binary: p}\ndata:\n  # nothing\nhosts:\n").hosts_size(), 0);
}

TEST(ReadJobTest, AllErrorsAreListed) {
  EXPECT_EQ(ErrorOf("progam: {binary: p}\nroles: {worker: two}\n"),
            "job.yaml:1:1: progam: unknown field; did you mean program?\n"
            "job.yaml:2:17: roles.worker: expected an integer, found \"two\"");
}

TEST(ReadJobTest, FixedSizeTakesPowersOfTwo) {
  EXPECT_EQ(Read("program: {binary: p}\nstrategy: {determinism: fixed_size}\nroles: {worker: 4}\n"
                 "training: {global_batch: 12}")
                .strategy()
                .virtual_replicas(),
            4);
}

TEST(ReadJobTest, TheBestMetricMaySayWhichWayIsBetter) {
  EXPECT_EQ(
      Read("program: {binary: p}\ncheckpoint:\n  best: max:test accuracy").checkpoint().best(),
      "max:test accuracy");
  EXPECT_EQ(Read("program: {binary: p}\ncheckpoint: {best: min:loss}").checkpoint().best(),
            "min:loss");
}

TEST(ReadJobTest, ResumePathsAreCheckedWhereAsked) {
  JobOverrides overrides = Overrides();
  overrides.check_files = false;
  EXPECT_EQ(Read("program: {binary: p}\nresume: /no/such", overrides).resume(), "/no/such");
  EXPECT_EQ(Read("program: {binary: p}\nresume: /").resume(), "/");
}

TEST(HostileJobTest, DeepNestingIsRefused) {
  for (const char* open : {"[", "{a: ", "- "}) {
    std::string text = "data: ";
    for (int i = 0; i < 100000; ++i) text += open;
    EXPECT_THAT(ErrorOf(text), ::testing::StartsWith("job.yaml:1:")) << open;
  }
  EXPECT_THAT(ErrorOf("data: " + std::string(40, '[') + std::string(40, ']')),
              HasSubstr("nested deeper than 32"));
}

TEST(HostileJobTest, LargeTextIsRefused) {
  const std::string text = "# " + std::string(1 << 20, 'x');
  EXPECT_EQ(ErrorOf(text), "job.yaml: 1048578 bytes; at most 1048576 are read");
  EXPECT_EQ(ErrorOf(text, Overrides(), "a.pbtxt"), "a.pbtxt: more than 1048576 bytes");
}

TEST(HostileJobTest, ManyErrorsAreCut) {
  std::string text;
  for (int i = 0; i < 1000; ++i) text += "zz" + std::to_string(i) + ": 1\n";
  EXPECT_THAT(ErrorOf(text), ::testing::EndsWith("\nand 980 more"));
}

// Damaged files give a status, never an abort: every prefix, and one changed byte at every place.
TEST(HostileJobTest, DamageGivesAStatus) {
  const std::filesystem::path folder = "examples/jobs";
  for (const char* name : {"digits_slurm.yaml", "digits.textproto"}) {
    std::ifstream file(folder / name);
    std::stringstream content;
    content << file.rdbuf();
    const std::string text = content.str();
    ASSERT_GT(text.size(), 100u) << name;
    for (size_t at = 0; at < text.size(); ++at) {
      (void)ParseJob(text.substr(0, at), name, Overrides());
      for (const char c : std::string("{}[]:-\"'&*!?|>%@`#,\n\t$\\\x80")) {
        std::string damaged = text;
        damaged[at] = c;
        (void)ParseJob(damaged, name, Overrides());
      }
    }
  }
}

TEST(ReadJobTest, FilesThatCannotBeRead) {
  EXPECT_EQ(ReadJob("no/such.yaml", Overrides()).status().message(),
            "no/such.yaml: No such file or directory");
  EXPECT_EQ(ReadJob("examples", Overrides()).status().message(), "examples: expected a file");
  const std::string pipe = ::testing::TempDir() + "/job.yaml";
  ASSERT_EQ(::mkfifo(pipe.c_str(), 0600), 0);
  EXPECT_EQ(ReadJob(pipe, Overrides()).status().message(), pipe + ": expected a file");
}

TEST(ExampleJobsTest, AllAreValid) {
  int count = 0;
  for (const auto& entry : std::filesystem::directory_iterator("examples/jobs")) {
    const absl::StatusOr<Job> job = ReadJob(entry.path().string(), Overrides());
    EXPECT_TRUE(job.ok()) << job.status();
    if (!job.ok()) continue;
    EXPECT_EQ(job->strategy().virtual_replicas(), 4) << entry.path();
    ++count;
  }
  EXPECT_GE(count, 6);
}

TEST(ExampleJobsTest, YamlAndTextProtoOfDigitsAreEqual) {
  const absl::StatusOr<Job> yaml = ReadJob("examples/jobs/digits.yaml", Overrides());
  const absl::StatusOr<Job> text = ReadJob("examples/jobs/digits.textproto", Overrides());
  ASSERT_TRUE(yaml.ok() && text.ok());
  EXPECT_TRUE(google::protobuf::util::MessageDifferencer::Equals(*yaml, *text));
  EXPECT_EQ(yaml->run_directory(), "runs/digits");
}

}  // namespace
}  // namespace stator::distribute
