// The part of the verifier that looks at one step.
#ifndef STATOR_EXECUTABLE_VERIFY_STEP_H_
#define STATOR_EXECUTABLE_VERIFY_STEP_H_

#include <string>

#include "executable/model_tables.h"

namespace stator::executable {

// The rule that the step breaks, in words, or "": its indices, and what its kind may read and
// write. Persistent buffers may be written only in the init block.
std::string BrokenStepRule(const ModelTables& tables, const Step& step, bool in_init);

}  // namespace stator::executable

#endif  // STATOR_EXECUTABLE_VERIFY_STEP_H_
