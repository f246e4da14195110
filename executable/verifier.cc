#include "executable/verifier.h"

#include <algorithm>
#include <map>
#include <set>
#include <string>
#include <string_view>

#include "executable/expr_eval.h"
#include "executable/image_builder.h"
#include "executable/model_tables.h"
#include "executable/verify_blocks.h"

namespace stator::executable {
namespace {

// The tables that do not run: symbols, expressions, buffers, kernels, checks.
class TableVerifier {
 public:
  TableVerifier(const ImageModel& m, const SectionSizes& sections) : m_(m), sections_(sections) {}

  Status Run() {
    STATOR_EXEC_RETURN_IF_ERROR(Places());
    STATOR_EXEC_RETURN_IF_ERROR(Symbols());
    STATOR_EXEC_RETURN_IF_ERROR(Expressions());
    uses_ = ExprUses(m_);
    for (size_t i = 0; i < m_.buffers.size(); ++i) STATOR_EXEC_RETURN_IF_ERROR(OneBuffer(i));
    STATOR_EXEC_RETURN_IF_ERROR(Chains());
    for (const Buffer& b : m_.buffers) {
      if (b.alias_of != kNone) STATOR_EXEC_RETURN_IF_ERROR(View(b));
    }
    for (size_t i = 0; i < m_.kernels.size(); ++i) STATOR_EXEC_RETURN_IF_ERROR(OneKernel(i));
    for (const CheckInfo& check : m_.checks) {
      const auto code = static_cast<int32_t>(check.code);
      if (code <= 0 || code > static_cast<int32_t>(Code::kDataLoss)) {
        return InvalidArgument("check \"" + check.message + "\": code " + std::to_string(code) +
                               " is not an error");
      }
      STATOR_EXEC_RETURN_IF_ERROR(OptionalIndex("check", check.source_node, m_.nodes.size()));
    }
    STATOR_EXEC_RETURN_IF_ERROR(Layouts());
    return StoredTensors();
  }

 private:
  static Status OptionalIndex(const char* what, int32_t index, size_t size) {
    if (index == kNone || (index >= 0 && static_cast<size_t>(index) < size)) return Status::Ok();
    return InvalidArgument(std::string(what) + ": index " + std::to_string(index) +
                           " is outside its table of " + std::to_string(size));
  }

  // A variable lies in memory in one way. Each entry point's part is checked by VerifyEntry.
  Status Layouts() const {
    std::map<std::string_view, Layout> layouts;
    for (const EntryPoint& entry : m_.entry_points) {
      for (const Variable& v : entry.variables) {
        if (v.read_buffer == kNone && v.write_buffer == kNone) continue;
        if (layouts.emplace(v.name, v.layout).first->second != v.layout) {
          return InvalidArgument("variable " + v.name + ": entry points want different layouts");
        }
      }
    }
    return Status::Ok();
  }

  Status StoredTensors() {
    std::set<std::string_view> names;
    for (const StoredTensor& t : m_.initial_values) {
      STATOR_EXEC_RETURN_IF_ERROR(OneStored("initial value", t));
      if (!names.insert(t.name).second) {
        return InvalidArgument("initial value of " + t.name + ": given twice");
      }
    }
    for (const Sample& s : m_.samples) {
      if (s.entry < 0 || static_cast<size_t>(s.entry) >= m_.entry_points.size() ||
          s.inputs.size() != m_.entry_points[s.entry].feeds.size() ||
          s.outputs.size() != m_.entry_points[s.entry].fetches.size()) {
        return InvalidArgument("sample: its entry point takes or gives other tensors");
      }
      for (const StoredTensor& t : s.inputs) STATOR_EXEC_RETURN_IF_ERROR(OneStored("sample", t));
      for (const StoredTensor& t : s.outputs) STATOR_EXEC_RETURN_IF_ERROR(OneStored("sample", t));
    }
    return Status::Ok();
  }

  // Numbers only: whoever reads them needs no check of his own.
  Status OneStored(const char* what, const StoredTensor& t) const {
    const auto bad = [&](const std::string& rule) {
      return InvalidArgument(std::string(what) + " " + t.name + ": " + rule);
    };
    if (!IsKnownDType(t.dtype) || IsObjectDType(t.dtype)) return bad("not a type of numbers");
    if (t.dims.size() > 254) return bad("more than 254 dimensions");
    int64_t need = DTypeSize(t.dtype);
    for (int64_t dim : t.dims) {
      if (dim < 0 || __builtin_mul_overflow(need, dim, &need)) return bad("bad dimensions");
    }
    if (t.constant_size != need || t.constant_offset < 0 || need > sections_.constants ||
        t.constant_offset > sections_.constants - need ||
        t.constant_offset % kBufferAlignment != 0) {
      return bad("bytes outside the constants section, not aligned, or not the tensor's size");
    }
    return Status::Ok();
  }

  bool ValidExpr(int32_t e) const {
    return e >= 0 && static_cast<size_t>(e) < m_.expressions.size();
  }

  Status Places() {
    for (const Segment& s : m_.segments) {
      if (s.device < 0 || static_cast<size_t>(s.device) >= m_.devices.size()) {
        return InvalidArgument("segment " + s.name + ": no such device");
      }
    }
    return Status::Ok();
  }

  Status Symbols() {
    for (const Symbol& s : m_.symbols) {
      if (s.life > SymbolLife::kLoop || s.min > s.max || s.divisor < 1) {
        return InvalidArgument("symbol " + s.name + ": bad life, bounds or divisor");
      }
    }
    return Status::Ok();
  }

  Status Expressions() {
    for (size_t i = 0; i < m_.expressions.size(); ++i) {
      const Expr& e = m_.expressions[i];
      const auto self = static_cast<int32_t>(i);
      bool good = e.kind <= ExprKind::kMax;
      if (e.kind == ExprKind::kSymbol) {
        good = e.value >= 0 && e.value < static_cast<int64_t>(m_.symbols.size());
      } else if (e.kind == ExprKind::kScalar) {
        good = e.value >= 0 && e.value < (1 << 20);
      } else if (e.kind >= ExprKind::kAdd) {
        good = good && e.lhs >= 0 && e.lhs < self && e.rhs >= 0 && e.rhs < self;
      }
      if (!good) {
        return InvalidArgument("expression " + std::to_string(i) +
                               ": operands must be earlier expressions, leaves must exist");
      }
    }
    return Status::Ok();
  }

  Status Bad(const Buffer& b, const std::string& rule) const {
    return InvalidArgument("buffer " + b.name + ": " + rule);
  }

  Status OneBuffer(size_t index) {
    const Buffer& b = m_.buffers[index];
    if (!IsKnownDType(b.dtype)) return Bad(b, "unknown dtype");
    if (b.kind > BufferKind::kPersistent) return Bad(b, "unknown kind");
    if (!ValidExpr(b.byte_size) || uses_[b.byte_size].scalar) return Bad(b, "bad size expression");
    for (int32_t d : b.dims) {
      if (!ValidExpr(d) || uses_[d].scalar) return Bad(b, "bad dimension expression");
    }
    if (b.dims.size() > 254) return Bad(b, "more than 254 dimensions");
    if (b.alignment < 1 || b.alignment > (1 << 21) || (b.alignment & (b.alignment - 1)) != 0) {
      return Bad(b, "alignment must be a power of two up to 2 MiB");
    }
    if (b.segment < 0 || static_cast<size_t>(b.segment) >= m_.segments.size() || b.device < 0 ||
        static_cast<size_t>(b.device) >= m_.devices.size()) {
      return Bad(b, "no such segment or device");
    }
    if (b.first_wave < 0 || b.last_wave < b.first_wave) return Bad(b, "bad lifetime");
    if (b.kind == BufferKind::kArena && !uses_[b.byte_size].KnownAtStart()) {
      return Bad(b, "an arena buffer's size must be known at run start");
    }
    if (b.kind == BufferKind::kPersistent && !uses_[b.byte_size].Constant()) {
      return Bad(b, "a persistent buffer's size must be constant");
    }
    STATOR_EXEC_RETURN_IF_ERROR(StaticSize(b));
    if (b.kind == BufferKind::kConstant && b.alias_of == kNone) {
      if (b.constant_offset < 0 || b.constant_size < 0 ||
          b.constant_offset > sections_.constants - b.constant_size ||
          b.constant_offset % std::min(b.alignment, kBufferAlignment) != 0) {
        return Bad(b, "constant bytes outside the section, or not aligned");
      }
    }
    const auto in_table = [&](int32_t other) {
      return other == kNone || (other >= 0 && static_cast<size_t>(other) < m_.buffers.size() &&
                                static_cast<size_t>(other) != index);
    };
    if (!in_table(b.alias_of) || !in_table(b.in_place_of)) return Bad(b, "no such base buffer");
    return b.alias_of != kNone || b.in_place_of != kNone ? Sharing(b) : Status::Ok();
  }

  // Whatever is constant is checked now; the rest when symbols are bound.
  Status StaticSize(const Buffer& b) {
    bool constant = uses_[b.byte_size].Constant();
    for (int32_t d : b.dims) constant = constant && uses_[d].Constant();
    if (!constant) return Status::Ok();
    int64_t need = DTypeSize(b.dtype);
    for (int32_t d : b.dims) {
      STATOR_EXEC_ASSIGN_OR_RETURN(int64_t dim, Evaluate(d));
      if (dim < 0) return Bad(b, "negative dimension " + std::to_string(dim));
      if (__builtin_mul_overflow(need, dim, &need)) return Bad(b, "size exceeds 2^63");
    }
    STATOR_EXEC_ASSIGN_OR_RETURN(int64_t bytes, Evaluate(b.byte_size));
    if (bytes < need) {
      return Bad(b, std::to_string(bytes) + " bytes for a tensor of " + std::to_string(need));
    }
    const bool encoded = IsObjectDType(b.dtype);  // string constants are stored encoded
    if (b.kind == BufferKind::kConstant && b.alias_of == kNone && !encoded &&
        b.constant_size < bytes) {
      return Bad(b, "constant has fewer bytes than the buffer");
    }
    return Status::Ok();
  }

  // Linear over the table, so that shared subtrees cannot blow up.
  Result<int64_t> Evaluate(int32_t root) {
    while (constants_.size() <= static_cast<size_t>(root)) {
      const size_t i = constants_.size();
      const Expr& e = m_.expressions[i];
      Value v;
      if (e.kind == ExprKind::kConst) v = {true, e.value};
      if (e.kind >= ExprKind::kAdd && constants_[e.lhs].known && constants_[e.rhs].known) {
        v.known = ApplyExpr(e.kind, constants_[e.lhs].value, constants_[e.rhs].value, &v.value);
      }
      constants_.push_back(v);
    }
    if (!constants_[root].known) {
      return InvalidArgument("size " + ExprToString(m_, root) + " overflows or divides by zero");
    }
    return constants_[root].value;
  }

  Status Sharing(const Buffer& b) {
    const Buffer& base = m_.buffers[b.alias_of != kNone ? b.alias_of : b.in_place_of];
    if (b.alias_of != kNone && b.in_place_of != kNone) return Bad(b, "both a view and in place");
    if (b.kind != base.kind || b.segment != base.segment || b.device != base.device) {
      return Bad(b, "shares memory with " + base.name + " of another kind or place");
    }
    if (b.in_place_of != kNone) {
      return b.kind == BufferKind::kArena ? Status::Ok() : Bad(b, "in place, but not in the arena");
    }
    if (!ValidExpr(b.alias_offset) || uses_[b.alias_offset].scalar) {
      return Bad(b, "bad view offset");
    }
    if (b.kind == BufferKind::kArena && !uses_[b.alias_offset].KnownAtStart()) {
      return Bad(b, "an arena view's offset must be known at run start");
    }
    if (IsObjectDType(b.dtype) != IsObjectDType(base.dtype)) {
      return Bad(b, "a view may not change between numbers and handles");
    }
    return Status::Ok();
  }

  // A view lives inside its base: in time, and in bytes where those are constant. Others are
  // checked when their sizes are known.
  Status View(const Buffer& b) {
    const Buffer& base = m_.buffers[b.alias_of];
    if (b.kind == BufferKind::kArena &&
        (b.first_wave < base.first_wave || b.last_wave > base.last_wave)) {
      return Bad(b, "lives longer than its base " + base.name);
    }
    for (int32_t e : {b.byte_size, b.alias_offset, base.byte_size}) {
      if (!uses_[e].Constant()) return Status::Ok();
    }
    STATOR_EXEC_ASSIGN_OR_RETURN(const int64_t bytes, Evaluate(b.byte_size));
    STATOR_EXEC_ASSIGN_OR_RETURN(const int64_t offset, Evaluate(b.alias_offset));
    STATOR_EXEC_ASSIGN_OR_RETURN(const int64_t room, Evaluate(base.byte_size));
    if (bytes < 0 || offset < 0 || offset > room || bytes > room - offset) {
      return Bad(b, "lies outside its base " + base.name);
    }
    return Status::Ok();
  }

  // Views and in-place chains end at a buffer that owns its memory.
  Status Chains() {
    std::vector<uint8_t> state(m_.buffers.size(), 0);  // 1: on the path, 2: ends
    for (size_t start = 0; start < m_.buffers.size(); ++start) {
      std::vector<int32_t> path;
      auto at = static_cast<int32_t>(start);
      while (at != kNone && state[at] == 0) {
        state[at] = 1;
        path.push_back(at);
        const Buffer& b = m_.buffers[at];
        at = b.alias_of != kNone ? b.alias_of : b.in_place_of;
      }
      if (at != kNone && state[at] == 1) return Bad(m_.buffers[at], "views form a cycle");
      for (int32_t i : path) state[i] = 2;
    }
    return Status::Ok();
  }

  Status OneKernel(size_t index) {
    const Kernel& k = m_.kernels[index];
    const auto bad = [&](const std::string& rule) {
      return InvalidArgument("kernel " + k.name + ": " + rule);
    };
    if (k.code_offset < 0 || k.code_size <= 0 || k.code_offset > sections_.code - k.code_size) {
      return bad("code outside the section");
    }
    if (k.phases.empty()) return bad("no phases");
    if (k.num_scalars < 0) return bad("negative number of scalars");
    const auto scalars_only = [&](int32_t e) { return ScalarsBelow(e, k.num_scalars); };
    for (const KernelPhase& phase : k.phases) {
      if (phase.entry_offset < 0 || phase.entry_offset >= k.code_size) {
        return bad("entry outside its code");
      }
      if (!scalars_only(phase.grid)) return bad("grid is not a small expression over its scalars");
    }
    if (k.scratch_bytes != kNone && !scalars_only(k.scratch_bytes)) {
      return bad("scratch size is not a small expression over its scalars");
    }
    for (const KernelArgument& a : k.arguments) {
      if (a.access > Access::kReadWrite) return bad("unknown access");
      if (a.may_share == kNone) continue;
      if (a.may_share < 0 || static_cast<size_t>(a.may_share) >= k.arguments.size() ||
          a.access == Access::kRead || k.arguments[a.may_share].access != Access::kRead) {
        return bad("only an output may share the memory of an input");
      }
    }
    return Status::Ok();
  }

  bool ScalarsBelow(int32_t root, int32_t limit) const {
    if (!ValidExpr(root) || !IsSmallTree(m_, root)) return false;
    const ExprUse& use = uses_[root];
    if (use.input || use.step || use.loop) return false;
    std::vector<int32_t> todo = {root};
    std::vector<bool> seen(static_cast<size_t>(root) + 1, false);
    while (!todo.empty()) {
      const int32_t at = todo.back();
      todo.pop_back();
      if (seen[at]) continue;
      seen[at] = true;
      const Expr& e = m_.expressions[at];
      if (e.kind == ExprKind::kScalar && e.value >= limit) return false;
      if (e.kind >= ExprKind::kAdd) todo.insert(todo.end(), {e.lhs, e.rhs});
    }
    return true;
  }

  struct Value {
    bool known = false;
    int64_t value = 0;
  };
  const ImageModel& m_;
  const SectionSizes sections_;
  std::vector<ExprUse> uses_;
  std::vector<Value> constants_;
};

}  // namespace

std::vector<ExprUse> ExprUses(const ImageModel& model) {
  std::vector<ExprUse> uses(model.expressions.size());
  for (size_t i = 0; i < uses.size(); ++i) {
    const Expr& e = model.expressions[i];
    if (e.kind == ExprKind::kScalar) uses[i].scalar = true;
    if (e.kind == ExprKind::kSymbol) {
      const SymbolLife life = model.symbols[e.value].life;
      uses[i].input = life == SymbolLife::kInput;
      uses[i].step = life == SymbolLife::kStep;
      uses[i].loop = life == SymbolLife::kLoop;
    }
    if (e.kind >= ExprKind::kAdd) {
      for (int32_t operand : {e.lhs, e.rhs}) {
        uses[i].input |= uses[operand].input;
        uses[i].step |= uses[operand].step;
        uses[i].loop |= uses[operand].loop;
        uses[i].scalar |= uses[operand].scalar;
      }
    }
  }
  return uses;
}

Status VerifyModel(const ImageModel& model, const SectionSizes& sections) {
  STATOR_EXEC_RETURN_IF_ERROR(TableVerifier(model, sections).Run());
  return VerifyBlocks(model);
}

Status VerifyModel(const ImageModel& model) {
  return VerifyModel(model, {static_cast<int64_t>(model.constants.size()),
                             static_cast<int64_t>(model.code.size())});
}

Result<ImageView> VerifyImage(const uint8_t* data, size_t size, const ReadOptions& options) {
  STATOR_EXEC_ASSIGN_OR_RETURN(ImageView view, ReadImage(data, size, options));
  STATOR_EXEC_RETURN_IF_ERROR(VerifyModel(view.plan, {view.constants_size, view.code_size}));
  for (const Buffer& b : view.plan.buffers) {
    if (b.kind != BufferKind::kConstant || b.alias_of != kNone || !IsObjectDType(b.dtype)) continue;
    const std::string_view text(reinterpret_cast<const char*>(view.constants + b.constant_offset),
                                static_cast<size_t>(b.constant_size));
    if (!DecodeStrings(text).ok()) {
      return InvalidArgument("buffer " + b.name + ": damaged string constant");
    }
  }
  return view;
}

}  // namespace stator::executable
