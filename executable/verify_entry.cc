#include "executable/verify_entry.h"

#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "executable/expr_eval.h"

namespace stator::executable {
namespace {

class EntryVerifier {
 public:
  EntryVerifier(const ModelTables& tables, const EntryPoint& entry)
      : tables_(tables),
        m_(tables.model()),
        entry_(entry),
        bound_(tables.model().symbols.size(), false) {}

  Status Run() {
    for (const Port& p : entry_.feeds) STATOR_EXEC_RETURN_IF_ERROR(Feed(p));
    for (const Port& p : entry_.fetches) STATOR_EXEC_RETURN_IF_ERROR(AnyPort(p));
    std::set<std::string_view> names;
    for (const Variable& v : entry_.variables) {
      const std::string rule = VariableRule(v);
      if (!rule.empty()) return Bad("variable " + v.name, rule);
      if (!names.insert(v.name).second) return Bad("variable " + v.name, "occurs twice");
      if (v.read_buffer != kNone) Bind(v.read_dims);
    }
    for (const Guard& g : entry_.guards) {
      if (!tables_.IsSize(g.lhs) || !tables_.IsSize(g.rhs) || g.relation > Relation::kDivides ||
          !tables_.Use(g.lhs).KnownAtStart() || !tables_.Use(g.rhs).KnownAtStart() ||
          !tables_.HasNode(g.source_node)) {
        return Bad("guard \"" + g.message + "\"", "bad expression, relation or node");
      }
    }
    for (int32_t i : entry_.init_variables) {
      if (i < 0 || static_cast<size_t>(i) >= entry_.variables.size()) {
        return Bad("init", "no such variable");
      }
    }
    return InputSymbolsBound();
  }

 private:
  Status Bad(const std::string& what, const std::string& rule) const {
    return InvalidArgument("entry " + entry_.name + ", " + what + ": " + rule);
  }

  void Bind(const std::vector<int32_t>& dims) {
    for (int32_t d : dims) {
      const Expr& e = m_.expressions[d];
      if (e.kind == ExprKind::kSymbol) bound_[e.value] = true;
    }
  }

  Status AnyPort(const Port& p) const {
    if (!tables_.HasBuffer(p.buffer) || !tables_.AreSizes(p.dims) ||
        !tables_.HasNode(p.source_node)) {
      return Bad(p.name, "no such buffer, dimension or node");
    }
    if (m_.buffers[p.buffer].dtype != p.dtype)
      return Bad(p.name, "dtype differs from its buffer's");
    return Status::Ok();
  }

  Status Feed(const Port& p) {
    STATOR_EXEC_RETURN_IF_ERROR(AnyPort(p));
    const Buffer& b = m_.buffers[p.buffer];
    if (b.kind != BufferKind::kInput || b.alias_of != kNone) {
      return Bad(p.name, "a feed needs an input buffer");
    }
    for (int32_t d : p.dims) {
      if (!tables_.Use(d).KnownAtStart()) return Bad(p.name, "a feed's dims are input symbols");
    }
    Bind(p.dims);
    return Status::Ok();
  }

  // The broken rule, or "".
  std::string VariableRule(const Variable& v) {
    if (!IsKnownDType(v.dtype) || IsObjectDType(v.dtype)) return "variables hold numbers";
    const auto check = [&](int32_t buffer, BufferKind kind) {
      return buffer == kNone ||
             (tables_.HasBuffer(buffer) && m_.buffers[buffer].kind == kind &&
              m_.buffers[buffer].alias_of == kNone && m_.buffers[buffer].dtype == v.dtype);
    };
    if (!check(v.read_buffer, BufferKind::kVariableRead)) return "bad read buffer";
    if (!check(v.write_buffer, BufferKind::kVariableWrite)) return "bad write buffer";
    if (v.initialized_buffer != kNone &&
        (!tables_.IsBoolScalar(v.initialized_buffer) ||
         m_.buffers[v.initialized_buffer].kind != BufferKind::kInput)) {
      return "the initialized flag must be a bool scalar of kind input";
    }
    if (!tables_.AreSizes(v.read_dims) || !tables_.AreSizes(v.write_dims) ||
        !tables_.HasNode(v.source_node)) {
      return "bad dimension or node";
    }
    for (int32_t d : v.read_dims) {
      if (!tables_.Use(d).KnownAtStart()) return "read dims must be known at run start";
    }
    for (int32_t buffer : {v.read_buffer, v.write_buffer, v.initialized_buffer}) {
      if (buffer != kNone && !buffers_.insert(buffer).second) {
        return "shares a buffer with another variable";
      }
    }
    if (v.layout != Layout::kRowMajor) {
      const std::string rule = LayoutRule(v);
      if (!rule.empty()) return rule;
    }
    if (v.zero_initialized && !StartsAsZeros(v)) {
      return "starts as zeros, but is not read, not constant in shape, or larger than 1 MiB";
    }
    if ((v.in_place || v.partial_write) && (v.read_buffer == kNone || v.write_buffer == kNone)) {
      return "in place or partial, but not both read and written";
    }
    if (v.write_buffer != kNone &&
        !tables_.Use(m_.buffers[v.write_buffer].byte_size).KnownAtStart()) {
      return "the size of a written variable must be known at run start";
    }
    return "";
  }

  // Its dims are sizes.
  std::string LayoutRule(const Variable& v) const {
    if (v.write_buffer != kNone || v.zero_initialized) return "written, but not row-major";
    std::vector<int64_t> dims;
    for (int32_t d : v.read_dims) {
      const Expr& e = m_.expressions[d];
      if (e.kind != ExprKind::kConst || e.value < 0) return "not row-major, but of unknown shape";
      dims.push_back(e.value);
    }
    // What is read has the bytes of these dims.
    int64_t bytes = DTypeSize(v.dtype);
    for (int64_t dim : dims) {
      if (__builtin_mul_overflow(bytes, dim, &bytes)) return "its shape overflows";
    }
    if (v.read_buffer == kNone || !FitsLayout(v.layout, dims)) return "does not fit its layout";
    const Expr& size = m_.expressions[m_.buffers[v.read_buffer].byte_size];
    if (size.kind != ExprKind::kConst || size.value != bytes) return "its buffer has other bytes";
    return "";
  }

  // Such variables are made when a state is, so their size must be sane.
  bool StartsAsZeros(const Variable& v) const {
    if (v.read_buffer == kNone) return false;
    int64_t bytes = DTypeSize(v.dtype);
    for (int32_t d : v.read_dims) {
      if (!tables_.Use(d).Constant() || !IsSmallTree(m_, d)) return false;
      const Result<int64_t> dim = EvaluateExpr(m_, d, nullptr, nullptr);
      if (!dim.ok() || *dim < 0 || __builtin_mul_overflow(bytes, *dim, &bytes)) return false;
    }
    return bytes <= (1 << 20);
  }

  // Only a single entry can be held to all symbols; with several, each binds its own.
  Status InputSymbolsBound() const {
    if (m_.entry_points.size() != 1) return Status::Ok();
    for (size_t i = 0; i < bound_.size(); ++i) {
      if (m_.symbols[i].life == SymbolLife::kInput && !bound_[i]) {
        return InvalidArgument("entry " + entry_.name + ": symbol " + m_.symbols[i].name +
                               " is no dimension of a feed or a variable that is read");
      }
    }
    return Status::Ok();
  }

  const ModelTables& tables_;
  const ImageModel& m_;
  const EntryPoint& entry_;
  std::vector<bool> bound_;    // per symbol
  std::set<int32_t> buffers_;  // of variables
};

}  // namespace

Status VerifyEntry(const ModelTables& tables, const EntryPoint& entry) {
  return EntryVerifier(tables, entry).Run();
}

}  // namespace stator::executable
