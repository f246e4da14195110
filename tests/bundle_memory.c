/* Loads a bundle, runs its first entry point on ones, and prints what memory that took:
 *
 *   bundle_memory BUNDLE DIM...     the dims of the first input
 *
 *   weights 340000000 planned 4000000 peak 351000000      in bytes; peak: resident, of the process
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "runtime/core/stator_runtime.h"

static stator_error error = STATOR_INIT(stator_error);

static void check(stator_code code) {
  if (code == STATOR_OK) return;
  fprintf(stderr, "%s\n", error.message);
  exit(1);
}

/* Of the kernel: the most that was resident at any time. */
static long long peak_bytes(void) {
  char line[256];
  long long kilobytes = 0;
  FILE* file = fopen("/proc/self/status", "r");
  while (file != NULL && fgets(line, sizeof(line), file) != NULL) {
    if (strncmp(line, "VmHWM:", 6) == 0) kilobytes = atoll(line + 6);
  }
  if (file != NULL) fclose(file);
  return kilobytes * 1024;
}

int main(int argc, char** argv) {
  stator_model* model = NULL;
  stator_context* context = NULL;
  stator_model_info info = STATOR_INIT(stator_model_info);
  stator_context_options options = STATOR_INIT(stator_context_options);
  stator_tensor input = STATOR_INIT(stator_tensor), output = STATOR_INIT(stator_tensor);
  stator_memory_plan plan = STATOR_INIT(stator_memory_plan);
  size_t elements = 1, i;
  if (argc < 3) return 2;
  options.threads = 1;
  check(stator_model_load_file(argv[1], NULL, &model, &error));
  check(stator_model_get_info(model, &info, &error));
  check(stator_context_create(model, NULL, &options, &context, &error));
  input.dtype = STATOR_FLOAT32;
  input.rank = argc - 2;
  for (i = 0; i < (size_t)input.rank; ++i) {
    input.dims[i] = atoll(argv[i + 2]);
    elements *= (size_t)input.dims[i];
  }
  input.bytes = elements * sizeof(float);
  input.data = malloc(input.bytes);
  if (input.data == NULL) return 1;
  for (i = 0; i < elements; ++i) ((float*)input.data)[i] = 1;
  check(stator_context_plan(context, 0, &input, 1, &output, 1, &plan, &error));
  for (i = 0; i < 2; ++i) check(stator_context_run(context, 0, &input, 1, &output, 1, NULL, &error));
  printf("weights %llu planned %lld peak %lld\n", (unsigned long long)info.constant_bytes,
         (long long)(plan.planned_bytes + plan.scratch_bytes + plan.persistent_bytes +
                     (int64_t)(input.bytes + output.bytes)),
         peak_bytes());
  stator_context_destroy(context);
  stator_model_destroy(model);
  free(input.data);
  return 0;
}
