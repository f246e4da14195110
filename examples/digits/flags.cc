#include "examples/digits/flags.h"

#include <CLI/CLI.hpp>
#include <cstdio>

namespace stator::examples {

bool ParseFlags(int argc, char** argv, Flags* flags, int* exit_code) {
  CLI::App app("Trains a convolutional network to read handwritten digits.", "digits");
  app.add_option("--data", flags->data, "folder with MNIST's IDX files (plain or .gz)")
      ->check(CLI::ExistingDirectory);
  app.add_option("--epochs", flags->epochs, "passes over the training images")
      ->check(CLI::Range(0, 100000))
      ->capture_default_str();
  app.add_option("--threads", flags->threads, "compute threads; 0: as many as the machine gives")
      ->check(CLI::Range(0, 4096))
      ->capture_default_str();
  app.add_option("--seed", flags->seed, "of first weights, shuffling and dropout")
      ->capture_default_str();
  app.add_option("--checkpoint", flags->checkpoint, "folder to save to after each epoch");
  app.add_flag("--resume", flags->resume, "continue from the newest checkpoint, if there is one");
  app.add_option("--save-every", flags->save_every, "also save every N steps; 0: not")
      ->check(CLI::NonNegativeNumber)
      ->capture_default_str();
  app.add_option("--loss-log", flags->loss_log, "write each step's loss, exactly, to this file");
  app.add_option("--export", flags->export_folder,
                 "folder for the trained graph (digits.pb) and one test image (image.npy)")
      ->check(CLI::ExistingDirectory);
  app.add_option(
         "--export-training", flags->export_training,
         "folder for the untrained program (training.pb) and its examples (train.bin, test.bin)")
      ->check(CLI::ExistingDirectory);
  app.add_option("--export-job", flags->export_job,
                 "folder for what a job by graph needs (saved_model.pb and, without --data, drawn "
                 "digits); trains nothing")
      ->check(CLI::ExistingDirectory);
  app.add_flag("--quiet", flags->quiet, "no progress");
  app.add_option("--job", flags->job, "run this job as one process; `stator launch` starts more");
  app.add_flag("--plan", flags->plan, "print what each task of the job would hold and send");
  app.footer("Example: digits --data mnist --epochs 5 --checkpoint run1 --resume");
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    *exit_code = app.exit(error) == 0 ? 0 : 2;
    return false;
  }
  if (flags->resume && flags->checkpoint.empty()) {
    std::fprintf(stderr, "digits: --resume needs --checkpoint DIR\n");
    *exit_code = 2;
    return false;
  }
  return true;
}

}  // namespace stator::examples
