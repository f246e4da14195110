/* Reads handwritten digits with a bundle:
 *   bundle_run BUNDLE EXAMPLES COUNT
 * EXAMPLES is a file of `digits --export-training`: for each image its label and its pixels. */
#include <stator_runtime.h>
#include <stdio.h>
#include <stdlib.h>

enum { kPixels = 28 * 28 };
static stator_error error = {.struct_size = sizeof(stator_error)};

static void check(int ok, const char* message) {
  if (!ok) exit((fprintf(stderr, "bundle_run: %s\n", message), 1));
}

int main(int argc, char** argv) {
  check(argc == 4 && atol(argv[3]) > 0, "give a bundle, a file and how many images to read");
  const int64_t count = atol(argv[3]);
  float* images = malloc((size_t)count * kPixels * sizeof(float));
  FILE* file = fopen(argv[2], "rb");
  check(file != NULL && images != NULL, argv[2]);
  for (int64_t i = 0; i < count; ++i) {
    unsigned char record[1 + kPixels];
    check(fread(record, sizeof(record), 1, file) == 1, "there are fewer images");
    for (int p = 0; p < kPixels; ++p) {
      images[i * kPixels + p] = (float)record[1 + p] * (1.0f / 255.0f);
    }
  }
  fclose(file);

  stator_model* model;
  stator_context* context;
  check(!stator_model_load_file(argv[1], NULL, &model, &error), error.message);
  check(!stator_context_create(model, NULL, NULL, &context, &error), error.message);

  /* The bundle takes any number of images at once. The results' memory is the context's. */
  const int32_t entry = stator_model_find_entry(model, "read");
  const stator_tensor input = {sizeof(input), STATOR_FLOAT32, 4, {count, 28, 28, 1}, images, 0, 0};
  stator_tensor outputs[2] = {STATOR_INIT(stator_tensor), STATOR_INIT(stator_tensor)};
  check(!stator_context_run(context, entry, &input, 1, outputs, 2, NULL, &error), error.message);
  const int64_t* digits = outputs[0].data;
  const float* probabilities = outputs[1].data;
  for (int64_t i = 0; i < count; ++i) {
    printf("%d %a\n", (int)digits[i], probabilities[10 * i + digits[i]]);
  }
  stator_context_destroy(context);
  stator_model_destroy(model);
  free(images);
}
