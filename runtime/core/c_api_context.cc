// Contexts of the C interface: runs.
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <new>
#include <string>
#include <utility>
#include <vector>

#include "runtime/core/c_api.h"
#include "runtime/core/entry_run.h"
#include "runtime/core/run_control.h"
#include "runtime/core/runner.h"

using stator::executable::FailedPrecondition;
using stator::executable::InvalidArgument;
using stator::runtime::CancellationToken;
using stator::runtime::EntryRun;
using stator::runtime::ModelData;
using stator::runtime::Report;
using stator::runtime::RunStats;
using stator::runtime::StateData;
using stator::runtime::Status;
using stator::runtime::ThreadPool;

struct stator_cancellation {
  CancellationToken token;
};

struct stator_context {
  std::shared_ptr<const ModelData> model;
  stator_state state;
  stator_context_options options;
  std::unique_ptr<ThreadPool> pool;
  bool owns_threads = false;
  pid_t process = 0;  // that has these threads
  std::vector<std::unique_ptr<EntryRun>> entries;
  std::vector<RunStats> stats;  // of each entry's last run
  std::atomic<bool> busy{false};
};

namespace stator::runtime {
namespace {

constexpr int32_t kMaxThreads = 1024;

Status CreateContext(const stator_model* model, stator_state* state,
                     const stator_context_options* options, stator_context** out) {
  if (model == nullptr || out == nullptr) return InvalidArgument("model or context is NULL");
  *out = nullptr;
  auto context = std::make_unique<stator_context>();
  stator_context_options& o = context->options;
  STATOR_EXEC_RETURN_IF_ERROR(ReadOptions("context options", options, &o));
  if (o.threads < 0 || o.threads > kMaxThreads) {
    return InvalidArgument("context options: threads is " + std::to_string(o.threads) +
                           ", expected 0 to " + std::to_string(kMaxThreads));
  }
  if (o.memory_budget < 0) return InvalidArgument("context options: memory_budget is negative");
  context->model = model->data;
  context->state.data = state != nullptr ? state->data : std::make_shared<StateData>();
  STATOR_EXEC_RETURN_IF_ERROR(context->state.data->Attach(*model->data));
  context->entries.resize(model->data->entries.size());
  context->stats.resize(model->data->entries.size());
  const int threads = o.threads != 0 ? o.threads : ThreadPool::DefaultSize();
  if (o.parallel_for != nullptr) {
    context->pool = std::make_unique<ThreadPool>(threads, o.parallel_for, o.parallel_for_user);
  } else {
    STATOR_EXEC_ASSIGN_OR_RETURN(context->pool, ThreadPool::Create(threads));
    context->owns_threads = threads > 1;
  }
  context->process = getpid();
  *out = context.release();
  return Status::Ok();
}

// Holds a context for one call.
class Use {
 public:
  explicit Use(stator_context* context) : context_(context) {
    if (context == nullptr) {
      status_ = InvalidArgument("context is NULL");
    } else if (context->busy.exchange(true, std::memory_order_acquire)) {
      context_ = nullptr;
      status_ = FailedPrecondition("the context is in use by another thread");
    } else if (context->owns_threads && context->process != getpid()) {
      status_ = FailedPrecondition(
          "the context was made before fork and its threads are not in this process");
    }
  }
  ~Use() {
    if (context_ != nullptr) context_->busy.store(false, std::memory_order_release);
  }
  Use(const Use&) = delete;
  Use& operator=(const Use&) = delete;

  const Status& status() const { return status_; }

  Status Check(int32_t entry) const {
    STATOR_EXEC_RETURN_IF_ERROR(status_);
    const size_t count = context_->entries.size();
    if (entry >= 0 && static_cast<size_t>(entry) < count) return Status::Ok();
    return executable::NotFound("entry " + std::to_string(entry) + " of " + std::to_string(count));
  }

  Result<EntryRun*> Entry(int32_t entry) {
    STATOR_EXEC_RETURN_IF_ERROR(Check(entry));
    std::unique_ptr<EntryRun>& run = context_->entries[entry];
    if (run == nullptr) {
      STATOR_EXEC_ASSIGN_OR_RETURN(
          run, EntryRun::Create(context_->model, context_->state.data, entry, context_->pool.get(),
                                context_->options));
    }
    return run.get();
  }

 private:
  stator_context* context_;
  Status status_;
};

Status RunContext(stator_context* context, int32_t entry, const stator_tensor* inputs,
                  int32_t num_inputs, stator_tensor* outputs, int32_t num_outputs,
                  const stator_run_options* given) {
  Use use(context);
  STATOR_EXEC_ASSIGN_OR_RETURN(EntryRun* const run, use.Entry(entry));
  RunOptions options;
  if (given != nullptr) {
    stator_run_options o;
    STATOR_EXEC_RETURN_IF_ERROR(ReadStruct("run options", given, &o));
    if (o.timeout_ns < 0 || o.max_threads < 0) {
      return InvalidArgument("run options: timeout_ns or max_threads is negative");
    }
    if (o.timeout_ns > 0) {
      const int64_t now = NowNanoseconds();
      options.control.deadline_ns = now + std::min(o.timeout_ns, INT64_MAX - now);
    }
    if (o.cancellation != nullptr) options.control.token = &o.cancellation->token;
    options.max_threads = o.max_threads;
  }
  const Status status = run->Run(inputs, num_inputs, outputs, num_outputs, options);
  context->stats[entry] = run->runner().stats();
  return status;
}

}  // namespace
}  // namespace stator::runtime

using stator::runtime::Use;

extern "C" {

stator_code stator_context_create(const stator_model* model, stator_state* state,
                                  const stator_context_options* options, stator_context** context,
                                  stator_error* error) {
  return Report(stator::runtime::CreateContext(model, state, options, context), error);
}

void stator_context_destroy(stator_context* context) {
  if (context == nullptr) return;
  // Threads that a fork left behind cannot be joined.
  if (context->owns_threads && context->process != getpid()) (void)context->pool.release();
  delete context;
}

stator_state* stator_context_state(stator_context* context) {
  return context == nullptr ? nullptr : &context->state;
}

stator_cancellation* stator_cancellation_create(void) {
  return new (std::nothrow) stator_cancellation;
}
void stator_cancellation_cancel(stator_cancellation* cancellation) {
  if (cancellation != nullptr) cancellation->token.Cancel();
}
void stator_cancellation_destroy(stator_cancellation* cancellation) { delete cancellation; }

stator_code stator_context_run(stator_context* context, int32_t entry, const stator_tensor* inputs,
                               int32_t num_inputs, stator_tensor* outputs, int32_t num_outputs,
                               const stator_run_options* options, stator_error* error) {
  return Report(stator::runtime::RunContext(context, entry, inputs, num_inputs, outputs,
                                            num_outputs, options),
                error);
}

stator_code stator_context_plan(stator_context* context, int32_t entry, const stator_tensor* inputs,
                                int32_t num_inputs, stator_tensor* outputs, int32_t num_outputs,
                                stator_memory_plan* plan, stator_error* error) {
  Use use(context);
  const auto run = use.Entry(entry);
  if (!run.ok()) return Report(run.status(), error);
  return Report((*run)->Plan(inputs, num_inputs, outputs, num_outputs, plan), error);
}

stator_code stator_context_get_stats(stator_context* context, int32_t entry,
                                     stator_run_stats* stats, stator_error* error) {
  Use use(context);
  if (const Status status = use.Check(entry); !status.ok()) return Report(status, error);
  const RunStats& s = context->stats[entry];
  stator_run_stats out = STATOR_INIT(stator_run_stats);
  out.planned_bytes = s.arena_bytes;
  out.lower_bound = s.arena_lower_bound;
  out.scratch_bytes = s.scratch_bytes;
  out.peak_bytes = s.peak_bytes;
  return Report(stator::runtime::WriteStruct("stats", out, stats), error);
}

stator_code stator_context_release_memory(stator_context* context, stator_error* error) {
  Use use(context);
  if (!use.status().ok()) return Report(use.status(), error);
  for (auto& run : context->entries) run.reset();
  return STATOR_OK;
}

}  // extern "C"
