/* The Stator runtime: loads bundles (.stb) that `stator compile` wrote, and runs them.
 *
 * A *model* is a loaded bundle: immutable, shared by everything made from it. A *state* holds the
 * values of the model's variables (weights, optimizer slots, counters), each with a name. A
 * *context* runs the model's entry points on one state, with memory and threads of its own.
 *
 * Versions. Functions and fields are only ever added. Every struct begins with `struct_size`, which
 * the caller sets to sizeof the struct that it was compiled with (STATOR_INIT does); the rest is
 * zero unless set, and zero always means the default. The library reads and writes no more than
 * that many bytes; a struct that is larger than the library knows is fine while the rest is zero.
 * In an array of structs all have the struct_size of the first one, which is the distance from one
 * to the next; an element that states another is refused.
 *
 * Errors. Functions that can fail return a stator_code and, where `error` is not NULL, fill it with
 * the code and a text that names place, rule, expected and found. After an error, out-parameters
 * hold NULL or are unspecified. No exception leaves the library; callbacks must not throw through
 * it.
 *
 * Threads. Models and states may be used by any number of threads at once. A context is used by one
 * thread at a time: a second one is refused, not queued. There is no global state: models do not
 * know of each other. Objects may be destroyed in any order; what is still needed lives on inside.
 *
 * Signals. The library installs no handlers, and its threads block all signals.
 *
 * fork. A child process may go on to use what it inherited, and may make more, if no thread of the
 * parent was inside a call to this library when it forked. But the threads of a context do not
 * exist in the child: a context that has some is refused there with STATOR_FAILED_PRECONDITION
 * (destroying it is fine); one with threads = 1 or a parallel_for works. What follows exec is not
 * affected.
 *
 * dlclose. Allowed when all objects are destroyed and no call is in progress: no thread,
 * thread-local destructor or exit handler stays behind. Strings and memory that the library lent
 * are gone then.
 *
 * Files. A mapped bundle is replaced by renaming a new file over it, never written in place or
 * truncated: the running code is in it.
 *
 * A bundle is a program. Its hashes detect damage, not malice: load only what you would execute.
 */
#ifndef STATOR_RUNTIME_CORE_STATOR_RUNTIME_H_
#define STATOR_RUNTIME_CORE_STATOR_RUNTIME_H_

#include <stddef.h>
#include <stdint.h>

#if defined(__GNUC__)
#define STATOR_API __attribute__((visibility("default")))
#else
#define STATOR_API
#endif

/* A struct of this interface with struct_size set and all else zero, to initialize one or to assign
 * to it. Strict ISO C wants constants in the initializers of static objects: {sizeof(type)}. */
#ifdef __cplusplus
template <typename T>
inline T stator_init() {
  T value = T();
  value.struct_size = sizeof(T);
  return value;
}
#define STATOR_INIT(type) stator_init<type>()
extern "C" {
#else
#define STATOR_INIT(type) ((type){.struct_size = sizeof(type)})
#endif

/* Grows with each addition; a program may ask stator_api_version() for the library's. */
#define STATOR_API_VERSION 1
STATOR_API int32_t stator_api_version(void);

/* ---- Errors ---------------------------------------------------------------------------------- */

typedef int32_t stator_code;
enum {
  STATOR_OK = 0,
  STATOR_CANCELLED = 1,          /* the caller asked for it */
  STATOR_UNKNOWN = 2,            /* report a bug */
  STATOR_INVALID_ARGUMENT = 3,   /* fix the call */
  STATOR_DEADLINE_EXCEEDED = 4,  /* retry with more time */
  STATOR_NOT_FOUND = 5,          /* fix the name */
  STATOR_ALREADY_EXISTS = 6,     /* fix the name */
  STATOR_PERMISSION_DENIED = 7,  /* fix the environment */
  STATOR_RESOURCE_EXHAUSTED = 8, /* retry with less, or with a larger budget */
  STATOR_FAILED_PRECONDITION =
      9,                     /* fix the state (uninitialized variable, wrong CPU), then retry */
  STATOR_ABORTED = 10,       /* retry */
  STATOR_OUT_OF_RANGE = 11,  /* stop: the end of something was reached */
  STATOR_UNIMPLEMENTED = 12, /* not built yet */
  STATOR_INTERNAL = 13,      /* report a bug */
  STATOR_UNAVAILABLE = 14,   /* retry later */
  STATOR_DATA_LOSS = 15      /* the bytes are damaged: give up */
};
/* "InvalidArgument"; "Unknown" for other numbers. */
STATOR_API const char* stator_code_name(stator_code code);

typedef struct stator_error {
  size_t struct_size;
  stator_code code;
  char message[1024]; /* UTF-8, cut where it is longer */
} stator_error;

/* ---- Tensors --------------------------------------------------------------------------------- */

/* TensorFlow's numbers. */
typedef int32_t stator_dtype;
enum {
  STATOR_FLOAT32 = 1,
  STATOR_FLOAT64 = 2,
  STATOR_INT32 = 3,
  STATOR_UINT8 = 4,
  STATOR_INT16 = 5,
  STATOR_INT8 = 6,
  STATOR_STRING = 7, /* elements are stator_string */
  STATOR_COMPLEX64 = 8,
  STATOR_INT64 = 9,
  STATOR_BOOL = 10, /* one byte, 0 or 1 */
  STATOR_QINT8 = 11,
  STATOR_QUINT8 = 12,
  STATOR_QINT32 = 13,
  STATOR_BFLOAT16 = 14,
  STATOR_QINT16 = 15,
  STATOR_QUINT16 = 16,
  STATOR_UINT16 = 17,
  STATOR_COMPLEX128 = 18,
  STATOR_FLOAT16 = 19,
  STATOR_UINT32 = 22,
  STATOR_UINT64 = 23,
  STATOR_FLOAT8_E5M2 = 24,
  STATOR_FLOAT8_E4M3FN = 25
};
/* "float", "int32", ...; "invalid" for other numbers. */
STATOR_API const char* stator_dtype_name(stator_dtype dtype);
/* Bytes of an element; 0 for other numbers. sizeof(stator_string) for strings. */
STATOR_API size_t stator_dtype_size(stator_dtype dtype);

/* Any bytes, not only text; no NUL is added. */
typedef struct stator_string {
  const char* data;
  size_t size;
} stator_string;

#define STATOR_MAX_RANK 16
/* Output memory at multiples of this is written directly. Where it is less aligned, the result is
 * copied there. Inputs are read in place wherever they are aligned for their element, else copied.
 */
#define STATOR_ALIGNMENT 64

/* Contiguous elements in row-major order.
 *
 * As an input: dtype, rank, dims and data describe the caller's memory, which is read during the
 * call only. `bytes` is 0 or the size of the elements, for a check. `capacity` is not looked at.
 *
 * As an output: `capacity` bytes at `data` are the caller's, to be filled; capacity 0 asks for
 * memory and `data` is then set to it: see stator_context_run. dtype, rank, dims and bytes are set
 * to what the result is. When the capacity is too small, `bytes` tells what is needed. */
typedef struct stator_tensor {
  size_t struct_size;
  stator_dtype dtype;
  int32_t rank;
  int64_t dims[STATOR_MAX_RANK];
  void* data;
  size_t bytes;
  size_t capacity;
} stator_tensor;

/* ---- Host functions -------------------------------------------------------------------------- */

/* One call of a host function: what a bundle asks the program to do (see `stator inspect`). Valid
 * during the call only. Which functions there are, which of them the library has itself, and what
 * they are given: "Host functions" in docs/bundles.md. */
typedef struct stator_call stator_call;

/* Called on the thread that runs the context, never on a worker; may block. Returns STATOR_OK or
 * fails the run with a code and a text. */
typedef stator_code (*stator_host_function)(void* user, stator_call* call, stator_error* error);

STATOR_API int32_t stator_call_num_inputs(const stator_call* call);
STATOR_API int32_t stator_call_num_outputs(const stator_call* call);
/* Inputs are read only. For strings `data` is NULL: use stator_call_input_string. */
STATOR_API stator_code stator_call_input(stator_call* call, int32_t index, stator_tensor* tensor,
                                         stator_error* error);
STATOR_API stator_code stator_call_input_string(stator_call* call, int32_t index, int64_t element,
                                                stator_string* value, stator_error* error);
/* An output whose shape the plan knows has memory to be filled. Any other has data NULL and rank -1
 * until stator_call_allocate_output gives it a shape, once. */
STATOR_API stator_code stator_call_output(stator_call* call, int32_t index, stator_tensor* tensor,
                                          stator_error* error);
STATOR_API stator_code stator_call_allocate_output(stator_call* call, int32_t index, int32_t rank,
                                                   const int64_t* dims, stator_tensor* tensor,
                                                   stator_error* error);
STATOR_API stator_code stator_call_set_output_string(stator_call* call, int32_t index,
                                                     int64_t element, const char* data, size_t size,
                                                     stator_error* error);
/* What the compiler tells the function, in a form that only the function understands. */
STATOR_API stator_string stator_call_attributes(const stator_call* call);
/* STATOR_OK, or why the run should stop: long functions ask now and then, and return it. */
STATOR_API stator_code stator_call_poll(const stator_call* call);

/* ---- Models ---------------------------------------------------------------------------------- */

typedef struct stator_model stator_model;

typedef struct stator_host_entry {
  size_t struct_size;
  const char* name;
  stator_host_function function;
  void* user;
} stator_host_entry;

enum {
  STATOR_VERIFY_DEFAULT = 0, /* hashes of header, plan and code; constants page in when used */
  STATOR_VERIFY_FULL = 1     /* those of the constants too */
};
enum { STATOR_LOG_INFO = 0, STATOR_LOG_WARNING = 1 };

typedef struct stator_load_options {
  size_t struct_size;
  int32_t verify; /* STATOR_VERIFY_... */
  int32_t num_host_functions;
  const stator_host_entry* host_functions; /* go before the library's own of the same name */
  /* What happens that is no error, one line a call; from any thread that is inside a call. */
  void (*log)(void* user, int32_t level, const char* message);
  void* log_user;
  /* The file of a bundle whose weights are external. NULL: PATH.weights when it is loaded by path;
   * one that is loaded from elsewhere needs it. */
  const char* weights_path;
} stator_load_options;

/* `options` may be NULL. The model is ready to run when these return: it is verified, the CPU has
 * what its code needs, its host functions are there. Where the system gives no more memory, address
 * space or descriptors: STATOR_RESOURCE_EXHAUSTED. */
STATOR_API stator_code stator_model_load_file(const char* path, const stator_load_options* options,
                                              stator_model** model, stator_error* error);
/* The bytes are copied. */
STATOR_API stator_code stator_model_load_memory(const void* data, size_t size,
                                                const stator_load_options* options,
                                                stator_model** model, stator_error* error);
/* `size` bytes (0: to the end) at `offset` of an open regular file: a bundle inside another file.
 * Mapped if the offset is a multiple of 64 KiB, else copied. The descriptor stays the caller's and
 * may be closed after the call. */
STATOR_API stator_code stator_model_load_fd(int fd, uint64_t offset, uint64_t size,
                                            const stator_load_options* options,
                                            stator_model** model, stator_error* error);
STATOR_API void stator_model_destroy(stator_model* model); /* NULL is fine; so in all destroys */

/* Strings and arrays that these functions hand out belong to the model, and live as long. */
typedef struct stator_model_info {
  size_t struct_size;
  const char* producer; /* "stator 0.1" */
  const char* target;   /* the one of the bundle's that this machine runs: "x86-64-v3" */
  const char* arch;     /* "x86_64" */
  const char* features; /* what the code needs of the CPU: "avx2 fma" */
  int32_t num_entries;
  int32_t num_symbols;
  int32_t num_variables;
  int32_t num_fixed_weights;
  int64_t constant_bytes;
  int64_t code_bytes;
} stator_model_info;
STATOR_API stator_code stator_model_get_info(const stator_model* model, stator_model_info* info,
                                             stator_error* error);

typedef struct stator_entry_info {
  size_t struct_size;
  const char* name;
  int32_t num_inputs;
  int32_t num_outputs;
  int32_t num_variables;
} stator_entry_info;
STATOR_API stator_code stator_model_get_entry(const stator_model* model, int32_t entry,
                                              stator_entry_info* info, stator_error* error);

/* An input or output of an entry point. */
typedef struct stator_port_info {
  size_t struct_size;
  const char* name; /* "x:0" */
  stator_dtype dtype;
  int32_t rank;
  const int64_t* dims;          /* -1 where it is not a constant */
  const char* const* dim_texts; /* "128", or an expression of symbols: "(batch * 4)" */
} stator_port_info;
STATOR_API stator_code stator_model_get_input(const stator_model* model, int32_t entry,
                                              int32_t index, stator_port_info* info,
                                              stator_error* error);
STATOR_API stator_code stator_model_get_output(const stator_model* model, int32_t entry,
                                               int32_t index, stator_port_info* info,
                                               stator_error* error);

/* Indices by name, -1 where there is no such thing. "x" is short for "x:0". */
STATOR_API int32_t stator_model_find_entry(const stator_model* model, const char* name);
STATOR_API int32_t stator_model_find_input(const stator_model* model, int32_t entry,
                                           const char* name);
STATOR_API int32_t stator_model_find_output(const stator_model* model, int32_t entry,
                                            const char* name);

#define STATOR_ALL_ENTRIES (-1)

/* A size that is not a constant. */
typedef struct stator_symbol_info {
  size_t struct_size;
  const char* name;
  int64_t min; /* inclusive, as max; INT64_MAX: not bounded */
  int64_t max;
  int64_t divisor;      /* values are multiples of it */
  int32_t known_before; /* 1: given by the inputs' sizes. 0: found while running */
  /* The entry point whose size it is: others may have symbols of the same name. STATOR_ALL_ENTRIES:
   * of several. */
  int32_t entry;
} stator_symbol_info;
STATOR_API stator_code stator_model_get_symbol(const stator_model* model, int32_t index,
                                               stator_symbol_info* info, stator_error* error);

typedef struct stator_variable_info {
  size_t struct_size;
  const char* name;
  stator_dtype dtype;
  int32_t rank;
  const int64_t* dims; /* as in stator_port_info */
  const char* const* dim_texts;
  int32_t is_read; /* by the entry, or by any */
  int32_t is_written;
  int32_t has_initial_value; /* a new state holds one */
} stator_variable_info;
/* Variable `index` of an entry point, or of the model with STATOR_ALL_ENTRIES. */
STATOR_API stator_code stator_model_get_variable(const stator_model* model, int32_t entry,
                                                 int32_t index, stator_variable_info* info,
                                                 stator_error* error);

/* A weight that is compiled in, so that no state holds it, and why. */
typedef struct stator_fixed_weight_info {
  size_t struct_size;
  const char* name;
  const char* reason;
} stator_fixed_weight_info;
STATOR_API stator_code stator_model_get_fixed_weight(const stator_model* model, int32_t index,
                                                     stator_fixed_weight_info* info,
                                                     stator_error* error);

/* ---- States ---------------------------------------------------------------------------------- */

/* Variables by name. A run sees and changes its variables as a whole: another thread reads either
 * all values from before a run or all from after it. */
typedef struct stator_state stator_state;

/* The model's initial values, read in place from the bundle until they are replaced. */
STATOR_API stator_code stator_state_create(const stator_model* model, stator_state** state,
                                           stator_error* error);
/* An independent state with the same values, taken between two runs. Values share memory until one
 * of the states changes them. */
STATOR_API stator_code stator_state_copy(stator_state* state, stator_state** copy,
                                         stator_error* error);
STATOR_API void stator_state_destroy(stator_state* state);

/* The number of variables. A state to which contexts of several models are made has those of all.
 */
STATOR_API int32_t stator_state_num_variables(const stator_state* state);
/* Name of variable `index`, as long as the state lives; NULL when there is none. Sorted by name
 * within one model. */
STATOR_API const char* stator_state_variable_name(const stator_state* state, int32_t index);
/* 1 when the variable has a value. */
STATOR_API int32_t stator_state_is_initialized(const stator_state* state, const char* name);
/* Copies the value into `tensor`, an output; with capacity 0 tells dtype, dims and bytes only. */
STATOR_API stator_code stator_state_read(stator_state* state, const char* name,
                                         stator_tensor* tensor, stator_error* error);
/* Sets a value, a copy of `tensor`: dtype and dims must be those of the variable. What depends on
 * it, such as weights in packed form, is made anew by the next run. */
STATOR_API stator_code stator_state_write(stator_state* state, const char* name,
                                          const stator_tensor* tensor, stator_error* error);
/* The same for several at once: no run sees a part of them. */
STATOR_API stator_code stator_state_write_all(stator_state* state, int32_t count,
                                              const char* const* names,
                                              const stator_tensor* tensors, stator_error* error);

/* ---- Contexts -------------------------------------------------------------------------------- */

typedef struct stator_context stator_context;

/* Calls part(context, i) once for each i in [0, parts), on any threads and in any order, and
 * returns when all have returned. parts <= stator_context_options.threads. */
typedef void (*stator_parallel_for)(void* user, int32_t parts,
                                    void (*part)(void* context, int32_t i), void* context);

typedef struct stator_context_options {
  size_t struct_size;
  /* That compute, the calling one included. 0: as many as the process may use. Results do not
   * depend on it. The context has threads - 1 of its own, unless parallel_for is given. */
  int32_t threads;
  stator_parallel_for parallel_for;
  void* parallel_for_user;
  /* Of a run, in bytes: planned, scratch and library-made result memory. 0: no limit. */
  int64_t memory_budget;
  /* Makes the memory of outputs with capacity 0: at least `bytes` at a multiple of `alignment`, or
   * NULL. `bytes` may be a little more than the result's. Called once for each such output of a
   * run; the memory is the caller's even if the run fails later. Never called for 0 bytes. */
  void* (*allocate)(void* user, int32_t entry, int32_t output, size_t bytes, size_t alignment);
  void* allocate_user;
} stator_context_options;

/* `state` NULL: a new state for this context. Otherwise it is shared with all who use it; variables
 * that it lacks get this model's initial values. `options` may be NULL. */
STATOR_API stator_code stator_context_create(const stator_model* model, stator_state* state,
                                             const stator_context_options* options,
                                             stator_context** context, stator_error* error);
STATOR_API void stator_context_destroy(stator_context* context);
/* The state that it runs on; belongs to the context. */
STATOR_API stator_state* stator_context_state(stator_context* context);

/* Stops runs from another thread. Once cancelled it stays so; destroy it when no run has it. */
typedef struct stator_cancellation stator_cancellation;
STATOR_API stator_cancellation* stator_cancellation_create(void); /* NULL: no memory */
STATOR_API void stator_cancellation_cancel(stator_cancellation* cancellation);
STATOR_API void stator_cancellation_destroy(stator_cancellation* cancellation);

typedef struct stator_run_options {
  size_t struct_size;
  int64_t timeout_ns;                      /* from the call on; 0: none */
  const stator_cancellation* cancellation; /* NULL: none */
  int32_t max_threads;                     /* 0: the context's */
} stator_run_options;

/* Runs an entry point: all its inputs and outputs in order. Output memory must not overlap other
 * outputs or inputs. Memory of outputs with capacity 0 comes from the context's `allocate`, else it
 * belongs to the context and is valid until the next run of the entry (so is the text of output
 * strings, wherever their stator_string are).
 *
 * Inputs, sizes and capacities are checked before the run has any effect, where sizes are known by
 * then. A run that fails later leaves each variable at its last complete value.
 * `options` may be NULL. */
STATOR_API stator_code stator_context_run(stator_context* context, int32_t entry,
                                          const stator_tensor* inputs, int32_t num_inputs,
                                          stator_tensor* outputs, int32_t num_outputs,
                                          const stator_run_options* options, stator_error* error);

typedef struct stator_memory_plan {
  size_t struct_size;
  int64_t planned_bytes;    /* intermediate values of a run */
  int64_t lower_bound;      /* of any placement of them */
  int64_t scratch_bytes;    /* of all threads */
  int64_t persistent_bytes; /* made once: packed weights; contexts of a model and state share it */
} stator_memory_plan;

/* What a run with inputs of these dtypes and dims (data is not looked at) needs, without running.
 * `outputs`, if not NULL, get dtype, rank, dims and bytes; a dim that only a run finds is -1 and
 * bytes 0 then. Either of outputs and plan may be NULL. */
STATOR_API stator_code stator_context_plan(stator_context* context, int32_t entry,
                                           const stator_tensor* inputs, int32_t num_inputs,
                                           stator_tensor* outputs, int32_t num_outputs,
                                           stator_memory_plan* plan, stator_error* error);

typedef struct stator_run_stats {
  size_t struct_size;
  int64_t planned_bytes;
  int64_t lower_bound;
  int64_t scratch_bytes;
  int64_t peak_bytes; /* all that the budget counts */
} stator_run_stats;
/* Of the last run of the entry in this context; zeros before the first. */
STATOR_API stator_code stator_context_get_stats(stator_context* context, int32_t entry,
                                                stator_run_stats* stats, stator_error* error);

/* Gives back the memory that is kept from run to run, lent outputs included; the next run makes it
 * anew. */
STATOR_API stator_code stator_context_release_memory(stator_context* context, stator_error* error);

#ifdef __cplusplus
}
#endif

#endif /* STATOR_RUNTIME_CORE_STATOR_RUNTIME_H_ */
