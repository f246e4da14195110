#include "distribute/launch/process.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <deque>
#include <filesystem>
#include <map>
#include <system_error>

#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/time/clock.h"
#include "distribute/collectives/file_descriptor.h"
#include "formats/file.h"
#include "graph/status_macros.h"

extern char** environ;

namespace stator::distribute {
namespace {

constexpr int64_t kMaxSentBytes = 256 << 10;

constexpr size_t kLongestLine = 64 << 10;
constexpr int kStartFailed = 127;

absl::Status Failed(const std::string& what) {
  return absl::InternalError(absl::StrCat(what, ": ", strerror(errno)));
}

// One of a process's two streams, cut into lines.
struct Output {
  FileDescriptor pipe;
  Console::Stream stream = Console::Stream::kOut;
  std::string line;  // without its end yet
};

struct Running {
  pid_t pid = 0;
  ProcessSpec spec;
  FileDescriptor pidfd;
  FileDescriptor input;  // if signals go by stdin
  std::string unsent;    // to it
  FileDescriptor log;
  Output output[2];
};

struct Pipe {
  FileDescriptor read;
  FileDescriptor write;
};

absl::StatusOr<Pipe> MakePipe() {
  int ends[2];
  if (pipe2(ends, O_CLOEXEC) != 0) return Failed("pipe");
  return Pipe{FileDescriptor(ends[0]), FileDescriptor(ends[1])};
}

std::vector<std::string> Merge(const Environment& changes) {
  std::map<std::string, std::string> merged;
  for (char** entry = environ; *entry != nullptr; ++entry) {
    const std::string text = *entry;
    const size_t equals = text.find('=');
    if (equals != std::string::npos) merged[text.substr(0, equals)] = text.substr(equals + 1);
  }
  for (const auto& [name, value] : changes) merged[name] = value;
  std::vector<std::string> out;
  for (const auto& [name, value] : merged) out.push_back(absl::StrCat(name, "=", value));
  return out;
}

std::vector<char*> Pointers(const std::vector<std::string>& texts) {
  std::vector<char*> out;
  for (const std::string& text : texts) out.push_back(const_cast<char*>(text.c_str()));
  out.push_back(nullptr);
  return out;
}

struct ChildSide {
  int input;
  int out;
  int error;
  int report;  // errno goes here if the program cannot be executed
  pid_t launcher;
  const char* directory;  // or nullptr
  char* const* arguments;
  char* const* environment;
};

// Between fork and exec: only what a signal handler may call.
[[noreturn]] void BecomeProgram(const ChildSide& side) {
  prctl(PR_SET_PDEATHSIG, SIGKILL);
  if (getppid() != side.launcher) _exit(kStartFailed);  // it died before the request
  setpgid(0, 0);
  sigset_t none;
  sigemptyset(&none);
  sigprocmask(SIG_SETMASK, &none, nullptr);
  signal(SIGPIPE, SIG_DFL);
  dup2(side.input, STDIN_FILENO);
  dup2(side.out, STDOUT_FILENO);
  dup2(side.error, STDERR_FILENO);
  if (side.directory == nullptr || chdir(side.directory) == 0) {
    execvpe(side.arguments[0], side.arguments, side.environment);
  }
  const int error = errno;
  (void)!write(side.report, &error, sizeof(error));
  _exit(kStartFailed);
}

// The errno of a child that could not execute its program, else 0.
int StartError(int report) {
  int error = 0;
  ssize_t got;
  do {
    got = read(report, &error, sizeof(error));
  } while (got < 0 && errno == EINTR);
  return got == sizeof(error) ? error : 0;
}

class LocalProcesses : public ProcessStarter {
 public:
  explicit LocalProcesses(const LocalProcessOptions& options) : options_(options) {}
  ~LocalProcesses() override;
  absl::Status TakeSignals();

  absl::Status Start(const ProcessSpec& spec) override;
  void Signal(const std::string& name, int signal, bool group) override;
  std::optional<ProcessEvent> Wait(absl::Time deadline) override;
  std::vector<std::string> LastLines(const std::string& name) const override;
  absl::Time Now() const override { return absl::Now(); }

 private:
  absl::Status OpenLog(Running& process);
  absl::Status Fork(Running& process);
  void Poll(absl::Duration timeout);
  void TakeSignal();
  // Reads what there is; false at the end of the stream.
  bool Read(Running& process, Output& output);
  void Pass(Running& process, Output& output);
  // To its stdin: what does not fit goes when it has read, for the other end may be slow to come.
  // One that reads no more is learnt of by its end.
  void Write(Running& process, const std::string& text);
  void Flush(Running& process);
  void Reap(Running& process);

  const LocalProcessOptions options_;
  FileDescriptor signals_;
  sigset_t old_mask_;
  std::map<std::string, std::unique_ptr<Running>> running_;
  std::map<std::string, std::deque<std::string>> last_lines_;
  std::deque<ProcessEvent> events_;
};

absl::Status LocalProcesses::TakeSignals() {
  sigset_t mask;
  sigemptyset(&mask);
  for (const int signal : {SIGINT, SIGTERM, SIGUSR1}) sigaddset(&mask, signal);
  if (sigprocmask(SIG_BLOCK, &mask, &old_mask_) != 0) return Failed("sigprocmask");
  signals_ = FileDescriptor(signalfd(-1, &mask, SFD_CLOEXEC | SFD_NONBLOCK));
  return signals_.valid() ? absl::OkStatus() : Failed("signalfd");
}

LocalProcesses::~LocalProcesses() {
  for (auto& [name, process] : running_) {
    kill(-process->pid, SIGKILL);
    kill(process->pid, SIGKILL);
    waitpid(process->pid, nullptr, 0);
  }
  if (signals_.valid()) sigprocmask(SIG_SETMASK, &old_mask_, nullptr);
}

absl::Status LocalProcesses::OpenLog(Running& process) {
  const std::string& path = process.spec.log_file;
  if (path.empty()) return absl::OkStatus();
  std::error_code error;
  std::filesystem::create_directories(std::filesystem::path(path).parent_path(), error);
  process.log = FileDescriptor(open(path.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0644));
  return process.log.valid() ? absl::OkStatus() : formats::ErrnoStatus("open log", path);
}

absl::Status LocalProcesses::Fork(Running& process) {
  STATOR_ASSIGN_OR_RETURN(Pipe out, MakePipe());
  STATOR_ASSIGN_OR_RETURN(Pipe error, MakePipe());
  STATOR_ASSIGN_OR_RETURN(Pipe report, MakePipe());
  Pipe input;
  if (process.spec.signals_by_stdin) {
    STATOR_ASSIGN_OR_RETURN(input, MakePipe());
  } else {
    input.read = FileDescriptor(open("/dev/null", O_RDONLY | O_CLOEXEC));
  }
  const std::vector<std::string> environment = Merge(process.spec.environment);
  const std::vector<char*> variables = Pointers(environment);
  const std::vector<char*> arguments = Pointers(process.spec.command);
  const std::string& directory = process.spec.working_directory;
  const ChildSide side = {input.read.get(),  out.write.get(),
                          error.write.get(), report.write.get(),
                          getpid(),          directory.empty() ? nullptr : directory.c_str(),
                          arguments.data(),  variables.data()};
  process.pid = fork();
  if (process.pid == 0) BecomeProgram(side);
  if (process.pid < 0) return Failed("fork");
  setpgid(process.pid, process.pid);  // both sides do, so that neither need wait for the other
  report.write = FileDescriptor();
  if (const int failure = StartError(report.read.get()); failure != 0) {
    waitpid(process.pid, nullptr, 0);
    return absl::FailedPreconditionError(absl::StrCat(
        process.spec.name, ": cannot execute ", process.spec.command[0],
        directory.empty() ? "" : absl::StrCat(" in ", directory), ": ", strerror(failure)));
  }
  process.pidfd = FileDescriptor(static_cast<int>(syscall(SYS_pidfd_open, process.pid, 0)));
  if (!process.pidfd.valid()) {
    const absl::Status status = Failed("pidfd_open (Linux 5.3 or later is needed)");
    kill(process.pid, SIGKILL);
    waitpid(process.pid, nullptr, 0);
    return status;
  }
  process.input = std::move(input.write);
  if (process.input.valid()) fcntl(process.input.get(), F_SETFL, O_NONBLOCK);
  process.output[0].pipe = std::move(out.read);
  process.output[1].pipe = std::move(error.read);
  process.output[1].stream = Console::Stream::kError;
  for (const Output& output : process.output) fcntl(output.pipe.get(), F_SETFL, O_NONBLOCK);
  return absl::OkStatus();
}

// What a remote process reads first.
absl::StatusOr<std::string> Opening(const ProcessSpec& spec) {
  if (!spec.signals_by_stdin) return "";
  std::string out;
  for (const SentFile& file : spec.sent_files) {
    STATOR_ASSIGN_OR_RETURN(const std::string content, formats::ReadFile(file.path, kMaxSentBytes));
    absl::StrAppendFormat(&out, "file %o %s %s\n", file.mode, absl::Base64Escape(content),
                          file.path);
  }
  return out + "run\n";
}

absl::Status LocalProcesses::Start(const ProcessSpec& spec) {
  if (spec.command.empty()) return absl::InvalidArgumentError(spec.name + ": no command");
  if (running_.count(spec.name) > 0) {
    return absl::AlreadyExistsError(spec.name + ": a process of this name runs");
  }
  auto process = std::make_unique<Running>();
  process->spec = spec;
  STATOR_ASSIGN_OR_RETURN(const std::string opening, Opening(spec));
  STATOR_RETURN_IF_ERROR(OpenLog(*process));
  STATOR_RETURN_IF_ERROR(Fork(*process));
  Write(*process, opening);
  last_lines_[spec.name].clear();
  running_[spec.name] = std::move(process);
  return absl::OkStatus();
}

void LocalProcesses::Write(Running& process, const std::string& text) {
  process.unsent += text;
  Flush(process);
}

void LocalProcesses::Flush(Running& process) {
  while (process.input.valid() && !process.unsent.empty()) {
    const ssize_t sent = write(process.input.get(), process.unsent.data(), process.unsent.size());
    if (sent >= 0) {
      process.unsent.erase(0, static_cast<size_t>(sent));
    } else if (errno == EAGAIN) {
      return;
    } else if (errno != EINTR) {
      process.input = FileDescriptor();
    }
  }
  process.unsent.clear();
}

void LocalProcesses::Signal(const std::string& name, int signal, bool group) {
  const auto found = running_.find(name);
  if (found == running_.end()) return;
  Running& process = *found->second;
  if (process.spec.signals_by_stdin && process.input.valid()) {
    const std::string line = SignalName(signal).substr(3) + "\n";
    // The near end is killed only if asked again: the far end needs it to learn of the kill.
    if (signal == SIGKILL) {
      process.unsent.clear();
      process.input = FileDescriptor();
    } else {
      Write(process, line);
    }
    return;
  }
  kill(group ? -process.pid : process.pid, signal);
}

std::vector<std::string> LocalProcesses::LastLines(const std::string& name) const {
  const auto found = last_lines_.find(name);
  if (found == last_lines_.end()) return {};
  return {found->second.begin(), found->second.end()};
}

void LocalProcesses::Pass(Running& process, Output& output) {
  std::deque<std::string>& last = last_lines_[process.spec.name];
  last.push_back(output.line);
  if (last.size() > static_cast<size_t>(options_.last_lines)) last.pop_front();
  if (process.log.valid()) {
    const std::string text = output.line + "\n";
    (void)!write(process.log.get(), text.data(), text.size());  // a full disk must not end the job
  }
  if (options_.console != nullptr) {
    options_.console->Line(output.stream,
                           process.spec.prefix_lines
                               ? absl::StrCat("[", process.spec.name, "] ", output.line)
                               : output.line);
  }
  output.line.clear();
}

bool LocalProcesses::Read(Running& process, Output& output) {
  char bytes[16 << 10];
  while (true) {
    const ssize_t got = read(output.pipe.get(), bytes, sizeof(bytes));
    if (got < 0 && errno == EINTR) continue;
    if (got < 0 && errno == EAGAIN) return true;
    if (got <= 0) return false;
    for (const char* next = bytes; next < bytes + got; ++next) {
      if (*next != '\n') output.line += *next;
      if (*next == '\n' || output.line.size() >= kLongestLine) Pass(process, output);
    }
    if (got < static_cast<ssize_t>(sizeof(bytes))) return true;
  }
}

void LocalProcesses::Reap(Running& process) {
  kill(-process.pid, SIGKILL);  // what it started; the dead leader still holds the group's number
  int status = 0;
  waitpid(process.pid, &status, 0);
  for (Output& output : process.output) {
    if (!output.pipe.valid()) continue;
    Read(process, output);
    if (!output.line.empty()) Pass(process, output);
  }
  ProcessEvent event;
  event.name = process.spec.name;
  if (WIFSIGNALED(status)) {
    event.status.signal = WTERMSIG(status);
  } else {
    event.status.code = WEXITSTATUS(status);
  }
  event.time = Now();
  events_.push_back(event);
  running_.erase(event.name);
}

void LocalProcesses::TakeSignal() {
  signalfd_siginfo info;
  while (read(signals_.get(), &info, sizeof(info)) == sizeof(info)) {
    ProcessEvent event;
    event.kind = ProcessEvent::Kind::kSignal;
    event.signal = static_cast<int>(info.ssi_signo);
    event.time = Now();
    events_.push_back(event);
  }
}

void LocalProcesses::Poll(absl::Duration timeout) {
  std::vector<pollfd> watched;
  std::vector<std::pair<Running*, Output*>> owners;  // no output: the process itself
  const auto watch = [&](int fd, Running* process, Output* output, short events = POLLIN) {
    watched.push_back({fd, events, 0});
    owners.push_back({process, output});
  };
  if (signals_.valid()) watch(signals_.get(), nullptr, nullptr);
  for (auto& [name, process] : running_) {
    for (Output& output : process->output) {
      if (output.pipe.valid()) watch(output.pipe.get(), process.get(), &output);
    }
    if (!process->unsent.empty()) watch(process->input.get(), process.get(), nullptr, POLLOUT);
    watch(process->pidfd.get(), process.get(), nullptr);  // after its output
  }
  // Rounded up: a wait of half a millisecond must not spin.
  const absl::Duration bounded = std::clamp(timeout, absl::ZeroDuration(), absl::Hours(1));
  const int millis = static_cast<int>(absl::ToInt64Milliseconds(bounded)) + 1;
  if (poll(watched.data(), watched.size(), millis) <= 0) return;
  for (size_t i = 0; i < watched.size(); ++i) {
    if (watched[i].revents == 0) continue;
    auto [process, output] = owners[i];
    if (process == nullptr) {
      TakeSignal();
    } else if (watched[i].events == POLLOUT) {
      Flush(*process);
    } else if (output == nullptr) {
      Reap(*process);  // the last of this process's entries
    } else if (!Read(*process, *output)) {
      if (!output->line.empty()) Pass(*process, *output);
      output->pipe = FileDescriptor();
    }
  }
}

std::optional<ProcessEvent> LocalProcesses::Wait(absl::Time deadline) {
  while (events_.empty()) {
    const absl::Duration left = deadline - Now();
    Poll(std::max(left, absl::ZeroDuration()));
    if (events_.empty() && left <= absl::ZeroDuration()) return std::nullopt;
  }
  ProcessEvent event = std::move(events_.front());
  events_.pop_front();
  return event;
}

}  // namespace

std::string SignalName(int signal) {
  const char* name = sigabbrev_np(signal);
  return name != nullptr ? absl::StrCat("SIG", name) : absl::StrCat(signal);
}

std::string ExitStatus::ToString() const {
  if (signal == 0) return absl::StrCat("exit code ", code);
  return absl::StrCat("killed by signal ", signal, " (", SignalName(signal), ")");
}

absl::StatusOr<std::unique_ptr<ProcessStarter>> NewLocalProcesses(
    const LocalProcessOptions& options) {
  signal(SIGPIPE, SIG_IGN);  // a process that no longer reads its stdin is learnt of by its end
  auto processes = std::make_unique<LocalProcesses>(options);
  if (options.take_signals) STATOR_RETURN_IF_ERROR(processes->TakeSignals());
  return processes;
}

}  // namespace stator::distribute
