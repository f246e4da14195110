#include "tools/emit_object/entry_writer.h"

#include <algorithm>
#include <map>

#include "executable/expr_eval.h"
#include "executable/printer.h"
#include "tools/emit_object/identifiers.h"
#include "tools/emit_object/layout_writer.h"

namespace stator::tools {
namespace {

using executable::Code;
using executable::EntryPoint;
using executable::ExprKind;
using executable::kNone;
using executable::Port;

class EntryWriter {
 public:
  EntryWriter(const HeaderContext& header, const EntryStorage& storage,
              const std::string& class_name, Problems* problems)
      : header_(header),
        sizes_(*header.sizes),
        m_(header.sizes->model()),
        storage_(storage),
        entry_(*storage.entry),
        class_(class_name),
        parameters_(*header.sizes, entry_, header.messages, problems),
        problems_(problems) {}

  std::string Write() {
    Names();
    // Bodies first: they tell which sizes lay_out must compute.
    const std::string main = Body(storage_.main);
    const std::string init = HasInit() ? Body(storage_.init) : "";
    code_.Line("// " + CommentText("Entry point \"" + entry_.name + "\"."));
    for (const std::string& fact : entry_.facts) {
      code_.Line("// Compiled for " + CommentText(fact) + ".");
    }
    for (const executable::Guard& g : entry_.guards) {
      if (!parameters_.Holds(g)) code_.Line("// Rule: " + CommentText(g.message));
    }
    code_.Open("class " + class_ + " {");
    code_.Label("public:");
    Members();
    SizeFunctions();
    Scratch();
    Run();
    if (HasInit()) Init();
    code_.Line("");
    code_.Line("// The element at which a check failed in the last run, or -1.");
    code_.Line("std::int64_t failed_element() const { return failed_element_; }");
    code_.Line("");
    code_.Label("private:");
    code_.Raw(main_layout_);
    Steps("steps", "Layout", parameters_.Declarations(true), main);
    if (HasInit()) {
      code_.Raw(init_layout_);
      Steps("init_steps", "InitLayout", "", init);
    }
    Failed();
    code_.Line("");
    code_.Line("std::int64_t failed_element_ = -1;");
    if (HasInit()) code_.Line("char* persistent_ = nullptr;");
    code_.Close("};");
    return code_.Take();
  }

 private:
  bool HasInit() const { return entry_.init_block != kNone; }
  bool HasState() const { return !entry_.variables.empty(); }
  bool WritesState() const {
    return std::any_of(entry_.variables.begin(), entry_.variables.end(),
                       [](const executable::Variable& v) { return v.write_buffer != kNone; });
  }
  bool HasShadow() const {
    return std::count(storage_.shadowed.begin(), storage_.shadowed.end(), true) > 0;
  }

  void Names() {
    UniqueNames names(ClassReservedNames());
    names.Add(class_);
    for (const std::string& p : parameters_.names()) names.Add(p);
    const auto add = [&](const std::vector<Port>& ports, const char* what,
                         std::vector<std::string>* out) {
      for (const Port& p : ports) {
        out->push_back(names.Add(TensorIdentifier(p.name), "_size"));
        if (CppType(p.dtype).empty()) {
          problems_->AddNode(p.source_node, p.name,
                             std::string(what) + " of type " + executable::DTypeName(p.dtype));
        }
      }
    };
    add(entry_.feeds, "an argument", &feeds_);
    add(entry_.fetches, "a result", &fetches_);
    for (const executable::Variable& v : entry_.variables) {
      for (const StateVariable& s : *header_.variables) {
        if (s.name == v.name) members_.push_back(s.member);
      }
    }
  }

  std::string Body(const BlockStorage& block) {
    const bool is_main = &block == &storage_.main;
    StepsContext context;
    context.sizes = &sizes_;
    context.entry = &storage_;
    context.block = &block;
    context.names = header_.names;
    context.messages = header_.messages;
    context.input_symbol = [this, is_main](int32_t symbol) -> std::string {
      if (is_main) return parameters_.Text(symbol);
      problems_->AddNode(kNone, "init of entry " + entry_.name,
                         "the size " + m_.symbols[symbol].name + " that only a run knows");
      return "0";
    };
    context.feeds = feeds_;
    context.fetches = fetches_;
    context.variables = members_;
    StepsWriter steps(context);
    std::string body = steps.Write(2);
    LayoutWriter layout(context, is_main ? &parameters_ : nullptr, problems_);
    (is_main ? main_layout_ : init_layout_) = layout.Write(&steps);
    return body;
  }

  // ---- The public part ----

  void Member(const Port& p, const std::string& name, bool is_const) {
    code_.Line(std::string(is_const ? "const " : "") + CppType(p.dtype) + "* " + name +
               " = nullptr;  // " +
               CommentText(p.name + ": " + executable::DTypeName(p.dtype) + "[" +
                           parameters_.DimsText(p.dims) + "]"));
  }

  void Members() {
    if (!parameters_.names().empty()) {
      code_.Line("// Sizes, as parameters of the functions below:");
      code_.Lines(parameters_.Comments());
      code_.Line("");
    }
    if (!feeds_.empty()) code_.Line("// Arguments: memory of the caller, only read.");
    for (size_t i = 0; i < feeds_.size(); ++i) Member(entry_.feeds[i], feeds_[i], true);
    if (!fetches_.empty()) code_.Line("// Results: memory of the caller, apart from all other.");
    for (size_t i = 0; i < fetches_.size(); ++i) Member(entry_.fetches[i], fetches_[i], false);
    if (!HasState()) return;
    std::vector<std::string> reads;
    std::vector<std::string> writes;
    for (size_t i = 0; i < members_.size(); ++i) {
      if (entry_.variables[i].read_buffer != kNone) reads.push_back(members_[i]);
      if (entry_.variables[i].write_buffer != kNone) writes.push_back(members_[i]);
    }
    if (!reads.empty()) code_.Line("// Reads " + JoinText(reads) + ".");
    if (!writes.empty()) code_.Line("// Writes " + JoinText(writes) + ".");
    code_.Line(std::string(WritesState() ? "" : "const ") + "State* state = nullptr;");
  }

  void SizeFunctions() {
    if (feeds_.empty() && fetches_.empty()) return;
    code_.Line("");
    code_.Line("// Numbers of elements; 0 where sizes do not fit.");
    const auto write = [&](const Port& p, const std::string& name, bool is_fetch) {
      SizeWriter local(
          &sizes_, [this](int32_t e) { return parameters_.Leaf(e); }, "const std::int64_t ", "s");
      CodeText body(code_.depth() + 1);
      const std::string bytes = PortBytes(m_, p, is_fetch, &local, &body);
      const std::string definitions = body.Take();
      // Not every size counts for each of them.
      const bool some = parameters_.names().size() > 1 || definitions.empty();
      code_.Open("static std::size_t " + name + "_size(" + parameters_.Declarations(some) + ") {");
      code_.Line("internal::Checked c;");
      code_.Raw(definitions);
      code_.Line("return c.count(" + bytes + ", sizeof(" + CppType(p.dtype) + "));");
      code_.Close();
    };
    for (size_t i = 0; i < feeds_.size(); ++i) write(entry_.feeds[i], feeds_[i], false);
    for (size_t i = 0; i < fetches_.size(); ++i) write(entry_.fetches[i], fetches_[i], true);
  }

  void Scratch() {
    code_.Line("");
    code_.Line(
        "// Bytes of memory that `run` works in; nothing in it is kept from run to run. 0 for");
    code_.Line("// sizes that break a rule, which `run` then names.");
    code_.Line("static constexpr std::size_t kScratchAlignment = " +
               Number(storage_.main.scratch.alignment) + ";");
    code_.Open("static std::size_t scratch_size(" + parameters_.Declarations() + ") {");
    code_.Line("Layout l{};");
    code_.Line("if (lay_out(" + parameters_.Call("&l") + ") != 0) return 0;");
    code_.Line("return static_cast<std::size_t>(l.bytes);");
    code_.Close();
  }

  void CheckPort(const Port& p, const std::string& name) {
    const int code =
        header_.messages->Add(Code::kInvalidArgument, p.source_node, "`" + name + "` is null");
    code_.Line("if (this->" + name + " == nullptr && " + name + "_size(" + parameters_.Call("") +
               ") != 0) return " + Number(code) + ";");
  }

  void CheckState(bool for_init) {
    if (!HasState()) return;
    std::vector<std::string> lines;
    for (size_t i = 0; i < members_.size(); ++i) {
      const executable::Variable& v = entry_.variables[i];
      const std::string member = "this->state->" + members_[i];
      if (for_init) {
        const auto& uses = storage_.init.uses.roots;
        if (v.read_buffer == kNone || uses.count(v.read_buffer) == 0) continue;
      }
      if (v.read_buffer != kNone) {
        lines.push_back(
            "if (!" + member + ".has_value()) return " +
            Number(header_.messages->Add(Code::kFailedPrecondition, v.source_node,
                                         "variable " + v.name + " is not initialized")) +
            ";");
      } else if (v.write_buffer != kNone) {
        lines.push_back("if (" + member + ".data == nullptr) return " +
                        Number(header_.messages->Add(Code::kFailedPrecondition, v.source_node,
                                                     "variable " + v.name + " has no memory")) +
                        ";");
      }
    }
    if (!for_init || !lines.empty()) {
      code_.Line("if (this->state == nullptr) return " + Number(Messages::kNoState) +
                 ";  // kNoState");
    }
    code_.Lines(lines);
  }

  void Run() {
    code_.Line("");
    code_.Line(
        "// 0, or a code for `message`. After an error the state holds what was written before");
    code_.Line("// it, and results are undefined.");
    std::string arguments = parameters_.Declarations();
    arguments += arguments.empty() ? "void* scratch" : ", void* scratch";
    code_.Open("int run(" + arguments + ") {");
    code_.Line("failed_element_ = -1;");
    code_.Line("Layout l{};");
    const std::string plan = "int code = lay_out(" + parameters_.Call("&l") + ")";
    if (HasShadow()) {
      code_.Line(plan + ";");
      code_.Line("if (code != 0) return code;");
    } else {
      code_.Line("if (const " + plan + "; code != 0) return code;");
    }
    code_.Line("if (!internal::usable(scratch, l.bytes, kScratchAlignment)) return " +
               Number(Messages::kBadScratch) + ";  // kBadScratch");
    for (size_t i = 0; i < feeds_.size(); ++i) CheckPort(entry_.feeds[i], feeds_[i]);
    for (size_t i = 0; i < fetches_.size(); ++i) CheckPort(entry_.fetches[i], fetches_[i]);
    CheckState(false);
    if (HasInit()) {
      code_.Line("if (persistent_ == nullptr) return " + Number(Messages::kNoInit) +
                 ";  // kNoInit");
    }
    code_.Line("const internal::FloatMode float_mode;");
    if (HasShadow()) code_.Line("bool wrote[" + Number(members_.size()) + "] = {};");
    std::string last = "l, static_cast<char*>(scratch)";
    if (HasInit()) last += ", persistent_";
    if (HasShadow()) last += ", wrote";
    code_.Line((HasShadow() ? "code = steps(" : "return steps(") + parameters_.Call(last) + ");");
    if (HasShadow()) {
      Publish();
      code_.Line("return code;");
    }
    code_.Close();
  }

  // Written beside the old version: what was completed counts, whatever failed after it.
  void Publish() {
    for (size_t i = 0; i < members_.size(); ++i) {
      if (!storage_.shadowed[i]) continue;
      const int32_t root = entry_.variables[i].write_buffer;
      const ScratchLayout& scratch = storage_.main.scratch;
      const auto fixed = scratch.fixed.find(root);
      const std::string offset = fixed != scratch.fixed.end()
                                     ? Int64Literal(fixed->second)
                                     : "l.slot_" + Number(scratch.slotted.at(root));
      code_.Open("if (wrote[" + Number(i) + "]) {");
      code_.Line("this->state->" + members_[i] + ".set(static_cast<char*>(scratch) + " + offset +
                 ");");
      code_.Close();
    }
  }

  void Init() {
    code_.Line("");
    code_.Line(
        "// What is computed once and then only read, such as packed weights. To be called before");
    code_.Line(
        "// the first run; `persistent` must live as long as this object and its copies are used.");
    if (!entry_.init_variables.empty()) {
      std::vector<std::string> names;
      for (const int32_t v : entry_.init_variables) names.push_back(members_[v]);
      code_.Line("// To be called again when one of these has changed: " + JoinText(names) + ".");
    }
    int64_t alignment = executable::kBufferAlignment;
    for (const auto& [root, offset] : storage_.persistent) {
      alignment = std::max(alignment, m_.buffers[root].alignment);
    }
    code_.Line("static constexpr std::size_t kPersistentAlignment = " + Number(alignment) + ";");
    code_.Line("static constexpr std::size_t persistent_size() { return " +
               Number(std::max<int64_t>(storage_.persistent_bytes, 1)) + "; }");
    code_.Open("static std::size_t init_scratch_size() {");
    code_.Line("InitLayout l{};");
    code_.Line("if (init_lay_out(&l) != 0) return 0;");
    code_.Line("return static_cast<std::size_t>(l.bytes);");
    code_.Close();
    code_.Open("int init(void* persistent, void* scratch) {");
    code_.Line("failed_element_ = -1;");
    code_.Line("InitLayout l{};");
    code_.Line("int code = init_lay_out(&l);");
    code_.Line("if (code != 0) return code;");
    code_.Line("if (!internal::usable(scratch, l.bytes, " +
               Number(storage_.init.scratch.alignment) + ") ||");
    code_.Line("    !internal::usable(persistent, " + Number(storage_.persistent_bytes) +
               ", kPersistentAlignment)) {");
    code_.Line("  return " + Number(Messages::kBadScratch) + ";  // kBadScratch");
    code_.Line("}");
    CheckState(true);
    code_.Line("const internal::FloatMode float_mode;");
    code_.Line("persistent_ = nullptr;");
    code_.Line(
        "code = init_steps(l, static_cast<char*>(scratch), static_cast<char*>(persistent));");
    code_.Line("if (code == 0) persistent_ = static_cast<char*>(persistent);");
    code_.Line("return code;");
    code_.Close();
  }

  // ---- The private part ----

  void Steps(const char* name, const char* layout, const std::string& parameters,
             const std::string& body) {
    std::string arguments = parameters.empty() ? "" : parameters + ", ";
    arguments +=
        std::string("[[maybe_unused]] const ") + layout + "& l, [[maybe_unused]] char* scratch";
    if (HasInit()) arguments += ", [[maybe_unused]] char* persistent";
    const bool is_main = std::string(name) == "steps";
    if (is_main && HasShadow()) arguments += ", bool* wrote";
    code_.Line("");
    code_.Open("int " + std::string(name) + "(" + arguments + ") {");
    code_.Raw(body);
    code_.Close();
  }

  void Failed() {
    code_.Line("");
    code_.Open("int failed([[maybe_unused]] const internal::Error& error) {");
    if (!m_.checks.empty()) {
      code_.Open("if (error.check >= 0 && error.check < " +
                 Number(static_cast<int64_t>(m_.checks.size())) + ") {");
      code_.Line("failed_element_ = error.index;");
      code_.Line("return " + Number(header_.messages->first_check()) + " + error.check;");
      code_.Close();
    }
    code_.Line("return " + Number(Messages::kInternal) + ";  // kInternal");
    code_.Close();
  }

  static std::string Number(int64_t n) { return std::to_string(n); }
  static std::string Number(size_t n) { return std::to_string(n); }
  static std::string Number(int n) { return std::to_string(n); }

  const HeaderContext& header_;
  const Sizes& sizes_;
  const executable::ImageModel& m_;
  const EntryStorage& storage_;
  const EntryPoint& entry_;
  const std::string class_;
  const Parameters parameters_;
  Problems* problems_;
  std::vector<std::string> feeds_;
  std::vector<std::string> fetches_;
  std::vector<std::string> members_;  // of the state, per variable of the entry
  std::string main_layout_;
  std::string init_layout_;
  CodeText code_;
};

}  // namespace

std::string WriteEntry(const HeaderContext& header, const EntryStorage& storage,
                       const std::string& class_name, Problems* problems) {
  return EntryWriter(header, storage, class_name, problems).Write();
}

}  // namespace stator::tools
