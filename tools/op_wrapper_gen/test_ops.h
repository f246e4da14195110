#ifndef STATOR_TOOLS_OP_WRAPPER_GEN_TEST_OPS_H_
#define STATOR_TOOLS_OP_WRAPPER_GEN_TEST_OPS_H_

#include <vector>

#include "proto/op_def.pb.h"

namespace stator::tools {

// A handful of schemas that show every form a wrapper can take.
std::vector<OpDef> TestOps();

}  // namespace stator::tools

#endif  // STATOR_TOOLS_OP_WRAPPER_GEN_TEST_OPS_H_
