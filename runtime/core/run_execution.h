// Inside of Runner: the state of a run and the steps that act on it.
#ifndef STATOR_RUNTIME_CORE_RUN_EXECUTION_H_
#define STATOR_RUNTIME_CORE_RUN_EXECUTION_H_

#include <deque>
#include <optional>

#include "runtime/core/runner.h"

namespace stator::runtime {

// One kernel launch (or one phase of it), as the pool sees it.
struct Task {
  executable::KernelFn fn;
  executable::Frame frame;  // without error slot
  int64_t grid;
  double tile_cost;  // ns
  bool interruptible;
};

// A stack of tensors. Memory above its top is kept for the next push.
struct ListMemory {
  std::vector<BufferRef> elements;
  std::vector<int64_t> bytes;  // of each element; its memory may be larger
  size_t size = 0;
};

class RunExecution {
 public:
  RunExecution(std::shared_ptr<Executable> executable, int32_t entry, VariableStore* variables,
               ThreadPool* pool);

  Status Run(const std::vector<Tensor>& feeds, const RunOptions& options,
             std::vector<Tensor>* fetches);
  Status Plan(const std::vector<Tensor>& feeds, int max_threads, RunPlan* plan);

 private:
  friend class Runner;
  friend class HostCall;

  // run_execution.cc.
  Status AcquireVariables();

  // bind_inputs.cc: what the run is given.
  Status BindInputs(const std::vector<Tensor>& feeds);
  Status CheckPort(const char* what, const executable::Port& port, const Tensor& tensor) const;
  Status CheckDims(const char* what, const std::string& name, const std::vector<int32_t>& exprs,
                   const std::vector<int64_t>& dims) const;
  Status UsePlan();

  // place_buffers.cc: where its buffers lie.
  Status PlaceArena();
  Status PlaceFeeds(const std::vector<Tensor>& feeds);
  Status PlaceVariables();
  Status RunInit();
  Status AnnounceOutputs();
  Status PlaceOutputs(std::vector<Tensor>* fetches);

  // collect_results.cc: what it leaves behind.
  Status Fetch(const std::vector<Tensor>& feeds, std::vector<Tensor>* fetches);
  Status FetchOne(size_t i, const std::vector<Tensor>& feeds, Tensor* out);
  Status Finish();
  Status Publish(size_t variable);

  // poison.cc: RunOptions::poison.
  void FindDying();
  void Poison(int32_t wave);

  // run_steps.cc: steps.
  Status RunBlock(int32_t block);
  Status RunWave(const ProgramWave& wave);
  Status RunStep(const ProgramStep& step);
  Status Do(const ProgramStep& step, const executable::LaunchKernel& body);
  Status Do(const ProgramStep& step, const executable::Copy& body);
  Status Do(const ProgramStep& step, const executable::HostCall& body);
  Status Do(const ProgramStep& step, const executable::If& body);
  Status Do(const ProgramStep& step, const executable::While& body);
  Status Do(const ProgramStep& step, const executable::CallBlock& body);
  Status Do(const ProgramStep& step, const executable::BindSymbol& body);
  Status Do(const ProgramStep& step, const executable::Alloc& body);
  Status Do(const ProgramStep& step, const executable::Free& body);
  Status Do(const ProgramStep& step, const executable::Check& body);
  Status Do(const ProgramStep& step, const executable::Declared& body);
  Status Do(const ProgramStep& step, const executable::UseList& body);
  Status CheckFailed(int32_t check, int64_t index) const;
  void Wrote(const ProgramStep& step);

  // launch.cc: kernels on the pool.
  Status PrepareLaunch(const ProgramStep& step, LaunchPlan* plan, const int64_t** grids);
  Status RunGroup(const ProgramWave& wave);
  Status Dispatch(Task* tasks, int count);
  Status EnsureScratch(int64_t stride);
  int ThreadLimit() const;

  // run_steps.cc: symbols and addresses.
  Status BindSymbolValue(int32_t symbol, int64_t value);
  // From now on the buffer is the `bytes` bytes at `address`; what shares its memory follows. A
  // view that would reach outside gets no memory.
  void SetAddress(int32_t buffer, void* address, int64_t bytes);
  // Bytes from the buffer's address to the end of the memory that it lies in; 0 without memory. The
  // verifier cannot know sizes that follow from symbols, so steps that touch memory themselves ask.
  int64_t Room(int32_t buffer) const { return end_[buffer] - static_cast<char*>(table_[buffer]); }
  Status NeedRoom(int32_t buffer, int64_t bytes) const;
  Status Allocate(int32_t buffer, int64_t bytes);
  void Release(int32_t buffer);
  Status Charge(int64_t bytes);
  void Refund(int64_t bytes) { bytes_in_use_ -= bytes; }
  bool IsOfEntry(const executable::Buffer& b) const {
    const executable::WaveRange waves = p_.entry_waves[entry_index_];
    return b.first_wave <= waves.last && b.last_wave >= waves.first;
  }
  Status ReadBool(int32_t buffer, bool* value) const;

  const std::shared_ptr<Executable> executable_;
  const Program& p_;
  const ImageModel& m_;
  const int32_t entry_index_;
  const executable::EntryPoint& entry_;
  VariableStore* const variables_;
  ThreadPool* const pool_;

  // Kept from run to run.
  std::shared_ptr<const PlanInstance> plan_;
  std::vector<int64_t> input_symbols_;  // values for plan_
  std::vector<int64_t> bound_input_;    // values of this run, -1 where not bound
  BufferRef arena_;
  BufferRef scratch_;
  int64_t scratch_stride_ = 0;
  std::vector<void*> table_;      // address of each buffer
  std::vector<char*> end_;        // of the memory that it lies in
  std::vector<BufferRef> owned_;  // memory of dynamic and output buffers
  std::vector<int64_t> values_;   // of expressions
  std::vector<bool> bound_;       // Step and Loop symbols
  std::vector<void*> args_;
  std::vector<int64_t> scalars_;
  std::vector<int64_t> dynamic_grids_;
  std::vector<VariableAccess> accesses_;
  std::vector<VariableLease> leases_;
  std::vector<std::vector<const std::string*>> feed_handles_;
  std::vector<int32_t> fetch_of_output_;  // per buffer: the fetch that takes its memory, or kNone
  std::vector<uint8_t> initialized_flags_;
  std::vector<executable::ErrorSlot> errors_;  // per part
  std::vector<Task> tasks_;
  std::vector<int64_t> fetch_dims_;
  std::vector<std::vector<int32_t>> dying_;  // per wave: owners whose content ends; poison mode
  std::vector<int64_t> owner_bytes_;
  bool loops_ran_ = false;  // carried buffers may have traded places

  // Of the current run.
  RunOptions options_;
  RunStats stats_;
  std::optional<GuardFailure> guard_failure_;
  executable::Helpers helpers_{};
  std::vector<bool> published_;  // per variable: its writing step finished
  std::shared_ptr<const PersistentSet> persistent_;
  std::vector<ListMemory> lists_;
  std::deque<std::string> strings_;  // strings that host calls made
  int64_t bytes_in_use_ = 0;
  int parts_of_last_launch_ = 1;
};

}  // namespace stator::runtime

#endif  // STATOR_RUNTIME_CORE_RUN_EXECUTION_H_
