/* A host function in plain C, and a program that loads a bundle which asks for it: "split" cuts the
 * strings of its input at a separator, which is what the bundle gives it as attributes. */
#include <stdio.h>
#include <string.h>

#include "runtime/core/stator_runtime.h"
#include "runtime/core/test_bundles.h"

/* Calls piece(user, index, data, size) for each piece of the input's strings; their number. */
static int64_t ForEachPiece(stator_call* call, int64_t strings,
                            void (*piece)(stator_call*, int64_t, const char*, size_t)) {
  const stator_string separator = stator_call_attributes(call);
  int64_t count = 0;
  for (int64_t i = 0; i < strings; ++i) {
    stator_string rest;
    if (stator_call_input_string(call, 0, i, &rest, NULL) != STATOR_OK) continue;
    while (separator.size == 1) {
      const char* const end = memchr(rest.data, separator.data[0], rest.size);
      if (end == NULL) break;
      const size_t size = (size_t)(end - rest.data);
      if (piece != NULL) piece(call, count, rest.data, size);
      ++count;
      rest.data += size + 1;
      rest.size -= size + 1;
    }
    if (piece != NULL) piece(call, count, rest.data, rest.size);
    ++count;
  }
  return count;
}

static void SetPiece(stator_call* call, int64_t index, const char* data, size_t size) {
  stator_call_set_output_string(call, 0, index, data, size, NULL); /* copies */
}

/* The host function: reads its inputs, gives the output a shape, fills it. An error fails the run.
 */
static stator_code Split(void* user, stator_call* call, stator_error* error) {
  int* const calls = user;
  ++*calls;
  if (stator_call_num_inputs(call) != 1 || stator_call_num_outputs(call) != 1) {
    snprintf(error->message, sizeof(error->message), "split has one input and one output");
    return STATOR_INVALID_ARGUMENT;
  }
  stator_tensor input = STATOR_INIT(stator_tensor);
  stator_code code = stator_call_input(call, 0, &input, error);
  if (code != STATOR_OK) return code;
  if (input.dtype != STATOR_STRING || input.rank != 1) {
    snprintf(error->message, sizeof(error->message), "split takes a list of strings");
    return STATOR_INVALID_ARGUMENT;
  }
  const int64_t count = ForEachPiece(call, input.dims[0], NULL);
  stator_tensor output = STATOR_INIT(stator_tensor);
  code = stator_call_allocate_output(call, 0, 1, &count, &output, error);
  if (code == STATOR_OK) ForEachPiece(call, input.dims[0], SetPiece);
  return code;
}

int main(void) {
  size_t size = 0;
  const void* bundle = stator_test_bundle("words", &size); /* gives the words in reverse order */
  int calls = 0;
  stator_host_entry split = STATOR_INIT(stator_host_entry);
  split.name = "split";
  split.function = Split;
  split.user = &calls;
  stator_load_options options = STATOR_INIT(stator_load_options);
  options.num_host_functions = 1;
  options.host_functions = &split;
  stator_model* model = NULL;
  stator_context* context = NULL;
  stator_error error = STATOR_INIT(stator_error);
  stator_code code = stator_model_load_memory(bundle, size, &options, &model, &error);
  if (code == STATOR_OK) code = stator_context_create(model, NULL, NULL, &context, &error);
  stator_string text[2] = {{"a,bc", 4}, {"def", 3}};
  stator_tensor input = STATOR_INIT(stator_tensor), output = STATOR_INIT(stator_tensor);
  input.dtype = STATOR_STRING;
  input.rank = 1;
  input.dims[0] = 2;
  input.data = text;
  if (code == STATOR_OK) code = stator_context_run(context, 0, &input, 1, &output, 1, NULL, &error);
  if (code != STATOR_OK) {
    fprintf(stderr, "%s: %s\n", stator_code_name(code), error.message);
    return 1;
  }
  const stator_string* words = output.data;
  const int ok = output.dims[0] == 3 && calls == 1 && words[0].size == 3 &&
                 memcmp(words[0].data, "def", 3) == 0 && memcmp(words[2].data, "a", 1) == 0;
  stator_context_destroy(context);
  stator_model_destroy(model);
  return ok ? 0 : 1;
}
