// Runs the kernels that arrive on standard input and answers with their results, until the input
// ends. Built for other architectures than that of the tests.

#include <unistd.h>

#include "compiler/codegen/cpu/kernel_run.h"

int main() {
  using namespace stator::compiler;  // NOLINT: a program of a few lines
  Message request;
  while (Receive(STDIN_FILENO, &request)) {
    Message answer;
    for (const std::string& result : RunHere(GetKernelRun(&request))) answer.Put(result);
    if (!Send(STDIN_FILENO, answer)) return 1;
  }
  return 0;
}
