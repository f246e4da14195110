#include "executable/plan_checker.h"

#include <algorithm>
#include <map>
#include <set>

#include "executable/printer.h"

// The replay keeps, for every value, the byte intervals whose content is still the value's own.
//
//   value   what a chain of views shares: the buffer at the end of alias_of
//   owner   what an in-place chain shares: the buffer at the end of alias_of and in_place_of; all
//           values of an owner start at the same address
//   slots   the addresses at which an owner may be: its own, and those of all owners with which
//           while loops exchange it; exchanged owners are never at the same slot at once

namespace stator::executable {
namespace {

constexpr int64_t kUnknownSize = int64_t{1} << 62;

struct Interval {
  int64_t begin;
  int64_t end;
};
using Intervals = std::vector<Interval>;

void AddInterval(Intervals* set, Interval added) {
  if (added.begin >= added.end) return;
  Intervals out;
  for (const Interval& i : *set) {
    if (i.end < added.begin || added.end < i.begin) {
      out.push_back(i);
    } else {
      added = {std::min(i.begin, added.begin), std::max(i.end, added.end)};
    }
  }
  out.push_back(added);
  *set = std::move(out);
}

// Returns whether anything was removed.
bool RemoveInterval(Intervals* set, Interval removed) {
  bool changed = false;
  Intervals out;
  for (const Interval& i : *set) {
    if (i.end <= removed.begin || removed.end <= i.begin) {
      out.push_back(i);
      continue;
    }
    changed = true;
    if (i.begin < removed.begin) out.push_back({i.begin, removed.begin});
    if (removed.end < i.end) out.push_back({removed.end, i.end});
  }
  *set = std::move(out);
  return changed;
}

bool Covers(const Intervals& set, Interval needed) {
  if (needed.begin >= needed.end) return true;
  return std::any_of(set.begin(), set.end(), [&](const Interval& i) {
    return i.begin <= needed.begin && needed.end <= i.end;
  });
}

Intervals Intersect(const Intervals& a, const Intervals& b) {
  Intervals out;
  for (const Interval& i : a) {
    for (const Interval& j : b) {
      AddInterval(&out, {std::max(i.begin, j.begin), std::min(i.end, j.end)});
    }
  }
  return out;
}

enum class Loss : uint8_t { kNeverWritten, kClobbered, kFreed, kOldVersion };

struct Value {
  Intervals valid;
  bool allocated = true;
  Loss loss = Loss::kNeverWritten;
  int32_t clobbered_by = kNone;  // buffer
  int writes = 0;                // steps that wrote it on this path
};

struct State {
  std::vector<Value> values;  // per buffer; used for the ends of view chains
  std::vector<bool> bound;    // per symbol
};

struct Slot {
  int64_t space;  // a segment, or one buffer's own memory
  int64_t offset;
};

struct Touch {
  int32_t buffer;
  bool write;
};

class Replay {
 public:
  Replay(const ImageModel& m, int32_t entry, const ConcretePlan& plan)
      : m_(m), entry_(m.entry_points[entry]), plan_(plan) {}

  std::vector<Violation> Run() {
    FindWaves();
    FindOwners();
    CheckLifetimes();
    CheckCarriedPairs();
    CheckStaticOverlaps();
    State state = Start();
    if (entry_.init_block != kNone) {
      in_init_ = true;
      RunBlock(entry_.init_block, &state);
      in_init_ = false;
    }
    RunBlock(entry_.main_block, &state);
    Finish(&state);
    return std::move(violations_);
  }

 private:
  // ---- Structure ----

  struct Loop {
    int32_t first;
    int32_t last;
  };

  void FindWaves() {
    first_wave_ = INT32_MAX;
    WalkBlock(entry_.init_block);
    WalkBlock(entry_.main_block);
  }

  void WalkBlock(int32_t block) {
    if (block == kNone) return;
    for (const Wave& wave : m_.blocks[block].waves) {
      first_wave_ = std::min(first_wave_, wave.number);
      last_wave_ = std::max(last_wave_, wave.number);
      for (const Step& step : wave.steps) {
        if (const auto* branch = std::get_if<If>(&step.body)) {
          WalkBlock(branch->then_block);
          WalkBlock(branch->else_block);
        } else if (const auto* loop = std::get_if<While>(&step.body)) {
          const int32_t first = wave.number;
          WalkBlock(loop->cond_block);
          WalkBlock(loop->body_block);
          loops_[loop] = {first, last_wave_};
          for (const CarriedPair& p : loop->carried) pairs_.push_back(p);
        } else if (const auto* call = std::get_if<CallBlock>(&step.body)) {
          WalkBlock(call->block);
        }
      }
    }
  }

  int32_t ValueOf(int32_t b) const {
    while (m_.buffers[b].alias_of != kNone) b = m_.buffers[b].alias_of;
    return b;
  }

  bool Mine(int32_t b) const {
    return m_.buffers[b].first_wave >= first_wave_ && m_.buffers[b].last_wave <= last_wave_;
  }

  void FindOwners() {
    const size_t n = m_.buffers.size();
    owner_.resize(n);
    group_.resize(n);
    for (size_t i = 0; i < n; ++i) {
      auto b = static_cast<int32_t>(i);
      while (m_.buffers[b].alias_of != kNone || m_.buffers[b].in_place_of != kNone) {
        b = m_.buffers[b].alias_of != kNone ? m_.buffers[b].alias_of : m_.buffers[b].in_place_of;
      }
      owner_[i] = b;
      group_[i] = static_cast<int32_t>(i);
    }
    for (const Variable& v : entry_.variables) {
      if (v.in_place) {
        for (size_t i = 0; i < n; ++i) {
          if (owner_[i] == v.write_buffer) owner_[i] = v.read_buffer;
        }
        in_place_writes_.insert(v.write_buffer);
      }
      if (v.read_buffer != kNone) read_versions_.insert(v.read_buffer);
    }
    for (const CarriedPair& p : pairs_) Unite(owner_[p.current], owner_[p.next]);
    for (size_t i = 0; i < n; ++i) {
      const auto b = static_cast<int32_t>(i);
      if (owner_[i] == b) members_[Group(b)].push_back(b);
    }
  }

  void Unite(int32_t a, int32_t b) {
    const int32_t from = group_[a];
    const int32_t to = group_[b];
    for (int32_t& g : group_) {
      if (g == from) g = to;
    }
  }
  int32_t Group(int32_t owner) const { return group_[owner]; }

  Slot OwnSlot(int32_t owner) const {
    const Buffer& b = m_.buffers[owner];
    if (b.kind == BufferKind::kArena) return {b.segment, plan_.arena_offsets[owner]};
    return {static_cast<int64_t>(m_.segments.size()) + owner, 0};
  }

  int64_t SizeOf(int32_t b) const { return plan_.sizes[b] < 0 ? kUnknownSize : plan_.sizes[b]; }

  // The bytes of a buffer relative to its value. Unknown views stand for all of their base.
  Interval Bytes(int32_t b) const {
    int64_t begin = 0;
    const int64_t size = SizeOf(b);
    bool unknown = size == kUnknownSize;
    int32_t at = b;
    for (; m_.buffers[at].alias_of != kNone; at = m_.buffers[at].alias_of) {
      if (plan_.alias_offsets[at] < 0) unknown = true;
      begin += std::max<int64_t>(plan_.alias_offsets[at], 0);
    }
    if (unknown) return {0, SizeOf(at)};
    return {begin, begin + size};
  }

  // ---- Checks that need no replay ----

  void CheckLifetimes() {
    for (size_t i = 0; i < m_.buffers.size(); ++i) {
      const Buffer& b = m_.buffers[i];
      if (b.alias_of == kNone || b.kind != BufferKind::kArena) continue;
      const Buffer& base = m_.buffers[b.alias_of];
      if (b.first_wave < base.first_wave || b.last_wave > base.last_wave) {
        Report(ViolationKind::kViewOutlivesBase,
               Name(static_cast<int32_t>(i)) + " outlives its base " + Name(b.alias_of));
      }
    }
  }

  void CheckCarriedPairs() {
    for (const CarriedPair& p : pairs_) {
      const Slot a = OwnSlot(owner_[p.current]);
      const Slot b = OwnSlot(owner_[p.next]);
      if (owner_[p.current] == owner_[p.next] ||
          (a.space == b.space && a.offset < b.offset + SizeOf(p.next) &&
           b.offset < a.offset + SizeOf(p.current))) {
        Report(ViolationKind::kCarriedPair,
               Name(p.current) + " and " + Name(p.next) + " share memory");
      }
    }
  }

  void CheckStaticOverlaps() {
    struct Block {
      int32_t owner, first, last;
      int64_t begin, end;
    };
    std::map<int32_t, Block> blocks;  // by owner
    for (size_t i = 0; i < m_.buffers.size(); ++i) {
      const Buffer& b = m_.buffers[i];
      if (b.kind != BufferKind::kArena || !Mine(static_cast<int32_t>(i))) continue;
      const int32_t owner = owner_[i];
      auto [it, fresh] = blocks.emplace(owner, Block{owner, b.first_wave, b.last_wave, 0, 0});
      it->second.first = std::min(it->second.first, b.first_wave);
      it->second.last = std::max(it->second.last, b.last_wave);
      if (b.alias_of != kNone) continue;
      it->second.begin = plan_.arena_offsets[owner];
      it->second.end = std::max(it->second.end, it->second.begin + plan_.sizes[i]);
    }
    for (auto a = blocks.begin(); a != blocks.end(); ++a) {
      for (auto b = std::next(a); b != blocks.end(); ++b) {
        const Block& x = a->second;
        const Block& y = b->second;
        if (m_.buffers[x.owner].segment != m_.buffers[y.owner].segment) continue;
        if (x.last < y.first || y.last < x.first) continue;
        if (x.end <= y.begin || y.end <= x.begin || x.begin == x.end || y.begin == y.end) continue;
        if (Group(x.owner) == Group(y.owner)) continue;  // CheckCarriedPairs speaks of these
        Report(ViolationKind::kOverlap, Name(x.owner) + " and " + Name(y.owner) +
                                            " live at the same time in the same bytes");
      }
    }
  }

  // ---- Replay ----

  State Start() {
    State state;
    state.values.resize(m_.buffers.size());
    state.bound.assign(m_.symbols.size(), false);
    for (size_t i = 0; i < m_.symbols.size(); ++i) {
      state.bound[i] = m_.symbols[i].life == SymbolLife::kInput;
    }
    for (size_t i = 0; i < m_.buffers.size(); ++i) {
      const Buffer& b = m_.buffers[i];
      Value& v = state.values[i];
      const bool given = b.kind == BufferKind::kInput || b.kind == BufferKind::kConstant ||
                         b.kind == BufferKind::kVariableRead;
      if (given) v.valid = {{0, SizeOf(static_cast<int32_t>(i))}};
      v.allocated =
          b.kind != BufferKind::kDynamic && !(b.kind == BufferKind::kOutput && plan_.sizes[i] < 0);
    }
    for (const Variable& v : entry_.variables) {
      if (v.partial_write) state.values[v.write_buffer].valid = {{0, SizeOf(v.write_buffer)}};
    }
    return state;
  }

  static void Merge(State* into, const State& other) {
    for (size_t i = 0; i < into->values.size(); ++i) {
      Value& a = into->values[i];
      const Value& b = other.values[i];
      const bool keep = Covers(a.valid, b.valid.empty() ? Interval{0, 0} : b.valid.front());
      if (keep && a.loss == Loss::kNeverWritten) {
        a.loss = b.loss;
        a.clobbered_by = b.clobbered_by;
      }
      a.valid = Intersect(a.valid, b.valid);
      a.allocated = a.allocated && b.allocated;
      a.writes = std::max(a.writes, b.writes);
    }
    for (size_t i = 0; i < into->bound.size(); ++i) {
      into->bound[i] = into->bound[i] && other.bound[i];
    }
  }

  void RunBlock(int32_t block, State* state) {
    if (block == kNone) return;
    for (const Wave& wave : m_.blocks[block].waves) {
      wave_ = wave.number;
      CheckRaces(wave);
      for (const Step& step : wave.steps) {
        wave_ = wave.number;
        step_ = &step;
        std::visit([&](const auto& body) { RunStep(body, state); }, step.body);
      }
    }
    step_ = nullptr;
  }

  void RunStep(const LaunchKernel& s, State* state) {
    const Kernel& k = m_.kernels[s.kernel];
    for (int32_t e : s.scalars) UseExpr(e, *state);
    for (size_t i = 0; i < s.buffers.size(); ++i) {
      if (k.arguments[i].access != Access::kWrite) Read(s.buffers[i], state);
    }
    CheckArguments(s, k);
    for (size_t i = 0; i < s.buffers.size(); ++i) {
      if (k.arguments[i].access == Access::kRead) continue;
      Write(s.buffers[i], state);
      if (k.may_fail && in_place_writes_.count(ValueOf(s.buffers[i])) > 0) {
        Report(ViolationKind::kFallibleInPlace,
               "a kernel that may fail writes " + Name(s.buffers[i]) + " in place");
      }
    }
  }
  void RunStep(const Copy& s, State* state) {
    Read(s.source, state);
    if (s.source != s.destination && Overlap(s.source, s.destination)) {
      Report(ViolationKind::kNoAlias, Name(s.source) + " overlaps " + Name(s.destination));
    }
    Write(s.destination, state, SizeOf(s.source));
  }
  void RunStep(const HostCall& s, State* state) {
    for (int32_t b : s.inputs) Read(b, state);
    for (int32_t b : s.outputs) {
      if (m_.buffers[b].kind == BufferKind::kDynamic) state->values[ValueOf(b)].allocated = true;
      Write(b, state);
      for (int32_t d : m_.buffers[b].dims) {
        const Expr& e = m_.expressions[d];
        if (e.kind == ExprKind::kSymbol) state->bound[e.value] = true;
      }
    }
  }
  void RunStep(const If& s, State* state) {
    Read(s.predicate, state);
    State other = *state;
    RunBlock(s.then_block, state);
    RunBlock(s.else_block, &other);
    Merge(state, other);
  }
  void RunStep(const While& s, State* state) {
    const Step* self = step_;
    const Loop loop = loops_.at(&s);
    open_loops_.push_back(loop);
    for (const LoopSymbol& l : s.loop_symbols) UseExpr(l.initial, *state);
    for (const LoopSymbol& l : s.loop_symbols) state->bound[l.symbol] = true;
    State exit;
    for (int iteration = 0; iteration < 3; ++iteration) {
      RunBlock(s.cond_block, state);
      step_ = self;
      wave_ = loop.first;
      ReadContent(s.predicate, state);
      if (iteration == 0) {
        exit = *state;
      } else {
        Merge(&exit, *state);
      }
      if (iteration == 2) break;
      RunBlock(s.body_block, state);
      step_ = self;
      wave_ = loop.last;
      for (const LoopSymbol& l : s.loop_symbols) UseExpr(l.next, *state);
      for (const CarriedPair& p : s.carried) Exchange(p, state);
    }
    *state = std::move(exit);
    open_loops_.pop_back();
  }
  void RunStep(const CallBlock& s, State* state) { RunBlock(s.block, state); }
  void RunStep(const BindSymbol& s, State* state) {
    Read(s.source, state);
    state->bound[s.symbol] = true;
  }
  void RunStep(const Alloc& s, State* state) {
    UseExpr(s.bytes == kNone ? m_.buffers[s.buffer].byte_size : s.bytes, *state);
    Value& v = state->values[s.buffer];
    v.allocated = true;
    v.valid.clear();
    v.loss = Loss::kNeverWritten;
  }
  void RunStep(const Free& s, State* state) {
    Value& v = state->values[s.buffer];
    if (!v.allocated) Report(ViolationKind::kUseAfterFree, Name(s.buffer) + " is freed twice");
    v.allocated = false;
    v.valid.clear();
    v.loss = Loss::kFreed;
  }
  void RunStep(const Check& s, State* state) { Read(s.predicate, state); }
  void RunStep(const UseList& s, State* state) {
    if (s.action == ListAction::kPush) Read(s.buffer, state);
    if (s.action == ListAction::kPop) Write(s.buffer, state);
  }
  void RunStep(const Declared& s, State* state) {
    for (int32_t b : s.inputs) Read(b, state);
    for (int32_t b : s.outputs) Write(b, state);
  }

  void Exchange(const CarriedPair& p, State* state) {
    Value& current = state->values[p.current];
    Value& next = state->values[p.next];
    if (!Covers(next.valid, {0, SizeOf(p.next)})) {
      Report(ViolationKind::kCarriedPair,
             "the body leaves " + Name(p.next) + " without its next value");
    }
    std::swap(current, next);
    next.valid.clear();  // the last iteration's content may not be read as this one's
    next.loss = Loss::kNeverWritten;
  }

  void Finish(State* state) {
    wave_ = last_wave_;
    for (const Port& p : entry_.fetches) Read(p.buffer, state);
    for (const Variable& v : entry_.variables) {
      if (v.write_buffer == kNone) continue;
      const Value& value = state->values[v.write_buffer];
      if (value.writes > 1) {
        Report(ViolationKind::kVariableWrites, "variable " + v.name + " is written twice");
      }
      if (value.writes > 0 && !value.valid.empty() &&
          !Covers(value.valid, {0, SizeOf(v.write_buffer)})) {
        Report(ViolationKind::kVariableWrites, "variable " + v.name + " is written only in part");
      }
    }
  }

  // ---- Reads and writes ----

  void UseWave(int32_t b) {
    const Buffer& buffer = m_.buffers[b];
    if (buffer.kind != BufferKind::kArena) return;
    if (wave_ < buffer.first_wave || wave_ > buffer.last_wave) {
      Report(ViolationKind::kOutsideLifetime, Name(b) + " lives in waves " +
                                                  std::to_string(buffer.first_wave) + ".." +
                                                  std::to_string(buffer.last_wave));
    }
    for (const Loop& loop : open_loops_) {
      if (buffer.first_wave < loop.first && buffer.last_wave < loop.last) {
        Report(ViolationKind::kOutsideLifetime,
               Name(b) + " is used by every iteration, but ends in wave " +
                   std::to_string(buffer.last_wave) + " inside the loop");
      }
    }
  }

  void Read(int32_t b, State* state) {
    UseWave(b);
    ReadContent(b, state);
  }

  void ReadContent(int32_t b, State* state) {
    const Value& v = state->values[ValueOf(b)];
    if (v.allocated && Covers(v.valid, Bytes(b))) return;
    if (!v.allocated) {
      Report(v.loss == Loss::kFreed ? ViolationKind::kUseAfterFree
                                    : ViolationKind::kUseBeforeDefinition,
             Name(b) + " has no memory");
    } else if (v.loss == Loss::kOldVersion) {
      Report(ViolationKind::kOldVersionRead,
             Name(b) + " was replaced in place by " + Name(v.clobbered_by));
    } else if (v.loss == Loss::kClobbered) {
      Report(ViolationKind::kClobbered, Name(b) + " was overwritten by " + Name(v.clobbered_by));
    } else {
      Report(ViolationKind::kUseBeforeDefinition, Name(b) + " is read before it is written");
    }
  }

  // Writes the first `limit` bytes of b at most.
  void Write(int32_t b, State* state, int64_t limit = kUnknownSize) {
    UseWave(b);
    const BufferKind kind = m_.buffers[b].kind;
    if (kind == BufferKind::kInput || kind == BufferKind::kConstant ||
        kind == BufferKind::kVariableRead || (kind == BufferKind::kPersistent && !in_init_)) {
      Report(ViolationKind::kReadOnlyWritten, Name(b) + " is read only");
      return;
    }
    const int32_t value = ValueOf(b);
    Value& v = state->values[value];
    if (!v.allocated) {
      Report(v.loss == Loss::kFreed ? ViolationKind::kUseAfterFree
                                    : ViolationKind::kUseBeforeDefinition,
             Name(b) + " has no memory");
      return;
    }
    Interval bytes = Bytes(b);
    // Of a buffer of unknown size, a write is taken to be of all of it.
    if (bytes.end < kUnknownSize) bytes.end = std::min(bytes.end, bytes.begin + limit);
    for (size_t i = 0; i < state->values.size(); ++i) {
      const auto other = static_cast<int32_t>(i);
      if (other == value || state->values[i].valid.empty()) continue;
      Clobber(value, bytes, other, &state->values[i]);
    }
    AddInterval(&v.valid, bytes);
    ++v.writes;
  }

  void Clobber(int32_t writer, Interval bytes, int32_t other, Value* victim) {
    const int32_t a = owner_[writer];
    const int32_t b = owner_[other];
    bool lost = false;
    if (a == b) {
      lost = RemoveInterval(&victim->valid, bytes);
    } else if (Group(a) != Group(b)) {
      for (const int32_t x : members_.at(Group(a))) {
        const Slot from = OwnSlot(x);
        for (const int32_t y : members_.at(Group(b))) {
          const Slot to = OwnSlot(y);
          if (from.space != to.space) continue;
          lost |= RemoveInterval(&victim->valid, {from.offset + bytes.begin - to.offset,
                                                  from.offset + bytes.end - to.offset});
        }
      }
    }
    if (!lost) return;
    const bool version = read_versions_.count(other) > 0;
    victim->loss = version ? Loss::kOldVersion : Loss::kClobbered;
    victim->clobbered_by = writer;
  }

  bool Overlap(int32_t x, int32_t y) const {
    const int32_t a = owner_[x];
    const int32_t b = owner_[y];
    const Interval i = Bytes(x);
    const Interval j = Bytes(y);
    if (i.begin >= i.end || j.begin >= j.end) return false;
    if (a == b) return i.begin < j.end && j.begin < i.end;
    if (Group(a) == Group(b)) return false;
    for (const int32_t p : members_.at(Group(a))) {
      for (const int32_t q : members_.at(Group(b))) {
        const Slot s = OwnSlot(p);
        const Slot t = OwnSlot(q);
        if (s.space == t.space && s.offset + i.begin < t.offset + j.end &&
            t.offset + j.begin < s.offset + i.end) {
          return true;
        }
      }
    }
    return false;
  }

  void CheckArguments(const LaunchKernel& s, const Kernel& k) {
    for (size_t i = 0; i < s.buffers.size(); ++i) {
      if (k.arguments[i].access == Access::kRead) continue;
      for (size_t j = 0; j < s.buffers.size(); ++j) {
        if (i == j || !Overlap(s.buffers[i], s.buffers[j])) continue;
        const Interval a = Bytes(s.buffers[i]);
        const Interval b = Bytes(s.buffers[j]);
        const bool allowed = k.arguments[i].may_share == static_cast<int32_t>(j) &&
                             owner_[s.buffers[i]] == owner_[s.buffers[j]] && a.begin == b.begin &&
                             a.end <= b.end;
        if (!allowed && (k.arguments[j].access == Access::kRead || i < j)) {
          Report(ViolationKind::kNoAlias, "arguments " + std::to_string(i) + " " +
                                              Name(s.buffers[i]) + " and " + std::to_string(j) +
                                              " " + Name(s.buffers[j]) + " share memory");
        }
      }
    }
  }

  // ---- Steps of one wave ----

  void CheckRaces(const Wave& wave) {
    if (wave.steps.size() < 2) return;
    std::vector<std::vector<Touch>> touches;
    for (const Step& step : wave.steps) {
      touches.emplace_back();
      std::visit([&](const auto& body) { Touches(body, &touches.back()); }, step.body);
    }
    for (size_t i = 0; i < touches.size(); ++i) {
      for (size_t j = i + 1; j < touches.size(); ++j) {
        step_ = &wave.steps[j];
        ComparePair(touches[i], touches[j]);
        CheckSymbolRace(wave.steps[i], wave.steps[j]);
        CheckSymbolRace(wave.steps[j], wave.steps[i]);
      }
    }
  }

  void ComparePair(const std::vector<Touch>& a, const std::vector<Touch>& b) {
    for (const Touch& x : a) {
      for (const Touch& y : b) {
        if ((x.write || y.write) && Overlap(x.buffer, y.buffer)) {
          Report(ViolationKind::kRace, Name(x.buffer) + " and " + Name(y.buffer) +
                                           " are touched by two steps of one wave");
          return;
        }
      }
    }
  }

  void CheckSymbolRace(const Step& binder, const Step& user) {
    const auto* bind = std::get_if<BindSymbol>(&binder.body);
    const auto* launch = std::get_if<LaunchKernel>(&user.body);
    const auto* alloc = std::get_if<Alloc>(&user.body);
    if (bind == nullptr || (launch == nullptr && alloc == nullptr)) return;
    std::vector<int32_t> exprs;
    if (launch != nullptr) exprs = launch->scalars;
    if (alloc != nullptr) {
      exprs = {alloc->bytes == kNone ? m_.buffers[alloc->buffer].byte_size : alloc->bytes};
    }
    for (int32_t e : exprs) {
      for (int32_t symbol : SymbolsOf(e)) {
        if (symbol == bind->symbol) {
          Report(ViolationKind::kRace,
                 "symbol " + m_.symbols[symbol].name + " is bound and used in one wave");
        }
      }
    }
  }

  void Touches(const LaunchKernel& s, std::vector<Touch>* out) const {
    const Kernel& k = m_.kernels[s.kernel];
    for (size_t i = 0; i < s.buffers.size(); ++i) {
      out->push_back({s.buffers[i], k.arguments[i].access != Access::kRead});
    }
  }
  void Touches(const Copy& s, std::vector<Touch>* out) const {
    out->push_back({s.source, false});
    out->push_back({s.destination, true});
  }
  void Touches(const HostCall& s, std::vector<Touch>* out) const {
    for (int32_t b : s.inputs) out->push_back({b, false});
    for (int32_t b : s.outputs) out->push_back({b, true});
  }
  void Touches(const BindSymbol& s, std::vector<Touch>* out) const {
    out->push_back({s.source, false});
  }
  void Touches(const Alloc& s, std::vector<Touch>* out) const { out->push_back({s.buffer, true}); }
  void Touches(const Free& s, std::vector<Touch>* out) const { out->push_back({s.buffer, true}); }
  void Touches(const Check& s, std::vector<Touch>* out) const {
    out->push_back({s.predicate, false});
  }
  void Touches(const UseList& s, std::vector<Touch>* out) const {
    if (s.action != ListAction::kClear) out->push_back({s.buffer, s.action == ListAction::kPop});
  }
  void Touches(const Declared& s, std::vector<Touch>* out) const {
    for (int32_t b : s.inputs) out->push_back({b, false});
    for (int32_t b : s.outputs) out->push_back({b, true});
  }
  // Control steps stand alone in their wave.
  void Touches(const If&, std::vector<Touch>*) const {}
  void Touches(const While&, std::vector<Touch>*) const {}
  void Touches(const CallBlock&, std::vector<Touch>*) const {}

  // ---- Symbols ----

  const std::set<int32_t>& SymbolsOf(int32_t root) {
    auto [it, fresh] = symbols_of_.try_emplace(root);
    if (!fresh) return it->second;
    std::set<int32_t> symbols;
    std::set<int32_t> seen;
    std::vector<int32_t> todo = {root};
    while (!todo.empty()) {
      const int32_t at = todo.back();
      todo.pop_back();
      if (!seen.insert(at).second) continue;
      const Expr& e = m_.expressions[at];
      if (e.kind == ExprKind::kSymbol) symbols.insert(static_cast<int32_t>(e.value));
      if (e.kind >= ExprKind::kAdd) todo.insert(todo.end(), {e.lhs, e.rhs});
    }
    return symbols_of_[root] = symbols;
  }

  void UseExpr(int32_t root, const State& state) {
    for (int32_t symbol : SymbolsOf(root)) {
      if (!state.bound[symbol]) {
        Report(ViolationKind::kUseBeforeDefinition,
               "symbol " + m_.symbols[symbol].name + " is used before it is bound");
      }
    }
  }

  // ---- Reports ----

  std::string Name(int32_t b) const { return b == kNone ? "?" : PrintBufferName(m_, b); }

  void Report(ViolationKind kind, const std::string& what) {
    std::string message = ViolationKindName(kind);
    message += ": ";
    if (step_ != nullptr) {
      message += "wave " + std::to_string(wave_) + ", " + PrintStep(m_, *step_) + ": ";
    }
    message += what;
    if (violations_.size() >= 100 || !reported_.insert(message).second) return;
    violations_.push_back({kind, std::move(message)});
  }

  const ImageModel& m_;
  const EntryPoint& entry_;
  const ConcretePlan& plan_;
  std::vector<int32_t> owner_;
  std::vector<int32_t> group_;
  std::map<int32_t, std::vector<int32_t>> members_;  // owners of each group
  std::map<const While*, Loop> loops_;
  std::vector<CarriedPair> pairs_;
  std::set<int32_t> in_place_writes_;
  std::set<int32_t> read_versions_;
  std::map<int32_t, std::set<int32_t>> symbols_of_;
  std::vector<Loop> open_loops_;
  int32_t first_wave_ = 0;
  int32_t last_wave_ = -1;
  bool in_init_ = false;
  int32_t wave_ = 0;
  const Step* step_ = nullptr;
  std::set<std::string> reported_;
  std::vector<Violation> violations_;
};

}  // namespace

const char* ViolationKindName(ViolationKind kind) {
  switch (kind) {
    case ViolationKind::kOverlap:
      return "overlap";
    case ViolationKind::kClobbered:
      return "clobbered";
    case ViolationKind::kUseBeforeDefinition:
      return "use before definition";
    case ViolationKind::kUseAfterFree:
      return "use after free";
    case ViolationKind::kOutsideLifetime:
      return "outside its lifetime";
    case ViolationKind::kViewOutlivesBase:
      return "view outlives its base";
    case ViolationKind::kRace:
      return "race";
    case ViolationKind::kNoAlias:
      return "aliased arguments";
    case ViolationKind::kReadOnlyWritten:
      return "read-only memory written";
    case ViolationKind::kOldVersionRead:
      return "old version read";
    case ViolationKind::kFallibleInPlace:
      return "fallible in-place write";
    case ViolationKind::kVariableWrites:
      return "variable writes";
    case ViolationKind::kCarriedPair:
      return "carried pair";
  }
  return "?";
}

std::vector<Violation> CheckPlan(const ImageModel& model, int32_t entry, const ConcretePlan& plan) {
  return Replay(model, entry, plan).Run();
}

}  // namespace stator::executable
