// The programs that tests of the runtime share.
#ifndef STATOR_RUNTIME_CORE_TEST_PROGRAMS_H_
#define STATOR_RUNTIME_CORE_TEST_PROGRAMS_H_

#include "runtime/core/test_program.h"

namespace stator::runtime {

// out:0 = (x:0 + y:0) * 3 through the arena, for any batch on which the two agree.
struct Chain : TestProgram {
  Chain();
  int32_t n, m, x, y, sum, out;
};

// Entry "train": w += g:0 in place, fetches w:0; entry "predict": y:0 = w * 10 through packed
// weights. w is float[4]; `initial`: its 4 values in the image, null: it starts as zeros.
struct Training : TestProgram {
  explicit Training(const float* initial);
};

// out:0 = the x:0 > 0, times 10: a size that only the run knows, the step symbol 1.
struct Positive : TestProgram {
  Positive();
};

// out:0 = the words of the strings x:0 in reverse order; asks for host function "split".
struct Words : TestProgram {
  Words();
};

// out:0 = x:0 * 2 if x:0[0] < 5, else x:0 * 3.
struct Branch : TestProgram {
  Branch();
};

// out:0 = x:0 doubled until x:0[0] >= 100: a loop that carries arena memory.
struct Doubling : TestProgram {
  Doubling();
};

// From x:0, one float: while the last is < 5, append the size. A tensor that grows in a loop.
struct Growing : TestProgram {
  Growing();
};

// a:0 = y:0, b:0 = x:0 by way of a list.
struct Lists : TestProgram {
  Lists();
};

}  // namespace stator::runtime

#endif  // STATOR_RUNTIME_CORE_TEST_PROGRAMS_H_
