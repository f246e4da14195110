#ifndef STATOR_DISTRIBUTE_IMAGES_SHIPPED_COMPILER_H_
#define STATOR_DISTRIBUTE_IMAGES_SHIPPED_COMPILER_H_

#include "distribute/control/member.h"
#include "runtime/session/session.h"

namespace stator::distribute {

// Compilers for a task's sessions, which must run the job's graph: they ask the chief. `member`
// outlives the sessions.
runtime::CompilerFactory ShippedCompilers(Member* member);

}  // namespace stator::distribute

#endif  // STATOR_DISTRIBUTE_IMAGES_SHIPPED_COMPILER_H_
