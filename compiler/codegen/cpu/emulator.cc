#include "compiler/codegen/cpu/emulator.h"

#include <spawn.h>
#include <sys/wait.h>

#include "absl/strings/str_cat.h"

extern char** environ;

namespace stator::compiler {
namespace {

// Where Debian's cross compiler keeps the C library of aarch64.
constexpr char kSystemRoot[] = "/usr/aarch64-linux-gnu";

}  // namespace

Emulator::~Emulator() {
  if (process_ != 0) Stop();
}

absl::Status Emulator::Start() {
  int ends[2];
  if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) != 0) {
    return absl::InternalError(absl::StrCat("socketpair: ", std::strerror(errno)));
  }
  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  posix_spawn_file_actions_adddup2(&actions, ends[1], STDIN_FILENO);
  const char* const arguments[] = {"qemu-aarch64", "-L", kSystemRoot, program_.c_str(), nullptr};
  const int error = posix_spawnp(&process_, arguments[0], &actions, nullptr,
                                 const_cast<char* const*>(arguments), environ);
  posix_spawn_file_actions_destroy(&actions);
  close(ends[1]);
  if (error != 0) {
    close(ends[0]);
    process_ = 0;
    return absl::InternalError(absl::StrCat("qemu-aarch64: ", std::strerror(error)));
  }
  socket_ = ends[0];
  return absl::OkStatus();
}

std::string Emulator::Stop() {
  close(socket_);
  int status = 0;
  while (waitpid(process_, &status, 0) < 0 && errno == EINTR) {
  }
  process_ = 0;
  if (WIFSIGNALED(status)) return absl::StrCat("signal ", WTERMSIG(status));
  return absl::StrCat("exit status ", WEXITSTATUS(status));
}

absl::StatusOr<Message> Emulator::Call(const Message& request) {
  const std::lock_guard<std::mutex> lock(mutex_);
  if (process_ == 0) {
    if (absl::Status status = Start(); !status.ok()) return status;
  }
  Message answer;
  if (!Send(socket_, request) || !Receive(socket_, &answer)) {
    return absl::InternalError(absl::StrCat(program_, " under qemu-aarch64: ", Stop()));
  }
  return answer;
}

}  // namespace stator::compiler
