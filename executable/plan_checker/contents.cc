#include "executable/plan_checker/contents.h"

#include <algorithm>
#include <string>

namespace stator::executable {

State StartState(const MemoryMap& memory) {
  const ImageModel& model = memory.model();
  State state;
  state.values.resize(model.buffers.size());
  state.bound.assign(model.symbols.size(), false);
  for (size_t i = 0; i < model.symbols.size(); ++i) {
    state.bound[i] = model.symbols[i].life == SymbolLife::kInput;
  }
  for (size_t i = 0; i < model.buffers.size(); ++i) {
    const Buffer& b = model.buffers[i];
    Content& content = state.values[i];
    const bool given = b.kind == BufferKind::kInput || b.kind == BufferKind::kConstant ||
                       b.kind == BufferKind::kVariableRead;
    if (given) content.valid = ByteSet({0, memory.SizeOf(static_cast<int32_t>(i))});
    content.allocated = b.kind != BufferKind::kDynamic &&
                        !(b.kind == BufferKind::kOutput && memory.plan().sizes[i] < 0);
  }
  for (const Variable& v : memory.entry().variables) {
    if (!v.partial_write) continue;
    state.values[v.write_buffer].valid = ByteSet({0, memory.SizeOf(v.write_buffer)});
  }
  return state;
}

void Merge(State* into, const State& other) {
  for (size_t i = 0; i < into->values.size(); ++i) {
    Content& a = into->values[i];
    const Content& b = other.values[i];
    if (a.valid.CoversFirstOf(b.valid) && a.loss == Loss::kNeverWritten) {
      a.loss = b.loss;
      a.clobbered_by = b.clobbered_by;
    }
    a.valid = a.valid.Intersect(b.valid);
    a.allocated = a.allocated && b.allocated;
    a.writes = std::max(a.writes, b.writes);
  }
  for (size_t i = 0; i < into->bound.size(); ++i) {
    into->bound[i] = into->bound[i] && other.bound[i];
  }
}

void Contents::UseInWave(int32_t buffer) {
  const Buffer& b = memory_.model().buffers[buffer];
  if (b.kind != BufferKind::kArena) return;
  if (log_->wave() < b.first_wave || log_->wave() > b.last_wave) {
    log_->Report(ViolationKind::kOutsideLifetime, log_->Name(buffer) + " lives in waves " +
                                                      std::to_string(b.first_wave) + ".." +
                                                      std::to_string(b.last_wave));
  }
  for (const LoopWaves& loop : open_loops_) {
    if (b.first_wave < loop.first && b.last_wave < loop.last) {
      log_->Report(ViolationKind::kOutsideLifetime,
                   log_->Name(buffer) + " is used by every iteration, but ends in wave " +
                       std::to_string(b.last_wave) + " inside the loop");
    }
  }
}

void Contents::Read(int32_t buffer, const State& state) {
  UseInWave(buffer);
  ReadContent(buffer, state);
}

void Contents::ReadContent(int32_t buffer, const State& state) {
  const Content& content = state.values[memory_.ValueOf(buffer)];
  if (!content.allocated) {
    ReportNoMemory(buffer, content);
    return;
  }
  if (content.valid.Covers(memory_.Bytes(buffer))) return;
  const std::string name = log_->Name(buffer);
  if (content.loss == Loss::kOldVersion) {
    log_->Report(ViolationKind::kOldVersionRead,
                 name + " was replaced in place by " + log_->Name(content.clobbered_by));
  } else if (content.loss == Loss::kClobbered) {
    log_->Report(ViolationKind::kClobbered,
                 name + " was overwritten by " + log_->Name(content.clobbered_by));
  } else {
    log_->Report(ViolationKind::kUseBeforeDefinition, name + " is read before it is written");
  }
}

void Contents::ReportNoMemory(int32_t buffer, const Content& content) {
  log_->Report(content.loss == Loss::kFreed ? ViolationKind::kUseAfterFree
                                            : ViolationKind::kUseBeforeDefinition,
               log_->Name(buffer) + " has no memory");
}

void Contents::Write(int32_t buffer, State* state, int64_t limit) {
  UseInWave(buffer);
  const BufferKind kind = memory_.model().buffers[buffer].kind;
  if (kind == BufferKind::kInput || kind == BufferKind::kConstant ||
      kind == BufferKind::kVariableRead || (kind == BufferKind::kPersistent && !in_init_)) {
    log_->Report(ViolationKind::kReadOnlyWritten, log_->Name(buffer) + " is read only");
    return;
  }
  const int32_t value = memory_.ValueOf(buffer);
  Content& content = state->values[value];
  if (!content.allocated) {
    ReportNoMemory(buffer, content);
    return;
  }
  Interval bytes = memory_.Bytes(buffer);
  // Of a buffer of unknown size, a write is taken to be of all of it.
  if (bytes.end < kUnknownSize) bytes.end = std::min(bytes.end, bytes.begin + limit);
  for (size_t i = 0; i < state->values.size(); ++i) {
    const auto other = static_cast<int32_t>(i);
    if (other == value || state->values[i].valid.empty()) continue;
    Clobber(value, bytes, other, &state->values[i]);
  }
  content.valid.Add(bytes);
  ++content.writes;
}

void Contents::Clobber(int32_t writer, Interval bytes, int32_t other, Content* victim) {
  const int32_t a = memory_.OwnerOf(writer);
  const int32_t b = memory_.OwnerOf(other);
  bool lost = false;
  if (a == b) {
    lost = victim->valid.Remove(bytes);
  } else if (memory_.GroupOf(a) != memory_.GroupOf(b)) {
    for (const int32_t x : memory_.SlotsOf(a)) {
      const Slot from = memory_.OwnSlot(x);
      for (const int32_t y : memory_.SlotsOf(b)) {
        const Slot to = memory_.OwnSlot(y);
        if (from.space != to.space) continue;
        lost |= victim->valid.Remove(
            {from.offset + bytes.begin - to.offset, from.offset + bytes.end - to.offset});
      }
    }
  }
  if (!lost) return;
  victim->loss = memory_.IsReadVersion(other) ? Loss::kOldVersion : Loss::kClobbered;
  victim->clobbered_by = writer;
}

}  // namespace stator::executable
