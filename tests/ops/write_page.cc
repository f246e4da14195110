// Writes docs/ops.md: bazel run //tests/ops:write_page

#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <string>

#include "tests/ops/op_page.h"

int main(int argc, char** argv) {
  const char* workspace = std::getenv("BUILD_WORKSPACE_DIRECTORY");
  if (argc > 2 || (argc < 2 && workspace == nullptr)) {
    std::fprintf(stderr, "usage: %s FILE\n", argv[0]);
    return 2;
  }
  const std::string path = argc == 2 ? argv[1] : std::string(workspace) + "/docs/ops.md";
  std::ofstream file(path, std::ios::binary);
  file << stator::tests::OpPage(stator::tests::AllCoverage());
  file.close();
  if (file.good()) return 0;
  std::fprintf(stderr, "%s: cannot write\n", path.c_str());
  return 1;
}
