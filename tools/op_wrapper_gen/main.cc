// Writes the C++ wrappers of all registered ops; part of the build.

#include <cstdio>
#include <vector>

#include "ops/register_all.h"
#include "tools/op_wrapper_gen/generate.h"

int main(int argc, char** argv) {
  if (argc != 3) {
    std::fprintf(stderr, "usage: %s HEADER SOURCE\n", argv[0]);
    return 2;
  }
  stator::compiler::OpSet ops;
  stator::ops::RegisterAll(ops);
  std::vector<stator::OpDef> schemas;
  for (const stator::OpDef* op : ops.List()) schemas.push_back(*op);
  return stator::tools::GenerateOpWrappers(schemas, argv[1], argv[2], "ops/wrappers.h");
}
