// Variables: named, versioned tensors that runs read and write.
#ifndef STATOR_RUNTIME_CORE_VARIABLE_STORE_H_
#define STATOR_RUNTIME_CORE_VARIABLE_STORE_H_

#include <condition_variable>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <utility>
#include <vector>

#include "executable/compile.h"
#include "executable/dtype.h"
#include "executable/panels.h"
#include "runtime/core/buffer.h"
#include "runtime/core/run_control.h"
#include "runtime/core/tensor.h"

namespace stator::runtime {

// Numbers of versions are unique in the process, so that equal numbers mean equal content,
// whichever store holds it.
uint64_t NextVersionNumber();

// A variable and its newest version. Guarded by the store's mutex: runs work on what their lease
// copied.
struct Variable {
  std::string name;
  bool initialized = false;
  DType dtype = DType::kInvalid;
  std::vector<int64_t> dims;
  BufferRef buffer;
  uint64_t number = 0;  // of this version; see NextVersionNumber
  // Of all versions. Fixed from the first value, or the first program that asks for one.
  executable::Layout layout = executable::Layout::kRowMajor;
  bool layout_is_fixed = false;

  int pins = 0;            // runs that hold `buffer` for reading
  bool written = false;    // a run holds the right to write: one writer at a time
  bool exclusive = false;  // that run writes into `buffer` itself: nobody else may pin
  BufferRef spare;         // an old version's memory, for the next write that needs fresh memory
};

// What a run wants of one variable.
struct VariableAccess {
  Variable* variable = nullptr;
  bool read = false;
  bool write = false;
  bool in_place = false;  // may write into the version it read, if nobody else holds that
};

// What it got. Dims and buffer are the pinned version's.
struct VariableLease {
  VariableAccess access;
  bool initialized = false;
  bool exclusive = false;  // write into `buffer`
  BufferRef buffer;
  DType dtype = DType::kInvalid;
  std::vector<int64_t> dims;
  uint64_t number = 0;
  executable::Layout layout = executable::Layout::kRowMajor;
  // Set by the run before Release:
  bool publish = false;  // the write was completed
  BufferRef new_buffer;  // unless exclusive
  std::vector<int64_t> new_dims;
  DType new_dtype = DType::kInvalid;
  uint64_t new_number = 0;  // 0: a new one
};

// Thread-safe. Variables live as long as the store.
//
// A run acquires all its variables at once and holds nothing while it waits, so runs cannot
// deadlock. Readers share; writers of one variable run one after the other, so no update is lost; a
// writer works in place when it may and no one else holds the version, and then readers wait for
// it; otherwise readers go on with the version they pinned.
class VariableStore {
 public:
  VariableStore() = default;
  VariableStore(const VariableStore&) = delete;
  VariableStore& operator=(const VariableStore&) = delete;

  Variable* FindOrCreate(const std::string& name);
  std::vector<std::string> Names() const;
  // From now on the versions of these variables lie in memory so. FailedPrecondition, and nothing
  // changes, when one has a value or a program that wants it otherwise.
  Status SetLayouts(const std::vector<std::pair<std::string, executable::Layout>>& layouts);
  // Names, types and shapes of the initialized ones, for a compile.
  std::vector<executable::VariableSpec> Specs() const;

  // Fills one lease per access. Waits as long as it must; fails only by `control`.
  Status Acquire(const std::vector<VariableAccess>& accesses, const RunControl& control,
                 std::vector<VariableLease>* leases);
  // Publishes what leases say and gives all of them back.
  void Release(std::vector<VariableLease>* leases);

  // Shows the current version, which nobody changes meanwhile, in its layout; it may be
  // uninitialized. NotFound, or what `visit` returns.
  Status Visit(const std::string& name, const std::function<Status(const VariableLease&)>& visit);
  // A copy of the current content, row-major. NotFound or FailedPrecondition (uninitialized).
  Result<Tensor> Read(const std::string& name);
  // Initializes or replaces. The tensor's memory is copied into the variable's layout;
  // InvalidArgument when it does not fit that.
  Status Write(const std::string& name, const Tensor& value);
  // The same for several at once: every run sees all of them or none.
  Status WriteAll(const std::vector<std::pair<std::string, Tensor>>& values);
  // Adopt for all current versions, taken between two runs, in another store: the stores then share
  // memory until one of them writes.
  Status ShareInto(VariableStore* other);
  // False too when there is no such variable.
  bool IsInitialized(const std::string& name) const;
  // Initializes with the tensor's own memory, which nobody else writes from now on and which has
  // the variable's layout, unless it is initialized already. Numbers only. `number`: the version's,
  // if it is the same content as elsewhere; 0: a new one.
  Status Adopt(const std::string& name, const Tensor& value, uint64_t number = 0);
  // Bytes that all current versions hold.
  int64_t TotalBytes() const;
  // Forgets all contents; variables become uninitialized. No run may be active.
  void Clear();

 private:
  bool Available(const VariableAccess& access) const;

  mutable std::mutex mutex_;
  std::condition_variable released_;
  std::map<std::string, std::unique_ptr<Variable>> variables_;
};

}  // namespace stator::runtime

#endif  // STATOR_RUNTIME_CORE_VARIABLE_STORE_H_
