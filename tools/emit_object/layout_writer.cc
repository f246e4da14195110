#include "tools/emit_object/layout_writer.h"

#include <algorithm>
#include <set>

#include "executable/expr_eval.h"
#include "tools/emit_object/identifiers.h"

namespace stator::tools {

using executable::BufferKind;
using executable::Code;
using executable::Expr;
using executable::ExprKind;
using executable::kNone;

namespace {

std::string Number(int64_t n) { return std::to_string(n); }

std::string Return(int code) { return ") return " + Number(code) + ";"; }

}  // namespace

// ---- Parameters ------------------------------------------------------------------------------

Parameters::Parameters(const Sizes& sizes, const executable::EntryPoint& entry, Messages* messages,
                       Problems* problems)
    : sizes_(sizes), m_(sizes.model()), entry_(entry), messages_(messages), problems_(problems) {
  for (const executable::Port& feed : entry.feeds) {
    for (const int32_t d : feed.dims) {
      const Expr& e = m_.expressions[d];
      const auto symbol = static_cast<int32_t>(e.value);
      if (e.kind == ExprKind::kSymbol) same_as_[symbol] = symbol;
    }
  }
  for (const executable::Guard& g : entry.guards) {
    const Expr& a = m_.expressions[g.lhs];
    const Expr& b = m_.expressions[g.rhs];
    if (g.relation != executable::Relation::kEqual || a.kind != ExprKind::kSymbol ||
        b.kind != ExprKind::kSymbol) {
      continue;
    }
    const int32_t x = Find(static_cast<int32_t>(a.value));
    const int32_t y = Find(static_cast<int32_t>(b.value));
    if (x != kNone && y != kNone) same_as_[std::max(x, y)] = std::min(x, y);
  }
  UniqueNames unique(ClassReservedNames());
  for (const auto& [symbol, same] : same_as_) {
    if (symbol != same) continue;
    std::string name = ToIdentifier(m_.symbols[symbol].name);
    // Locals are letters with numbers: s12, b7_hidden.
    if (name.size() > 1 && name[1] >= '0' && name[1] <= '9') name.insert(0, "size_");
    name_[symbol] = unique.Add(name);
    names_.push_back(name_[symbol]);
  }
  renamed_.symbols = m_.symbols;
  renamed_.expressions = m_.expressions;
  for (size_t i = 0; i < renamed_.symbols.size(); ++i) {
    const int32_t same = Find(static_cast<int32_t>(i));
    if (same != kNone) renamed_.symbols[i].name = name_[same];
  }
}

int32_t Parameters::Find(int32_t symbol) const {
  auto it = same_as_.find(symbol);
  if (it == same_as_.end()) return kNone;
  while (it->second != it->first) it = same_as_.find(it->second);
  return it->first;
}

std::string Parameters::Declarations(bool maybe_unused) const {
  std::vector<std::string> parts;
  for (const std::string& name : names_) {
    parts.push_back((maybe_unused ? "[[maybe_unused]] std::int64_t " : "std::int64_t ") + name);
  }
  return JoinText(parts);
}

std::string Parameters::Call(const std::string& last) const {
  std::vector<std::string> parts = names_;
  if (!last.empty()) parts.push_back(last);
  return JoinText(parts);
}

std::vector<std::string> Parameters::Comments() const {
  std::vector<std::string> lines;
  for (const auto& [symbol, name] : name_) {
    std::vector<std::string> places;
    for (const executable::Port& feed : entry_.feeds) {
      for (size_t d = 0; d < feed.dims.size(); ++d) {
        const Expr& e = m_.expressions[feed.dims[d]];
        if (e.kind != ExprKind::kSymbol || Find(static_cast<int32_t>(e.value)) != symbol) continue;
        places.push_back("dimension " + Number(static_cast<int64_t>(d)) + " of " + feed.name);
      }
    }
    lines.push_back("//   " + CommentText(name + ": " + JoinText(places)));
  }
  return lines;
}

std::string Parameters::Text(int32_t symbol) const {
  const int32_t same = Find(symbol);
  if (same != kNone) return name_.at(same);
  problems_->AddNode(kNone, "entry " + entry_.name,
                     "the size " + m_.symbols[symbol].name + ", which no argument has");
  return "0";
}

std::string Parameters::Leaf(int32_t e) const {
  const Expr& expr = m_.expressions[e];
  if (expr.kind != ExprKind::kSymbol) return "";
  return Text(static_cast<int32_t>(expr.value));
}

std::string Parameters::DimsText(const std::vector<int32_t>& dims) const {
  std::vector<std::string> parts;
  for (const int32_t d : dims) parts.push_back(executable::ExprToString(renamed_, d));
  return JoinText(parts);
}

std::vector<std::string> Parameters::BoundChecks() const {
  std::vector<std::string> lines;
  std::set<std::string> required;
  for (const auto& [symbol, same] : same_as_) {
    const executable::Symbol& s = m_.symbols[symbol];
    const std::string& name = name_.at(Find(symbol));
    for (const SymbolRule& rule : RulesOf(s)) {
      if (!required.insert(name + rule.broken).second) continue;
      const int code =
          messages_->Add(Code::kInvalidArgument, kNone, s.name + " must be " + rule.rule);
      lines.push_back("if (" + name + rule.broken + Return(code));
    }
  }
  return lines;
}

bool Parameters::Holds(const executable::Guard& guard) const {
  const Expr& a = m_.expressions[guard.lhs];
  const Expr& b = m_.expressions[guard.rhs];
  return guard.relation == executable::Relation::kEqual && a.kind == ExprKind::kSymbol &&
         b.kind == ExprKind::kSymbol && Find(static_cast<int32_t>(a.value)) != kNone &&
         Find(static_cast<int32_t>(a.value)) == Find(static_cast<int32_t>(b.value));
}

std::string PortBytes(const executable::ImageModel& model, const executable::Port& port,
                      bool is_fetch, SizeWriter* sizes, CodeText* code) {
  const executable::Buffer& buffer = model.buffers[port.buffer];
  const bool whole = !is_fetch || (buffer.kind == BufferKind::kOutput && buffer.alias_of == kNone);
  if (whole) {
    code->Lines(sizes->Define(buffer.byte_size));
    return sizes->Text(buffer.byte_size);
  }
  std::string text = Number(executable::DTypeSize(port.dtype));
  for (const int32_t d : port.dims) {
    code->Lines(sizes->Define(d));
    text = "c.mul(" + text + ", " + sizes->Text(d) + ")";
  }
  return text;
}

// ---- Layout ----------------------------------------------------------------------------------

LayoutWriter::LayoutWriter(const StepsContext& context, const Parameters* parameters,
                           Problems* problems)
    : x_(context),
      sizes_(*context.sizes),
      m_(context.sizes->model()),
      parameters_(parameters),
      problems_(problems),
      writer_(
          context.sizes,
          [this](int32_t e) -> std::string {
            const Expr& expr = m_.expressions[e];
            if (expr.kind != ExprKind::kSymbol) return "";
            return x_.input_symbol(static_cast<int32_t>(expr.value));
          },
          "", "l->s"),
      code_(2) {}

std::string LayoutWriter::Write(StepsWriter* steps) {
  const bool is_main = parameters_ != nullptr;
  if (is_main) Rules();
  NeededSizes(*steps);
  Views();
  if (is_main) FetchBytes();
  KernelScratch(steps);
  Place();
  code_.Line("return c.ok ? 0 : " + Number(Messages::kBadSize) + ";  // kBadSize");

  const std::string type = is_main ? "Layout" : "InitLayout";
  CodeText out(1);
  out.Line(is_main ? "// What follows from the sizes of a run." : "");
  out.Open("struct " + type + " {");
  for (const std::string& member : members_) out.Line("std::int64_t " + member + ";");
  out.Close("};");
  out.Line("");
  std::string arguments = is_main ? parameters_->Declarations(true) : "";
  arguments += (arguments.empty() ? "" : ", ") + type + "* l";
  out.Open("static int " + std::string(is_main ? "lay_out(" : "init_lay_out(") + arguments + ") {");
  out.Line("internal::Checked c;");
  out.Raw(code_.Take());
  out.Close();
  return out.Take();
}

void LayoutWriter::Define(int32_t e) {
  if (!sizes_.KnownAtStart(e)) {
    problems_->AddNode(kNone, "entry " + x_.entry->entry->name,
                       "a size that only the run knows: " + executable::ExprToString(m_, e));
    return;
  }
  for (const std::string& line : writer_.Define(e)) {
    const std::string name = line.substr(0, line.find(' '));
    Member(name.substr(3));  // without "l->"
    code_.Line(line);
    unchecked_ = true;
  }
}

void LayoutWriter::CheckFit() {
  if (unchecked_) {
    code_.Line("if (!c.ok) return " + Number(Messages::kBadSize) + ";  // kBadSize");
  }
  unchecked_ = false;
}

void LayoutWriter::Rules() {
  code_.Lines(parameters_->BoundChecks());
  for (const executable::Guard& g : x_.entry->entry->guards) {
    if (parameters_->Holds(g)) continue;
    Define(g.lhs);
    Define(g.rhs);
    CheckFit();
    const std::string lhs = writer_.Text(g.lhs);
    const std::string rhs = writer_.Text(g.rhs);
    std::string holds;
    switch (g.relation) {
      case executable::Relation::kEqual:
        holds = lhs + " == " + rhs;
        break;
      case executable::Relation::kLessOrEqual:
        holds = lhs + " <= " + rhs;
        break;
      case executable::Relation::kDivides:
        holds = "internal::divides(" + lhs + ", " + rhs + ")";
        break;
    }
    const int code = x_.messages->Add(Code::kInvalidArgument, g.source_node, g.message);
    code_.Line("if (!(" + holds + ")" + Return(code));
  }
}

void LayoutWriter::NeededSizes(const StepsWriter& steps) {
  const ScratchLayout& scratch = x_.block->scratch;
  for (const Slot& slot : scratch.slots) {
    for (const int32_t e : slot.bytes) Define(e);
  }
  for (const int32_t e : steps.sizes_used()) Define(e);
  CheckFit();
}

// What the runtime checks when it lays out its arena: views lie inside their bases.
void LayoutWriter::Views() {
  for (size_t i = 0; i < m_.buffers.size(); ++i) {
    const executable::Buffer& b = m_.buffers[i];
    if (b.kind != BufferKind::kArena || b.alias_of == kNone) continue;
    if (x_.block->homes.count(PlaceOf(m_, static_cast<int32_t>(i)).root) == 0) continue;
    const int32_t base = m_.buffers[b.alias_of].byte_size;
    if (sizes_.Constant(b.alias_offset) == 0 && b.byte_size == base) continue;
    for (const int32_t e : {b.alias_offset, b.byte_size, base}) Define(e);
    code_.Line("c.within(" + writer_.Text(b.alias_offset) + ", " + writer_.Text(b.byte_size) +
               ", " + writer_.Text(base) + ");");
    unchecked_ = true;
  }
  CheckFit();
}

void LayoutWriter::FetchBytes() {
  for (const int32_t i : x_.entry->copied_fetches) {
    const executable::Port& fetch = x_.entry->entry->fetches[i];
    for (const int32_t d : fetch.dims) Define(d);
    const std::string name = "fetch_" + Number(i) + "_bytes";
    Member(name);
    code_.Line("l->" + name + " = " + PortBytes(m_, fetch, true, &writer_, &code_) + ";");
    unchecked_ = true;
  }
  CheckFit();
}

// Kernels run one after the other: the largest need of memory of their own counts.
void LayoutWriter::KernelScratch(StepsWriter* steps) {
  if (steps->with_scratch().empty()) return;
  Member("kernel_scratch");
  Member("kernel_scratch_bytes");
  int64_t constant = 0;
  std::vector<const executable::LaunchKernel*> others;
  for (const executable::LaunchKernel* launch : steps->with_scratch()) {
    const int32_t bytes = m_.kernels[launch->kernel].scratch_bytes;
    if (const auto known = sizes_.Constant(bytes)) {
      constant = std::max(constant, *known);
    } else {
      others.push_back(launch);
    }
  }
  code_.Line("l->kernel_scratch_bytes = " + Int64Literal(constant) + ";");
  for (const executable::LaunchKernel* launch : others) {
    for (const int32_t e : launch->scalars) Define(e);
    const auto scalar = [&](int32_t e) -> std::string {
      const Expr& expr = m_.expressions[e];
      if (expr.kind != ExprKind::kScalar) return "";
      return writer_.Text(launch->scalars[expr.value]);
    };
    SizeWriter local(&sizes_, scalar, "const std::int64_t ", "k");
    const int32_t bytes = m_.kernels[launch->kernel].scratch_bytes;
    code_.Open("{");
    code_.Lines(local.Define(bytes));
    code_.Line("l->kernel_scratch_bytes = c.max(l->kernel_scratch_bytes, " + local.Text(bytes) +
               ");");
    code_.Close();
  }
  code_.Line("l->kernel_scratch_bytes = c.round_up(l->kernel_scratch_bytes, 64);");
}

void LayoutWriter::Place() {
  const ScratchLayout& scratch = x_.block->scratch;
  code_.Line("std::int64_t end = " + Int64Literal(scratch.fixed_bytes) + ";");
  for (size_t i = 0; i < scratch.slots.size(); ++i) {
    const Slot& slot = scratch.slots[i];
    std::string bytes = writer_.Text(slot.bytes[0]);
    for (size_t k = 1; k < slot.bytes.size(); ++k) {
      bytes = "c.max(" + bytes + ", " + writer_.Text(slot.bytes[k]) + ")";
    }
    const std::string name = "slot_" + Number(static_cast<int64_t>(i));
    Member(name);
    code_.Line("l->" + name + " = c.place(" + bytes + ", " + Number(slot.alignment) + ", &end);");
  }
  if (std::count(members_.begin(), members_.end(), "kernel_scratch") != 0) {
    code_.Line("l->kernel_scratch = c.place(l->kernel_scratch_bytes, 64, &end);");
  }
  Member("bytes");
  code_.Line("l->bytes = c.round_up(end, 64);");
}

}  // namespace stator::tools
