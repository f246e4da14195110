#include "distribute/launch/console.h"

#include <unistd.h>

#include "absl/time/clock.h"

namespace stator::distribute {
namespace {

constexpr int64_t kSecondsBetweenLines = 10;

void Write(std::FILE* file, absl::string_view text, const char* end) {
  std::fwrite(text.data(), 1, text.size(), file);
  std::fputs(end, file);
  std::fflush(file);
}

}  // namespace

TerminalConsole::TerminalConsole()
    : terminal_(isatty(STDERR_FILENO) != 0),
      last_progress_seconds_(absl::GetCurrentTimeNanos() / 1000000000) {}

void TerminalConsole::Erase() {
  if (shown_) Write(stderr, "\r\x1b[K", "");
  shown_ = false;
}

void TerminalConsole::Line(Stream stream, absl::string_view text) {
  Erase();
  Write(stream == Stream::kOut ? stdout : stderr, text, "\n");
  if (terminal_ && !progress_.empty()) {
    Write(stderr, progress_, "");
    shown_ = true;
  }
}

void TerminalConsole::Progress(absl::string_view text) {
  if (text == progress_) return;
  progress_ = std::string(text);
  if (terminal_) {
    Erase();
    if (!progress_.empty()) {
      Write(stderr, progress_, "");
      shown_ = true;
    }
    return;
  }
  const int64_t now = absl::GetCurrentTimeNanos() / 1000000000;
  if (progress_.empty() || now - last_progress_seconds_ < kSecondsBetweenLines) return;
  last_progress_seconds_ = now;
  Write(stderr, progress_, "\n");
}

}  // namespace stator::distribute
