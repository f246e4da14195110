// What the tests of failures train: small, and able to go wrong at a given place.
//
//   FAULT_STEP_MS=20            each step takes this much longer
//   FAULT_FAIL=worker:1@30      the task fails in that step, each time it gets there
//
// Prints `step N` where the inputs of a step are read, which goes ahead of the steps, and
// `task worker:1 pid 17 epoch 2` at the start.
#include <unistd.h>

#include <atomic>
#include <cstdio>
#include <cstdlib>
#include <memory>
#include <string>
#include <utility>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "distribute/run.h"
#include "tests/distribute/classifier.h"

namespace stator::distribute {
namespace {

std::string Variable(const char* name) {
  const char* value = std::getenv(name);
  return value == nullptr ? "" : value;
}

// A line at once, whoever reads.
void Say(const std::string& line) {
  std::printf("%s\n", line.c_str());
  std::fflush(stdout);
}

absl::StatusOr<TrainingProgram> Build(const Job&) {
  Say(absl::StrCat("task ", Variable("STATOR_TASK"), " pid ", getpid(), " epoch ",
                   Variable("STATOR_EPOCH")));
  TrainingProgram program = Classifier();
  const absl::Duration pause =
      absl::Milliseconds(std::strtol(Variable("FAULT_STEP_MS").c_str(), nullptr, 10));
  program.batch = [batch = std::move(program.batch), pause, task = Variable("STATOR_TASK"),
                   fail = Variable("FAULT_FAIL"),
                   last = std::make_shared<std::atomic<int64_t>>(-1)](
                      int64_t step, int shard,
                      int shards) -> absl::StatusOr<std::vector<runtime::Tensor>> {
    if (last->exchange(step) != step) {  // the first of this task's shards
      Say(absl::StrCat("step ", step + 1));
      absl::SleepFor(pause);
      if (fail == absl::StrCat(task, "@", step + 1)) {
        return absl::InvalidArgumentError(absl::StrCat("the examples of step ", step + 1,
                                                       " cannot be read: as the test wants it"));
      }
    }
    return batch(step, shard, shards);
  };
  return program;
}

}  // namespace
}  // namespace stator::distribute

int main(int argc, char** argv) {
  return stator::distribute::Run(argc, argv, stator::distribute::Build);
}
