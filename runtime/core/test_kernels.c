// Kernels for tests: compiled by gcc and cut out of the object file, one section each. They must
// need nothing outside their own bytes: no calls, no constants in memory.
#include "executable/kernel_frame.h"

#define TILE 16
#define KERNEL(name)                                                                     \
  int32_t name(const StatorFrame* f, int64_t begin, int64_t end, int32_t worker)
#define ARG(type, i) ((type*)f->buffers[i])

// scalars: n. out[i] = a[i] + b[i]
KERNEL(add) {
  const float* a = ARG(const float, 0);
  const float* b = ARG(const float, 1);
  float* out = ARG(float, 2);
  int64_t stop = end * TILE < f->scalars[0] ? end * TILE : f->scalars[0];
  for (int64_t i = begin * TILE; i < stop; ++i) out[i] = a[i] + b[i];
  return 0;
}

// scalars: n, s. out[i] = a[i] * s
KERNEL(scale) {
  const float* a = ARG(const float, 0);
  float* out = ARG(float, 1);
  float s = (float)f->scalars[1];
  int64_t stop = end * TILE < f->scalars[0] ? end * TILE : f->scalars[0];
  for (int64_t i = begin * TILE; i < stop; ++i) out[i] = a[i] * s;
  return 0;
}

// scalars: n. Phase 1: partial[tile] = sum of a tile. Phase 2: out[0] = sum of the partials.
KERNEL(sum_partial) {
  const float* a = ARG(const float, 0);
  float* partial = ARG(float, 1);
  for (int64_t t = begin; t < end; ++t) {
    int64_t stop = (t + 1) * TILE < f->scalars[0] ? (t + 1) * TILE : f->scalars[0];
    float sum = (float)(f->scalars[0] - f->scalars[0]);
    for (int64_t i = t * TILE; i < stop; ++i) sum += a[i];
    partial[t] = sum;
  }
  return 0;
}
KERNEL(sum_final) {
  const float* partial = ARG(const float, 1);
  float* out = ARG(float, 2);
  int64_t tiles = (f->scalars[0] + TILE - 1) / TILE;
  float sum = (float)(f->scalars[0] - f->scalars[0]);
  for (int64_t i = 0; i < tiles; ++i) sum += partial[i];
  out[0] = sum;
  return 0;
}

// scalars: limit. out = a[0] < limit
KERNEL(less) {
  *ARG(uint8_t, 1) = ARG(const float, 0)[0] < (float)f->scalars[0];
  return 0;
}

// scalars: n, check. out[i] = a[i]; fails at the first a[i] < 0
KERNEL(checked) {
  const float* a = ARG(const float, 0);
  float* out = ARG(float, 1);
  int64_t stop = end * TILE < f->scalars[0] ? end * TILE : f->scalars[0];
  for (int64_t i = begin * TILE; i < stop; ++i) {
    out[i] = a[i];
    if (a[i] < (float)(f->scalars[0] - f->scalars[0])) {
      f->error->code = 3;
      f->error->check = (int32_t)f->scalars[1];
      f->error->index = i;
      return 1;
    }
  }
  return 0;
}

// scalars: n. count[0] = number of a[i] > 0 (one tile)
KERNEL(count) {
  const float* a = ARG(const float, 0);
  int32_t count = 0;
  for (int64_t i = 0; i < f->scalars[0]; ++i) count += a[i] > (float)(f->scalars[0] - f->scalars[0]);
  ARG(int32_t, 1)[0] = count;
  return 0;
}

// scalars: n. out = the a[i] > 0, in order (one tile)
KERNEL(compact) {
  const float* a = ARG(const float, 0);
  float* out = ARG(float, 1);
  for (int64_t i = 0; i < f->scalars[0]; ++i) {
    if (a[i] > (float)(f->scalars[0] - f->scalars[0])) *out++ = a[i];
  }
  return 0;
}

// scalars: n of a. out[0..n) = a, out[n] = n (one tile)
KERNEL(append) {
  const float* a = ARG(const float, 0);
  float* out = ARG(float, 1);
  for (int64_t i = 0; i < f->scalars[0]; ++i) {
    out[i] = a[i];
    __asm__ volatile("" ::: "memory");  // not a memcpy
  }
  out[f->scalars[0]] = (float)f->scalars[0];
  return 0;
}

// scalars: n. Uses worker scratch: squares go through it.
KERNEL(square_scratch) {
  const float* a = ARG(const float, 0);
  float* out = ARG(float, 1);
  volatile float* scratch = (volatile float*)(f->scratch + worker * f->scratch_stride);
  for (int64_t t = begin; t < end; ++t) {
    int64_t stop = (t + 1) * TILE < f->scalars[0] ? (t + 1) * TILE : f->scalars[0];
    for (int64_t i = t * TILE; i < stop; ++i) scratch[i - t * TILE] = a[i] * a[i];
    for (int64_t i = t * TILE; i < stop; ++i) out[i] = scratch[i - t * TILE];
  }
  return 0;
}

// scalars: iterations per tile. Burns time; one tile polls the run now and then.
KERNEL(slow) {
  volatile int64_t* out = ARG(volatile int64_t, 0);
  for (int64_t t = begin; t < end; ++t) {
    for (int64_t i = 0; i < f->scalars[0]; ++i) {
      out[0] = i;
      if ((i & 0xFFFF) == 0 && f->helpers->poll(f->helpers->run)) return 1;
    }
  }
  return 0;
}

// scalars: n. out[i] = a[i], 8-byte handles
KERNEL(move8) {
  const int64_t* a = ARG(const int64_t, 0);
  int64_t* out = ARG(int64_t, 1);
  for (int64_t i = 0; i < f->scalars[0]; ++i) {
    out[i] = a[f->scalars[0] - 1 - i];
    __asm__ volatile("" ::: "memory");
  }
  return 0;
}
