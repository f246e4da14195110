// The steps of a run, one function per kind; kernels are in launch.cc.
#include <algorithm>
#include <cstring>

#include "executable/expr_eval.h"
#include "executable/printer.h"
#include "runtime/core/run_execution.h"

namespace stator::runtime {

using executable::InvalidArgument;

Status RunExecution::RunBlock(int32_t block) {
  if (block == kNone) return Status::Ok();
  for (const ProgramWave& wave : p_.blocks[block]) {
    STATOR_EXEC_RETURN_IF_ERROR(RunWave(wave));
    if (options_.poison) Poison(wave.number);
  }
  return Status::Ok();
}

Status RunExecution::RunWave(const ProgramWave& wave) {
  if (options_.control.active()) STATOR_EXEC_RETURN_IF_ERROR(options_.control.Poll());
  if (wave.is_group && options_.trace == nullptr) return RunGroup(wave);
  for (const ProgramStep& step : wave.steps) {
    if (options_.trace == nullptr) {
      STATOR_EXEC_RETURN_IF_ERROR(RunStep(step));
      continue;
    }
    StepEvent event{step.id, NowNanoseconds(), 0, 1};
    parts_of_last_launch_ = 1;
    const Status status = RunStep(step);
    event.end_ns = NowNanoseconds();
    if (step.kind == StepKind::kLaunchKernel) event.threads = parts_of_last_launch_;
    options_.trace->OnStep(event);
    STATOR_EXEC_RETURN_IF_ERROR(status);
  }
  return Status::Ok();
}

Status RunExecution::RunStep(const ProgramStep& step) {
  ++stats_.steps[static_cast<size_t>(step.kind)];
  const Status status =
      std::visit([&](const auto& body) { return Do(step, body); }, step.step->body);
  if (!status.ok()) {
    // Errors from inside a nested block name their own node.
    const bool nested = step.kind == StepKind::kIf || step.kind == StepKind::kWhile ||
                        step.kind == StepKind::kCallBlock;
    return nested ? status : AtStep(m_, *step.step, status);
  }
  Wrote(step);
  return status;
}

void RunExecution::Wrote(const ProgramStep& step) {
  for (int32_t variable : p_.steps[step.id].writes_variables) published_[variable] = true;
}

Status RunExecution::Do(const ProgramStep& step, const executable::Copy& body) {
  const int64_t bytes = values_[m_.buffers[body.source].byte_size];
  if (bytes <= 0) return Status::Ok();
  // Memory of its own may be larger than what the size says now: a loop's initial value.
  const BufferRef& memory = owned_[body.destination];
  const int64_t room =
      memory != nullptr ? memory->size() : values_[m_.buffers[body.destination].byte_size];
  STATOR_EXEC_RETURN_IF_ERROR(NeedRoom(body.source, bytes));
  if (std::min(room, Room(body.destination)) < bytes) {
    return executable::Internal("a copy of " + std::to_string(bytes) + " bytes does not fit " +
                                executable::PrintBufferName(m_, body.destination));
  }
  std::memmove(table_[body.destination], table_[body.source], static_cast<size_t>(bytes));
  return Status::Ok();
}

Status RunExecution::Do(const ProgramStep& step, const executable::If& body) {
  bool predicate = false;
  STATOR_EXEC_RETURN_IF_ERROR(ReadBool(body.predicate, &predicate));
  return RunBlock(predicate ? body.then_block : body.else_block);
}

Status RunExecution::Do(const ProgramStep& step, const executable::While& body) {
  for (const executable::LoopSymbol& l : body.loop_symbols) {
    STATOR_EXEC_RETURN_IF_ERROR(BindSymbolValue(l.symbol, values_[l.initial]));
  }
  if (!body.carried.empty()) loops_ran_ = true;
  // Next values are all computed before the first is bound; small loops keep them on the stack.
  int64_t next_values[16];
  std::vector<int64_t> many;
  int64_t* next = next_values;
  if (body.loop_symbols.size() > 16) {
    many.resize(body.loop_symbols.size());
    next = many.data();
  }
  while (true) {
    if (options_.control.active()) STATOR_EXEC_RETURN_IF_ERROR(options_.control.Poll());
    STATOR_EXEC_RETURN_IF_ERROR(RunBlock(body.cond_block));
    bool go_on = false;
    STATOR_EXEC_RETURN_IF_ERROR(ReadBool(body.predicate, &go_on));
    if (!go_on) return Status::Ok();
    STATOR_EXEC_RETURN_IF_ERROR(RunBlock(body.body_block));
    for (const executable::CarriedPair& p : body.carried) {
      std::swap(owned_[p.current], owned_[p.next]);
      void* const current = table_[p.current];
      const int64_t bytes = Room(p.current);
      SetAddress(p.current, table_[p.next], Room(p.next));
      SetAddress(p.next, current, bytes);
    }
    for (size_t i = 0; i < body.loop_symbols.size(); ++i) {
      next[i] = values_[body.loop_symbols[i].next];
    }
    for (size_t i = 0; i < body.loop_symbols.size(); ++i) {
      STATOR_EXEC_RETURN_IF_ERROR(BindSymbolValue(body.loop_symbols[i].symbol, next[i]));
    }
  }
}

Status RunExecution::Do(const ProgramStep& step, const executable::CallBlock& body) {
  return RunBlock(body.block);
}

Status RunExecution::Do(const ProgramStep& step, const executable::BindSymbol& body) {
  const executable::Buffer& source = m_.buffers[body.source];
  const bool wide = source.dtype == DType::kInt64;
  const int64_t bytes = std::min(values_[source.byte_size], Room(body.source));
  const int64_t size = wide ? 8 : 4;
  if ((body.element + 1) * size > bytes) {
    return executable::Internal("symbol " + m_.symbols[body.symbol].name + ": element " +
                                std::to_string(body.element) + " lies outside its source");
  }
  const char* at = static_cast<const char*>(table_[body.source]) + body.element * size;
  int64_t value = 0;
  int32_t narrow = 0;
  std::memcpy(wide ? static_cast<void*>(&value) : &narrow, at, static_cast<size_t>(size));
  return BindSymbolValue(body.symbol, wide ? value : narrow);
}

Status RunExecution::Do(const ProgramStep& step, const executable::Alloc& body) {
  const int32_t size = body.bytes == kNone ? m_.buffers[body.buffer].byte_size : body.bytes;
  return Allocate(body.buffer, values_[size]);
}

Status RunExecution::Do(const ProgramStep& step, const executable::Free& body) {
  Release(body.buffer);
  return Status::Ok();
}

Status RunExecution::Do(const ProgramStep& step, const executable::Check& body) {
  int64_t elements = 1;
  for (int32_t e : m_.buffers[body.predicate].dims) {
    if (values_[e] < 0 || __builtin_mul_overflow(elements, values_[e], &elements)) {
      return executable::Internal("a check of " + executable::PrintBufferName(m_, body.predicate) +
                                  ": bad shape");
    }
  }
  STATOR_EXEC_RETURN_IF_ERROR(NeedRoom(body.predicate, elements));
  const auto* flags = static_cast<const uint8_t*>(table_[body.predicate]);
  for (int64_t i = 0; i < elements; ++i) {
    if (flags[i] == 0) return CheckFailed(body.check, elements == 1 ? -1 : i);
  }
  return Status::Ok();
}

Status RunExecution::Do(const ProgramStep& step, const executable::Declared& body) {
  return executable::Unimplemented("step " + body.name);
}

Status RunExecution::Do(const ProgramStep& step, const executable::UseList& body) {
  ListMemory& list = lists_[body.list];
  if (body.action == executable::ListAction::kClear) {
    list.size = 0;
    return Status::Ok();
  }
  const int64_t bytes = values_[m_.buffers[body.buffer].byte_size];
  STATOR_EXEC_RETURN_IF_ERROR(NeedRoom(body.buffer, bytes));
  if (body.action == executable::ListAction::kPop) {
    if (list.size == 0) return executable::Internal("a pop from an empty list");
    --list.size;
    if (list.bytes[list.size] != bytes) {
      return executable::Internal("a list's element of " + std::to_string(list.bytes[list.size]) +
                                  " bytes does not fit " +
                                  executable::PrintBufferName(m_, body.buffer));
    }
    if (bytes > 0) {
      std::memcpy(table_[body.buffer], list.elements[list.size]->data(),
                  static_cast<size_t>(bytes));
    }
    return Status::Ok();
  }
  if (list.size == list.elements.size()) {
    list.elements.emplace_back();
    list.bytes.push_back(0);
  }
  BufferRef& element = list.elements[list.size];
  if (element == nullptr || element->size() < bytes) {
    if (element != nullptr) Refund(element->size());
    element.reset();
    STATOR_EXEC_RETURN_IF_ERROR(Charge(bytes));
    STATOR_EXEC_ASSIGN_OR_RETURN(element, Buffer::Allocate(bytes));
  }
  list.bytes[list.size] = bytes;
  if (bytes > 0) {
    std::memcpy(element->data(), table_[body.buffer], static_cast<size_t>(bytes));
  }
  ++list.size;
  return Status::Ok();
}

Status RunExecution::CheckFailed(int32_t check, int64_t index) const {
  if (check < 0 || static_cast<size_t>(check) >= m_.checks.size()) {
    return executable::Internal("a kernel reported check " + std::to_string(check) +
                                ", which does not exist");
  }
  const executable::CheckInfo& info = m_.checks[check];
  std::string message = info.message;
  if (index >= 0) message += " (first at element " + std::to_string(index) + ")";
  if (info.source_node != kNone) {
    message = "node " + executable::PrintNode(m_, info.source_node) + ": " + message;
  }
  return Status(info.code, std::move(message));
}

Status RunExecution::BindSymbolValue(int32_t symbol, int64_t value) {
  STATOR_EXEC_RETURN_IF_ERROR(CheckSymbol(m_.symbols[symbol], value));
  bound_[symbol] = true;
  for (int32_t i : p_.symbol_dependents[symbol]) {
    const executable::Expr& e = m_.expressions[i];
    int64_t* out = &values_[i];
    if (e.kind == executable::ExprKind::kSymbol) {
      *out = value;
    } else if (!executable::ApplyExpr(e.kind, values_[e.lhs], values_[e.rhs], out)) {
      *out = 0;
      // With a symbol still to come, the number means nothing yet.
      const auto leaf_unbound = [&](int32_t s) {
        if (bound_[s] || m_.symbols[s].life == executable::SymbolLife::kInput) return false;
        const std::vector<int32_t>& d = p_.symbol_dependents[s];
        return std::find(d.begin(), d.end(), i) != d.end();
      };
      bool waiting = false;
      for (size_t s = 0; s < m_.symbols.size(); ++s) {
        waiting |= leaf_unbound(static_cast<int32_t>(s));
      }
      if (!waiting) {
        return InvalidArgument("size " + executable::ExprToString(m_, i) +
                               " overflows or divides by zero");
      }
    }
  }
  for (int32_t view : p_.moving_views) {
    const int32_t base = m_.buffers[view].alias_of;
    if (table_[base] != nullptr) SetAddress(base, table_[base], Room(base));
  }
  return Status::Ok();
}

void RunExecution::SetAddress(int32_t buffer, void* address, int64_t bytes) {
  table_[buffer] = address;
  end_[buffer] = address == nullptr ? nullptr : static_cast<char*>(address) + bytes;
  for (int32_t d : p_.address_dependents[buffer]) {
    const executable::Buffer& b = m_.buffers[d];
    const int32_t base = b.alias_of != kNone ? b.alias_of : b.in_place_of;
    const int64_t offset = b.alias_of != kNone ? values_[b.alias_offset] : 0;
    const bool inside = table_[base] != nullptr && offset >= 0 && offset <= Room(base) &&
                        (offset % 8 == 0 || !executable::IsObjectDType(b.dtype));
    table_[d] = inside ? static_cast<char*>(table_[base]) + offset : nullptr;
    end_[d] = inside ? end_[base] : nullptr;
  }
}

Status RunExecution::NeedRoom(int32_t buffer, int64_t bytes) const {
  if (bytes >= 0 && bytes <= Room(buffer)) return Status::Ok();
  return executable::Internal(std::to_string(bytes) + " bytes are needed of " +
                              executable::PrintBufferName(m_, buffer) + ", it has " +
                              std::to_string(Room(buffer)));
}

Status RunExecution::ReadBool(int32_t buffer, bool* value) const {
  STATOR_EXEC_RETURN_IF_ERROR(NeedRoom(buffer, 1));
  *value = *static_cast<const uint8_t*>(table_[buffer]) != 0;
  return Status::Ok();
}

Status RunExecution::Allocate(int32_t buffer, int64_t bytes) {
  if (bytes < 0) {
    return InvalidArgument(executable::PrintBufferName(m_, buffer) + ": negative size " +
                           std::to_string(bytes));
  }
  const bool objects = executable::IsObjectDType(m_.buffers[buffer].dtype);
  BufferRef& memory = owned_[buffer];
  const bool reusable = memory != nullptr && memory->size() == bytes && memory.use_count() == 1;
  if (!reusable) {
    if (memory != nullptr) Refund(memory->size());
    memory.reset();
    STATOR_EXEC_RETURN_IF_ERROR(Charge(bytes));
    STATOR_EXEC_ASSIGN_OR_RETURN(memory, Buffer::Allocate(bytes, m_.buffers[buffer].alignment));
    SetAddress(buffer, memory->data(), memory->size());
  }
  // Handles of an earlier iteration or run are gone, and null ones are empty strings.
  if (objects) {
    std::memset(memory->data(), 0, static_cast<size_t>(bytes));
  } else if (options_.poison && !reusable) {
    std::memset(memory->data(), 0xFF, static_cast<size_t>(bytes));
  }
  return Status::Ok();
}

void RunExecution::Release(int32_t buffer) {
  BufferRef& memory = owned_[buffer];
  if (memory != nullptr) Refund(memory->size());
  memory.reset();
  SetAddress(buffer, nullptr, 0);
}

Status RunExecution::Charge(int64_t bytes) {
  if (bytes > options_.max_bytes - bytes_in_use_) {
    return executable::ResourceExhausted("the run needs " + std::to_string(bytes) +
                                         " more bytes beside " + std::to_string(bytes_in_use_) +
                                         ", over its budget of " +
                                         std::to_string(options_.max_bytes));
  }
  bytes_in_use_ += bytes;
  stats_.peak_bytes = std::max(stats_.peak_bytes, bytes_in_use_);
  return Status::Ok();
}

}  // namespace stator::runtime
