// A task for tests: obeys the environment's contract without any tensors.
//
//   fake_task [ACTION]...
//
// Prints who it is as `identity task=worker:1 rank=1 workers=2 ...`, does what the actions for its
// task say, in order, and exits 0. An action is TASK=WHAT or TASK@EPOCH=WHAT; TASK may be `all`:
//   exit:CODE  signal:NUMBER  hang  deaf (ignores SIGTERM and SIGUSR1)  sleep:MILLISECONDS
//   drain (waits for SIGTERM or SIGUSR1, exits 42)  print:TEXT  step:N (writes status.json)
//   files (says what it finds in the run directory)
//   fail:MESSAGE (a record of its own failure, exits 1)
//   peer:TASK (a record that blames TASK, exits 130)
#include <signal.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <string>
#include <utility>

#include "distribute/control/restart_policy.h"
#include "distribute/launch/failure_record.h"
#include "distribute/launch/job_status.h"

namespace {

using namespace stator::distribute;  // NOLINT: a program of one file

std::string Variable(const char* name) {
  const char* value = std::getenv(name);
  return value == nullptr ? "-" : value;
}

std::string RunFolder() {
  const std::string job_file = Variable("STATOR_JOB_FILE");
  return job_file.substr(0, job_file.rfind('/'));
}

uint64_t Epoch() { return std::strtoull(Variable("STATOR_EPOCH").c_str(), nullptr, 10); }

[[noreturn]] void Fail(const std::string& code, const std::string& message,
                       const std::string& blames, int exit_code) {
  FailureRecord record;
  record.task = Variable("STATOR_TASK");
  record.step = 7;
  record.code = code;
  record.message = message;
  record.blames = blames;
  const auto status = WriteFailureRecord(RunFolder(), Epoch(), record);
  if (!status.ok()) std::fprintf(stderr, "%s\n", status.ToString().c_str());
  std::exit(exit_code);
}

[[noreturn]] void Drain() {
  sigset_t mask;
  sigemptyset(&mask);
  sigaddset(&mask, SIGTERM);
  sigaddset(&mask, SIGUSR1);
  sigprocmask(SIG_BLOCK, &mask, nullptr);
  std::printf("waiting\n");
  std::fflush(stdout);
  int signal = 0;
  sigwait(&mask, &signal);
  std::printf("drained by signal %d\n", signal);
  std::exit(kExitDrained);
}

// "files secret=600 job=644 tls=-": the modes of what every task needs.
void SayFiles() {
  const auto mode = [](const std::string& path) {
    struct stat info;
    char text[16] = "-";
    if (stat(path.c_str(), &info) == 0) {
      std::snprintf(text, sizeof(text), "%o", info.st_mode & 0777);
    }
    return std::string(text);
  };
  const std::string tls = Variable("STATOR_TLS_DIRECTORY");
  std::string name = Variable("STATOR_TASK");
  name[name.rfind(':')] = '-';
  std::printf("files secret=%s job=%s authority=%s key=%s\n",
              mode(Variable("STATOR_SECRET_FILE")).c_str(),
              mode(Variable("STATOR_JOB_FILE")).c_str(), mode(tls + "/authority.pem").c_str(),
              mode(tls + "/" + name + ".key").c_str());
}

void Do(const std::string& what, const std::string& value) {
  if (what == "exit") std::exit(std::atoi(value.c_str()));
  if (what == "signal") kill(getpid(), std::atoi(value.c_str()));
  if (what == "hang") {
    while (true) pause();
  }
  if (what == "deaf") {
    signal(SIGTERM, SIG_IGN);
    signal(SIGUSR1, SIG_IGN);
  }
  if (what == "sleep") usleep(1000 * std::atoi(value.c_str()));
  if (what == "drain") Drain();
  if (what == "files") SayFiles();
  if (what == "print") std::printf("%s\n", value.c_str());
  if (what == "fail") Fail("INTERNAL", value, Variable("STATOR_TASK"), kExitFailed);
  if (what == "peer") Fail("UNAVAILABLE", value + " is gone", value, kExitRetryable);
  if (what == "step") {
    JobStatus status;
    status.job = "fake";
    status.epoch = Epoch();
    status.step = std::atoi(value.c_str());
    status.total_steps = 100;
    status.steps_per_second = 10;
    status.loss = 0.5;
    status.tasks = {{Variable("STATOR_TASK"), "training", status.step, 10, 0}};
    (void)WriteJobStatus(RunFolder(), status);
  }
  std::fflush(stdout);
}

// Whether `who`, as TASK or TASK@EPOCH, is this process.
bool Means(const std::string& who) {
  const size_t at = who.find('@');
  const std::string task = who.substr(0, at);
  if (task != "all" && task != Variable("STATOR_TASK")) return false;
  return at == std::string::npos || who.substr(at + 1) == Variable("STATOR_EPOCH");
}

}  // namespace

int main(int argc, char** argv) {
  std::printf(
      "identity task=%s workers=%s coordinator=%s epoch=%s local_tasks=%s rank=%s/%s local=%s "
      "tf_config=%s\n",
      Variable("STATOR_TASK").c_str(), Variable("STATOR_WORKERS").c_str(),
      Variable("STATOR_COORDINATOR").c_str(), Variable("STATOR_EPOCH").c_str(),
      Variable("STATOR_LOCAL_TASKS").c_str(), Variable("RANK").c_str(),
      Variable("WORLD_SIZE").c_str(), Variable("LOCAL_RANK").c_str(),
      Variable("TF_CONFIG").c_str());
  std::fflush(stdout);
  for (int i = 1; i < argc; ++i) {
    const std::string action = argv[i];
    const size_t equals = action.find('=');
    if (equals == std::string::npos || !Means(action.substr(0, equals))) continue;
    const std::string what = action.substr(equals + 1);
    const size_t colon = what.find(':');
    Do(what.substr(0, colon), colon == std::string::npos ? "" : what.substr(colon + 1));
  }
  return kExitDone;
}
