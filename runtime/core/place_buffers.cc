// Where the buffers of a run lie: arena, feeds, variables, what init made, outputs.
#include <algorithm>
#include <cstring>

#include "runtime/core/run_execution.h"

namespace stator::runtime {

using executable::BufferKind;

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
      const auto index = static_cast<int32_t>(i);
      if (offset < 0) {
        SetAddress(index, table_[i], Room(index));
        continue;
      }
      const int64_t start = plan_->segment_start[b.segment] + offset;
      SetAddress(index, base + start, plan_->arena_bytes - start);
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
    const int64_t bytes = feeds[i].bytes();
    if (feeds[i].is_string()) {
      std::vector<const std::string*>& handles = feed_handles_[i];
      handles.clear();
      for (const std::string& s : feeds[i].strings()) handles.push_back(&s);
      address = handles.data();
    }
    const int32_t buffer = entry_.feeds[i].buffer;
    if (table_[buffer] != address || Room(buffer) != bytes) SetAddress(buffer, address, bytes);
  }
  return Status::Ok();
}

Status RunExecution::PlaceVariables() {
  for (size_t i = 0; i < entry_.variables.size(); ++i) {
    const executable::Variable& v = entry_.variables[i];
    VariableLease& lease = leases_[i];
    if (v.initialized_buffer != kNone) {
      initialized_flags_[i] = lease.initialized ? 1 : 0;
      SetAddress(v.initialized_buffer, &initialized_flags_[i], 1);
    }
    if (v.read_buffer != kNone) {
      SetAddress(v.read_buffer, lease.buffer->data(), lease.buffer->size());
    }
    if (v.write_buffer == kNone) continue;
    const int64_t bytes = plan_->values[m_.buffers[v.write_buffer].byte_size];
    if (bytes < 0) return executable::InvalidArgument("variable " + v.name + ": negative size");
    if (lease.exclusive) {
      if (lease.buffer->size() < bytes) {
        return executable::Internal("variable " + v.name + ": an in-place write grows it");
      }
      SetAddress(v.write_buffer, lease.buffer->data(), lease.buffer->size());
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
    SetAddress(v.write_buffer, lease.new_buffer->data(), lease.new_buffer->size());
  }
  return Status::Ok();
}

Status RunExecution::RunInit() {
  if (entry_.init_block == kNone) return Status::Ok();
  const auto current = [this](const PersistentSet* set) {
    if (set == nullptr) return false;
    for (size_t i = 0; i < entry_.init_variables.size(); ++i) {
      if (set->versions[i] != leases_[entry_.init_variables[i]].number) return false;
    }
    return true;
  };
  // Runners whose stores differ alternate in `init.current`: each keeps its own while it is
  // current.
  if (current(persistent_.get())) return Status::Ok();
  Executable::InitState& init = *executable_->init_[entry_index_];
  const std::lock_guard<std::mutex> lock(init.mutex);
  const bool fresh = !current(init.current.get());
  std::shared_ptr<PersistentSet> made;
  if (fresh) {
    made = std::make_shared<PersistentSet>();
    for (int32_t i : entry_.init_variables) made->versions.push_back(leases_[i].number);
    made->buffers.resize(m_.buffers.size());
    for (size_t i = 0; i < m_.buffers.size(); ++i) {
      const executable::Buffer& b = m_.buffers[i];
      if (b.kind != BufferKind::kPersistent || b.alias_of != kNone || !IsOfEntry(b)) continue;
      STATOR_EXEC_ASSIGN_OR_RETURN(made->buffers[i],
                                   Buffer::Allocate(plan_->values[b.byte_size], b.alignment));
    }
    persistent_ = made;
  } else {
    persistent_ = init.current;
  }
  for (size_t i = 0; i < m_.buffers.size(); ++i) {
    if (persistent_->buffers[i] == nullptr) continue;
    const Buffer& buffer = *persistent_->buffers[i];
    SetAddress(static_cast<int32_t>(i), buffer.data(), buffer.size());
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

Status RunExecution::AnnounceOutputs() {
  for (size_t i = 0; i < entry_.fetches.size(); ++i) {
    const executable::Port& port = entry_.fetches[i];
    int64_t bytes = executable::DTypeSize(port.dtype);
    bool known = true;
    for (int32_t e : port.dims) {
      known &= p_.uses[e].KnownAtStart();
      if (!known) break;
      if (values_[e] < 0 || __builtin_mul_overflow(bytes, values_[e], &bytes)) {
        return executable::InvalidArgument("fetch " + port.name + ": too large");
      }
    }
    if (!known) continue;
    STATOR_EXEC_RETURN_IF_ERROR(options_.outputs->Announce(static_cast<int>(i), bytes));
  }
  return Status::Ok();
}

Status RunExecution::PlaceOutputs(std::vector<Tensor>* fetches) {
  for (size_t i = 0; i < m_.buffers.size(); ++i) {
    const executable::Buffer& b = m_.buffers[i];
    if (b.kind != BufferKind::kOutput || b.alias_of != kNone) continue;
    const auto index = static_cast<int32_t>(i);
    if (!IsOfEntry(b)) continue;
    if (!p_.uses[b.byte_size].KnownAtStart()) continue;  // an Alloc step will
    const int64_t bytes = plan_->values[b.byte_size];
    if (bytes < 0) {
      return executable::InvalidArgument("output " + b.name + ": negative size " +
                                         std::to_string(bytes));
    }
    const int32_t fetch = fetch_of_output_[i];
    if (fetch != kNone && options_.outputs != nullptr) {
      STATOR_EXEC_ASSIGN_OR_RETURN(BufferRef given,
                                   options_.outputs->Provide(fetch, bytes, b.alignment));
      if (given != nullptr) {
        owned_[i] = std::move(given);
        SetAddress(index, owned_[i]->data(), owned_[i]->size());
        continue;
      }
    }
    if (fetch != kNone && options_.reuse_fetches) {
      Tensor& given = (*fetches)[fetch];
      if (given.dtype() == b.dtype && given.buffer() != nullptr &&
          given.buffer()->size() >= bytes &&
          given.buffer().use_count() <= 1 + (given.buffer() == owned_[i] ? 1 : 0)) {
        owned_[i] = given.buffer();
        SetAddress(index, owned_[i]->data(), owned_[i]->size());
        STATOR_EXEC_RETURN_IF_ERROR(Charge(bytes));
        continue;
      }
    }
    owned_[i].reset();
    STATOR_EXEC_RETURN_IF_ERROR(Allocate(index, bytes));
  }
  return Status::Ok();
}

}  // namespace stator::runtime
