/* The binary interface between generated kernels and the runtime. Plain C, so that kernel tests may
 * be written in C. Any change of layout raises STATOR_KERNEL_ABI_VERSION.
 *
 *   int32_t kernel(const StatorFrame* frame, int64_t begin, int64_t end, int32_t worker);
 *
 * A kernel computes tiles [begin, end) of its phase's grid. The runtime splits the grid into
 * ranges, in any way and on any threads: results must not depend on the split. It returns 0, or a
 * nonzero value after writing frame->error. It allocates nothing and calls nothing but the helpers.
 */
#ifndef STATOR_EXECUTABLE_KERNEL_FRAME_H_
#define STATOR_EXECUTABLE_KERNEL_FRAME_H_

#ifdef __cplusplus
#include <cstdint>
extern "C" {
#else
#include <stdint.h>
#endif

#define STATOR_KERNEL_ABI_VERSION 1

/* The first failed check of a kernel. `check` is an index into the image's table of checks, which
 * holds the message and the source node; `index` is the first offending element in logical order.
 * `code` is free for the kernel (0 is fine): the Status takes its code from the table. */
typedef struct StatorErrorSlot {
  int32_t code;
  int32_t check;
  int64_t index;
} StatorErrorSlot;

/* Functions of the runtime that a kernel may call. New ones are appended; `size` tells how many
 * bytes of this struct the runtime filled, `version` is STATOR_KERNEL_ABI_VERSION. */
typedef struct StatorHelpers {
  uint32_t version;
  uint32_t size;
  void* run; /* first argument of the functions below */
  /* Nonzero when the run is cancelled or past its deadline: a long loop inside one tile may poll it
   * and return any value; the runtime then reports the cancellation, not the kernel's error. */
  int32_t (*poll)(void* run);
} StatorHelpers;

typedef struct StatorFrame {
  void* const*
      buffers; /* one per kernel argument, in order; 64-byte aligned but for views and feeds */
  const int64_t* scalars; /* the launch's scalars, in order */
  char* scratch;          /* worker w owns [scratch + w * scratch_stride, + scratch_stride) */
  int64_t scratch_stride; /* bytes, a multiple of 64 */
  StatorErrorSlot* error; /* written before returning nonzero; private to this call */
  const StatorHelpers* helpers;
} StatorFrame;

typedef int32_t (*StatorKernelFn)(const StatorFrame* frame, int64_t begin, int64_t end,
                                  int32_t worker);

#ifdef __cplusplus
}

namespace stator::executable {

using ErrorSlot = StatorErrorSlot;
using Helpers = StatorHelpers;
using Frame = StatorFrame;
using KernelFn = StatorKernelFn;

// Generated code addresses these by number.
static_assert(sizeof(ErrorSlot) == 16 && sizeof(Frame) == 48 && sizeof(Helpers) == 24);
static_assert(__builtin_offsetof(Frame, buffers) == 0 && __builtin_offsetof(Frame, scalars) == 8 &&
              __builtin_offsetof(Frame, scratch) == 16 &&
              __builtin_offsetof(Frame, scratch_stride) == 24 &&
              __builtin_offsetof(Frame, error) == 32 && __builtin_offsetof(Frame, helpers) == 40);
static_assert(__builtin_offsetof(ErrorSlot, check) == 4 &&
              __builtin_offsetof(ErrorSlot, index) == 8);
static_assert(__builtin_offsetof(Helpers, run) == 8 && __builtin_offsetof(Helpers, poll) == 16);

}  // namespace stator::executable
#endif

#endif /* STATOR_EXECUTABLE_KERNEL_FRAME_H_ */
