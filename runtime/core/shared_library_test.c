/* Usage: shared_library_test LIBRARY: loads the shared library, runs a bundle, unloads it. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "runtime/core/stator_runtime.h"
#include "runtime/core/test_bundles.h"

#define CHECK(condition)                                              \
  do {                                                                \
    if (!(condition)) {                                               \
      fprintf(stderr, "%s:%d: %s\n", __FILE__, __LINE__, #condition); \
      exit(1);                                                        \
    }                                                                 \
  } while (0)

static const char* path;

static void* Find(void* library, const char* name) {
  void* symbol = dlsym(library, name);
  if (symbol == NULL) fprintf(stderr, "%s\n", dlerror());
  CHECK(symbol != NULL);
  return symbol;
}

/* Whether the process has the library mapped, and its resident pages. */
static int IsMapped(void) {
  char line[4096];
  int mapped = 0;
  FILE* maps = fopen("/proc/self/maps", "r");
  while (fgets(line, sizeof(line), maps) != NULL)
    mapped |= strstr(line, "libstator_runtime") != NULL;
  fclose(maps);
  return mapped;
}
static long ResidentPages(void) {
  long total = 0;
  long resident = 0;
  FILE* statm = fopen("/proc/self/statm", "r");
  CHECK(fscanf(statm, "%ld %ld", &total, &resident) == 2);
  fclose(statm);
  return resident;
}

static void LoadRunUnload(void) {
  void* library = dlopen(path, RTLD_NOW | RTLD_LOCAL);
  if (library == NULL) fprintf(stderr, "%s\n", dlerror());
  CHECK(library != NULL);
  /* The C++ inside is not for others. */
  CHECK(dlsym(library, "_ZN6stator7runtime10ThreadPoolC1Ei") == NULL);
  __typeof__(&stator_model_load_memory) load = Find(library, "stator_model_load_memory");
  __typeof__(&stator_context_create) create = Find(library, "stator_context_create");
  __typeof__(&stator_context_run) run = Find(library, "stator_context_run");
  __typeof__(&stator_context_destroy) destroy = Find(library, "stator_context_destroy");
  __typeof__(&stator_model_destroy) destroy_model = Find(library, "stator_model_destroy");
  size_t size = 0;
  const void* bytes = stator_test_bundle("chain", &size);
  stator_error error = STATOR_INIT(stator_error);
  stator_model* model = NULL;
  CHECK(load(bytes, size, NULL, &model, &error) == STATOR_OK);
  stator_context_options options = STATOR_INIT(stator_context_options);
  options.threads = 3;
  stator_context* context = NULL;
  CHECK(create(model, NULL, &options, &context, &error) == STATOR_OK);
  static float x[4000];
  stator_tensor tensor = STATOR_INIT(stator_tensor);
  tensor.dtype = STATOR_FLOAT32;
  tensor.rank = 1;
  tensor.dims[0] = 4000;
  tensor.data = x;
  for (int i = 0; i < 4000; ++i) x[i] = (float)i;
  const stator_tensor inputs[2] = {tensor, tensor};
  stator_tensor output = STATOR_INIT(stator_tensor);
  CHECK(run(context, 0, inputs, 2, &output, 1, NULL, &error) == STATOR_OK);
  CHECK(((const float*)output.data)[3999] == 6 * 3999);
  CHECK(run(context, 0, inputs, 1, &output, 1, NULL, &error) == STATOR_INVALID_ARGUMENT);
  destroy(context);
  destroy_model(model);
  CHECK(dlclose(library) == 0);
}

static void* Thread(void* unused) {
  LoadRunUnload();
  return NULL;
}

int main(int argc, char** argv) {
  CHECK(argc == 2);
  path = argv[1];
  CHECK(!IsMapped());
  LoadRunUnload();
  CHECK(!IsMapped());
  /* A thread that used it may end after it is gone. */
  pthread_t thread;
  CHECK(pthread_create(&thread, NULL, Thread, NULL) == 0 && pthread_join(thread, NULL) == 0);
  CHECK(!IsMapped());
  for (int i = 0; i < 50; ++i) LoadRunUnload();
  const long before = ResidentPages();
  for (int i = 0; i < 200; ++i) LoadRunUnload();
  const long grown = ResidentPages() - before;
  fprintf(stderr, "200 rounds of dlopen and dlclose: %ld more pages\n", grown);
  CHECK(grown < 200);
  return 0;
}
