// Runs the images that arrive on standard input and answers with their results, until the input
// ends. Built for other architectures than that of the tests.

#include <unistd.h>

#include "tests/aarch64/image_run.h"

int main() {
  using namespace stator;  // NOLINT: a program of a few lines
  compiler::Message request;
  while (compiler::Receive(STDIN_FILENO, &request)) {
    compiler::Message answer;
    tests::Put(tests::RunHere(tests::GetImageRun(&request)), &answer);
    if (!compiler::Send(STDIN_FILENO, answer)) return 1;
  }
  return 0;
}
