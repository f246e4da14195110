// What a launcher shows: its tasks' lines, its own, and one line of progress below them.
#ifndef STATOR_DISTRIBUTE_LAUNCH_CONSOLE_H_
#define STATOR_DISTRIBUTE_LAUNCH_CONSOLE_H_

#include <cstdint>
#include <cstdio>
#include <string>

#include "absl/strings/string_view.h"

namespace stator::distribute {

class Console {
 public:
  enum class Stream { kOut, kError };

  virtual ~Console() = default;
  // A whole line, without its end.
  virtual void Line(Stream stream, absl::string_view text) = 0;
  // Replaces the line of progress; "" takes it away.
  virtual void Progress(absl::string_view text) = 0;
};

// Lines go to stdout and stderr. Progress is rewritten in place where stderr is a terminal; else it
// is a line of its own, at most each ten seconds.
class TerminalConsole : public Console {
 public:
  TerminalConsole();
  void Line(Stream stream, absl::string_view text) override;
  void Progress(absl::string_view text) override;

 private:
  void Erase();

  bool terminal_;
  bool shown_ = false;
  std::string progress_;
  int64_t last_progress_seconds_ = 0;
};

}  // namespace stator::distribute

#endif  // STATOR_DISTRIBUTE_LAUNCH_CONSOLE_H_
