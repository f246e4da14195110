#include <cstdio>

#include "tools/op_wrapper_gen/generate.h"
#include "tools/op_wrapper_gen/test_ops.h"

int main(int argc, char** argv) {
  if (argc != 3) {
    std::fprintf(stderr, "usage: %s HEADER SOURCE\n", argv[0]);
    return 2;
  }
  return stator::tools::GenerateOpWrappers(stator::tools::TestOps(), argv[1], argv[2],
                                           "tools/op_wrapper_gen/test_wrappers.h");
}
