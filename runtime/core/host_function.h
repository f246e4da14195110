// C++ functions that HostCall steps run: files, strings, tables, printing.
#ifndef STATOR_RUNTIME_CORE_HOST_FUNCTION_H_
#define STATOR_RUNTIME_CORE_HOST_FUNCTION_H_

#include <cstdint>
#include <functional>
#include <map>
#include <mutex>
#include <string>
#include <string_view>
#include <vector>

#include "executable/dtype.h"
#include "executable/status.h"

namespace stator::runtime {

// A tensor inside a run: contiguous memory that the run owns. For kString, `data` is an array of
// `const std::string*` (null: empty); use the string functions of HostCallContext instead.
struct TensorView {
  executable::DType dtype = executable::DType::kInvalid;
  std::vector<int64_t> dims;
  void* data = nullptr;
  bool has_shape = true;  // false: an output that waits for AllocateOutput; `dims` is meaningless

  int64_t num_elements() const {
    int64_t n = 1;
    for (int64_t d : dims) n *= d;
    return n;
  }
  template <typename T>
  T* as() const {
    return static_cast<T*>(data);
  }
};

// What one call of a host function sees. Valid during the call only.
class HostCallContext {
 public:
  virtual ~HostCallContext() = default;

  virtual int num_inputs() const = 0;
  virtual int num_outputs() const = 0;
  virtual const TensorView& input(int i) const = 0;
  // An output whose shape the plan knows has memory already; others need AllocateOutput first
  // (`data` is null until then).
  virtual TensorView& output(int i) = 0;
  virtual executable::Status AllocateOutput(int i, const std::vector<int64_t>& dims) = 0;

  virtual const std::string& InputString(int i, int64_t element) const = 0;
  virtual void SetOutputString(int i, int64_t element, std::string value) = 0;

  // The step's attribute bytes, as the op's expansion wrote them.
  virtual std::string_view attributes() const = 0;
  // Name of the source node, for messages.
  virtual std::string node_name() const = 0;
  // RunOptions::host_state: what the session lends to host functions.
  virtual void* state() const = 0;
  // Long functions poll this and return kCancelled or kDeadlineExceeded when it is not OK.
  virtual executable::Status Poll() const = 0;
};

// Called on the thread of the run, never on a compute worker; may block. A returned error fails the
// run, with the node's name put before the message.
using HostFunction = std::function<executable::Status(HostCallContext*)>;

// Names to functions. Thread-safe; functions stay registered for the registry's life.
class HostRegistry {
 public:
  // The process's own, with those of builtin_functions.h.
  static HostRegistry* Default();

  // False when the name is taken; the first registration stays.
  bool Register(const std::string& name, HostFunction function);
  // Null when there is none.
  const HostFunction* Find(const std::string& name) const;

 private:
  mutable std::mutex mutex_;
  std::map<std::string, HostFunction> functions_;
};

}  // namespace stator::runtime

#endif  // STATOR_RUNTIME_CORE_HOST_FUNCTION_H_
