#ifndef STATOR_EXAMPLES_DIGITS_FLAGS_H_
#define STATOR_EXAMPLES_DIGITS_FLAGS_H_

#include <cstdint>
#include <string>

namespace stator::examples {

struct Flags {
  std::string data;
  int epochs = 5;
  int threads = 0;
  uint64_t seed = 1;
  std::string checkpoint;
  bool resume = false;
  int64_t save_every = 0;
  std::string loss_log;
  std::string export_folder;
  std::string export_training;
  std::string export_job;
  bool quiet = false;
  std::string job;
  bool plan = false;
};

// False when the program is to end at once with `exit_code`: after --help, or after an error that
// has been printed.
bool ParseFlags(int argc, char** argv, Flags* flags, int* exit_code);

}  // namespace stator::examples

#endif  // STATOR_EXAMPLES_DIGITS_FLAGS_H_
