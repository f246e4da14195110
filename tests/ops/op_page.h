#ifndef STATOR_TESTS_OPS_OP_PAGE_H_
#define STATOR_TESTS_OPS_OP_PAGE_H_

#include <string>
#include <vector>

#include "tests/ops/op_coverage.h"

namespace stator::tests {

// The text of docs/ops.md.
std::string OpPage(const std::vector<OpCoverage>& ops);

}  // namespace stator::tests

#endif  // STATOR_TESTS_OPS_OP_PAGE_H_
