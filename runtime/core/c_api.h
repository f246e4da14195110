// Inside of the C interface (stator_runtime.h): what its handles hold, and conversions.
#ifndef STATOR_RUNTIME_CORE_C_API_H_
#define STATOR_RUNTIME_CORE_C_API_H_

#include <cstring>
#include <deque>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "runtime/core/executable.h"
#include "runtime/core/stator_runtime.h"
#include "runtime/core/variable_store.h"

namespace stator::runtime {

// A loaded bundle and what its introspection hands out. Immutable.
struct ModelData {
  struct Type {
    std::vector<int64_t> dims;  // -1 where not constant
    std::vector<std::string> texts;
    std::vector<const char*> text_pointers;
  };
  struct VariableInfo {
    const executable::Variable* variable;
    Type type;
    bool read;
    bool written;
  };
  struct Entry {
    std::vector<Type> inputs;
    std::vector<Type> outputs;
    std::vector<VariableInfo> variables;
  };

  HostRegistry host_functions;  // before the executable, which points into it
  std::shared_ptr<Executable> executable;
  std::vector<Entry> entries;
  std::vector<VariableInfo> variables;  // of all entries, sorted by name
  std::vector<int32_t> symbol_entries;  // see SymbolEntries
  std::string features;
  void (*log)(void* user, int32_t level, const char* message) = nullptr;
  void* log_user = nullptr;

  const ImageModel& image() const { return executable->model(); }
  void Log(int32_t level, const std::string& message) const {
    if (log != nullptr) log(log_user, level, message.c_str());
  }
};

// Variables, and what the models that use them say about them.
class StateData {
 public:
  // Adds the model's variables that are not there yet, with its initial values. FailedPrecondition
  // when a name is there with another type.
  Status Attach(const ModelData& model);
  Status Copy(StateData* copy);

  // InvalidArgument or NotFound unless the variable may hold such a value.
  Status CheckValue(const std::string& name, const Tensor& value) const;
  int32_t num_variables() const;
  const char* name(int32_t index) const;

  VariableStore store;

 private:
  struct Expected {
    DType dtype;
    std::vector<int64_t> dims;  // -1: any
  };
  mutable std::mutex mutex_;
  std::deque<std::string> names_;  // addresses stay
  std::map<std::string, Expected> expected_;
  std::map<std::string, std::string> fixed_;  // weights that are compiled in, and why
};

// Fills `error` unless null; the status's code.
stator_code Report(const Status& status, stator_error* error);

// ---- Structs of the interface ----

// Copies a struct that the caller gave. InvalidArgument when it is smaller than version 1's or has
// set what this version does not know.
template <typename T>
Status ReadStruct(const char* what, const T* given, T* out) {
  const size_t size = given->struct_size;
  if (size < sizeof(T)) {
    return executable::InvalidArgument(std::string(what) + ": struct_size is " +
                                       std::to_string(size) + ", expected at least " +
                                       std::to_string(sizeof(T)));
  }
  std::memcpy(out, given, sizeof(T));
  const char* bytes = reinterpret_cast<const char*>(given);
  for (size_t i = sizeof(T); i < size; ++i) {
    if (bytes[i] != 0) {
      return executable::Unimplemented(std::string(what) +
                                       ": a field is set that this version does not know");
    }
  }
  return Status::Ok();
}

// Options, which may be null.
template <typename T>
Status ReadOptions(const char* what, const T* given, T* out) {
  *out = T{};
  return given == nullptr ? Status::Ok() : ReadStruct(what, given, out);
}

// Fills a struct of the caller's.
template <typename T>
Status WriteStruct(const char* what, const T& value, T* given) {
  if (given == nullptr) return executable::InvalidArgument(std::string(what) + " is NULL");
  const size_t size = given->struct_size;
  if (size < sizeof(T)) {
    return executable::InvalidArgument(std::string(what) + ": struct_size is " +
                                       std::to_string(size) + ", expected at least " +
                                       std::to_string(sizeof(T)));
  }
  std::memcpy(given, &value, sizeof(T));
  given->struct_size = size;
  return Status::Ok();
}

// Element `i` of an array whose elements have the size that the first one states, which ReadElement
// has seen to be right.
template <typename T>
T* Element(T* array, int32_t i) {
  const auto address = reinterpret_cast<uintptr_t>(array) + array->struct_size * i;
  return reinterpret_cast<T*>(address);
}

// Copies one that the caller gave. InvalidArgument when it states another size than the first one.
template <typename T>
Status ReadElement(const char* what, const T* array, int32_t i, T* out) {
  const size_t stride = array->struct_size;
  if (stride % alignof(T) != 0) {
    return executable::InvalidArgument(std::string(what) + ": struct_size is " +
                                       std::to_string(stride) + ", expected a multiple of " +
                                       std::to_string(alignof(T)));
  }
  if (i == 0 || stride < sizeof(T))
    return ReadStruct(what, array, out);  // which refuses a small one
  const T* element = Element(array, i);
  if (element->struct_size != stride) {
    return executable::InvalidArgument(std::string(what) + ": struct_size is " +
                                       std::to_string(element->struct_size) + ", expected " +
                                       std::to_string(stride) + " as in the first of the array");
  }
  return ReadStruct(what, element, out);
}

// A failed status with `place` before its text. Places are named only when something failed: a run
// that succeeds makes no strings.
inline Status At(const std::string& place, const Status& status) {
  return Status(status.code(), place + ": " + status.message());
}

// ---- Tensors ----

// The dims of a tensor of the caller's, and its number of elements. InvalidArgument for a bad
// dtype, rank or dims, or when `bytes` is set and wrong.
Status ReadType(const stator_tensor& tensor, std::vector<int64_t>* dims, int64_t* elements);
// Bytes of an element as callers see it.
int64_t ElementBytes(DType dtype);
// dtype, rank, dims and bytes. Unimplemented when there are too many dims.
Status WriteType(DType dtype, const std::vector<int64_t>& dims, stator_tensor* tensor);

// The caller's memory as a tensor: numbers are not copied.
Result<Tensor> WrapTensor(const stator_tensor& tensor);

// The caller's function as the runtime calls it.
HostFunction MakeHostFunction(stator_host_function function, void* user);

}  // namespace stator::runtime

struct stator_model {
  std::shared_ptr<const stator::runtime::ModelData> data;
};
struct stator_state {
  std::shared_ptr<stator::runtime::StateData> data;
};

#endif  // STATOR_RUNTIME_CORE_C_API_H_
