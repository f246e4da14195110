#ifndef STATOR_NN_PROGRESS_BAR_H_
#define STATOR_NN_PROGRESS_BAR_H_

#include <cstdint>
#include <string>

namespace stator::nn {

// How far an epoch is, on standard error: one line that is redrawn a few times a second on a
// terminal, one line per epoch anywhere else. Never on standard output, which belongs to results.
// Not thread-safe.
class ProgressBar {
 public:
  // `label` stands in front, such as "epoch 2/5". `quiet` draws nothing at all.
  ProgressBar(std::string label, int64_t total_steps, bool quiet);

  // Step `done` of the total is complete; `metrics` is shown behind the bar.
  void Update(int64_t done, const std::string& metrics);
  // Leaves the last state on the screen and ends the line.
  void Finish(const std::string& metrics);

  // The line for a state, without terminal codes; for tests.
  static std::string Line(const std::string& label, int64_t done, int64_t total, double seconds,
                          const std::string& metrics);

 private:
  std::string label_;
  int64_t total_;
  bool quiet_;
  bool terminal_;
  double start_;
  double drawn_ = 0;
};

}  // namespace stator::nn

#endif  // STATOR_NN_PROGRESS_BAR_H_
