#include "executable/verify_blocks.h"

#include <algorithm>
#include <string>

#include "executable/printer.h"
#include "executable/verifier.h"

namespace stator::executable {
namespace {

constexpr int kMaxDepth = 64;
constexpr int32_t kMaxLists = 1 << 16;

class BlockVerifier {
 public:
  explicit BlockVerifier(const ImageModel& m)
      : m_(m), uses_(ExprUses(m)), entered_(m.blocks.size(), false) {}

  Status Run() {
    if (m_.num_lists < 0 || m_.num_lists > kMaxLists) {
      return InvalidArgument("the number of lists must be in [0, " + std::to_string(kMaxLists) +
                             "], found " + std::to_string(m_.num_lists));
    }
    for (const EntryPoint& entry : m_.entry_points) {
      STATOR_EXEC_RETURN_IF_ERROR(Ports(entry));
      in_init_ = true;
      if (entry.init_block != kNone) STATOR_EXEC_RETURN_IF_ERROR(Enter(entry.init_block, 0));
      in_init_ = false;
      STATOR_EXEC_RETURN_IF_ERROR(Enter(entry.main_block, 0));
    }
    for (size_t i = 0; i < entered_.size(); ++i) {
      if (!entered_[i]) return InvalidArgument("block " + m_.blocks[i].name + ": nobody runs it");
    }
    return ArenaLifetimes();
  }

 private:
  // An arena is laid out for one entry point: a buffer outside its waves would get no memory.
  Status ArenaLifetimes() const {
    std::vector<WaveRange> ranges;
    for (const EntryPoint& entry : m_.entry_points) ranges.push_back(EntryWaves(m_, entry));
    for (const Buffer& b : m_.buffers) {
      if (b.kind != BufferKind::kArena) continue;
      if (std::none_of(ranges.begin(), ranges.end(), [&](const WaveRange& r) {
            return r.first <= b.first_wave && b.last_wave <= r.last;
          })) {
        return InvalidArgument("buffer " + b.name + ": lives in waves " +
                               std::to_string(b.first_wave) + ".." + std::to_string(b.last_wave) +
                               ", which no entry point holds");
      }
    }
    return Status::Ok();
  }

  bool ValidBuffer(int32_t b) const { return b >= 0 && static_cast<size_t>(b) < m_.buffers.size(); }
  bool ValidNode(int32_t n) const {
    return n == kNone || (n >= 0 && static_cast<size_t>(n) < m_.nodes.size());
  }
  // An expression over symbols.
  bool ValidSize(int32_t e) const {
    return e >= 0 && static_cast<size_t>(e) < m_.expressions.size() && !uses_[e].scalar;
  }
  bool ValidSizes(const std::vector<int32_t>& exprs) const {
    return std::all_of(exprs.begin(), exprs.end(), [&](int32_t e) { return ValidSize(e); });
  }
  bool Constant(int32_t buffer) const {
    const BufferKind kind = m_.buffers[buffer].kind;
    return kind == BufferKind::kInput || kind == BufferKind::kConstant ||
           kind == BufferKind::kVariableRead || (kind == BufferKind::kPersistent && !in_init_);
  }
  bool IsBoolScalar(int32_t b) const {
    return ValidBuffer(b) && m_.buffers[b].dtype == DType::kBool && m_.buffers[b].dims.empty();
  }

  Status Ports(const EntryPoint& entry) {
    const auto bad = [&](const std::string& what, const std::string& rule) {
      return InvalidArgument("entry " + entry.name + ", " + what + ": " + rule);
    };
    std::vector<bool> bound(m_.symbols.size(), false);
    const auto bind = [&](const std::vector<int32_t>& dims) {
      for (int32_t d : dims) {
        const Expr& e = m_.expressions[d];
        if (e.kind == ExprKind::kSymbol) bound[e.value] = true;
      }
    };
    for (const bool feed : {true, false}) {
      for (const Port& p : feed ? entry.feeds : entry.fetches) {
        if (!ValidBuffer(p.buffer) || !ValidSizes(p.dims) || !ValidNode(p.source_node)) {
          return bad(p.name, "no such buffer, dimension or node");
        }
        const Buffer& b = m_.buffers[p.buffer];
        if (b.dtype != p.dtype) return bad(p.name, "dtype differs from its buffer's");
        if (!feed) continue;
        if (b.kind != BufferKind::kInput || b.alias_of != kNone) {
          return bad(p.name, "a feed needs an input buffer");
        }
        for (int32_t d : p.dims) {
          if (!uses_[d].KnownAtStart()) return bad(p.name, "a feed's dims are input symbols");
        }
        bind(p.dims);
      }
    }
    for (const Variable& v : entry.variables) {
      STATOR_EXEC_RETURN_IF_ERROR(OneVariable(entry, v));
      if (v.read_buffer != kNone) bind(v.read_dims);
    }
    for (const Guard& g : entry.guards) {
      if (!ValidSize(g.lhs) || !ValidSize(g.rhs) || g.relation > Relation::kDivides ||
          !uses_[g.lhs].KnownAtStart() || !uses_[g.rhs].KnownAtStart() ||
          !ValidNode(g.source_node)) {
        return bad("guard \"" + g.message + "\"", "bad expression, relation or node");
      }
    }
    for (int32_t i : entry.init_variables) {
      if (i < 0 || static_cast<size_t>(i) >= entry.variables.size()) {
        return bad("init", "no such variable");
      }
    }
    return InputSymbolsBound(entry, bound);
  }

  // Only a single entry can be held to all symbols; with several, each binds its own.
  Status InputSymbolsBound(const EntryPoint& entry, const std::vector<bool>& bound) {
    if (m_.entry_points.size() != 1) return Status::Ok();
    for (size_t i = 0; i < bound.size(); ++i) {
      if (m_.symbols[i].life == SymbolLife::kInput && !bound[i]) {
        return InvalidArgument("entry " + entry.name + ": symbol " + m_.symbols[i].name +
                               " is no dimension of a feed or a variable that is read");
      }
    }
    return Status::Ok();
  }

  Status OneVariable(const EntryPoint& entry, const Variable& v) {
    const auto bad = [&](const std::string& rule) {
      return InvalidArgument("entry " + entry.name + ", variable " + v.name + ": " + rule);
    };
    const auto check = [&](int32_t buffer, BufferKind kind) {
      return buffer == kNone ||
             (ValidBuffer(buffer) && m_.buffers[buffer].kind == kind &&
              m_.buffers[buffer].alias_of == kNone && m_.buffers[buffer].dtype == v.dtype);
    };
    if (!check(v.read_buffer, BufferKind::kVariableRead)) return bad("bad read buffer");
    if (!check(v.write_buffer, BufferKind::kVariableWrite)) return bad("bad write buffer");
    if (v.initialized_buffer != kNone &&
        (!IsBoolScalar(v.initialized_buffer) ||
         m_.buffers[v.initialized_buffer].kind != BufferKind::kInput)) {
      return bad("the initialized flag must be a bool scalar of kind input");
    }
    if (!ValidSizes(v.read_dims) || !ValidSizes(v.write_dims) || !ValidNode(v.source_node)) {
      return bad("bad dimension or node");
    }
    for (int32_t d : v.read_dims) {
      if (!uses_[d].KnownAtStart()) return bad("read dims must be known at run start");
      if (v.zero_initialized && !uses_[d].Constant()) {
        return bad("starts as zeros, but its shape is not constant");
      }
    }
    if ((v.in_place || v.partial_write) && (v.read_buffer == kNone || v.write_buffer == kNone)) {
      return bad("in place or partial, but not both read and written");
    }
    if (v.write_buffer != kNone && !uses_[m_.buffers[v.write_buffer].byte_size].KnownAtStart()) {
      return bad("the size of a written variable must be known at run start");
    }
    return Status::Ok();
  }

  Status Enter(int32_t block, int depth) {
    if (block < 0 || static_cast<size_t>(block) >= m_.blocks.size()) {
      return InvalidArgument("block " + std::to_string(block) + " does not exist");
    }
    const Block& b = m_.blocks[block];
    if (depth > kMaxDepth) {
      return InvalidArgument("block " + b.name + ": nested deeper than " +
                             std::to_string(kMaxDepth));
    }
    if (entered_[block]) return InvalidArgument("block " + b.name + ": run from two places");
    entered_[block] = true;
    for (const Wave& wave : b.waves) {
      if (wave.number <= last_wave_) {
        return InvalidArgument("block " + b.name + ": wave " + std::to_string(wave.number) +
                               " follows wave " + std::to_string(last_wave_));
      }
      last_wave_ = wave.number;
      for (const Step& step : wave.steps) {
        STATOR_EXEC_RETURN_IF_ERROR(OneStep(b, wave, step, depth));
      }
    }
    return Status::Ok();
  }

  Status OneStep(const Block& block, const Wave& wave, const Step& step, int depth) {
    if (!ValidNode(step.source_node) || step.device < 0 ||
        static_cast<size_t>(step.device) >= m_.devices.size()) {
      return InvalidArgument("block " + block.name + ": a step's node or device does not exist");
    }
    const StepKind kind = step.kind();
    const bool control =
        kind == StepKind::kIf || kind == StepKind::kWhile || kind == StepKind::kCallBlock;
    std::string rule;
    if (control && wave.steps.size() != 1) rule = "a control step stands alone in its wave";
    if (const auto* use = std::get_if<UseList>(&step.body)) {
      for (const Step& other : wave.steps) {
        const auto* beside = std::get_if<UseList>(&other.body);
        if (beside != nullptr && beside != use && beside->list == use->list) {
          rule = "two steps of one wave use one list";
        }
      }
    }
    if (rule.empty()) {
      rule = std::visit([&](const auto& body) { return Rule(body); }, step.body);
    }
    if (!rule.empty()) {
      return InvalidArgument("block " + block.name + ", wave " + std::to_string(wave.number) +
                             ", step " + PrintStep(m_, step) + ": " + rule);
    }
    if (const auto* branch = std::get_if<If>(&step.body)) {
      if (branch->then_block != kNone) {
        STATOR_EXEC_RETURN_IF_ERROR(Enter(branch->then_block, depth + 1));
      }
      if (branch->else_block != kNone) {
        STATOR_EXEC_RETURN_IF_ERROR(Enter(branch->else_block, depth + 1));
      }
    } else if (const auto* loop = std::get_if<While>(&step.body)) {
      STATOR_EXEC_RETURN_IF_ERROR(Enter(loop->cond_block, depth + 1));
      STATOR_EXEC_RETURN_IF_ERROR(Enter(loop->body_block, depth + 1));
    } else if (const auto* call = std::get_if<CallBlock>(&step.body)) {
      STATOR_EXEC_RETURN_IF_ERROR(Enter(call->block, depth + 1));
    }
    return Status::Ok();
  }

  // Each returns the broken rule, or "".
  std::string Rule(const LaunchKernel& s) const {
    if (s.kernel < 0 || static_cast<size_t>(s.kernel) >= m_.kernels.size()) return "no such kernel";
    const Kernel& k = m_.kernels[s.kernel];
    if (s.buffers.size() != k.arguments.size()) return "wrong number of buffers";
    if (s.scalars.size() != static_cast<size_t>(k.num_scalars)) return "wrong number of scalars";
    if (!ValidSizes(s.scalars)) return "bad scalar expression";
    for (size_t i = 0; i < s.buffers.size(); ++i) {
      if (!ValidBuffer(s.buffers[i])) return "no such buffer";
      if (k.arguments[i].access != Access::kRead && Constant(s.buffers[i])) {
        return "writes the read-only buffer " + PrintBufferName(m_, s.buffers[i]);
      }
    }
    for (int32_t node : s.report.source_nodes) {
      if (node == kNone || !ValidNode(node)) return "no such source node";
    }
    for (int32_t e : {s.report.bytes, s.report.flops}) {
      if (e != kNone && !ValidSize(e)) return "bad report expression";
    }
    return "";
  }
  std::string Rule(const Copy& s) const {
    if (!ValidBuffer(s.source) || !ValidBuffer(s.destination)) return "no such buffer";
    if (Constant(s.destination)) return "writes a read-only buffer";
    if (IsObjectDType(m_.buffers[s.source].dtype) !=
        IsObjectDType(m_.buffers[s.destination].dtype)) {
      return "copies between numbers and handles";
    }
    return "";
  }
  std::string Rule(const HostCall& s) const {
    if (s.function.empty()) return "no function";
    return InputsOutputs(s.inputs, s.outputs);
  }
  std::string Rule(const If& s) const {
    return IsBoolScalar(s.predicate) ? "" : "the predicate must be a bool scalar";
  }
  std::string Rule(const While& s) const {
    if (!IsBoolScalar(s.predicate)) return "the predicate must be a bool scalar";
    for (const CarriedPair& p : s.carried) {
      if (!ValidBuffer(p.current) || !ValidBuffer(p.next) || p.current == p.next) {
        return "no such carried buffer";
      }
      const Buffer& a = m_.buffers[p.current];
      const Buffer& b = m_.buffers[p.next];
      for (const Buffer* x : {&a, &b}) {
        if (x->alias_of != kNone || x->in_place_of != kNone) {
          return "a carried buffer must own its memory";
        }
        if (x->kind != BufferKind::kArena && x->kind != BufferKind::kDynamic) {
          return "a carried buffer must be arena or dynamic";
        }
      }
      if (a.kind != b.kind || a.dtype != b.dtype || a.segment != b.segment ||
          (a.kind == BufferKind::kArena && a.byte_size != b.byte_size)) {
        return "carried buffers differ in kind, dtype, segment or size";
      }
    }
    for (const LoopSymbol& l : s.loop_symbols) {
      if (l.symbol < 0 || static_cast<size_t>(l.symbol) >= m_.symbols.size() ||
          m_.symbols[l.symbol].life != SymbolLife::kLoop || !ValidSize(l.initial) ||
          !ValidSize(l.next)) {
        return "bad loop symbol";
      }
    }
    return "";
  }
  std::string Rule(const CallBlock&) const { return ""; }
  std::string Rule(const BindSymbol& s) const {
    if (s.symbol < 0 || static_cast<size_t>(s.symbol) >= m_.symbols.size() ||
        m_.symbols[s.symbol].life != SymbolLife::kStep) {
      return "binds only step symbols";
    }
    if (!ValidBuffer(s.source) || s.element < 0 || s.element > (int64_t{1} << 40)) {
      return "no such element";
    }
    const DType dtype = m_.buffers[s.source].dtype;
    return dtype == DType::kInt32 || dtype == DType::kInt64 ? "" : "sizes are int32 or int64";
  }
  std::string Rule(const Alloc& s) const {
    if (!ValidBuffer(s.buffer)) return "no such buffer";
    if (s.bytes != kNone && !ValidSize(s.bytes)) return "bad size";
    return Owned(s.buffer, true);
  }
  std::string Rule(const Free& s) const {
    return ValidBuffer(s.buffer) ? Owned(s.buffer, false) : "no such buffer";
  }
  std::string Rule(const Check& s) const {
    if (!ValidBuffer(s.predicate) || m_.buffers[s.predicate].dtype != DType::kBool) {
      return "the predicate must be bool";
    }
    return s.check >= 0 && static_cast<size_t>(s.check) < m_.checks.size() ? "" : "no such check";
  }
  std::string Rule(const UseList& s) const {
    if (s.action > ListAction::kPop) return "unknown action";
    if (s.list < 0 || s.list >= m_.num_lists) return "no such list";
    if (s.action == ListAction::kClear) return "";
    if (!ValidBuffer(s.buffer)) return "no such buffer";
    if (IsObjectDType(m_.buffers[s.buffer].dtype)) return "lists hold numbers";
    if (s.action == ListAction::kPop && Constant(s.buffer)) return "writes a read-only buffer";
    return "";
  }
  std::string Rule(const Declared& s) const {
    if (s.kind > DeclaredKind::kLibraryContraction) return "unknown kind";
    return InputsOutputs(s.inputs, s.outputs);
  }

  std::string Owned(int32_t buffer, bool output_too) const {
    const Buffer& b = m_.buffers[buffer];
    if (b.alias_of != kNone) return "a view has no memory of its own";
    if (b.kind == BufferKind::kDynamic) return "";
    if (output_too && b.kind == BufferKind::kOutput) return "";
    return "not a dynamic buffer";
  }
  std::string InputsOutputs(const std::vector<int32_t>& inputs,
                            const std::vector<int32_t>& outputs) const {
    for (int32_t b : inputs) {
      if (!ValidBuffer(b)) return "no such input";
    }
    for (int32_t b : outputs) {
      if (!ValidBuffer(b)) return "no such output";
      if (Constant(b)) return "writes the read-only buffer " + PrintBufferName(m_, b);
    }
    return "";
  }

  const ImageModel& m_;
  const std::vector<ExprUse> uses_;
  std::vector<bool> entered_;
  bool in_init_ = false;
  int32_t last_wave_ = -1;
};

void Extend(const ImageModel& model, int32_t block, WaveRange* range) {
  if (block == kNone) return;
  for (const Wave& wave : model.blocks[block].waves) {
    range->first = std::min(range->first, wave.number);
    range->last = std::max(range->last, wave.number);
    for (const Step& step : wave.steps) {
      if (const auto* branch = std::get_if<If>(&step.body)) {
        Extend(model, branch->then_block, range);
        Extend(model, branch->else_block, range);
      } else if (const auto* loop = std::get_if<While>(&step.body)) {
        Extend(model, loop->cond_block, range);
        Extend(model, loop->body_block, range);
      } else if (const auto* call = std::get_if<CallBlock>(&step.body)) {
        Extend(model, call->block, range);
      }
    }
  }
}

}  // namespace

WaveRange BlockWaves(const ImageModel& model, int32_t block) {
  WaveRange range{INT32_MAX, -1};
  Extend(model, block, &range);
  return range;
}

WaveRange EntryWaves(const ImageModel& model, const EntryPoint& entry) {
  WaveRange range{INT32_MAX, -1};
  Extend(model, entry.init_block, &range);
  Extend(model, entry.main_block, &range);
  return range;
}

Status VerifyBlocks(const ImageModel& model) { return BlockVerifier(model).Run(); }

}  // namespace stator::executable
