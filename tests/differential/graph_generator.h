#ifndef STATOR_TESTS_DIFFERENTIAL_GRAPH_GENERATOR_H_
#define STATOR_TESTS_DIFFERENTIAL_GRAPH_GENERATOR_H_

// Random graphs: small, valid, and the same for the same seed.

#include <string>
#include <vector>

#include "tests/program/graph_program.h"

namespace stator::tests {

struct GeneratedGraph {
  Scope scope;
  Program program;
  std::string text;  // the nodes, one a line
};

GeneratedGraph GenerateGraph(uint64_t seed);

}  // namespace stator::tests

#endif  // STATOR_TESTS_DIFFERENTIAL_GRAPH_GENERATOR_H_
