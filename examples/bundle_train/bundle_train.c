/* Trains the digit classifier of a bundle and prints each step's loss: bundle_train BUNDLE TRAIN
 * TEST TRAIN and TEST are files of `digits --export-training`: for each image its label and its
 * pixels. */
#include <stator_runtime.h>
#include <stdio.h>
#include <stdlib.h>

enum { kBatch = 128, kPixels = 28 * 28 };
static float images[kBatch][kPixels], rate;
static int32_t labels[kBatch];
static int64_t step, seed;
static stator_error error = {.struct_size = sizeof(stator_error)};
static stator_model* model;
static stator_context* context;

static void check(stator_code code) {
  if (code != STATOR_OK) exit((fprintf(stderr, "bundle_train: %s\n", error.message), 1));
}
static void run(const char* entry, stator_tensor* in, int num_in, stator_tensor* out, int num_out) {
  const int32_t index = stator_model_find_entry(model, entry);
  check(stator_context_run(context, index, in, num_in, out, num_out, NULL, &error));
}
static int64_t read_batch(FILE* file) { /* returns how many images were left, up to a batch */
  static unsigned char records[kBatch][1 + kPixels];
  const size_t count = fread(records, sizeof(records[0]), kBatch, file);
  for (size_t i = 0; i < count; ++i) {
    labels[i] = records[i][0];
    for (int p = 0; p < kPixels; ++p) images[i][p] = (float)records[i][1 + p] * (1.0f / 255.0f);
  }
  return (int64_t)count;
}

int main(int argc, char** argv) {
  FILE* train = argc == 4 ? fopen(argv[2], "rb") : NULL;
  FILE* test = argc == 4 ? fopen(argv[3], "rb") : NULL;
  if (!train || !test) return fprintf(stderr, "bundle_train: give a bundle and two files\n"), 2;
  check(stator_model_load_file(argv[1], NULL, &model, &error));
  check(stator_context_create(model, NULL, NULL, &context, &error));
  stator_tensor in[5] = {{sizeof(in[0]), STATOR_FLOAT32, 4, {kBatch, 28, 28, 1}, images, 0, 0},
                         {sizeof(in[0]), STATOR_INT32, 1, {kBatch}, labels, 0, 0},
                         {sizeof(in[0]), STATOR_FLOAT32, 0, {0}, &rate, 0, sizeof(rate)},
                         {sizeof(in[0]), STATOR_INT64, 0, {0}, &step, 0, sizeof(step)},
                         {sizeof(in[0]), STATOR_INT64, 0, {0}, &seed, 0, sizeof(seed)}};
  stator_tensor out = STATOR_INIT(stator_tensor); /* in memory of the context */
  run("init", NULL, 0, NULL, 0);
  for (; read_batch(train) == kBatch; ++step) {
    run("schedule", &in[3], 1, &in[2], 1); /* or any other learning rate */
    run("train", in, 5, &out, 1);
    printf("%d %a\n", (int)step + 1, *(float*)out.data);
  }
  double right = 0, total = 0;
  for (int64_t n; (n = in[0].dims[0] = read_batch(test)) > 0; total += (double)n) {
    run("predict", in, 1, &out, 1);
    for (int64_t i = 0; i < n; ++i) right += ((int64_t*)out.data)[i] == labels[i];
  }
  check(stator_state_read(stator_context_state(context), "global_step", &in[3], &error));
  printf("%d steps, test accuracy: %.2f %%\n", (int)step, 100 * right / total);
  stator_context_destroy(context);
  stator_model_destroy(model);
}
