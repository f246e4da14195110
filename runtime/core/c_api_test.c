/* The C interface from C: load, look, run, train, read errors. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "runtime/core/stator_runtime.h"
#include "runtime/core/test_bundles.h"

static stator_error error = STATOR_INIT(stator_error);

#define CHECK(condition)                                                                  \
  do {                                                                                    \
    if (!(condition)) {                                                                   \
      fprintf(stderr, "%s:%d: %s (%s)\n", __FILE__, __LINE__, #condition, error.message); \
      exit(1);                                                                            \
    }                                                                                     \
  } while (0)

static stator_model* Load(const char* name) {
  size_t size = 0;
  const void* bytes = stator_test_bundle(name, &size);
  stator_model* model = NULL;
  CHECK(stator_model_load_memory(bytes, size, NULL, &model, &error) == STATOR_OK);
  return model;
}

static stator_tensor Floats(float* data, int64_t n) {
  stator_tensor t = STATOR_INIT(stator_tensor);
  t.dtype = STATOR_FLOAT32;
  t.rank = 1;
  t.dims[0] = n;
  t.data = data;
  t.capacity = 4 * (size_t)n;
  return t;
}

static void Introspection(void) {
  stator_model* model = Load("chain");
  stator_model_info info = STATOR_INIT(stator_model_info);
  CHECK(stator_model_get_info(model, &info, &error) == STATOR_OK);
  CHECK(strcmp(info.producer, "test 1") == 0 && info.num_entries == 1 && info.num_symbols == 2);
  stator_port_info port = STATOR_INIT(stator_port_info);
  CHECK(stator_model_get_input(model, 0, 0, &port, &error) == STATOR_OK);
  CHECK(strcmp(port.name, "x:0") == 0 && port.dtype == STATOR_FLOAT32 && port.rank == 1);
  CHECK(port.dims[0] == -1 && strcmp(port.dim_texts[0], "batch") == 0);
  stator_symbol_info symbol = STATOR_INIT(stator_symbol_info);
  CHECK(stator_model_get_symbol(model, 0, &symbol, &error) == STATOR_OK);
  CHECK(strcmp(symbol.name, "batch") == 0 && symbol.max == 4096 && symbol.known_before == 1);
  CHECK(stator_model_get_input(model, 0, 2, &port, &error) == STATOR_NOT_FOUND);
  CHECK(strcmp(error.message, "entry main: input 2 of 2") == 0);
  CHECK(stator_model_find_entry(model, "main") == 0 && stator_model_find_entry(model, "no") == -1);
  CHECK(stator_model_find_input(model, 0, "y:0") == 1);
  CHECK(stator_model_find_output(model, 0, "out:0") == 0);
  stator_model_destroy(model);
}

static void Structs(void) {
  stator_tensor t = {0};
  t.rank = 3;
  t = STATOR_INIT(stator_tensor); /* as an assignment, too */
  CHECK(t.struct_size == sizeof(stator_tensor) && t.rank == 0);
  stator_tensor two[2] = {STATOR_INIT(stator_tensor), STATOR_INIT(stator_tensor)};
  CHECK(two[1].struct_size == sizeof(stator_tensor));
  stator_cancellation* cancellation = stator_cancellation_create();
  CHECK(cancellation != NULL);
  stator_cancellation_destroy(cancellation);
}

static void Run(void) {
  stator_model* model = Load("chain");
  stator_context* context = NULL;
  CHECK(stator_context_create(model, NULL, NULL, &context, &error) == STATOR_OK);
  stator_model_destroy(model); /* the context keeps what it needs */
  for (int64_t n = 1; n <= 300; n += 37) {
    float x[300], y[300], out[300];
    for (int64_t i = 0; i < n; ++i) {
      x[i] = (float)i;
      y[i] = 10;
    }
    stator_tensor inputs[2] = {Floats(x, n), Floats(y, n)};
    stator_tensor outputs[1] = {Floats(out, 300)};
    CHECK(stator_context_run(context, 0, inputs, 2, outputs, 1, NULL, &error) == STATOR_OK);
    CHECK(outputs[0].rank == 1 && outputs[0].dims[0] == n && outputs[0].bytes == 4 * (size_t)n);
    CHECK(outputs[0].data == out);
    for (int64_t i = 0; i < n; ++i) CHECK(out[i] == 3 * ((float)i + 10));
  }
  stator_context_destroy(context);
}

static void Train(void) {
  stator_model* model = Load("train");
  stator_context* context = NULL;
  CHECK(stator_context_create(model, NULL, NULL, &context, &error) == STATOR_OK);
  const int32_t train = stator_model_find_entry(model, "train");
  const int32_t predict = stator_model_find_entry(model, "predict");
  float g[4] = {1, 2, 3, 4};
  stator_tensor input = Floats(g, 4);
  for (int step = 1; step <= 5; ++step) {
    stator_tensor output = STATOR_INIT(stator_tensor); /* the library's memory */
    CHECK(stator_context_run(context, train, &input, 1, &output, 1, NULL, &error) == STATOR_OK);
    CHECK(output.capacity == 0 && ((float*)output.data)[3] == 4 * (float)step);
  }
  stator_tensor y = STATOR_INIT(stator_tensor);
  CHECK(stator_context_run(context, predict, NULL, 0, &y, 1, NULL, &error) == STATOR_OK);
  CHECK(((float*)y.data)[1] == 100);
  float w[4];
  stator_tensor value = Floats(w, 4);
  stator_state* state = stator_context_state(context);
  CHECK(stator_state_num_variables(state) == 1);
  CHECK(strcmp(stator_state_variable_name(state, 0), "w") == 0);
  CHECK(stator_state_read(state, "w", &value, &error) == STATOR_OK && w[2] == 15);
  w[1] = 7;
  CHECK(stator_state_write(state, "w", &value, &error) == STATOR_OK);
  CHECK(stator_context_run(context, predict, NULL, 0, &y, 1, NULL, &error) == STATOR_OK);
  CHECK(((float*)y.data)[1] == 70);
  stator_context_destroy(context);
  stator_model_destroy(model);
}

static void Errors(void) {
  stator_model* model = Load("chain");
  stator_context* context = NULL;
  CHECK(stator_context_create(model, NULL, NULL, &context, &error) == STATOR_OK);
  float a[4] = {0}, b[4] = {0}, out[4];
  stator_tensor inputs[2] = {Floats(a, 4), Floats(b, 3)};
  stator_tensor output = Floats(out, 4);
  CHECK(stator_context_run(context, 0, inputs, 2, &output, 1, NULL, &error) ==
        STATOR_INVALID_ARGUMENT);
  CHECK(strstr(error.message, "batch of x must equal batch of y") != NULL);
  struct {
    size_t struct_size;
    stator_code code;
    char message[12];
  } small = {sizeof(small), 0, ""};
  CHECK(stator_context_run(context, 0, inputs, 1, &output, 1, NULL, (stator_error*)&small) ==
        STATOR_INVALID_ARGUMENT);
  CHECK(small.code == STATOR_INVALID_ARGUMENT && strcmp(small.message, "entry main:") == 0);
  CHECK(stator_context_run(context, 0, inputs, 1, &output, 1, NULL, NULL) != STATOR_OK);
  CHECK(strcmp(stator_code_name(STATOR_DATA_LOSS), "DataLoss") == 0);
  stator_context_destroy(context);
  stator_model_destroy(model);
}

int main(void) {
  CHECK(stator_api_version() == STATOR_API_VERSION);
  Introspection();
  Structs();
  Run();
  Train();
  Errors();
  return 0;
}
