#include "executable/printer.h"

#include <functional>
#include <set>

#include "executable/expr_eval.h"

namespace stator::executable {
namespace {

template <typename T>
bool InRange(const std::vector<T>& table, int64_t index) {
  return index >= 0 && index < static_cast<int64_t>(table.size());
}

std::string Join(size_t n, const std::function<std::string(size_t)>& item) {
  std::string out;
  for (size_t i = 0; i < n; ++i) out += (i == 0 ? "" : ", ") + item(i);
  return out;
}

const char* RelationText(Relation relation) {
  switch (relation) {
    case Relation::kEqual:
      return " == ";
    case Relation::kLessOrEqual:
      return " <= ";
    case Relation::kDivides:
      return " divides ";
  }
  return " ? ";
}

}  // namespace

const char* BufferKindName(BufferKind kind) {
  switch (kind) {
    case BufferKind::kArena:
      return "arena";
    case BufferKind::kDynamic:
      return "dynamic";
    case BufferKind::kInput:
      return "input";
    case BufferKind::kOutput:
      return "output";
    case BufferKind::kConstant:
      return "constant";
    case BufferKind::kVariableRead:
      return "variable_read";
    case BufferKind::kVariableWrite:
      return "variable_write";
    case BufferKind::kPersistent:
      return "persistent";
  }
  return "?";
}

const char* SymbolLifeName(SymbolLife life) {
  switch (life) {
    case SymbolLife::kInput:
      return "input";
    case SymbolLife::kStep:
      return "step";
    case SymbolLife::kLoop:
      return "loop";
  }
  return "?";
}

namespace {

class Printer {
 public:
  explicit Printer(const ImageModel& model) : m_(model) {}

  std::string Take() { return std::move(out_); }

  void Image() {
    out_ += "image by " + (m_.producer.empty() ? std::string("?") : m_.producer) + " for " +
            m_.target.name + " " + m_.target.arch;
    for (const std::string& f : m_.target.features) out_ += " +" + f;
    out_ += "\n";
    // A view's plan owns neither.
    if (!m_.constants.empty() || !m_.code.empty()) {
      out_ += "constants " + std::to_string(m_.constants.size()) + " bytes, code " +
              std::to_string(m_.code.size()) + " bytes\n";
    }
    for (size_t i = 0; i < m_.symbols.size(); ++i) Symbol(i);
    for (size_t i = 0; i < m_.kernels.size(); ++i) Kernel(i);
    for (size_t i = 0; i < m_.buffers.size(); ++i) Buffer(i);
    for (const StoredTensor& t : m_.initial_values) Stored("initial value", t);
    for (const FixedWeight& w : m_.fixed_weights) {
      out_ += "fixed weight " + w.name + ": " + w.reason + "\n";
    }
    for (const Sample& s : m_.samples) {
      if (InRange(m_.entry_points, s.entry)) {
        out_ += "sample of entry " + m_.entry_points[s.entry].name + "\n";
      }
    }
    for (const EntryPoint& entry : m_.entry_points) Entry(entry);
  }

 private:
  std::string Name(int32_t buffer) { return PrintBufferName(m_, buffer); }
  std::string Expr(int32_t e) { return e == kNone ? std::string("?") : ExprToString(m_, e); }

  void Symbol(size_t i) {
    const auto& s = m_.symbols[i];
    out_ += "symbol " + std::to_string(i) + " \"" + s.name + "\" " + SymbolLifeName(s.life) + " [" +
            std::to_string(s.min) + ", " +
            (s.max == INT64_MAX ? std::string("inf") : std::to_string(s.max)) + "]";
    if (s.divisor != 1) out_ += " multiple of " + std::to_string(s.divisor);
    out_ += "\n";
  }

  void Stored(const char* what, const StoredTensor& t) {
    out_ += std::string(what) + " " + t.name + " : " + DTypeName(t.dtype) + "[" +
            Join(t.dims.size(), [&](size_t d) { return std::to_string(t.dims[d]); }) + "], " +
            std::to_string(t.constant_size) + " bytes\n";
  }

  void Kernel(size_t i) {
    const auto& k = m_.kernels[i];
    out_ += "kernel " + std::to_string(i) + " " + k.name + " " + k.kind + " code " +
            std::to_string(k.code_size) + " bytes, grids (" +
            Join(k.phases.size(), [&](size_t p) { return Expr(k.phases[p].grid); }) + ")";
    if (k.scratch_bytes != kNone) out_ += ", scratch " + Expr(k.scratch_bytes);
    if (k.may_fail) out_ += ", may fail";
    out_ += "\n";
  }

  void Buffer(size_t i) {
    const auto& b = m_.buffers[i];
    out_ += "buffer " + Name(static_cast<int32_t>(i)) + " : " + PrintType(m_, b.dtype, b.dims) +
            " " + BufferKindName(b.kind) + " " + Expr(b.byte_size) + " bytes, waves " +
            std::to_string(b.first_wave) + ".." + std::to_string(b.last_wave);
    if (b.alias_of != kNone) out_ += ", view of " + Name(b.alias_of) + " + " + Expr(b.alias_offset);
    if (b.in_place_of != kNone) out_ += ", in place of " + Name(b.in_place_of);
    out_ += "\n";
  }

  void Entry(const EntryPoint& entry) {
    out_ += "entry " + entry.name + "(" +
            Join(entry.feeds.size(), [&](size_t i) { return Port(entry.feeds[i]); }) + ") -> (" +
            Join(entry.fetches.size(), [&](size_t i) { return Port(entry.fetches[i]); }) + ")";
    for (const std::string& fact : entry.facts) out_ += " where " + fact;
    for (const std::string& target : entry.targets) out_ += " target " + target;
    out_ += "\n";
    for (const Variable& v : entry.variables) {
      out_ += "  variable " + v.name + " : " +
              PrintType(m_, v.dtype, v.read_buffer != kNone ? v.read_dims : v.write_dims);
      if (v.read_buffer != kNone) out_ += ", read " + Name(v.read_buffer);
      if (v.write_buffer != kNone) out_ += ", write " + Name(v.write_buffer);
      if (v.in_place) out_ += ", in place";
      if (v.partial_write) out_ += ", partly";
      if (v.zero_initialized) out_ += ", zeros at first";
      if (v.layout != Layout::kRowMajor) out_ += std::string(", in ") + LayoutText(v.layout);
      out_ += "\n";
    }
    for (const Guard& g : entry.guards) {
      out_ += "  guard " + Expr(g.lhs) + RelationText(g.relation) + Expr(g.rhs) + ": " + g.message +
              "\n";
    }
    if (entry.init_block != kNone) Block(entry.init_block, 1, "init");
    if (entry.main_block != kNone) Block(entry.main_block, 1, "main");
  }

  std::string Port(const stator::executable::Port& p) {
    return p.name + ": " + PrintType(m_, p.dtype, p.dims) + " " + Name(p.buffer);
  }

  void Block(int32_t index, int depth, const char* role) {
    const std::string indent(static_cast<size_t>(2 * depth), ' ');
    out_ += indent + role;
    if (!InRange(m_.blocks, index) || depth > 64 || !open_.insert(index).second) {
      out_ += " ?\n";
      return;
    }
    out_ += " " + m_.blocks[index].name + "\n";
    for (const Wave& wave : m_.blocks[index].waves) {
      out_ += indent + "  wave " + std::to_string(wave.number) + "\n";
      for (const Step& step : wave.steps) {
        out_ += indent + "    " + PrintStep(m_, step) + "\n";
        Nested(step, depth + 3);
      }
    }
    open_.erase(index);
  }

  void Nested(const Step& step, int depth) {
    if (const auto* branch = std::get_if<If>(&step.body)) {
      if (branch->then_block != kNone) Block(branch->then_block, depth, "then");
      if (branch->else_block != kNone) Block(branch->else_block, depth, "else");
    } else if (const auto* loop = std::get_if<While>(&step.body)) {
      Block(loop->cond_block, depth, "cond");
      Block(loop->body_block, depth, "body");
    } else if (const auto* call = std::get_if<CallBlock>(&step.body)) {
      Block(call->block, depth, "call");
    }
  }

  const ImageModel& m_;
  std::string out_;
  std::set<int32_t> open_;  // blocks being printed: a malformed model may recurse
};

struct StepPrinter {
  const ImageModel& m;

  std::string Names(const std::vector<int32_t>& buffers) const {
    return Join(buffers.size(), [&](size_t i) { return PrintBufferName(m, buffers[i]); });
  }
  std::string Expr(int32_t e) const { return ExprToString(m, e); }

  std::string operator()(const LaunchKernel& s) const {
    std::string out = InRange(m.kernels, s.kernel) ? m.kernels[s.kernel].name : std::string("?");
    out += "(" + Names(s.buffers) + ") [" +
           Join(s.scalars.size(), [&](size_t i) { return Expr(s.scalars[i]); }) + "]";
    for (int32_t node : s.report.source_nodes) out += " " + PrintNode(m, node);
    if (!s.report.why.empty()) out += " // " + s.report.why;
    return out;
  }
  std::string operator()(const Copy& s) const {
    return PrintBufferName(m, s.source) + " to " + PrintBufferName(m, s.destination);
  }
  std::string operator()(const HostCall& s) const {
    return s.function + "(" + Names(s.inputs) + ") -> (" + Names(s.outputs) + ")";
  }
  std::string operator()(const If& s) const { return PrintBufferName(m, s.predicate); }
  std::string operator()(const While& s) const {
    std::string out = PrintBufferName(m, s.predicate) + " carried (" +
                      Join(s.carried.size(),
                           [&](size_t i) {
                             return PrintBufferName(m, s.carried[i].current) + " <- " +
                                    PrintBufferName(m, s.carried[i].next);
                           }) +
                      ")";
    for (const LoopSymbol& l : s.loop_symbols) {
      out += " " + (InRange(m.symbols, l.symbol) ? m.symbols[l.symbol].name : std::string("?")) +
             " = " + Expr(l.initial) + " then " + Expr(l.next);
    }
    return out;
  }
  std::string operator()(const CallBlock& s) const { return std::to_string(s.block); }
  std::string operator()(const BindSymbol& s) const {
    return (InRange(m.symbols, s.symbol) ? m.symbols[s.symbol].name : std::string("?")) + " = " +
           PrintBufferName(m, s.source) + "[" + std::to_string(s.element) + "]";
  }
  std::string operator()(const Alloc& s) const {
    return PrintBufferName(m, s.buffer) + (s.bytes == kNone ? "" : " " + Expr(s.bytes));
  }
  std::string operator()(const Free& s) const { return PrintBufferName(m, s.buffer); }
  std::string operator()(const Check& s) const {
    return PrintBufferName(m, s.predicate) +
           (InRange(m.checks, s.check) ? ": " + m.checks[s.check].message : std::string(": ?"));
  }
  std::string operator()(const UseList& s) const {
    const std::string list = "list " + std::to_string(s.list);
    if (s.action == ListAction::kClear) return "clear " + list;
    return (s.action == ListAction::kPush ? "push " : "pop ") + PrintBufferName(m, s.buffer) +
           ", " + list;
  }
  std::string operator()(const Declared& s) const {
    return s.name + "(" + Names(s.inputs) + ") -> (" + Names(s.outputs) + ")";
  }
};

}  // namespace

std::string PrintImage(const ImageModel& model) {
  Printer printer(model);
  printer.Image();
  return printer.Take();
}

std::string PrintBufferName(const ImageModel& model, int32_t buffer) {
  if (!InRange(model.buffers, buffer)) return "%?";
  const std::string& name = model.buffers[buffer].name;
  return "%" + std::to_string(buffer) + (name.empty() ? "" : " " + name);
}

std::string PrintStep(const ImageModel& model, const Step& step) {
  std::string out =
      std::string(StepKindName(step.kind())) + " " + std::visit(StepPrinter{model}, step.body);
  if (step.source_node != kNone) out += " @ " + PrintNode(model, step.source_node);
  return out;
}

std::string PrintType(const ImageModel& model, DType dtype, const std::vector<int32_t>& dims) {
  return std::string(DTypeName(dtype)) + "[" +
         Join(dims.size(), [&](size_t i) { return ExprToString(model, dims[i]); }) + "]";
}

std::string PrintNode(const ImageModel& model, int32_t node) {
  if (!InRange(model.nodes, node)) return "";
  const Node& n = model.nodes[node];
  if (n.file.empty()) return n.name;
  return n.name + " (" + n.file + ":" + std::to_string(n.line) + ")";
}

}  // namespace stator::executable
