/* Usage: write_test_bundle NAME FILE (see test_bundles.h). */
#include <stdio.h>

#include "runtime/core/test_bundles.h"

int main(int argc, char** argv) {
  size_t size = 0;
  const void* bytes = argc == 3 ? stator_test_bundle(argv[1], &size) : NULL;
  FILE* file = bytes == NULL ? NULL : fopen(argv[2], "wb");
  if (file == NULL || fwrite(bytes, 1, size, file) != size || fclose(file) != 0) return 1;
  return 0;
}
