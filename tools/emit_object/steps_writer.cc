#include "tools/emit_object/steps_writer.h"

#include <algorithm>

#include "executable/printer.h"
#include "tools/emit_object/identifiers.h"

namespace stator::tools {

using executable::Access;
using executable::DType;
using executable::kNone;

namespace {

std::string Number(int64_t n) { return std::to_string(n); }

std::string Plus(const std::string& base, const std::string& offset) {
  return offset == "0" ? base : base + " + " + offset;
}

constexpr char kSizesFit[] = "if (!c.ok) return 1;  // kBadSize";
static_assert(Messages::kBadSize == 1);

}  // namespace

StepsWriter::StepsWriter(const StepsContext& context)
    : x_(context), m_(context.sizes->model()), sizes_(*context.sizes) {}

std::string StepsWriter::Write(int depth) {
  code_ = CodeText(depth);
  if (!x_.block->uses.dynamic_symbols.empty()) {
    code_.Line("internal::Checked c;");
    for (const int32_t s : x_.block->uses.dynamic_symbols) {
      symbol_names_[s] = "v" + Number(s) + "_" + ToIdentifier(m_.symbols[s].name);
      code_.Line("std::int64_t " + symbol_names_[s] + " = 0;");
    }
  }
  code_.Line("[[maybe_unused]] internal::Error error;");
  DefineRoots();
  Block(x_.block->block);
  if (x_.block == &x_.entry->main) CopyFetches();
  code_.Line("return 0;");
  return code_.Take();
}

std::string StepsWriter::StartSize(int32_t e) {
  if (const auto constant = sizes_.Constant(e)) return Int64Literal(*constant);
  const executable::Expr& expr = m_.expressions[e];
  if (expr.kind == executable::ExprKind::kSymbol) {
    return x_.input_symbol(static_cast<int32_t>(expr.value));
  }
  sizes_used_.insert(e);
  return "l.s" + Number(e);
}

// ---- Memory ----------------------------------------------------------------------------------

void StepsWriter::DefineRoots() {
  const auto is_flag = [](const auto& entry) {
    return entry.second.kind == HomeKind::kInitialized;
  };
  if (std::any_of(x_.block->homes.begin(), x_.block->homes.end(), is_flag)) {
    std::vector<std::string> flags;
    for (const std::string& v : x_.variables) flags.push_back("this->state->" + v + ".has_value()");
    code_.Line("const bool was_initialized[] = {" + JoinText(flags) + "};");
  }
  for (const auto& [root, home] : x_.block->homes) {
    std::string name = "b" + Number(root);
    const std::string& given = m_.buffers[root].name;
    if (!given.empty()) name += "_" + TensorIdentifier(given);
    root_names_[root] = name;
    const char* type = x_.block->uses.exchanged.count(root) != 0 ? "char* " : "char* const ";
    code_.Line(type + name + " = " + HomeText(root, home) + ";");
  }
  for (size_t i = 0; i < x_.entry->entry->variables.size(); ++i) {
    const executable::Variable& v = x_.entry->entry->variables[i];
    // The elements that a shadowed write leaves alone.
    if (x_.block != &x_.entry->main || !x_.entry->shadowed[i] || !v.partial_write) continue;
    code_.Line("internal::copy(" + root_names_[v.write_buffer] + ", this->state->" +
               x_.variables[i] + ".data, " + StartSize(m_.buffers[v.write_buffer].byte_size) +
               ");");
  }
}

std::string StepsWriter::HomeText(int32_t root, const Home& home) {
  const ScratchLayout& scratch = x_.block->scratch;
  switch (home.kind) {
    case HomeKind::kScratch:
      if (auto it = scratch.fixed.find(root); it != scratch.fixed.end()) {
        return Plus("scratch", Int64Literal(it->second));
      }
      return "scratch + l.slot_" + Number(scratch.slotted.at(root));
    case HomeKind::kArgument:
      return "internal::bytes(this->" + x_.feeds[home.index] + ")";
    case HomeKind::kResult:
      return "internal::bytes(this->" + x_.fetches[home.index] + ")";
    case HomeKind::kConstants:
      return "internal::bytes(" +
             Plus("internal::" + x_.names->constants,
                  Int64Literal(m_.buffers[root].constant_offset)) +
             ")";
    case HomeKind::kVariable:
      return "internal::bytes(this->state->" + x_.variables[home.index] + ".data)";
    case HomeKind::kPersistent:
      return Plus("persistent", Int64Literal(x_.entry->persistent.at(root)));
    case HomeKind::kInitialized:
      return "internal::bytes(&was_initialized[" + Number(home.index) + "])";
  }
  return "";
}

std::string StepsWriter::Pointer(int32_t buffer, SizeWriter* local) {
  const Place place = PlaceOf(m_, buffer);
  std::string text = root_names_.at(place.root);
  for (const int32_t e : place.offsets) text = Plus(text, local->Text(e));
  return text;
}

std::vector<int32_t> StepsWriter::OffsetsOf(const std::vector<int32_t>& buffers) const {
  std::vector<int32_t> offsets;
  for (const int32_t b : buffers) {
    const Place place = PlaceOf(m_, b);
    offsets.insert(offsets.end(), place.offsets.begin(), place.offsets.end());
  }
  return offsets;
}

SizeWriter StepsWriter::LocalSizes() {
  const auto known = [this](int32_t e) -> std::string {
    if (sizes_.KnownAtStart(e)) return StartSize(e);
    const executable::Expr& expr = m_.expressions[e];
    if (expr.kind != executable::ExprKind::kSymbol) return "";
    return symbol_names_.at(static_cast<int32_t>(expr.value));
  };
  return SizeWriter(&sizes_, known, "const std::int64_t ", "d");
}

void StepsWriter::DefineLocal(const std::vector<int32_t>& expressions, SizeWriter* local) {
  bool any = false;
  for (const int32_t e : expressions) {
    const std::vector<std::string> lines = local->Define(e);
    code_.Lines(lines);
    any |= !lines.empty();
  }
  if (any) code_.Line(kSizesFit);
}

void StepsWriter::CopyFetches() {
  for (const int32_t i : x_.entry->copied_fetches) {
    const executable::Port& fetch = x_.entry->entry->fetches[i];
    SizeWriter local = LocalSizes();
    DefineLocal(OffsetsOf({fetch.buffer}), &local);
    code_.Line("internal::copy(this->" + x_.fetches[i] + ", " + Pointer(fetch.buffer, &local) +
               ", l.fetch_" + Number(i) + "_bytes);");
  }
}

void StepsWriter::MarkWritten(int32_t buffer) {
  const int32_t root = PlaceOf(m_, buffer).root;
  const std::vector<executable::Variable>& variables = x_.entry->entry->variables;
  for (size_t i = 0; i < variables.size(); ++i) {
    if (variables[i].write_buffer != root) continue;
    code_.Line(x_.entry->shadowed[i] ? "wrote[" + Number(static_cast<int64_t>(i)) + "] = true;"
                                     : "this->state->" + x_.variables[i] + ".initialized = true;");
  }
}

// ---- Steps -----------------------------------------------------------------------------------

void StepsWriter::Block(int32_t block) {
  if (block == kNone) return;
  for (const executable::Wave& wave : m_.blocks[block].waves) {
    for (const executable::Step& step : wave.steps) OneStep(step);
  }
}

std::string StepsWriter::Comment(const executable::Step& step) const {
  std::vector<std::string> parts;
  if (const auto* launch = std::get_if<executable::LaunchKernel>(&step.body)) {
    for (const int32_t node : launch->report.source_nodes) {
      parts.push_back(executable::PrintNode(m_, node));
    }
  }
  if (parts.empty()) parts.push_back(executable::PrintNode(m_, step.source_node));
  constexpr size_t kMaxNodes = 4;
  if (parts.size() > kMaxNodes) {
    const std::string more = Number(static_cast<int64_t>(parts.size() - kMaxNodes)) + " more";
    parts.resize(kMaxNodes);
    parts.push_back(more);
  }
  parts.erase(std::remove(parts.begin(), parts.end(), ""), parts.end());
  return CommentText(JoinText(parts));
}

void StepsWriter::OneStep(const executable::Step& step) {
  step_ = &step;
  const std::string comment = Comment(step);
  if (!comment.empty()) code_.Line("// " + comment);
  std::visit([&](const auto& body) { Do(body); }, step.body);
}

void StepsWriter::Do(const executable::LaunchKernel& s) {
  const executable::Kernel& kernel = m_.kernels[s.kernel];
  code_.Open("{");
  SizeWriter local = LocalSizes();
  std::vector<int32_t> needed = OffsetsOf(s.buffers);
  needed.insert(needed.end(), s.scalars.begin(), s.scalars.end());
  DefineLocal(needed, &local);
  std::vector<std::string> buffers;
  std::vector<std::string> scalars;
  for (const int32_t b : s.buffers) buffers.push_back(Pointer(b, &local));
  for (const int32_t e : s.scalars) scalars.push_back(local.Text(e));
  if (!buffers.empty()) code_.Line("void* const buffers[] = {" + JoinText(buffers) + "};");
  if (!scalars.empty()) {
    code_.Line("const std::int64_t scalars[] = {" + JoinText(scalars) + "};");
  }
  // Grids are sizes over the launch's scalars.
  const auto scalar = [&](int32_t e) -> std::string {
    const executable::Expr& expr = m_.expressions[e];
    if (expr.kind != executable::ExprKind::kScalar) return "";
    return "scalars[" + Number(expr.value) + "]";
  };
  std::vector<std::string> grid_lines;
  SizeWriter grids(&sizes_, scalar, "const std::int64_t ", "g");
  for (const executable::KernelPhase& phase : kernel.phases) {
    for (std::string& line : grids.Define(phase.grid)) grid_lines.push_back(std::move(line));
  }
  if (!grid_lines.empty()) {
    if (x_.block->uses.dynamic_symbols.empty()) code_.Line("internal::Checked c;");
    code_.Lines(grid_lines);
    code_.Line(kSizesFit);
  }
  std::string scratch = "nullptr, 0";
  if (kernel.scratch_bytes != kNone) {
    scratch = "scratch + l.kernel_scratch, l.kernel_scratch_bytes";
    with_scratch_.push_back(&s);
  }
  for (size_t i = 0; i < kernel.phases.size(); ++i) {
    code_.Line("if (!internal::launch(internal::" + x_.names->kernels[s.kernel][i] + ", " +
               (buffers.empty() ? "nullptr" : "buffers") + ", " +
               (scalars.empty() ? "nullptr" : "scalars") + ", " +
               grids.Text(kernel.phases[i].grid) + ", " + scratch + ", &error)) {");
    code_.Line("  return failed(error);");
    code_.Line("}");
  }
  for (size_t i = 0; i < s.buffers.size(); ++i) {
    if (kernel.arguments[i].access != Access::kRead) MarkWritten(s.buffers[i]);
  }
  code_.Close();
}

void StepsWriter::Do(const executable::Copy& s) {
  const int32_t from = m_.buffers[s.source].byte_size;
  const int32_t to = m_.buffers[s.destination].byte_size;
  SizeWriter local = LocalSizes();
  std::vector<int32_t> needed = OffsetsOf({s.source, s.destination});
  needed.insert(needed.end(), {from, to});
  const bool scope =
      std::any_of(needed.begin(), needed.end(), [&](int32_t e) { return !sizes_.KnownAtStart(e); });
  if (scope) code_.Open("{");
  DefineLocal(needed, &local);
  if (from != to) {
    code_.Line("if (" + local.Text(from) + " > " + local.Text(to) + ") return " +
               Number(Messages::kInternal) + ";  // kInternal");
  }
  code_.Line("internal::copy(" + Pointer(s.destination, &local) + ", " + Pointer(s.source, &local) +
             ", " + local.Text(from) + ");");
  MarkWritten(s.destination);
  if (scope) code_.Close();
}

std::string StepsWriter::Truth(int32_t predicate) {
  const std::vector<int32_t> offsets = OffsetsOf({predicate});
  SizeWriter local = LocalSizes();
  if (std::all_of(offsets.begin(), offsets.end(),
                  [&](int32_t e) { return sizes_.KnownAtStart(e); })) {
    return "internal::truth(" + Pointer(predicate, &local) + ")";
  }
  const std::string name = "t" + Number(++truths_);
  code_.Line("bool " + name + ";");
  code_.Open("{");
  DefineLocal(offsets, &local);
  code_.Line(name + " = internal::truth(" + Pointer(predicate, &local) + ");");
  code_.Close();
  return name;
}

void StepsWriter::Do(const executable::If& s) {
  code_.Open("if (" + Truth(s.predicate) + ") {");
  Block(s.then_block);
  if (s.else_block != kNone) {
    code_.Else();
    Block(s.else_block);
  }
  code_.Close();
}

void StepsWriter::Do(const executable::While& s) {
  const executable::Step* step = step_;
  for (const executable::LoopSymbol& l : s.loop_symbols) {
    code_.Open("{");
    SizeWriter local = LocalSizes();
    DefineLocal({l.initial}, &local);
    code_.Line(symbol_names_[l.symbol] + " = " + local.Text(l.initial) + ";");
    code_.Close();
    CheckSymbolValue(l.symbol);
  }
  code_.Open("for (;;) {");
  Block(s.cond_block);
  code_.Line("if (!" + Truth(s.predicate) + ") break;");
  Block(s.body_block);
  for (const executable::CarriedPair& pair : s.carried) {
    code_.Line("internal::exchange(&" + root_names_[pair.current] + ", &" + root_names_[pair.next] +
               ");");
  }
  step_ = step;
  if (!s.loop_symbols.empty()) {
    // All next values before the first is bound.
    code_.Open("{");
    SizeWriter local = LocalSizes();
    std::vector<std::string> next;
    for (const executable::LoopSymbol& l : s.loop_symbols) {
      DefineLocal({l.next}, &local);
      next.push_back("next_" + Number(l.symbol));
      code_.Line("const std::int64_t " + next.back() + " = " + local.Text(l.next) + ";");
    }
    for (size_t i = 0; i < next.size(); ++i) {
      code_.Line(symbol_names_[s.loop_symbols[i].symbol] + " = " + next[i] + ";");
      CheckSymbolValue(s.loop_symbols[i].symbol);
    }
    code_.Close();
  }
  code_.Close();
}

void StepsWriter::Do(const executable::BindSymbol& s) {
  const bool wide = m_.buffers[s.source].dtype == DType::kInt64;
  const int32_t bytes = m_.buffers[s.source].byte_size;
  const int64_t end = (s.element + 1) * (wide ? 8 : 4);
  code_.Open("{");
  SizeWriter local = LocalSizes();
  std::vector<int32_t> needed = OffsetsOf({s.source});
  needed.push_back(bytes);
  DefineLocal(needed, &local);
  if (sizes_.Constant(bytes).value_or(0) < end) {
    code_.Line("if (" + local.Text(bytes) + " < " + Int64Literal(end) + ") return " +
               Number(Messages::kInternal) + ";  // kInternal");
  }
  code_.Line(symbol_names_[s.symbol] + " = internal::element<std::int" + (wide ? "64" : "32") +
             "_t>(" + Pointer(s.source, &local) + ", " + Int64Literal(s.element) + ");");
  code_.Close();
  CheckSymbolValue(s.symbol);
}

void StepsWriter::CheckSymbolValue(int32_t symbol) {
  const executable::Symbol& s = m_.symbols[symbol];
  const std::string& name = symbol_names_[symbol];
  const int32_t node = Problems::NodeOf(*step_);
  for (const SymbolRule& rule : RulesOf(s)) {
    const int code = x_.messages->Add(executable::Code::kInvalidArgument, node,
                                      s.name + " must be " + rule.rule);
    code_.Line("if (" + name + rule.broken + ") return " + Number(code) + ";");
  }
}

void StepsWriter::Do(const executable::Check& s) {
  const executable::Buffer& predicate = m_.buffers[s.predicate];
  code_.Open("{");
  SizeWriter local = LocalSizes();
  std::vector<int32_t> needed = OffsetsOf({s.predicate});
  needed.insert(needed.end(), predicate.dims.begin(), predicate.dims.end());
  DefineLocal(needed, &local);
  std::string count;
  for (const int32_t d : predicate.dims) count += (count.empty() ? "" : " * ") + local.Text(d);
  code_.Line("if (!internal::all(" + Pointer(s.predicate, &local) + ", " +
             (count.empty() ? "1" : count) + ", " + Number(s.check) + ", &error)) {");
  code_.Line("  return failed(error);");
  code_.Line("}");
  code_.Close();
}

}  // namespace stator::tools
