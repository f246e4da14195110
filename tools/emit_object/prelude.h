// The part of every header that does not depend on the image.
#ifndef STATOR_TOOLS_EMIT_OBJECT_PRELUDE_H_
#define STATOR_TOOLS_EMIT_OBJECT_PRELUDE_H_

namespace stator::tools {

// Inside namespace `internal`: the kernels' binary interface (executable/kernel_frame.h), and what
// generated statements call.
extern const char kPrelude[];

}  // namespace stator::tools

#endif  // STATOR_TOOLS_EMIT_OBJECT_PRELUDE_H_
