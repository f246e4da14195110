// Processes that a launcher starts, watches and ends.
#ifndef STATOR_DISTRIBUTE_LAUNCH_PROCESS_H_
#define STATOR_DISTRIBUTE_LAUNCH_PROCESS_H_

#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "distribute/launch/console.h"

namespace stator::distribute {

using Environment = std::vector<std::pair<std::string, std::string>>;

// A file that a remote process needs where no folder is shared.
struct SentFile {
  std::string path;  // the same on both hosts
  int mode = 0644;
};

struct ProcessSpec {
  std::string name;                  // of the task, as "worker:1", or of the engine, as "srun"
  std::vector<std::string> command;  // the program is looked up in PATH unless it has a slash
  Environment environment;           // on top of the launcher's own; later entries win
  std::string working_directory;     // "" = the launcher's
  std::string log_file;              // receives all output, in new folders if need be; "" = none
  bool prefix_lines = true;          // off where the lines say already which task wrote them
  // The process is the near end of a remote one: its stdin is a pipe on which names of signals are
  // written, a line each, and whose end means kill.
  bool signals_by_stdin = false;
  // Written to such a stdin before any signal: `file MODE CONTENT PATH`, the content in base64, a
  // line each, and `run`.
  std::vector<SentFile> sent_files;
};

struct ExitStatus {
  int code = 0;    // if signal is 0
  int signal = 0;  // what ended it

  // As shells say it: 128 + signal.
  int AsCode() const { return signal != 0 ? 128 + signal : code; }
  // "exit code 3", "killed by signal 9 (SIGKILL)".
  std::string ToString() const;
};

struct ProcessEvent {
  enum class Kind { kExited, kSignal };
  Kind kind = Kind::kExited;
  std::string name;   // of the process that ended
  ExitStatus status;  // its end
  int signal = 0;     // kSignal: what the launcher received
  absl::Time time;
};

// Starts processes and waits for what becomes of them. Not thread-safe; one thread does it all, and
// must live as long as the processes (they are killed when it ends).
class ProcessStarter {
 public:
  virtual ~ProcessStarter() = default;

  // An error if the program cannot be executed. A name may be used again after its process ended.
  virtual absl::Status Start(const ProcessSpec& spec) = 0;

  // Sends `signal` to the process, or to all it has started too (`group`). None if it has ended.
  virtual void Signal(const std::string& name, int signal, bool group) = 0;

  // The next event, or nothing at `deadline`. Output is passed on meanwhile; what a process wrote
  // before its end has been passed on when its end is reported.
  virtual std::optional<ProcessEvent> Wait(absl::Time deadline) = 0;

  // What the process of that name wrote last, oldest line first.
  virtual std::vector<std::string> LastLines(const std::string& name) const = 0;

  virtual absl::Time Now() const = 0;
};

struct LocalProcessOptions {
  Console* console = nullptr;  // where lines go; outlives the starter
  // Blocks SIGINT, SIGTERM and SIGUSR1 in this thread and reports them as events.
  bool take_signals = false;
  int last_lines = 20;
};

// Processes of this machine: each in a group of its own, killed with the launcher (unless it leaves
// by setuid), its death learnt by pidfd. What a process has started is killed at its end.
absl::StatusOr<std::unique_ptr<ProcessStarter>> NewLocalProcesses(
    const LocalProcessOptions& options);

// "SIGKILL"; the number if it has no name.
std::string SignalName(int signal);

}  // namespace stator::distribute

#endif  // STATOR_DISTRIBUTE_LAUNCH_PROCESS_H_
