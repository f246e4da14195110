// The Stator runtime for C++17: owners for the handles of stator_runtime.h, which has the
// contracts. Header only; needs no exceptions and throws none. Link with libstator_runtime.
#ifndef STATOR_RUNTIME_CORE_STATOR_RUNTIME_HPP_
#define STATOR_RUNTIME_CORE_STATOR_RUNTIME_HPP_

#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "stator_runtime.h"

namespace stator_runtime {

namespace internal {

template <typename T, void (*destroy)(T*)>
struct Destroy {
  void operator()(T* handle) const { destroy(handle); }
};
template <typename T, void (*destroy)(T*)>
using Handle = std::unique_ptr<T, Destroy<T, destroy>>;

}  // namespace internal

// STATOR_OK, or what went wrong.
class [[nodiscard]] Error {
 public:
  Error() = default;
  Error(stator_code code, std::string message) : code_(code), message_(std::move(message)) {}

  bool ok() const { return code_ == STATOR_OK; }
  stator_code code() const { return code_; }
  const std::string& message() const { return message_; }

  // The result of a C call that got this to fill.
  struct Slot {
    stator_error error = stator_init<stator_error>();
    Error operator()(stator_code code) const {
      return code == STATOR_OK ? Error() : Error(code, error.message);
    }
  };

 private:
  stator_code code_ = STATOR_OK;
  std::string message_;
};

// A value, or the error why there is none. Reading the value of a failed Result aborts.
template <typename T>
class [[nodiscard]] Result {
 public:
  Result(T value) : value_(std::move(value)) {}      // NOLINT: implicit on purpose
  Result(Error error) : error_(std::move(error)) {}  // NOLINT: implicit on purpose
  bool ok() const { return value_.has_value(); }
  const Error& error() const { return error_; }
  T& operator*() {
    if (!value_) std::abort();
    return *value_;
  }
  const T& operator*() const {
    if (!value_) std::abort();
    return *value_;
  }
  T* operator->() { return &**this; }
  const T* operator->() const { return &**this; }

 private:
  std::optional<T> value_;
  Error error_;
};

template <typename T>
struct DTypeOf;
#define STATOR_RUNTIME_DTYPE(type, number)        \
  template <>                                     \
  struct DTypeOf<type> {                          \
    static constexpr stator_dtype value = number; \
  }
STATOR_RUNTIME_DTYPE(float, STATOR_FLOAT32);
STATOR_RUNTIME_DTYPE(double, STATOR_FLOAT64);
STATOR_RUNTIME_DTYPE(int8_t, STATOR_INT8);
STATOR_RUNTIME_DTYPE(int16_t, STATOR_INT16);
STATOR_RUNTIME_DTYPE(int32_t, STATOR_INT32);
STATOR_RUNTIME_DTYPE(int64_t, STATOR_INT64);
STATOR_RUNTIME_DTYPE(uint8_t, STATOR_UINT8);
STATOR_RUNTIME_DTYPE(uint16_t, STATOR_UINT16);
STATOR_RUNTIME_DTYPE(uint32_t, STATOR_UINT32);
STATOR_RUNTIME_DTYPE(uint64_t, STATOR_UINT64);
STATOR_RUNTIME_DTYPE(bool, STATOR_BOOL);
STATOR_RUNTIME_DTYPE(stator_string, STATOR_STRING);
#undef STATOR_RUNTIME_DTYPE

// Dtype, dims and elements that it owns, borrows, or (after a run) was lent by the context.
class Tensor {
 public:
  // An output without memory: see stator_context_run.
  Tensor() = default;
  // Over the program's memory, which outlives it: an input, or an output to be filled.
  static Tensor Borrow(stator_dtype dtype, const std::vector<int64_t>& dims, void* data) {
    Tensor t;
    t.c_.dtype = dtype;
    t.c_.rank = static_cast<int32_t>(dims.size());
    t.c_.bytes = stator_dtype_size(dtype);
    for (size_t i = 0; i < dims.size() && i < STATOR_MAX_RANK; ++i) {
      t.c_.dims[i] = dims[i];
      t.c_.bytes *= static_cast<size_t>(dims[i]);
    }
    t.c_.data = data;
    t.c_.capacity = t.c_.bytes;
    return t;
  }
  template <typename T>
  static Tensor Borrow(const std::vector<int64_t>& dims, T* data) {
    return Borrow(DTypeOf<T>::value, dims, data);
  }
  template <typename T>  // an input
  static Tensor Borrow(const std::vector<int64_t>& dims, const T* data) {
    return Borrow(DTypeOf<T>::value, dims, const_cast<T*>(data));
  }
  // With memory of its own, not initialized.
  static Tensor Make(stator_dtype dtype, const std::vector<int64_t>& dims) {
    Tensor t = Borrow(dtype, dims, nullptr);
    const size_t size = (t.c_.bytes + STATOR_ALIGNMENT) / STATOR_ALIGNMENT * STATOR_ALIGNMENT;
    t.owned_.reset(std::aligned_alloc(STATOR_ALIGNMENT, size));
    t.c_.data = t.owned_.get();
    return t;
  }
  template <typename T>
  static Tensor Of(const std::vector<int64_t>& dims, const std::vector<T>& values) {
    Tensor t = Make(DTypeOf<T>::value, dims);
    if (t.size() != static_cast<int64_t>(values.size())) std::abort();
    for (size_t i = 0; i < values.size(); ++i) t.data<T>()[i] = values[i];
    return t;
  }

  stator_dtype dtype() const { return c_.dtype; }
  std::vector<int64_t> dims() const { return std::vector<int64_t>(c_.dims, c_.dims + c_.rank); }
  size_t bytes() const { return c_.bytes; }
  int64_t size() const {  // elements
    int64_t n = 1;
    for (int i = 0; i < c_.rank; ++i) n *= c_.dims[i];
    return n;
  }
  template <typename T>
  T* data() const {
    return static_cast<T*>(c_.data);
  }
  stator_tensor& c() { return c_; }
  const stator_tensor& c() const { return c_; }

 private:
  struct Free {
    void operator()(void* p) const { std::free(p); }
  };
  stator_tensor c_ = stator_init<stator_tensor>();
  std::unique_ptr<void, Free> owned_;
};

// Host functions: called with the C call (stator_call_...).
using HostFunction = std::function<Error(stator_call*)>;
using HostFunctions = std::vector<std::pair<std::string, HostFunction>>;

struct LoadOptions {
  bool verify_constants = false;
  HostFunctions host_functions;
  std::function<void(int32_t level, const char* message)> log;
  std::string weights_path;  // "": as NULL in stator_load_options
};

struct Port {
  std::string name;
  stator_dtype dtype;
  std::vector<int64_t> dims;  // -1 where not constant
  std::vector<std::string> dim_texts;
};

// See stator_symbol_info.
struct Symbol {
  std::string name;
  int64_t min;
  int64_t max;
  int64_t divisor;
  bool known_before;
  int32_t entry;
};

struct Variable {
  std::string name;
  stator_dtype dtype;
  std::vector<int64_t> dims;  // as in Port
  std::vector<std::string> dim_texts;
  bool is_read;
  bool is_written;
  bool has_initial_value;
};

struct FixedWeight {
  std::string name;
  std::string reason;
};

class Model {
 public:
  static Result<Model> LoadFile(const std::string& path, LoadOptions options = {}) {
    return Load(std::move(options),
                [&](const stator_load_options* o, stator_model** m, stator_error* e) {
                  return stator_model_load_file(path.c_str(), o, m, e);
                });
  }
  static Result<Model> LoadMemory(const void* data, size_t size, LoadOptions options = {}) {
    return Load(std::move(options),
                [&](const stator_load_options* o, stator_model** m, stator_error* e) {
                  return stator_model_load_memory(data, size, o, m, e);
                });
  }
  static Result<Model> LoadFd(int fd, uint64_t offset, uint64_t size, LoadOptions options = {}) {
    return Load(std::move(options),
                [&](const stator_load_options* o, stator_model** m, stator_error* e) {
                  return stator_model_load_fd(fd, offset, size, o, m, e);
                });
  }

  int32_t FindEntry(const std::string& name) const {
    return stator_model_find_entry(c(), name.c_str());
  }
  int32_t FindInput(int32_t entry, const std::string& name) const {
    return stator_model_find_input(c(), entry, name.c_str());
  }
  int32_t FindOutput(int32_t entry, const std::string& name) const {
    return stator_model_find_output(c(), entry, name.c_str());
  }
  // Names of the entry points, by index.
  std::vector<std::string> Entries() const {
    std::vector<std::string> names;
    auto info = stator_init<stator_entry_info>();
    while (stator_model_get_entry(c(), static_cast<int32_t>(names.size()), &info, nullptr) ==
           STATOR_OK) {
      names.emplace_back(info.name);
    }
    return names;
  }
  std::vector<Port> Inputs(int32_t entry) const { return Ports(entry, stator_model_get_input); }
  std::vector<Port> Outputs(int32_t entry) const { return Ports(entry, stator_model_get_output); }
  std::vector<Symbol> Symbols() const {
    std::vector<Symbol> symbols;
    auto s = stator_init<stator_symbol_info>();
    for (int32_t i = 0; stator_model_get_symbol(c(), i, &s, nullptr) == STATOR_OK; ++i) {
      symbols.push_back({s.name, s.min, s.max, s.divisor, s.known_before != 0, s.entry});
    }
    return symbols;
  }
  // Of an entry point, or of all.
  std::vector<Variable> Variables(int32_t entry = STATOR_ALL_ENTRIES) const {
    std::vector<Variable> variables;
    auto v = stator_init<stator_variable_info>();
    for (int32_t i = 0; stator_model_get_variable(c(), entry, i, &v, nullptr) == STATOR_OK; ++i) {
      variables.push_back({v.name, v.dtype, std::vector<int64_t>(v.dims, v.dims + v.rank),
                           std::vector<std::string>(v.dim_texts, v.dim_texts + v.rank),
                           v.is_read != 0, v.is_written != 0, v.has_initial_value != 0});
    }
    return variables;
  }
  // Weights that are compiled in, so that no state holds them.
  std::vector<FixedWeight> FixedWeights() const {
    std::vector<FixedWeight> weights;
    auto w = stator_init<stator_fixed_weight_info>();
    for (int32_t i = 0; stator_model_get_fixed_weight(c(), i, &w, nullptr) == STATOR_OK; ++i) {
      weights.push_back({w.name, w.reason});
    }
    return weights;
  }
  stator_model_info Info() const {
    auto info = stator_init<stator_model_info>();
    (void)stator_model_get_info(c(), &info, nullptr);
    return info;
  }
  const stator_model* c() const { return shared_->handle.get(); }

 private:
  friend class Context;
  // Contexts keep it too: the functions are called through them.
  struct Shared {
    LoadOptions options;
    internal::Handle<stator_model, stator_model_destroy> handle;
  };
  std::shared_ptr<Shared> shared_ = std::make_shared<Shared>();

  static stator_code CallHost(void* user, stator_call* call, stator_error* error) {
    const Error result = (*static_cast<HostFunction*>(user))(call);
    if (!result.ok()) {
      std::strncpy(error->message, result.message().c_str(), sizeof(error->message) - 1);
    }
    return result.code();
  }

  template <typename Function>
  static Result<Model> Load(LoadOptions options, Function load) {
    Model model;
    Shared& shared = *model.shared_;
    shared.options = std::move(options);
    auto c_options = stator_init<stator_load_options>();
    c_options.verify = shared.options.verify_constants ? STATOR_VERIFY_FULL : STATOR_VERIFY_DEFAULT;
    std::vector<stator_host_entry> entries;
    for (auto& [name, function] : shared.options.host_functions) {
      auto entry = stator_init<stator_host_entry>();
      entry.name = name.c_str();
      entry.function = CallHost;
      entry.user = &function;
      entries.push_back(entry);
    }
    c_options.num_host_functions = static_cast<int32_t>(entries.size());
    c_options.host_functions = entries.data();
    if (!shared.options.weights_path.empty()) {
      c_options.weights_path = shared.options.weights_path.c_str();
    }
    if (shared.options.log) {
      c_options.log = [](void* user, int32_t level, const char* message) {
        static_cast<LoadOptions*>(user)->log(level, message);
      };
      c_options.log_user = &shared.options;
    }
    stator_model* handle = nullptr;
    Error::Slot slot;
    Error error = slot(load(&c_options, &handle, &slot.error));
    if (!error.ok()) return error;
    shared.handle.reset(handle);
    return model;
  }

  template <typename Get>
  std::vector<Port> Ports(int32_t entry, Get get) const {
    std::vector<Port> ports;
    auto info = stator_init<stator_port_info>();
    for (int32_t i = 0; get(c(), entry, i, &info, nullptr) == STATOR_OK; ++i) {
      Port& port = ports.emplace_back();
      port.name = info.name;
      port.dtype = info.dtype;
      port.dims.assign(info.dims, info.dims + info.rank);
      port.dim_texts.assign(info.dim_texts, info.dim_texts + info.rank);
    }
    return ports;
  }
};

// Variables by name: a handle that it owns, or a context's own.
class State {
 public:
  static Result<State> Create(const Model& model) {
    stator_state* handle = nullptr;
    Error::Slot slot;
    Error error = slot(stator_state_create(model.c(), &handle, &slot.error));
    if (!error.ok()) return error;
    return State(handle, true);
  }
  Result<State> Copy() const {
    stator_state* handle = nullptr;
    Error::Slot slot;
    Error error = slot(stator_state_copy(c_, &handle, &slot.error));
    if (!error.ok()) return error;
    return State(handle, true);
  }

  std::vector<std::string> Names() const {
    std::vector<std::string> names;
    for (int32_t i = 0; i < stator_state_num_variables(c_); ++i) {
      names.push_back(stator_state_variable_name(c_, i));
    }
    return names;
  }
  bool IsInitialized(const std::string& name) const {
    return stator_state_is_initialized(c_, name.c_str()) != 0;
  }
  Result<Tensor> Read(const std::string& name) const {
    Tensor type;
    Error::Slot slot;
    Error error = slot(stator_state_read(c_, name.c_str(), &type.c(), &slot.error));
    if (!error.ok()) return error;
    Tensor value = Tensor::Make(type.dtype(), type.dims());
    error = slot(stator_state_read(c_, name.c_str(), &value.c(), &slot.error));
    if (!error.ok()) return error;
    return value;
  }
  Error Write(const std::string& name, const Tensor& value) {
    Error::Slot slot;
    return slot(stator_state_write(c_, name.c_str(), &value.c(), &slot.error));
  }
  // All at once: no run sees a part of them.
  Error Write(const std::vector<std::pair<std::string, const Tensor*>>& values) {
    std::vector<const char*> names;
    std::vector<stator_tensor> tensors;
    for (const auto& [name, value] : values) {
      names.push_back(name.c_str());
      tensors.push_back(value->c());
    }
    Error::Slot slot;
    return slot(stator_state_write_all(c_, static_cast<int32_t>(names.size()), names.data(),
                                       tensors.data(), &slot.error));
  }
  stator_state* c() const { return c_; }

 private:
  friend class Context;
  State(stator_state* state, bool owned) : c_(state) {
    if (owned) owned_.reset(state);
  }
  stator_state* c_;
  internal::Handle<stator_state, stator_state_destroy> owned_;
};

class Cancellation {
 public:
  void Cancel() { stator_cancellation_cancel(handle_.get()); }
  const stator_cancellation* c() const { return handle_.get(); }

 private:
  internal::Handle<stator_cancellation, stator_cancellation_destroy> handle_{
      stator_cancellation_create()};
};

struct ContextOptions {
  int32_t threads = 0;
  int64_t memory_budget = 0;
  // Calls part(i) for each i in [0, parts); see stator_parallel_for.
  std::function<void(int32_t parts, const std::function<void(int32_t)>& part)> parallel_for;
  // Makes the memory of outputs that have none, which is the program's: see stator_context_options.
  std::function<void*(int32_t entry, int32_t output, size_t bytes, size_t alignment)> allocate;
};

struct RunOptions {
  int64_t timeout_ns = 0;
  const Cancellation* cancellation = nullptr;
  int32_t max_threads = 0;
};

// Used by one thread at a time.
class Context {
 public:
  // `state`: shared with its other users; null: a new one.
  static Result<Context> Create(const Model& model, ContextOptions options = {},
                                const State* state = nullptr) {
    Context context;
    context.model_ = model.shared_;
    context.options_ = std::make_unique<ContextOptions>(std::move(options));
    const ContextOptions& o = *context.options_;
    auto c_options = stator_init<stator_context_options>();
    c_options.threads = o.threads;
    c_options.memory_budget = o.memory_budget;
    if (o.parallel_for) {
      c_options.parallel_for = [](void* user, int32_t parts, void (*part)(void*, int32_t),
                                  void* part_context) {
        static_cast<ContextOptions*>(user)->parallel_for(parts,
                                                         [=](int32_t i) { part(part_context, i); });
      };
      c_options.parallel_for_user = context.options_.get();
    }
    if (o.allocate) {
      c_options.allocate = [](void* user, int32_t entry, int32_t output, size_t bytes,
                              size_t alignment) {
        return static_cast<ContextOptions*>(user)->allocate(entry, output, bytes, alignment);
      };
      c_options.allocate_user = context.options_.get();
    }
    stator_context* handle = nullptr;
    Error::Slot slot;
    Error error = slot(stator_context_create(model.c(), state == nullptr ? nullptr : state->c(),
                                             &c_options, &handle, &slot.error));
    if (!error.ok()) return error;
    context.handle_.reset(handle);
    return context;
  }

  // Lives as long as the context.
  State state() { return State(stator_context_state(handle_.get()), false); }

  // `outputs` is made to fit: those that it holds already are filled where they have memory.
  Error Run(int32_t entry, const std::vector<Tensor>& inputs, std::vector<Tensor>* outputs,
            const RunOptions& options = {}) {
    inputs_.clear();
    outputs_.clear();
    for (const Tensor& t : inputs) inputs_.push_back(t.c());
    auto info = stator_init<stator_entry_info>();
    Error::Slot slot;
    Error error = slot(stator_model_get_entry(model_->handle.get(), entry, &info, &slot.error));
    if (!error.ok()) return error;
    outputs->resize(static_cast<size_t>(info.num_outputs));
    for (const Tensor& t : *outputs) outputs_.push_back(t.c());
    auto c_options = stator_init<stator_run_options>();
    c_options.timeout_ns = options.timeout_ns;
    c_options.max_threads = options.max_threads;
    if (options.cancellation != nullptr) c_options.cancellation = options.cancellation->c();
    error = slot(stator_context_run(
        handle_.get(), entry, inputs_.data(), static_cast<int32_t>(inputs_.size()), outputs_.data(),
        static_cast<int32_t>(outputs_.size()), &c_options, &slot.error));
    for (size_t i = 0; i < outputs_.size(); ++i) (*outputs)[i].c() = outputs_[i];
    return error;
  }

  // `outputs`, if given, are made to tell what a run's would be; they have no elements.
  Result<stator_memory_plan> Plan(int32_t entry, const std::vector<Tensor>& inputs,
                                  std::vector<Tensor>* outputs = nullptr) {
    inputs_.clear();
    outputs_.clear();
    for (const Tensor& t : inputs) inputs_.push_back(t.c());
    auto plan = stator_init<stator_memory_plan>();
    auto info = stator_init<stator_entry_info>();
    Error::Slot slot;
    Error error = slot(stator_model_get_entry(model_->handle.get(), entry, &info, &slot.error));
    if (!error.ok()) return error;
    if (outputs != nullptr) {
      outputs_.assign(static_cast<size_t>(info.num_outputs), stator_init<stator_tensor>());
    }
    error = slot(stator_context_plan(handle_.get(), entry, inputs_.data(),
                                     static_cast<int32_t>(inputs_.size()),
                                     outputs_.empty() ? nullptr : outputs_.data(),
                                     static_cast<int32_t>(outputs_.size()), &plan, &slot.error));
    if (!error.ok()) return error;
    if (outputs != nullptr) {
      outputs->clear();
      for (const stator_tensor& type : outputs_) outputs->emplace_back().c() = type;
    }
    return plan;
  }
  // Of the last run of the entry.
  Result<stator_run_stats> Stats(int32_t entry) {
    auto stats = stator_init<stator_run_stats>();
    Error::Slot slot;
    Error error = slot(stator_context_get_stats(handle_.get(), entry, &stats, &slot.error));
    if (!error.ok()) return error;
    return stats;
  }
  // Lent outputs go with it.
  Error ReleaseMemory() {
    Error::Slot slot;
    return slot(stator_context_release_memory(handle_.get(), &slot.error));
  }
  stator_context* c() const { return handle_.get(); }

 private:
  Context() = default;
  std::shared_ptr<Model::Shared> model_;
  std::unique_ptr<ContextOptions> options_;                          // the library calls into it
  internal::Handle<stator_context, stator_context_destroy> handle_;  // goes first
  std::vector<stator_tensor> inputs_;
  std::vector<stator_tensor> outputs_;
};

}  // namespace stator_runtime

#endif  // STATOR_RUNTIME_CORE_STATOR_RUNTIME_HPP_
