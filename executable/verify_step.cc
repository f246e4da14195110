#include "executable/verify_step.h"

#include <algorithm>
#include <cstddef>

#include "executable/printer.h"

namespace stator::executable {
namespace {

class StepRules {
 public:
  StepRules(const ModelTables& tables, bool in_init)
      : tables_(tables), m_(tables.model()), in_init_(in_init) {}

  // Each returns the broken rule, or "".
  std::string Rule(const LaunchKernel& s) const {
    if (s.kernel < 0 || static_cast<size_t>(s.kernel) >= m_.kernels.size()) return "no such kernel";
    const Kernel& k = m_.kernels[s.kernel];
    if (s.buffers.size() != k.arguments.size()) return "wrong number of buffers";
    if (s.scalars.size() != static_cast<size_t>(k.num_scalars)) return "wrong number of scalars";
    if (!tables_.AreSizes(s.scalars)) return "bad scalar expression";
    for (size_t i = 0; i < s.buffers.size(); ++i) {
      if (!tables_.HasBuffer(s.buffers[i])) return "no such buffer";
      if (k.arguments[i].access != Access::kRead && ReadOnly(s.buffers[i])) {
        return "writes the read-only buffer " + PrintBufferName(m_, s.buffers[i]);
      }
    }
    for (int32_t node : s.report.source_nodes) {
      if (node == kNone || !tables_.HasNode(node)) return "no such source node";
    }
    for (int32_t e : {s.report.bytes, s.report.flops}) {
      if (e != kNone && !tables_.IsSize(e)) return "bad report expression";
    }
    return "";
  }
  std::string Rule(const Copy& s) const {
    if (!tables_.HasBuffer(s.source) || !tables_.HasBuffer(s.destination)) return "no such buffer";
    if (ReadOnly(s.destination)) return "writes a read-only buffer";
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
    return tables_.IsBoolScalar(s.predicate) ? "" : "the predicate must be a bool scalar";
  }
  std::string Rule(const While& s) const {
    if (!tables_.IsBoolScalar(s.predicate)) return "the predicate must be a bool scalar";
    for (const CarriedPair& p : s.carried) {
      if (!tables_.HasBuffer(p.current) || !tables_.HasBuffer(p.next) || p.current == p.next) {
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
      if (!tables_.HasSymbol(l.symbol) || m_.symbols[l.symbol].life != SymbolLife::kLoop ||
          !tables_.IsSize(l.initial) || !tables_.IsSize(l.next)) {
        return "bad loop symbol";
      }
    }
    return "";
  }
  std::string Rule(const CallBlock&) const { return ""; }
  std::string Rule(const BindSymbol& s) const {
    if (!tables_.HasSymbol(s.symbol) || m_.symbols[s.symbol].life != SymbolLife::kStep) {
      return "binds only step symbols";
    }
    if (!tables_.HasBuffer(s.source) || s.element < 0 || s.element > (int64_t{1} << 40)) {
      return "no such element";
    }
    const DType dtype = m_.buffers[s.source].dtype;
    return dtype == DType::kInt32 || dtype == DType::kInt64 ? "" : "sizes are int32 or int64";
  }
  std::string Rule(const Alloc& s) const {
    if (!tables_.HasBuffer(s.buffer)) return "no such buffer";
    if (s.bytes != kNone && !tables_.IsSize(s.bytes)) return "bad size";
    return Owned(s.buffer, true);
  }
  std::string Rule(const Free& s) const {
    return tables_.HasBuffer(s.buffer) ? Owned(s.buffer, false) : "no such buffer";
  }
  std::string Rule(const Check& s) const {
    if (!tables_.HasBuffer(s.predicate) || m_.buffers[s.predicate].dtype != DType::kBool) {
      return "the predicate must be bool";
    }
    return s.check >= 0 && static_cast<size_t>(s.check) < m_.checks.size() ? "" : "no such check";
  }
  std::string Rule(const UseList& s) const {
    if (s.action > ListAction::kPop) return "unknown action";
    if (s.list < 0 || s.list >= m_.num_lists) return "no such list";
    if (s.action == ListAction::kClear) return "";
    if (!tables_.HasBuffer(s.buffer)) return "no such buffer";
    if (IsObjectDType(m_.buffers[s.buffer].dtype)) return "lists hold numbers";
    if (s.action == ListAction::kPop && ReadOnly(s.buffer)) return "writes a read-only buffer";
    return "";
  }
  std::string Rule(const Declared& s) const {
    if (s.kind > DeclaredKind::kLibraryContraction) return "unknown kind";
    return InputsOutputs(s.inputs, s.outputs);
  }

 private:
  bool ReadOnly(int32_t buffer) const {
    const BufferKind kind = m_.buffers[buffer].kind;
    return kind == BufferKind::kInput || kind == BufferKind::kConstant ||
           kind == BufferKind::kVariableRead || (kind == BufferKind::kPersistent && !in_init_);
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
      if (!tables_.HasBuffer(b)) return "no such input";
    }
    for (size_t i = 0; i < outputs.size(); ++i) {
      const int32_t b = outputs[i];
      if (!tables_.HasBuffer(b)) return "no such output";
      if (ReadOnly(b)) return "writes the read-only buffer " + PrintBufferName(m_, b);
      // An output's memory may be made anew during the step.
      const auto shares = [&](int32_t other) { return Owner(other) == Owner(b); };
      if (std::any_of(inputs.begin(), inputs.end(), shares) ||
          std::any_of(outputs.begin(), outputs.begin() + static_cast<std::ptrdiff_t>(i), shares)) {
        return "an output shares memory with an input or another output";
      }
    }
    return "";
  }
  int32_t Owner(int32_t buffer) const {
    while (m_.buffers[buffer].alias_of != kNone) buffer = m_.buffers[buffer].alias_of;
    return buffer;
  }

  const ModelTables& tables_;
  const ImageModel& m_;
  const bool in_init_;
};

}  // namespace

std::string BrokenStepRule(const ModelTables& tables, const Step& step, bool in_init) {
  const StepRules rules(tables, in_init);
  return std::visit([&](const auto& body) { return rules.Rule(body); }, step.body);
}

}  // namespace stator::executable
