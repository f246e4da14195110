#include "executable/plan_checker/replay.h"

#include <string>
#include <utility>

#include "executable/plan_checker/conflicts.h"
#include "executable/plan_checker/contents.h"
#include "executable/plan_checker/symbol_uses.h"

namespace stator::executable {
namespace {

class Replay {
 public:
  Replay(const MemoryMap& memory, ViolationLog* log)
      : memory_(memory),
        model_(memory.model()),
        log_(log),
        contents_(memory, log),
        symbols_(memory.model()) {}

  void Run() {
    const EntryPoint& entry = memory_.entry();
    State state = StartState(memory_);
    contents_.set_in_init(true);
    RunBlock(entry.init_block, &state);
    contents_.set_in_init(false);
    RunBlock(entry.main_block, &state);
    Finish(state);
  }

 private:
  void RunBlock(int32_t block, State* state) {
    if (block == kNone) return;
    for (const Wave& wave : model_.blocks[block].waves) {
      CheckRaces(memory_, wave, &symbols_, log_);
      for (const Step& step : wave.steps) {
        log_->At(wave.number, &step);
        std::visit([&](const auto& body) { RunStep(body, state); }, step.body);
      }
    }
    log_->At(log_->wave(), nullptr);
  }

  void RunStep(const LaunchKernel& s, State* state) {
    const Kernel& k = model_.kernels[s.kernel];
    for (int32_t e : s.scalars) UseExpr(e, *state);
    for (size_t i = 0; i < s.buffers.size(); ++i) {
      if (k.arguments[i].access != Access::kWrite) contents_.Read(s.buffers[i], *state);
    }
    CheckArguments(memory_, s, log_);
    for (size_t i = 0; i < s.buffers.size(); ++i) {
      if (k.arguments[i].access == Access::kRead) continue;
      contents_.Write(s.buffers[i], state);
      if (k.may_fail && memory_.IsInPlaceWrite(memory_.ValueOf(s.buffers[i]))) {
        log_->Report(ViolationKind::kFallibleInPlace,
                     "a kernel that may fail writes " + log_->Name(s.buffers[i]) + " in place");
      }
    }
  }
  void RunStep(const Copy& s, State* state) {
    contents_.Read(s.source, *state);
    if (s.source != s.destination && memory_.Overlap(s.source, s.destination)) {
      log_->Report(ViolationKind::kNoAlias,
                   log_->Name(s.source) + " overlaps " + log_->Name(s.destination));
    }
    contents_.Write(s.destination, state, memory_.SizeOf(s.source));
  }
  void RunStep(const HostCall& s, State* state) {
    for (int32_t b : s.inputs) contents_.Read(b, *state);
    for (int32_t b : s.outputs) {
      const Buffer& buffer = model_.buffers[b];
      if (buffer.kind == BufferKind::kDynamic) state->values[memory_.ValueOf(b)].allocated = true;
      contents_.Write(b, state);
      for (int32_t d : buffer.dims) {
        const Expr& e = model_.expressions[d];
        if (e.kind == ExprKind::kSymbol) state->bound[e.value] = true;
      }
    }
  }
  void RunStep(const If& s, State* state) {
    contents_.Read(s.predicate, *state);
    State other = *state;
    RunBlock(s.then_block, state);
    RunBlock(s.else_block, &other);
    Merge(state, other);
  }
  void RunStep(const While& s, State* state) {
    const Step* self = log_->step();
    const LoopWaves loop = memory_.timeline().loops.at(&s);
    contents_.EnterLoop(loop);
    for (const LoopSymbol& l : s.loop_symbols) UseExpr(l.initial, *state);
    for (const LoopSymbol& l : s.loop_symbols) state->bound[l.symbol] = true;
    State exit;
    for (int iteration = 0; iteration < 3; ++iteration) {
      RunBlock(s.cond_block, state);
      log_->At(loop.first, self);
      contents_.ReadContent(s.predicate, *state);
      if (iteration == 0) {
        exit = *state;
      } else {
        Merge(&exit, *state);
      }
      if (iteration == 2) break;
      RunBlock(s.body_block, state);
      log_->At(loop.last, self);
      for (const LoopSymbol& l : s.loop_symbols) UseExpr(l.next, *state);
      for (const CarriedPair& p : s.carried) Exchange(p, state);
    }
    *state = std::move(exit);
    contents_.LeaveLoop();
  }
  void RunStep(const CallBlock& s, State* state) { RunBlock(s.block, state); }
  void RunStep(const BindSymbol& s, State* state) {
    contents_.Read(s.source, *state);
    state->bound[s.symbol] = true;
  }
  void RunStep(const Alloc& s, State* state) {
    UseExpr(s.bytes == kNone ? model_.buffers[s.buffer].byte_size : s.bytes, *state);
    Content& content = state->values[s.buffer];
    content.allocated = true;
    content.valid.Clear();
    content.loss = Loss::kNeverWritten;
  }
  void RunStep(const Free& s, State* state) {
    Content& content = state->values[s.buffer];
    if (!content.allocated) {
      log_->Report(ViolationKind::kUseAfterFree, log_->Name(s.buffer) + " is freed twice");
    }
    content.allocated = false;
    content.valid.Clear();
    content.loss = Loss::kFreed;
  }
  void RunStep(const Check& s, State* state) { contents_.Read(s.predicate, *state); }
  void RunStep(const UseList& s, State* state) {
    if (s.action == ListAction::kPush) contents_.Read(s.buffer, *state);
    if (s.action == ListAction::kPop) contents_.Write(s.buffer, state);
  }
  void RunStep(const Declared& s, State* state) {
    for (int32_t b : s.inputs) contents_.Read(b, *state);
    for (int32_t b : s.outputs) contents_.Write(b, state);
  }

  void Exchange(const CarriedPair& p, State* state) {
    Content& current = state->values[p.current];
    Content& next = state->values[p.next];
    if (!next.valid.Covers({0, memory_.SizeOf(p.next)})) {
      log_->Report(ViolationKind::kCarriedPair,
                   "the body leaves " + log_->Name(p.next) + " without its next value");
    }
    std::swap(current, next);
    next.valid.Clear();  // the last iteration's content may not be read as this one's
    next.loss = Loss::kNeverWritten;
  }

  void Finish(const State& state) {
    log_->At(memory_.timeline().last_wave, nullptr);
    for (const Port& p : memory_.entry().fetches) contents_.Read(p.buffer, state);
    for (const Variable& v : memory_.entry().variables) {
      if (v.write_buffer == kNone) continue;
      const Content& written = state.values[v.write_buffer];
      if (written.writes > 1) {
        log_->Report(ViolationKind::kVariableWrites, "variable " + v.name + " is written twice");
      }
      if (written.writes > 0 && !written.valid.empty() &&
          !written.valid.Covers({0, memory_.SizeOf(v.write_buffer)})) {
        log_->Report(ViolationKind::kVariableWrites,
                     "variable " + v.name + " is written only in part");
      }
    }
  }

  void UseExpr(int32_t expression, const State& state) {
    for (int32_t symbol : symbols_.Of(expression)) {
      if (state.bound[symbol]) continue;
      log_->Report(ViolationKind::kUseBeforeDefinition,
                   "symbol " + model_.symbols[symbol].name + " is used before it is bound");
    }
  }

  const MemoryMap& memory_;
  const ImageModel& model_;
  ViolationLog* const log_;
  Contents contents_;
  SymbolUses symbols_;
};

}  // namespace

void ReplayEntry(const MemoryMap& memory, ViolationLog* log) { Replay(memory, log).Run(); }

}  // namespace stator::executable
