#include "executable/append_image.h"

#include <algorithm>
#include <map>
#include <string>
#include <string_view>
#include <utility>

#include "executable/image_builder.h"
#include "executable/image_view.h"

namespace stator::executable {
namespace {

template <typename T>
int32_t Size(const std::vector<T>& table) {
  return static_cast<int32_t>(table.size());
}

std::string_view Slice(const std::vector<uint8_t>& section, int64_t offset, int64_t size) {
  return {reinterpret_cast<const char*>(section.data()) + offset, static_cast<size_t>(size)};
}

bool SameContent(const ImageModel& a, const StoredTensor& x, const ImageModel& b,
                 const StoredTensor& y) {
  return x.dtype == y.dtype && x.dims == y.dims &&
         Slice(a.constants, x.constant_offset, x.constant_size) ==
             Slice(b.constants, y.constant_offset, y.constant_size);
}

template <typename T>
bool HasName(const std::vector<T>& table, const std::string& name) {
  return std::any_of(table.begin(), table.end(), [&](const T& item) { return item.name == name; });
}

// Moves one model's tables behind another's. Every index of `from` grows by its table's old size,
// except where equal entries are shared: expressions, kernels, bytes of constants.
class Appender {
 public:
  Appender(const ImageModel& from, ImageModel* to)
      : from_(from), to_(*to), exprs_(to), symbols_(Size(to->symbols)), buffers_(Size(to->buffers)),
        checks_(Size(to->checks)), blocks_(Size(to->blocks)), entries_(Size(to->entry_points)),
        nodes_(Size(to->nodes)), lists_(to->num_lists) {
    for (const Block& block : to->blocks) {
      for (const Wave& wave : block.waves) waves_ = std::max(waves_, wave.number + 1);
    }
    for (const Buffer& b : to->buffers) {
      if (b.kind == BufferKind::kConstant && b.alias_of == kNone) Remember(b.constant_offset, b.constant_size);
    }
    for (const StoredTensor& t : to->initial_values) Remember(t.constant_offset, t.constant_size);
  }

  void Append() {
    to_.symbols.insert(to_.symbols.end(), from_.symbols.begin(), from_.symbols.end());
    for (const Expr& e : from_.expressions) expr_.push_back(AddExpr(e));
    for (Buffer b : from_.buffers) AddBuffer(std::move(b));
    for (const Kernel& k : from_.kernels) kernel_.push_back(AddKernel(k));
    for (CheckInfo c : from_.checks) {
      c.source_node = Node(c.source_node);
      to_.checks.push_back(std::move(c));
    }
    for (Block block : from_.blocks) AddBlock(std::move(block));
    for (EntryPoint e : from_.entry_points) AddEntry(std::move(e));
    to_.nodes.insert(to_.nodes.end(), from_.nodes.begin(), from_.nodes.end());
    to_.num_lists += from_.num_lists;
    for (StoredTensor t : from_.initial_values) AddInitialValue(std::move(t));
    for (const FixedWeight& w : from_.fixed_weights) {
      if (!HasName(to_.fixed_weights, w.name)) to_.fixed_weights.push_back(w);
    }
    for (Sample s : from_.samples) {
      s.entry += entries_;
      for (StoredTensor& t : s.inputs) MoveBytes(&t);
      for (StoredTensor& t : s.outputs) MoveBytes(&t);
      to_.samples.push_back(std::move(s));
    }
  }

 private:
  static int32_t Shift(int32_t index, int32_t by) { return index == kNone ? kNone : index + by; }
  int32_t Node(int32_t index) const { return Shift(index, nodes_); }
  int32_t BufferIndex(int32_t index) const { return Shift(index, buffers_); }
  int32_t BlockIndex(int32_t index) const { return Shift(index, blocks_); }
  int32_t ExprIndex(int32_t index) const { return index == kNone ? kNone : expr_[index]; }
  void MoveExprs(std::vector<int32_t>* exprs) const {
    for (int32_t& e : *exprs) e = ExprIndex(e);
  }
  void MoveBuffers(std::vector<int32_t>* buffers) const {
    for (int32_t& b : *buffers) b = BufferIndex(b);
  }

  int32_t AddExpr(const Expr& e) {
    switch (e.kind) {
      case ExprKind::kConst:
        return exprs_.Const(e.value);
      case ExprKind::kSymbol:
        return exprs_.Symbol(static_cast<int32_t>(e.value) + symbols_);
      case ExprKind::kScalar:
        return exprs_.Scalar(static_cast<int32_t>(e.value));
      default:
        return exprs_.Binary(e.kind, expr_[e.lhs], expr_[e.rhs]);
    }
  }

  // Constants --------------------------------------------------------------------------------------

  void Remember(int64_t offset, int64_t size) {
    const std::string_view bytes = Slice(to_.constants, offset, size);
    constants_.emplace(HashBytes(bytes.data(), bytes.size()), Range{offset, size});
  }
  // Where `to` has these bytes.
  int64_t Constant(int64_t offset, int64_t size) {
    const std::string_view bytes = Slice(from_.constants, offset, size);
    const auto [first, last] = constants_.equal_range(HashBytes(bytes.data(), bytes.size()));
    for (auto it = first; it != last; ++it) {
      if (Slice(to_.constants, it->second.offset, it->second.size) == bytes) return it->second.offset;
    }
    const int64_t at = AddConstant(&to_, bytes.data(), size);
    Remember(at, size);
    return at;
  }
  void MoveBytes(StoredTensor* t) { t->constant_offset = Constant(t->constant_offset, t->constant_size); }

  void AddInitialValue(StoredTensor t) {
    for (const StoredTensor& other : to_.initial_values) {
      if (other.name == t.name) return;  // equal, as CheckCompatible has seen
    }
    MoveBytes(&t);
    to_.initial_values.push_back(std::move(t));
  }

  // Tables -----------------------------------------------------------------------------------------

  void AddBuffer(Buffer b) {
    MoveExprs(&b.dims);
    b.byte_size = ExprIndex(b.byte_size);
    b.alias_offset = ExprIndex(b.alias_offset);
    b.alias_of = BufferIndex(b.alias_of);
    b.in_place_of = BufferIndex(b.in_place_of);
    b.first_wave += waves_;
    b.last_wave += waves_;
    if (b.kind == BufferKind::kConstant && b.alias_of == kNone) {
      b.constant_offset = Constant(b.constant_offset, b.constant_size);
    }
    to_.buffers.push_back(std::move(b));
  }

  int32_t AddKernel(Kernel k) {
    for (KernelPhase& phase : k.phases) phase.grid = ExprIndex(phase.grid);
    k.scratch_bytes = ExprIndex(k.scratch_bytes);
    const std::string_view code = Slice(from_.code, k.code_offset, k.code_size);
    for (int32_t i = 0; i < Size(to_.kernels); ++i) {
      const Kernel& other = to_.kernels[i];
      if (Slice(to_.code, other.code_offset, other.code_size) == code && SameKernel(other, k)) return i;
    }
    k.code_offset = AddCode(&to_, code.data(), k.code_size);
    to_.kernels.push_back(std::move(k));
    return Size(to_.kernels) - 1;
  }
  static bool SameKernel(const Kernel& a, const Kernel& b) {
    const auto same_phase = [](const KernelPhase& x, const KernelPhase& y) {
      return x.entry_offset == y.entry_offset && x.grid == y.grid;
    };
    const auto same_argument = [](const KernelArgument& x, const KernelArgument& y) {
      return x.access == y.access && x.may_share == y.may_share;
    };
    return a.kind == b.kind && a.num_scalars == b.num_scalars && a.scratch_bytes == b.scratch_bytes &&
           a.may_fail == b.may_fail &&
           std::equal(a.phases.begin(), a.phases.end(), b.phases.begin(), b.phases.end(), same_phase) &&
           std::equal(a.arguments.begin(), a.arguments.end(), b.arguments.begin(), b.arguments.end(),
                      same_argument);
  }

  void AddBlock(Block block) {
    for (Wave& wave : block.waves) {
      wave.number += waves_;
      for (Step& step : wave.steps) {
        step.source_node = Node(step.source_node);
        std::visit([this](auto& body) { Move(&body); }, step.body);
      }
    }
    to_.blocks.push_back(std::move(block));
  }

  void Move(LaunchKernel* s) {
    s->kernel = kernel_[s->kernel];
    MoveBuffers(&s->buffers);
    MoveExprs(&s->scalars);
    for (int32_t& node : s->report.source_nodes) node = Node(node);
    s->report.bytes = ExprIndex(s->report.bytes);
    s->report.flops = ExprIndex(s->report.flops);
  }
  void Move(Copy* s) {
    s->source = BufferIndex(s->source);
    s->destination = BufferIndex(s->destination);
  }
  void Move(HostCall* s) {
    MoveBuffers(&s->inputs);
    MoveBuffers(&s->outputs);
  }
  void Move(If* s) {
    s->predicate = BufferIndex(s->predicate);
    s->then_block = BlockIndex(s->then_block);
    s->else_block = BlockIndex(s->else_block);
  }
  void Move(While* s) {
    s->cond_block = BlockIndex(s->cond_block);
    s->predicate = BufferIndex(s->predicate);
    s->body_block = BlockIndex(s->body_block);
    for (CarriedPair& pair : s->carried) {
      pair = {BufferIndex(pair.current), BufferIndex(pair.next)};
    }
    for (LoopSymbol& l : s->loop_symbols) {
      l = {Shift(l.symbol, symbols_), ExprIndex(l.initial), ExprIndex(l.next)};
    }
  }
  void Move(CallBlock* s) { s->block = BlockIndex(s->block); }
  void Move(BindSymbol* s) {
    s->symbol = Shift(s->symbol, symbols_);
    s->source = BufferIndex(s->source);
  }
  void Move(Alloc* s) {
    s->buffer = BufferIndex(s->buffer);
    s->bytes = ExprIndex(s->bytes);
  }
  void Move(Free* s) { s->buffer = BufferIndex(s->buffer); }
  void Move(Check* s) {
    s->predicate = BufferIndex(s->predicate);
    s->check = Shift(s->check, checks_);
  }
  void Move(Declared* s) {
    MoveBuffers(&s->inputs);
    MoveBuffers(&s->outputs);
  }
  void Move(UseList* s) {
    s->list = Shift(s->list, lists_);
    s->buffer = BufferIndex(s->buffer);
  }

  void AddEntry(EntryPoint e) {
    for (std::vector<Port>* ports : {&e.feeds, &e.fetches}) {
      for (Port& port : *ports) {
        MoveExprs(&port.dims);
        port.buffer = BufferIndex(port.buffer);
        port.source_node = Node(port.source_node);
      }
    }
    for (Variable& v : e.variables) {
      MoveExprs(&v.read_dims);
      MoveExprs(&v.write_dims);
      v.read_buffer = BufferIndex(v.read_buffer);
      v.write_buffer = BufferIndex(v.write_buffer);
      v.initialized_buffer = BufferIndex(v.initialized_buffer);
      v.source_node = Node(v.source_node);
    }
    for (Guard& g : e.guards) {
      g.lhs = ExprIndex(g.lhs);
      g.rhs = ExprIndex(g.rhs);
      g.source_node = Node(g.source_node);
    }
    e.main_block = BlockIndex(e.main_block);
    e.init_block = BlockIndex(e.init_block);
    to_.entry_points.push_back(std::move(e));
  }

  const ImageModel& from_;
  ImageModel& to_;
  ExprBuilder exprs_;
  const int32_t symbols_, buffers_, checks_, blocks_, entries_, nodes_, lists_;  // old sizes
  int32_t waves_ = 0;  // numbers of `to` lie below
  std::vector<int32_t> expr_, kernel_;  // index in `from` to index in `to`
  struct Range {
    int64_t offset;
    int64_t size;
  };
  std::multimap<uint64_t, Range> constants_;  // of `to`, by hash
};

bool IsUsed(const Variable& v) { return v.read_buffer != kNone || v.write_buffer != kNone; }

const Variable* FindUsed(const ImageModel& model, const std::string& name) {
  for (const EntryPoint& e : model.entry_points) {
    for (const Variable& v : e.variables) {
      if (v.name == name && IsUsed(v)) return &v;
    }
  }
  return nullptr;
}

// Where a variable's dtype and rank can be seen.
struct VariableType {
  DType dtype;
  size_t rank;
  bool operator==(const VariableType&) const = default;
};
std::map<std::string_view, VariableType> VariableTypes(const ImageModel& model) {
  std::map<std::string_view, VariableType> types;
  for (const EntryPoint& entry : model.entry_points) {
    for (const Variable& v : entry.variables) {
      if (!IsUsed(v)) continue;  // asks if it has a value
      const auto& dims = v.read_buffer != kNone ? v.read_dims : v.write_dims;
      types.emplace(v.name, VariableType{v.dtype, dims.size()});
    }
  }
  for (const StoredTensor& t : model.initial_values) {
    types.emplace(t.name, VariableType{t.dtype, t.dims.size()});
  }
  return types;
}

// A name means one variable in both.
Status CheckVariables(const ImageModel& from, const ImageModel& image) {
  const auto image_types = VariableTypes(image);
  for (const auto& [name, type] : VariableTypes(from)) {
    const auto other = image_types.find(name);
    if (other != image_types.end() && !(other->second == type)) {
      return InvalidArgument("variable " + std::string(name) + " is " + DTypeName(type.dtype) +
                             " of rank " + std::to_string(type.rank) + " in one program, " +
                             DTypeName(other->second.dtype) + " of rank " +
                             std::to_string(other->second.rank) + " in another");
    }
  }
  return Status::Ok();
}

Status CheckCompatible(const ImageModel& from, const ImageModel& image) {
  const auto same_places = [&] {
    return from.devices.size() == 1 && image.devices.size() == 1 && from.segments.size() == 1 &&
           image.segments.size() == 1 && from.devices[0].kind == image.devices[0].kind;
  };
  if (from.target.arch != image.target.arch || from.target.features != image.target.features ||
      from.target.vector_bytes != image.target.vector_bytes) {
    return InvalidArgument("images for " + image.target.name + " and " + from.target.name +
                           " cannot become one");
  }
  if (!same_places()) return Unimplemented("images with several devices cannot become one");
  for (const Kernel& k : from.kernels) {
    // Its code holds indices of checks, which would have to grow.
    if (k.may_fail) return Unimplemented("kernel " + k.name + " has checks and cannot be moved");
  }
  for (const EntryPoint& e : from.entry_points) {
    for (const EntryPoint& other : image.entry_points) {
      if (e.name == other.name) return InvalidArgument("two entry points are named " + e.name);
    }
  }
  for (const EntryPoint& e : from.entry_points) {
    for (const Variable& v : e.variables) {
      const Variable* other = FindUsed(image, v.name);
      if (IsUsed(v) && other != nullptr && other->layout != v.layout) {
        return InvalidArgument("variable " + v.name + " lies in " + LayoutText(v.layout) +
                               " and in " + LayoutText(other->layout));
      }
    }
  }
  STATOR_EXEC_RETURN_IF_ERROR(CheckVariables(from, image));
  for (const StoredTensor& t : from.initial_values) {
    for (const StoredTensor& other : image.initial_values) {
      if (t.name == other.name && !SameContent(from, t, image, other)) {
        return InvalidArgument("two initial values of " + t.name + " differ");
      }
    }
  }
  return Status::Ok();
}

}  // namespace

Status AppendImage(const ImageModel& from, ImageModel* image) {
  STATOR_EXEC_RETURN_IF_ERROR(CheckCompatible(from, *image));
  Appender(from, image).Append();
  return Status::Ok();
}

}  // namespace stator::executable
