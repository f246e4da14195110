// Prints docs/coverage.md.
#include <cstdio>

#include "compiler/codegen/cpu/coverage.h"

int main() { std::fputs(stator::compiler::CoverageTable().c_str(), stdout); }
