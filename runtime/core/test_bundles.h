/* Bundles for tests of the C interface, by name; for C and C++.
 * chain: out:0 = (x:0 + y:0) * 3; batches must agree.
 *
 * train: entry "train": w += g:0, fetches w; entry "predict": y:0 = w * 10 through packed weights;
 * w is float[4] and starts at zero.
 *
 * weights: train, where w starts at 0.5, 1.5, 2.5, 3.5 from the bundle.
 *
 * half_fixed: weights, with w listed as a fixed weight too.
 *
 * positive: out:0 = the x:0 > 0, times 10: a size that only the run knows.
 *
 * words: out:0 = the words of the strings x:0 in reverse order; asks for host function "split".
 *
 * branch: out:0 = x:0 * 2 if x:0[0] < 5, else x:0 * 3.
 *
 * doubling: out:0 = x:0, doubled until x:0[0] >= 100.
 *
 * growing: from the float x:0, while the last is < 5, append the size.
 *
 * lists: a:0 = y:0, b:0 = x:0.
 *
 * slow: runs until it is stopped.
 *
 * tomorrow: chain for a CPU that does not exist.
 *
 * labels: out:0 = the strings "cat" and "say \"meow\"\n", by a host function of the library's own.
 *
 * two_entries: entries "small" and "large": y:0 = x:0 * 2; each has a symbol "batch", of at most 8 and 16.
 *
 * external: weights, whose constants are the bytes of external_weights; other_weights are another's.
 *
 * same: a:0 and b:0 are both x:0 * 2, c:0 is x:0 itself.
 */
#ifndef STATOR_RUNTIME_CORE_TEST_BUNDLES_H_
#define STATOR_RUNTIME_CORE_TEST_BUNDLES_H_

#include <stddef.h>

#ifdef __cplusplus
extern "C" {
#endif

/* The bytes, which live as long as the program; NULL for other names. */
const void* stator_test_bundle(const char* name, size_t* size);

#ifdef __cplusplus
}
#endif

#endif /* STATOR_RUNTIME_CORE_TEST_BUNDLES_H_ */
