// For tests: a program for aarch64 at work under Debian's user-mode emulator.
#ifndef STATOR_COMPILER_CODEGEN_CPU_EMULATOR_H_
#define STATOR_COMPILER_CODEGEN_CPU_EMULATOR_H_

#include <sys/types.h>

#include <mutex>
#include <string>

#include "absl/status/statusor.h"
#include "compiler/codegen/cpu/message.h"

namespace stator::compiler {

// The program has a socket to this process as its standard input: it reads requests from it and
// answers each there. It starts with the first call and ends with this object. Thread-safe.
class Emulator {
 public:
  explicit Emulator(std::string program) : program_(std::move(program)) {}
  ~Emulator();
  Emulator(const Emulator&) = delete;
  Emulator& operator=(const Emulator&) = delete;

  // Internal when the program cannot be started, or has died of the request (a signal, say); the
  // next call starts it anew.
  absl::StatusOr<Message> Call(const Message& request);

 private:
  absl::Status Start();
  // Waits for the end; how it ended.
  std::string Stop();

  std::mutex mutex_;
  std::string program_;
  pid_t process_ = 0;  // 0: not running
  int socket_ = -1;
};

}  // namespace stator::compiler

#endif  // STATOR_COMPILER_CODEGEN_CPU_EMULATOR_H_
