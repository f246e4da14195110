// What happens before the first step of a run and after its last.
#include <algorithm>
#include <cstdint>
#include <cstring>

#include "executable/expr_eval.h"
#include "executable/printer.h"
#include "executable/wave_range.h"
#include "runtime/core/run_execution.h"

namespace stator::runtime {

using executable::BufferKind;
using executable::ExprKind;
using executable::InvalidArgument;

namespace {

int32_t PollRun(void* run) { return static_cast<const RunControl*>(run)->ShouldStop() ? 1 : 0; }

std::string DimsText(const std::vector<int64_t>& dims) {
  std::string out = "[";
  for (size_t i = 0; i < dims.size(); ++i) out += (i == 0 ? "" : ", ") + std::to_string(dims[i]);
  return out + "]";
}

}  // namespace

RunExecution::RunExecution(std::shared_ptr<Executable> executable, int32_t entry,
                           VariableStore* variables, ThreadPool* pool)
    : executable_(std::move(executable)),
      p_(executable_->program()),
      m_(executable_->model()),
      entry_index_(entry),
      entry_(m_.entry_points[entry]),
      variables_(variables),
      pool_(pool) {
  table_ = p_.constants;
  owned_.resize(m_.buffers.size());
  lists_.resize(static_cast<size_t>(m_.num_lists));
  args_.resize(p_.num_args);
  scalars_.resize(p_.num_scalars);
  dynamic_grids_.resize(p_.phases.size());
  feed_handles_.resize(entry_.feeds.size());
  initialized_flags_.resize(entry_.variables.size());
  published_.resize(entry_.variables.size());
  errors_.resize(static_cast<size_t>(pool->size()));
  for (const executable::Variable& v : entry_.variables) {
    accesses_.push_back({variables_->FindOrCreate(v.name), v.read_buffer != kNone,
                         v.write_buffer != kNone, v.in_place});
  }
  // A fetch takes over the memory of an output buffer; a second fetch of it shares.
  fetch_of_output_.assign(m_.buffers.size(), kNone);
  for (size_t i = 0; i < entry_.fetches.size(); ++i) {
    const int32_t b = entry_.fetches[i].buffer;
    if (m_.buffers[b].kind == BufferKind::kOutput && m_.buffers[b].alias_of == kNone &&
        fetch_of_output_[b] == kNone && !executable::IsObjectDType(m_.buffers[b].dtype)) {
      fetch_of_output_[b] = static_cast<int32_t>(i);
    }
  }
}

Status RunExecution::Run(const std::vector<Tensor>& feeds, const RunOptions& options,
                         std::vector<Tensor>* fetches) {
  const ScopedFloatMode float_mode;
  options_ = options;
  stats_ = RunStats();
  guard_failure_.reset();
  bytes_in_use_ = 0;
  helpers_ = {STATOR_KERNEL_ABI_VERSION, sizeof(executable::Helpers), &options_.control, PollRun};
  std::fill(published_.begin(), published_.end(), false);
  fetches->resize(entry_.fetches.size());

  STATOR_EXEC_RETURN_IF_ERROR(AcquireVariables());
  const auto run = [&]() -> Status {
    STATOR_EXEC_RETURN_IF_ERROR(BindInputs(feeds));
    STATOR_EXEC_RETURN_IF_ERROR(PlaceArena());
    STATOR_EXEC_RETURN_IF_ERROR(PlaceFeeds(feeds));
    STATOR_EXEC_RETURN_IF_ERROR(PlaceVariables());
    STATOR_EXEC_RETURN_IF_ERROR(RunInit());
    STATOR_EXEC_RETURN_IF_ERROR(PlaceOutputs(fetches));
    STATOR_EXEC_RETURN_IF_ERROR(RunBlock(entry_.main_block));
    return Fetch(feeds, fetches);
  };
  const Status status = run();
  Finish();
  return status;
}

Status RunExecution::AcquireVariables() {
  if (accesses_.empty()) return Status::Ok();
  return variables_->Acquire(accesses_, options_.control, &leases_);
}

Status RunExecution::CheckPort(const char* what, const executable::Port& port,
                               const Tensor& tensor) const {
  if (!tensor.valid()) return InvalidArgument(std::string(what) + " " + port.name + ": no tensor");
  if (tensor.dtype() == port.dtype && tensor.dims().size() == port.dims.size()) {
    return Status::Ok();
  }
  return InvalidArgument(std::string(what) + " " + port.name + ": expected " +
                         executable::PrintType(m_, port.dtype, port.dims) + ", got " +
                         tensor.TypeToString());
}

Status RunExecution::BindInputs(const std::vector<Tensor>& feeds) {
  if (feeds.size() != entry_.feeds.size()) {
    return InvalidArgument("entry " + entry_.name + ": expected " +
                           std::to_string(entry_.feeds.size()) + " feeds, got " +
                           std::to_string(feeds.size()));
  }
  bound_input_.assign(m_.symbols.size(), 0);
  const auto bind = [&](const std::vector<int32_t>& exprs, const std::vector<int64_t>& dims) {
    for (size_t d = 0; d < exprs.size(); ++d) {
      const executable::Expr& e = m_.expressions[exprs[d]];
      // The last one wins; CheckDims compares them all.
      if (e.kind == ExprKind::kSymbol) bound_input_[e.value] = dims[d];
    }
  };
  for (size_t i = entry_.variables.size(); i-- > 0;) {
    const executable::Variable& v = entry_.variables[i];
    if (v.read_buffer == kNone) continue;
    const VariableLease& lease = leases_[i];
    if (!lease.initialized) {
      Status status = executable::FailedPrecondition("variable " + v.name + " is not initialized");
      if (v.source_node == kNone) return status;
      return Status(status.code(),
                    "node " + executable::PrintNode(m_, v.source_node) + ": " + status.message());
    }
    if (lease.dtype != v.dtype || lease.dims.size() != v.read_dims.size()) {
      return InvalidArgument("variable " + v.name + ": expected " +
                             executable::PrintType(m_, v.dtype, v.read_dims) + ", it holds " +
                             executable::DTypeName(lease.dtype) + DimsText(lease.dims));
    }
    bind(v.read_dims, lease.dims);
  }
  for (size_t i = feeds.size(); i-- > 0;) {
    STATOR_EXEC_RETURN_IF_ERROR(CheckPort("feed", entry_.feeds[i], feeds[i]));
    bind(entry_.feeds[i].dims, feeds[i].dims());
  }
  STATOR_EXEC_RETURN_IF_ERROR(UsePlan());
  for (size_t i = 0; i < feeds.size(); ++i) {
    STATOR_EXEC_RETURN_IF_ERROR(
        CheckDims("feed ", entry_.feeds[i].name, entry_.feeds[i].dims, feeds[i].dims()));
  }
  for (size_t i = 0; i < entry_.variables.size(); ++i) {
    const executable::Variable& v = entry_.variables[i];
    if (v.read_buffer == kNone) continue;
    STATOR_EXEC_RETURN_IF_ERROR(CheckDims("variable ", v.name, v.read_dims, leases_[i].dims));
  }
  return Status::Ok();
}

Status RunExecution::CheckDims(const char* what, const std::string& name,
                               const std::vector<int32_t>& exprs,
                               const std::vector<int64_t>& dims) const {
  for (size_t d = 0; d < exprs.size(); ++d) {
    const int64_t expected = plan_->values[exprs[d]];
    if (dims[d] == expected) continue;
    std::string text = std::to_string(expected);
    if (m_.expressions[exprs[d]].kind != ExprKind::kConst) {
      text = executable::ExprToString(m_, exprs[d]) + " = " + text;
    }
    return InvalidArgument(what + name + ": dimension " + std::to_string(d) + " must be " + text +
                           ", got " + std::to_string(dims[d]) + " in " + DimsText(dims));
  }
  return Status::Ok();
}

Status RunExecution::UsePlan() {
  if (plan_ == nullptr || input_symbols_ != bound_input_) {
    GuardFailure failure;
    Result<std::shared_ptr<const PlanInstance>> plan =
        executable_->PlanFor(entry_index_, bound_input_, &failure);
    if (!plan.ok()) {
      if (failure.guard != kNone) guard_failure_ = failure;
      return plan.status();
    }
    plan_ = std::move(plan).value();
    input_symbols_ = bound_input_;
    values_ = plan_->values;
    bound_.assign(m_.symbols.size(), false);
    for (const ProgramLaunch& launch : p_.launches) {
      if (!launch.is_static) continue;
      const std::vector<int32_t>& exprs = launch.launch->scalars;
      for (size_t i = 0; i < exprs.size(); ++i) {
        scalars_[launch.first_scalar + i] = values_[exprs[i]];
      }
    }
    loops_ran_ = true;  // addresses are new
    dying_.clear();
  }
  std::fill(bound_.begin(), bound_.end(), false);
  return Status::Ok();
}

Status RunExecution::PlaceArena() {
  STATOR_EXEC_RETURN_IF_ERROR(Charge(plan_->arena_bytes));
  stats_.arena_bytes = plan_->layout.peak;
  stats_.arena_lower_bound = plan_->layout.lower_bound;
  bool moved = loops_ran_;
  if (arena_ == nullptr || arena_->size() < plan_->arena_bytes) {
    arena_.reset();
    STATOR_EXEC_ASSIGN_OR_RETURN(arena_, Buffer::Allocate(plan_->arena_bytes, p_.arena_alignment));
    moved = true;
  }
  STATOR_EXEC_RETURN_IF_ERROR(EnsureScratch(plan_->scratch_stride));
  if (moved) {
    char* base = static_cast<char*>(arena_->data());
    for (size_t i = 0; i < m_.buffers.size(); ++i) {
      const executable::Buffer& b = m_.buffers[i];
      if (b.alias_of != kNone || b.in_place_of != kNone) continue;  // follows from its base
      const int64_t offset = plan_->layout.offsets[i];
      void* address = table_[i];
      if (offset >= 0) address = base + plan_->segment_start[b.segment] + offset;
      SetAddress(static_cast<int32_t>(i), address);
    }
    loops_ran_ = false;
  }
  if (options_.poison) {
    FindDying();
    std::memset(arena_->data(), 0xFF, static_cast<size_t>(plan_->arena_bytes));
  }
  return Status::Ok();
}

Status RunExecution::PlaceFeeds(const std::vector<Tensor>& feeds) {
  for (size_t i = 0; i < feeds.size(); ++i) {
    void* address = feeds[i].raw();
    if (feeds[i].is_string()) {
      std::vector<const std::string*>& handles = feed_handles_[i];
      handles.clear();
      for (const std::string& s : feeds[i].strings()) handles.push_back(&s);
      address = handles.data();
    }
    const int32_t buffer = entry_.feeds[i].buffer;
    if (table_[buffer] != address) SetAddress(buffer, address);
  }
  return Status::Ok();
}

Status RunExecution::PlaceVariables() {
  for (size_t i = 0; i < entry_.variables.size(); ++i) {
    const executable::Variable& v = entry_.variables[i];
    VariableLease& lease = leases_[i];
    if (v.initialized_buffer != kNone) {
      initialized_flags_[i] = lease.initialized ? 1 : 0;
      SetAddress(v.initialized_buffer, &initialized_flags_[i]);
    }
    if (v.read_buffer != kNone) SetAddress(v.read_buffer, lease.buffer->data());
    if (v.write_buffer == kNone) continue;
    const int64_t bytes = plan_->values[m_.buffers[v.write_buffer].byte_size];
    if (lease.exclusive) {
      if (lease.buffer->size() < bytes) {
        return executable::Internal("variable " + v.name + ": an in-place write grows it");
      }
      SetAddress(v.write_buffer, lease.buffer->data());
      continue;
    }
    STATOR_EXEC_RETURN_IF_ERROR(Charge(bytes));
    if (lease.new_buffer == nullptr || lease.new_buffer->size() < bytes) {
      STATOR_EXEC_ASSIGN_OR_RETURN(lease.new_buffer, Buffer::Allocate(bytes));
    }
    if (v.partial_write) {
      std::memcpy(lease.new_buffer->data(), lease.buffer->data(),
                  static_cast<size_t>(std::min(bytes, lease.buffer->size())));
    }
    SetAddress(v.write_buffer, lease.new_buffer->data());
  }
  return Status::Ok();
}

Status RunExecution::RunInit() {
  if (entry_.init_block == kNone) return Status::Ok();
  Executable::InitState& init = *executable_->init_[entry_index_];
  const std::lock_guard<std::mutex> lock(init.mutex);
  std::vector<uint64_t> versions;
  for (int32_t i : entry_.init_variables) versions.push_back(leases_[i].number);
  const bool fresh = init.current == nullptr || init.current->versions != versions;
  std::shared_ptr<PersistentSet> made;
  if (fresh) {
    made = std::make_shared<PersistentSet>();
    made->versions = std::move(versions);
    made->buffers.resize(m_.buffers.size());
    for (size_t i = 0; i < m_.buffers.size(); ++i) {
      const executable::Buffer& b = m_.buffers[i];
      if (b.kind != BufferKind::kPersistent || b.alias_of != kNone) continue;
      STATOR_EXEC_ASSIGN_OR_RETURN(made->buffers[i],
                                   Buffer::Allocate(plan_->values[b.byte_size], b.alignment));
    }
    persistent_ = made;
  } else if (persistent_ == init.current) {
    return Status::Ok();
  } else {
    persistent_ = init.current;
  }
  for (size_t i = 0; i < m_.buffers.size(); ++i) {
    if (persistent_->buffers[i] == nullptr) continue;
    SetAddress(static_cast<int32_t>(i), persistent_->buffers[i]->data());
  }
  if (!fresh) return Status::Ok();
  const Status status = RunBlock(entry_.init_block);
  if (!status.ok()) {
    persistent_.reset();
    return status;
  }
  init.current = std::move(made);
  return Status::Ok();
}

Status RunExecution::PlaceOutputs(std::vector<Tensor>* fetches) {
  for (size_t i = 0; i < m_.buffers.size(); ++i) {
    const executable::Buffer& b = m_.buffers[i];
    if (b.kind != BufferKind::kOutput || b.alias_of != kNone) continue;
    const auto index = static_cast<int32_t>(i);
    const executable::WaveRange waves = p_.entry_waves[entry_index_];
    if (b.first_wave > waves.last || b.last_wave < waves.first) continue;
    if (!p_.uses[b.byte_size].KnownAtStart()) continue;  // an Alloc step will
    const int64_t bytes = plan_->values[b.byte_size];
    const int32_t fetch = fetch_of_output_[i];
    if (fetch != kNone && options_.reuse_fetches) {
      Tensor& given = (*fetches)[fetch];
      if (given.dtype() == b.dtype && given.buffer() != nullptr &&
          given.buffer()->size() >= bytes &&
          given.buffer().use_count() <= 1 + (given.buffer() == owned_[i] ? 1 : 0)) {
        owned_[i] = given.buffer();
        SetAddress(index, owned_[i]->data());
        STATOR_EXEC_RETURN_IF_ERROR(Charge(bytes));
        continue;
      }
    }
    owned_[i].reset();
    STATOR_EXEC_RETURN_IF_ERROR(Allocate(index, bytes));
  }
  return Status::Ok();
}

Status RunExecution::Fetch(const std::vector<Tensor>& feeds, std::vector<Tensor>* fetches) {
  for (size_t i = 0; i < entry_.fetches.size(); ++i) {
    STATOR_EXEC_RETURN_IF_ERROR(FetchOne(i, feeds, &(*fetches)[i]));
  }
  return Status::Ok();
}

Status RunExecution::FetchOne(size_t i, const std::vector<Tensor>& feeds, Tensor* out) {
  const executable::Port& port = entry_.fetches[i];
  for (size_t f = 0; f < feeds.size(); ++f) {
    if (entry_.feeds[f].buffer == port.buffer) {
      *out = feeds[f];
      return Status::Ok();
    }
  }
  std::vector<int64_t>& dims = fetch_dims_;
  dims.clear();
  int64_t bytes = executable::DTypeSize(port.dtype);
  for (int32_t e : port.dims) {
    dims.push_back(values_[e]);
    if (values_[e] < 0 || __builtin_mul_overflow(bytes, values_[e], &bytes)) {
      return executable::Internal("fetch " + port.name + ": bad shape " + DimsText(dims));
    }
  }
  if (table_[port.buffer] == nullptr && bytes > 0) {
    return executable::Internal("fetch " + port.name + ": never computed");
  }
  if (port.dtype == DType::kString) {
    const auto* handles = static_cast<const std::string* const*>(table_[port.buffer]);
    std::vector<std::string> strings(static_cast<size_t>(bytes / 8));
    for (size_t k = 0; k < strings.size(); ++k) {
      if (handles[k] != nullptr) strings[k] = *handles[k];
    }
    STATOR_EXEC_ASSIGN_OR_RETURN(*out, Tensor::FromStrings(dims, std::move(strings)));
    return Status::Ok();
  }
  const BufferRef& memory = owned_[port.buffer];
  if (fetch_of_output_[port.buffer] != kNone && memory != nullptr) {
    if (memory->size() < bytes) {
      return executable::Internal("fetch " + port.name + ": its buffer is too small");
    }
    out->Assign(port.dtype, dims, memory);
    return Status::Ok();
  }
  STATOR_EXEC_ASSIGN_OR_RETURN(*out,
                               Tensor::FromBytes(port.dtype, dims, table_[port.buffer], bytes));
  return Status::Ok();
}

void RunExecution::Finish() {
  for (size_t i = 0; i < leases_.size(); ++i) {
    const executable::Variable& v = entry_.variables[i];
    if (!published_[i]) continue;
    VariableLease& lease = leases_[i];
    lease.publish = true;
    lease.new_dtype = v.dtype;
    lease.new_dims.clear();
    for (int32_t e : v.write_dims) lease.new_dims.push_back(values_[e]);
  }
  if (!leases_.empty()) variables_->Release(&leases_);
  for (size_t i = 0; i < owned_.size(); ++i) {
    if (owned_[i] == nullptr) continue;
    // Outputs belong to the caller now; one that the next run may reuse stays known.
    if (!options_.reuse_fetches || fetch_of_output_[i] == kNone) owned_[i].reset();
  }
  if (!strings_.empty()) strings_.clear();
  for (ListMemory& list : lists_) list = ListMemory();
  for (size_t kind = 0; kind < stats_.steps.size(); ++kind) {
    if (stats_.steps[kind] == 0) continue;
    executable_->step_counts_[kind].fetch_add(stats_.steps[kind], std::memory_order_relaxed);
  }
}

void RunExecution::FindDying() {
  if (!dying_.empty()) return;
  const executable::WaveRange waves = p_.entry_waves[entry_index_];
  dying_.resize(static_cast<size_t>(std::max(waves.last, 0)) + 1);
  const size_t n = m_.buffers.size();
  std::vector<int32_t> first(n, INT32_MAX);
  std::vector<int32_t> last(n, -1);
  owner_bytes_.assign(n, 0);
  const auto owner = [&](int32_t b) {
    while (m_.buffers[b].alias_of != kNone || m_.buffers[b].in_place_of != kNone) {
      b = m_.buffers[b].alias_of != kNone ? m_.buffers[b].alias_of : m_.buffers[b].in_place_of;
    }
    return b;
  };
  for (size_t i = 0; i < n; ++i) {
    const executable::Buffer& b = m_.buffers[i];
    if (plan_->layout.offsets[i] < 0 || IsObjectDType(b.dtype)) continue;
    const int32_t o = owner(static_cast<int32_t>(i));
    first[o] = std::min(first[o], b.first_wave);
    last[o] = std::max(last[o], b.last_wave);
    if (b.alias_of == kNone) {
      owner_bytes_[o] = std::max(owner_bytes_[o], plan_->values[b.byte_size]);
    }
  }
  for (const StepInfo& step : p_.steps) {
    const auto* loop = std::get_if<executable::While>(&step.step->body);
    if (loop == nullptr) continue;
    // What is defined before a loop and ends in it is read by every iteration.
    const executable::WaveRange cond = executable::BlockWaves(m_, loop->cond_block);
    const executable::WaveRange body = executable::BlockWaves(m_, loop->body_block);
    const int32_t begin = std::min(cond.first, body.first);
    const int32_t end = std::max(cond.last, body.last);
    for (size_t i = 0; i < n; ++i) {
      if (first[i] < begin && last[i] >= begin && last[i] <= end) last[i] = -1;
    }
    for (const executable::CarriedPair& pair : loop->carried) {
      // They trade places: leave their memory alone, it is shared for both lifetimes.
      last[owner(pair.current)] = -1;
      last[owner(pair.next)] = -1;
    }
  }
  for (size_t i = 0; i < n; ++i) {
    if (last[i] >= 0 && last[i] < static_cast<int32_t>(dying_.size())) {
      dying_[last[i]].push_back(static_cast<int32_t>(i));
    }
  }
}

}  // namespace stator::runtime
