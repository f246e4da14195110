#include "runtime/core/entry_run.h"

#include <algorithm>
#include <cstring>
#include <string>
#include <utility>

namespace stator::runtime {

using executable::InvalidArgument;

Result<std::unique_ptr<EntryRun>> EntryRun::Create(std::shared_ptr<const ModelData> model,
                                                   std::shared_ptr<StateData> state, int32_t entry,
                                                   ThreadPool* pool,
                                                   const stator_context_options& options) {
  std::unique_ptr<EntryRun> run(new EntryRun(std::move(model), std::move(state), entry, options));
  STATOR_EXEC_ASSIGN_OR_RETURN(
      run->runner_, Runner::Create(run->model_->executable, entry, &run->state_->store, pool));
  return run;
}

EntryRun::EntryRun(std::shared_ptr<const ModelData> model, std::shared_ptr<StateData> state,
                   int32_t entry, const stator_context_options& options)
    : model_(std::move(model)),
      state_(std::move(state)),
      entry_index_(entry),
      entry_(model_->image().entry_points[entry]),
      options_(options) {
  inputs_.resize(entry_.feeds.size());
  feeds_.resize(entry_.feeds.size());
  outputs_.resize(entry_.fetches.size());
  fetches_.resize(entry_.fetches.size());
}

Status EntryRun::CheckCounts(int32_t num_inputs, int32_t num_outputs) const {
  const auto check = [this](const char* what, int32_t got, size_t expected) {
    if (got >= 0 && static_cast<size_t>(got) == expected) return Status::Ok();
    return InvalidArgument("entry " + entry_.name + ": expected " + std::to_string(expected) +
                           what + std::to_string(got));
  };
  STATOR_EXEC_RETURN_IF_ERROR(check(" inputs, got ", num_inputs, inputs_.size()));
  return check(" outputs, got ", num_outputs, outputs_.size());
}

void EntryRun::Wrap(BufferRef* wrap, void* data, int64_t bytes) {
  if (*wrap == nullptr) *wrap = Buffer::Wrap(nullptr, 0, nullptr);
  (*wrap)->Rewrap(data, bytes);
}

Status EntryRun::BindInput(const stator_tensor* inputs, int32_t i, bool with_data) {
  stator_tensor tensor;
  Status status = ReadElement("tensor", inputs, i, &tensor);
  int64_t elements = 0;
  if (status.ok()) status = ReadType(tensor, &dims_, &elements);
  if (!status.ok()) return At(InputName(i), status);
  const auto dtype = static_cast<DType>(tensor.dtype);
  // What another type's data holds must not be taken for strings: the run refuses it by its type.
  const bool is_wrong = dtype == DType::kString && entry_.feeds[i].dtype != DType::kString;
  if (!with_data || is_wrong) {
    feeds_[i].Assign(dtype, dims_, nullptr);
    return Status::Ok();
  }
  if (tensor.data == nullptr && elements > 0)
    return InvalidArgument(InputName(i) + ": data is NULL");
  if (dtype != DType::kString) return BindNumbers(tensor, i, elements);
  Result<Tensor> strings = WrapTensor(tensor);
  if (!strings.ok()) return At(InputName(i), strings.status());
  feeds_[i] = *std::move(strings);
  return Status::Ok();
}

Status EntryRun::BindNumbers(const stator_tensor& tensor, int32_t i, int64_t elements) {
  const auto dtype = static_cast<DType>(tensor.dtype);
  const int64_t element = executable::DTypeSize(dtype);
  const int64_t bytes = elements * element;
  Input& input = inputs_[i];
  if (reinterpret_cast<uintptr_t>(tensor.data) % static_cast<uintptr_t>(element) == 0) {
    Wrap(&input.wrap, tensor.data, bytes);
    feeds_[i].Assign(dtype, dims_, input.wrap);
    return Status::Ok();
  }
  if (input.copy == nullptr || input.copy->size() < bytes) {
    STATOR_EXEC_ASSIGN_OR_RETURN(input.copy, Buffer::Allocate(bytes));
  }
  std::memcpy(input.copy->data(), tensor.data, static_cast<size_t>(bytes));
  feeds_[i].Assign(dtype, dims_, input.copy);
  return Status::Ok();
}

Status EntryRun::BindOutput(const stator_tensor* outputs, int32_t i) {
  stator_tensor tensor;
  const Status status = ReadElement("tensor", outputs, i, &tensor);
  if (!status.ok()) return At(OutputName(i), status);
  Output& out = outputs_[i];
  out.capacity = tensor.capacity;
  out.data = tensor.capacity > 0 ? tensor.data : nullptr;
  out.allocated = false;
  out.needed = 0;
  if (out.capacity > 0 && out.data == nullptr) {
    return InvalidArgument(OutputName(i) + ": has a capacity, but data is NULL");
  }
  return Status::Ok();
}

Status EntryRun::CheckOverlap() {
  ranges_.clear();
  const auto add = [this](const void* data, size_t bytes, int32_t output) {
    const auto begin = reinterpret_cast<uintptr_t>(data);
    if (bytes > 0) ranges_.push_back({begin, begin + bytes, output});
  };
  for (size_t i = 0; i < outputs_.size(); ++i) {
    add(outputs_[i].data, outputs_[i].capacity, static_cast<int32_t>(i));
  }
  if (ranges_.empty()) return Status::Ok();
  for (const Tensor& feed : feeds_) {
    if (!feed.is_string()) add(feed.raw(), static_cast<size_t>(feed.bytes()), -1);
  }
  std::sort(ranges_.begin(), ranges_.end(),
            [](const Range& a, const Range& b) { return a.begin < b.begin; });
  uintptr_t end_of_all = 0;
  uintptr_t end_of_outputs = 0;
  int32_t last_output = -1;
  for (const Range& r : ranges_) {
    const bool overlaps = r.begin < (r.output >= 0 ? end_of_all : end_of_outputs);
    if (overlaps) {
      return InvalidArgument(OutputName(r.output >= 0 ? r.output : last_output) +
                             ": its memory overlaps an input's or another output's");
    }
    end_of_all = std::max(end_of_all, r.end);
    if (r.output >= 0 && r.end > end_of_outputs) {
      end_of_outputs = r.end;
      last_output = r.output;
    }
  }
  return Status::Ok();
}

Status EntryRun::TooSmall(int32_t i, size_t bytes) {
  outputs_[i].needed = bytes;
  return InvalidArgument(OutputName(i) + ": needs " + std::to_string(bytes) +
                         " bytes, its memory has " + std::to_string(outputs_[i].capacity));
}

Status EntryRun::Announce(int fetch, int64_t bytes) {
  const DType dtype = entry_.fetches[fetch].dtype;
  const auto size = static_cast<size_t>(bytes / executable::DTypeSize(dtype) * ElementBytes(dtype));
  const Output& out = outputs_[fetch];
  return out.capacity > 0 && size > out.capacity ? TooSmall(fetch, size) : Status::Ok();
}

Result<void*> EntryRun::CallAllocate(int32_t i, size_t bytes, size_t alignment) {
  void* data = options_.allocate(options_.allocate_user, entry_index_, i, bytes, alignment);
  if (data == nullptr) {
    return executable::ResourceExhausted(OutputName(i) + ": the program's allocate gave no " +
                                         std::to_string(bytes) + " bytes");
  }
  outputs_[i].allocated = true;
  outputs_[i].data = data;
  return data;
}

Result<BufferRef> EntryRun::Provide(int fetch, int64_t bytes, int64_t alignment) {
  Output& out = outputs_[fetch];
  if (out.capacity == 0) {
    if (options_.allocate == nullptr || bytes == 0) return BufferRef();
    STATOR_EXEC_RETURN_IF_ERROR(
        CallAllocate(fetch, static_cast<size_t>(bytes), static_cast<size_t>(alignment)).status());
  } else if (out.capacity < static_cast<size_t>(bytes)) {
    return BufferRef();  // large enough for the tensor, not for how it is computed
  }
  if (reinterpret_cast<uintptr_t>(out.data) % static_cast<uintptr_t>(alignment) != 0) {
    if (!copied_) {
      model_->Log(STATOR_LOG_WARNING, OutputName(fetch) + ": its memory is not aligned to " +
                                          std::to_string(alignment) + ", results are copied");
    }
    copied_ = true;
    return BufferRef();
  }
  Wrap(&out.wrap, out.data, bytes);
  return out.wrap;
}

Status EntryRun::DeliverData(int32_t i, const void* bytes, size_t size, stator_tensor* tensor) {
  Output& out = outputs_[i];
  if (out.capacity > 0) {
    if (size > out.capacity) return TooSmall(i, size);
  } else if (!out.allocated && options_.allocate != nullptr && size > 0) {
    STATOR_EXEC_RETURN_IF_ERROR(CallAllocate(i, size, STATOR_ALIGNMENT).status());
  }
  if (out.capacity == 0 && !out.allocated) {
    tensor->data = const_cast<void*>(bytes);  // lent
    return Status::Ok();
  }
  tensor->data = out.data;
  if (bytes != out.data && size > 0) std::memcpy(out.data, bytes, size);
  return Status::Ok();
}

bool EntryRun::IsCallers(const BufferRef& buffer) const {
  if (buffer == nullptr) return false;
  return std::any_of(inputs_.begin(), inputs_.end(),
                     [&](const Input& i) { return i.wrap == buffer || i.copy == buffer; }) ||
         std::any_of(outputs_.begin(), outputs_.end(),
                     [&](const Output& o) { return o.wrap == buffer; });
}

Status EntryRun::Deliver(int32_t i, stator_tensor* given) {
  Tensor& result = fetches_[i];
  Output& out = outputs_[i];
  stator_tensor tensor = STATOR_INIT(stator_tensor);
  tensor.capacity = out.capacity;
  tensor.data = out.data;
  Status status = WriteType(result.dtype(), result.dims(), &tensor);
  if (!status.ok()) status = At(OutputName(i), status);
  if (status.ok() && result.is_string()) {
    out.strings.clear();
    for (const std::string& s : result.strings()) out.strings.push_back({s.data(), s.size()});
    status = DeliverData(i, out.strings.data(), tensor.bytes, &tensor);
  } else if (status.ok()) {
    if (out.capacity == 0 && !out.allocated && IsCallers(result.buffer())) {
      STATOR_EXEC_ASSIGN_OR_RETURN(
          result, Tensor::FromBytes(result.dtype(), result.dims(), result.raw(), result.bytes()));
    }
    status = DeliverData(i, result.raw(), tensor.bytes, &tensor);
  }
  const Status written = WriteStruct("output", tensor, given);
  return status.ok() ? written : status;
}

Status EntryRun::Run(const stator_tensor* inputs, int32_t num_inputs, stator_tensor* outputs,
                     int32_t num_outputs, RunOptions options) {
  STATOR_EXEC_RETURN_IF_ERROR(CheckCounts(num_inputs, num_outputs));
  if ((inputs == nullptr && num_inputs > 0) || (outputs == nullptr && num_outputs > 0)) {
    return InvalidArgument("inputs or outputs is NULL");
  }
  for (int32_t i = 0; i < num_inputs; ++i) {
    STATOR_EXEC_RETURN_IF_ERROR(BindInput(inputs, i, true));
  }
  for (int32_t i = 0; i < num_outputs; ++i) {
    STATOR_EXEC_RETURN_IF_ERROR(BindOutput(outputs, i));
  }
  STATOR_EXEC_RETURN_IF_ERROR(CheckOverlap());
  options.outputs = this;
  options.reuse_fetches = true;
  if (options_.memory_budget > 0) options.max_bytes = options_.memory_budget;
  Status status = runner_->Run(feeds_, options, &fetches_);
  if (status.ok()) {
    for (int32_t i = 0; i < num_outputs; ++i) {
      const Status delivered = Deliver(i, Element(outputs, i));
      if (status.ok()) status = delivered;
    }
    return status;
  }
  for (int32_t i = 0; i < num_outputs; ++i) {
    if (outputs_[i].needed > 0) Element(outputs, i)->bytes = outputs_[i].needed;
    // What `allocate` gave is the caller's.
    if (outputs_[i].allocated) Element(outputs, i)->data = outputs_[i].data;
  }
  return status;
}

Status EntryRun::Plan(const stator_tensor* inputs, int32_t num_inputs, stator_tensor* outputs,
                      int32_t num_outputs, stator_memory_plan* plan) {
  if (outputs == nullptr) num_outputs = static_cast<int32_t>(outputs_.size());
  STATOR_EXEC_RETURN_IF_ERROR(CheckCounts(num_inputs, num_outputs));
  if (inputs == nullptr && num_inputs > 0) return InvalidArgument("inputs is NULL");
  for (int32_t i = 0; i < num_inputs; ++i) {
    STATOR_EXEC_RETURN_IF_ERROR(BindInput(inputs, i, false));
  }
  RunPlan run;
  STATOR_EXEC_RETURN_IF_ERROR(runner_->Plan(feeds_, 0, &run));
  for (int32_t i = 0; outputs != nullptr && i < num_outputs; ++i) {
    stator_tensor tensor;
    Status status = ReadElement("tensor", outputs, i, &tensor);
    if (status.ok()) status = WriteType(entry_.fetches[i].dtype, run.fetch_dims[i], &tensor);
    if (status.ok()) status = WriteStruct("tensor", tensor, Element(outputs, i));
    if (!status.ok()) return At(OutputName(i), status);
  }
  if (plan == nullptr) return Status::Ok();
  stator_memory_plan out = STATOR_INIT(stator_memory_plan);
  out.planned_bytes = run.arena_bytes;
  out.lower_bound = run.arena_lower_bound;
  out.scratch_bytes = run.scratch_bytes;
  out.persistent_bytes = run.persistent_bytes;
  return WriteStruct("plan", out, plan);
}

}  // namespace stator::runtime
