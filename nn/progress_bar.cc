#include "nn/progress_bar.h"

#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <utility>

#include "absl/strings/str_format.h"

namespace stator::nn {
namespace {

constexpr int kWidth = 24;  // characters of the bar
constexpr double kRedrawSeconds = 0.1;

double Now() {
  const auto now = std::chrono::steady_clock::now().time_since_epoch();
  return std::chrono::duration<double>(now).count();
}

}  // namespace

ProgressBar::ProgressBar(std::string label, int64_t total_steps, bool quiet)
    : label_(std::move(label)),
      total_(std::max<int64_t>(total_steps, 1)),
      quiet_(quiet),
      terminal_(isatty(STDERR_FILENO) != 0),
      start_(Now()) {}

std::string ProgressBar::Line(const std::string& label, int64_t done, int64_t total, double seconds,
                              const std::string& metrics) {
  const int filled = static_cast<int>(std::clamp<int64_t>(done * kWidth / total, 0, kWidth));
  return absl::StrFormat("%s [%s%s] %d/%d  %.1f s  %s", label, std::string(filled, '='),
                         std::string(kWidth - filled, ' '), done, total, seconds, metrics);
}

void ProgressBar::Update(int64_t done, const std::string& metrics) {
  if (quiet_ || !terminal_) return;
  const double now = Now();
  if (done < total_ && now - drawn_ < kRedrawSeconds) return;
  drawn_ = now;
  // \x1b[K clears what a longer line left behind.
  std::fprintf(stderr, "\r%s\x1b[K", Line(label_, done, total_, now - start_, metrics).c_str());
  std::fflush(stderr);
}

void ProgressBar::Finish(const std::string& metrics) {
  if (quiet_) return;
  const std::string line = Line(label_, total_, total_, Now() - start_, metrics);
  std::fprintf(stderr, terminal_ ? "\r%s\x1b[K\n" : "%s\n", line.c_str());
}

}  // namespace stator::nn
