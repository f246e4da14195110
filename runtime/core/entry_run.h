// One entry point of a context of the C interface: between the caller's tensors and a Runner's.
#ifndef STATOR_RUNTIME_CORE_ENTRY_RUN_H_
#define STATOR_RUNTIME_CORE_ENTRY_RUN_H_

#include <cstdint>
#include <memory>
#include <vector>

#include "runtime/core/c_api.h"
#include "runtime/core/runner.h"

namespace stator::runtime {

// Keeps what a run needs from run to run: the second run with the same sizes allocates nothing.
class EntryRun : private OutputMemory {
 public:
  // `pool` outlives it.
  static Result<std::unique_ptr<EntryRun>> Create(std::shared_ptr<const ModelData> model,
                                                  std::shared_ptr<StateData> state, int32_t entry,
                                                  ThreadPool* pool,
                                                  const stator_context_options& options);

  Status Run(const stator_tensor* inputs, int32_t num_inputs, stator_tensor* outputs,
             int32_t num_outputs, RunOptions options);
  Status Plan(const stator_tensor* inputs, int32_t num_inputs, stator_tensor* outputs,
              int32_t num_outputs, stator_memory_plan* plan);
  const Runner& runner() const { return *runner_; }

 private:
  struct Input {
    BufferRef wrap;  // stands for the caller's memory
    BufferRef copy;  // of memory that is not aligned for its element
  };
  struct Output {
    void* data = nullptr;    // the caller's, or what `allocate` gave
    size_t capacity = 0;     // 0: not given
    bool allocated = false;  // by `allocate`
    size_t needed = 0;       // more than the capacity
    BufferRef wrap;          // stands for `data` in a run
    std::vector<stator_string> strings;
  };
  struct Range {
    uintptr_t begin, end;
    int32_t output;  // or -1
  };

  EntryRun(std::shared_ptr<const ModelData> model, std::shared_ptr<StateData> state, int32_t entry,
           const stator_context_options& options);

  Status CheckCounts(int32_t num_inputs, int32_t num_outputs) const;
  Status BindInput(const stator_tensor* inputs, int32_t i, bool with_data);
  Status BindNumbers(const stator_tensor& tensor, int32_t i, int64_t elements);
  Status BindOutput(const stator_tensor* outputs, int32_t i);
  Status CheckOverlap();
  // A fetched input, or one of two fetches of the same value: not to be lent.
  bool IsCallers(const BufferRef& buffer) const;
  Status Deliver(int32_t i, stator_tensor* given);
  Status DeliverData(int32_t i, const void* bytes, size_t size, stator_tensor* tensor);
  Result<void*> CallAllocate(int32_t i, size_t bytes, size_t alignment);
  Status TooSmall(int32_t i, size_t bytes);
  std::string InputName(int32_t i) const { return "input " + entry_.feeds[i].name; }
  std::string OutputName(int32_t i) const { return "output " + entry_.fetches[i].name; }
  void Wrap(BufferRef* wrap, void* data, int64_t bytes);

  Status Announce(int fetch, int64_t bytes) override;
  Result<BufferRef> Provide(int fetch, int64_t bytes, int64_t alignment) override;

  const std::shared_ptr<const ModelData> model_;
  const std::shared_ptr<StateData> state_;
  const int32_t entry_index_;
  const executable::EntryPoint& entry_;
  const stator_context_options options_;
  std::unique_ptr<Runner> runner_;
  std::vector<Input> inputs_;
  std::vector<Output> outputs_;
  std::vector<Tensor> feeds_;
  std::vector<Tensor> fetches_;
  std::vector<int64_t> dims_;
  std::vector<Range> ranges_;
  bool copied_ = false;  // said so in the log
};

}  // namespace stator::runtime

#endif  // STATOR_RUNTIME_CORE_ENTRY_RUN_H_
