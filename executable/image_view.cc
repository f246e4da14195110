#include "executable/image_view.h"

#include <algorithm>
#include <cstddef>
#include <cstring>
#include <type_traits>
#include <utility>

#include "executable/image_generated.h"
#include "executable/kernel_frame.h"

namespace stator::executable {
namespace {

// Decodes a plan that FlatBuffers' verifier accepted. In a good plan few things are referred to
// twice (names of ops and files); a damaged one may refer to one long vector from everywhere, so
// what comes out is bounded by a multiple of the plan's size.
class PlanReader {
 public:
  explicit PlanReader(size_t plan_bytes) : budget_(64 * plan_bytes + (1 << 20)) {}

  Result<ImageModel> Read(const fb::Plan* plan) {
    ImageModel model = ReadPlan(plan);
    if (exhausted_) return DataLoss("image: the plan refers to the same bytes too often");
    if (misaligned_) return DataLoss("image: a table of the plan is not aligned");
    return model;
  }
  Target ReadTarget(const fb::Plan* plan) {
    const fb::Target* t = plan->target();
    if (t == nullptr) return {};
    return {Text(t->name()), Text(t->arch()), Strings(t->features()), t->vector_bytes()};
  }

 private:
  bool Take(size_t bytes) {
    exhausted_ |= bytes > budget_;
    if (!exhausted_) budget_ -= bytes;
    return !exhausted_;
  }
  // FlatBuffers' verifier looks at the alignment of a vector's length only. The elements of an empty
  // one have no place, and its builder gives them none.
  template <typename Vector>
  bool IsAligned(const Vector* v, size_t alignment) {
    const bool aligned =
        v->size() == 0 || reinterpret_cast<uintptr_t>(v->Data()) % alignment == 0;
    misaligned_ |= !aligned;
    return aligned;
  }

  // Vectors and strings may be absent in a hostile buffer: absent means empty.
  std::string Text(const flatbuffers::String* s) {
    return s == nullptr || !Take(s->size()) ? std::string() : s->str();
  }

  std::string Bytes(const flatbuffers::Vector<uint8_t>* v) {
    if (v == nullptr || !Take(v->size())) return std::string();
    return std::string(reinterpret_cast<const char*>(v->data()), v->size());
  }

  std::vector<int32_t> Ints(const flatbuffers::Vector<int32_t>* v) {
    if (v == nullptr || !Take(4 * size_t{v->size()})) return {};
    return std::vector<int32_t>(v->begin(), v->end());
  }

  std::vector<std::string> Strings(
      const flatbuffers::Vector<flatbuffers::Offset<flatbuffers::String>>* v) {
    std::vector<std::string> out;
    if (v == nullptr || !Take(4 * size_t{v->size()})) return out;
    for (const flatbuffers::String* s : *v) out.push_back(Text(s));
    return out;
  }

  template <typename Item, typename Vector, typename Fn>
  std::vector<Item> Items(const Vector* v, Fn fn) {
    using Element = std::remove_pointer_t<decltype(*v->begin())>;
    std::vector<Item> out;
    if (v == nullptr || !Take(4 * size_t{v->size()}) || !IsAligned(v, alignof(Element))) {
      return out;
    }
    out.reserve(v->size());
    for (const auto* item : *v) out.push_back(fn(item));
    return out;
  }

  Buffer ReadBuffer(const fb::Buffer* b) {
    Buffer out;
    out.name = Text(b->name());
    out.dtype = static_cast<DType>(b->dtype());
    out.kind = static_cast<BufferKind>(b->kind());
    out.dims = Ints(b->dims());
    out.byte_size = b->byte_size();
    out.alignment = b->alignment();
    out.segment = b->segment();
    out.device = b->device();
    out.memory_space = b->memory_space();
    out.stream = b->stream();
    out.first_wave = b->first_wave();
    out.last_wave = b->last_wave();
    out.alias_of = b->alias_of();
    out.alias_offset = b->alias_offset();
    out.in_place_of = b->in_place_of();
    out.constant_offset = b->constant_offset();
    out.constant_size = b->constant_size();
    return out;
  }

  Kernel ReadKernel(const fb::Kernel* k) {
    Kernel out;
    out.name = Text(k->name());
    out.kind = Text(k->kind());
    out.code_offset = k->code_offset();
    out.code_size = k->code_size();
    out.phases = Items<KernelPhase>(k->phases(), [this](const fb::KernelPhase* p) {
      return KernelPhase{p->entry_offset(), p->grid()};
    });
    out.arguments = Items<KernelArgument>(k->arguments(), [this](const fb::KernelArgument* a) {
      return KernelArgument{static_cast<Access>(a->access()), a->may_share()};
    });
    out.num_scalars = k->num_scalars();
    out.scratch_bytes = k->scratch_bytes();
    out.may_fail = k->may_fail();
    return out;
  }

  StepBody ReadBody(const fb::Step* s) {
    switch (s->body_type()) {
      case fb::StepBody::LaunchKernel: {
        const auto* b = s->body_as_LaunchKernel();
        LaunchKernel out{b->kernel(), Ints(b->buffers()), Ints(b->scalars()), {}};
        if (const fb::Report* r = b->report()) {
          out.report = {Ints(r->source_nodes()), Text(r->why()), r->bytes(), r->flops()};
        }
        return out;
      }
      case fb::StepBody::Copy:
        return Copy{s->body_as_Copy()->source(), s->body_as_Copy()->destination()};
      case fb::StepBody::HostCall: {
        const auto* b = s->body_as_HostCall();
        return HostCall{Text(b->function()), Ints(b->inputs()), Ints(b->outputs()),
                        Bytes(b->attributes())};
      }
      case fb::StepBody::If: {
        const auto* b = s->body_as_If();
        return If{b->predicate(), b->then_block(), b->else_block()};
      }
      case fb::StepBody::While: {
        const auto* b = s->body_as_While();
        return While{b->cond_block(), b->predicate(), b->body_block(),
                     Items<CarriedPair>(b->carried(),
                                        [this](const fb::CarriedPair* p) {
                                          return CarriedPair{p->current(), p->next()};
                                        }),
                     Items<LoopSymbol>(b->loop_symbols(), [this](const fb::LoopSymbol* l) {
                       return LoopSymbol{l->symbol(), l->initial(), l->next()};
                     })};
      }
      case fb::StepBody::CallBlock:
        return CallBlock{s->body_as_CallBlock()->block()};
      case fb::StepBody::BindSymbol: {
        const auto* b = s->body_as_BindSymbol();
        return BindSymbol{b->symbol(), b->source(), b->element()};
      }
      case fb::StepBody::Alloc:
        return Alloc{s->body_as_Alloc()->buffer(), s->body_as_Alloc()->bytes()};
      case fb::StepBody::Free:
        return Free{s->body_as_Free()->buffer()};
      case fb::StepBody::Check:
        return Check{s->body_as_Check()->predicate(), s->body_as_Check()->check()};
      case fb::StepBody::Declared: {
        const auto* b = s->body_as_Declared();
        return Declared{static_cast<DeclaredKind>(b->kind()), Text(b->name()), Ints(b->inputs()),
                        Ints(b->outputs()), Bytes(b->attributes())};
      }
      case fb::StepBody::UseList: {
        const auto* b = s->body_as_UseList();
        return UseList{static_cast<ListAction>(b->action()), b->list(), b->buffer()};
      }
      case fb::StepBody::NONE:
        break;
    }
    return CallBlock{};  // refused by HasBodies before decoding
  }

  Block ReadBlock(const fb::Block* b) {
    Block out;
    out.name = Text(b->name());
    out.waves = Items<Wave>(b->waves(), [this](const fb::Wave* w) {
      return Wave{w->number(), Items<Step>(w->steps(), [this](const fb::Step* s) {
                    return Step{ReadBody(s), s->source_node(), s->device(), s->stream()};
                  })};
    });
    return out;
  }

  Port ReadPort(const fb::Port* p) {
    return Port{Text(p->name()), static_cast<DType>(p->dtype()), Ints(p->dims()), p->buffer(),
                p->source_node()};
  }

  EntryPoint ReadEntry(const fb::EntryPoint* e) {
    EntryPoint out;
    out.name = Text(e->name());
    out.feeds = Items<Port>(e->feeds(), [this](const fb::Port* p) { return ReadPort(p); });
    out.fetches = Items<Port>(e->fetches(), [this](const fb::Port* p) { return ReadPort(p); });
    out.targets = Strings(e->targets());
    out.variables = Items<Variable>(e->variables(), [this](const fb::Variable* v) {
      return Variable{Text(v->name()),         static_cast<DType>(v->dtype()),
                      Ints(v->read_dims()),    Ints(v->write_dims()),
                      v->read_buffer(),        v->write_buffer(),
                      v->initialized_buffer(), v->in_place(),
                      v->partial_write(),      v->zero_initialized(),
                      v->source_node(),        static_cast<Layout>(v->layout())};
    });
    out.guards = Items<Guard>(e->guards(), [this](const fb::Guard* g) {
      return Guard{g->lhs(), g->rhs(), static_cast<Relation>(g->relation()), Text(g->message()),
                   g->source_node()};
    });
    out.facts = Strings(e->facts());
    out.main_block = e->main_block();
    out.init_block = e->init_block();
    out.init_variables = Ints(e->init_variables());
    return out;
  }

  std::vector<StoredTensor> ReadStored(
      const flatbuffers::Vector<flatbuffers::Offset<fb::StoredTensor>>* v) {
    return Items<StoredTensor>(v, [this](const fb::StoredTensor* t) {
      StoredTensor out{Text(t->name()),
                       static_cast<DType>(t->dtype()),
                       {},
                       t->constant_offset(),
                       t->constant_size()};
      if (t->dims() != nullptr && Take(8 * size_t{t->dims()->size()}) &&
          IsAligned(t->dims(), 8))
        out.dims.assign(t->dims()->begin(), t->dims()->end());
      return out;
    });
  }

  ImageModel ReadPlan(const fb::Plan* p) {
    ImageModel out;
    out.producer = Text(p->producer());
    out.target = ReadTarget(p);
    out.devices = Items<Device>(p->devices(), [this](const fb::Device* d) {
      return Device{Text(d->name()), Text(d->kind())};
    });
    out.segments = Items<Segment>(p->segments(), [this](const fb::Segment* s) {
      return Segment{Text(s->name()), s->device(), s->memory_space()};
    });
    out.symbols = Items<Symbol>(p->symbols(), [this](const fb::Symbol* s) {
      return Symbol{Text(s->name()), static_cast<SymbolLife>(s->life()), s->min(), s->max(),
                    s->divisor()};
    });
    out.expressions = Items<Expr>(p->expressions(), [this](const fb::Expr* e) {
      return Expr{static_cast<ExprKind>(e->kind()), e->value(), e->lhs(), e->rhs()};
    });
    out.buffers =
        Items<Buffer>(p->buffers(), [this](const fb::Buffer* b) { return ReadBuffer(b); });
    out.kernels =
        Items<Kernel>(p->kernels(), [this](const fb::Kernel* k) { return ReadKernel(k); });
    out.checks = Items<CheckInfo>(p->checks(), [this](const fb::CheckInfo* c) {
      return CheckInfo{static_cast<Code>(c->code()), Text(c->message()), c->source_node()};
    });
    out.blocks = Items<Block>(p->blocks(), [this](const fb::Block* b) { return ReadBlock(b); });
    out.entry_points = Items<EntryPoint>(p->entry_points(),
                                         [this](const fb::EntryPoint* e) { return ReadEntry(e); });
    out.num_lists = p->num_lists();
    out.initial_values = ReadStored(p->initial_values());
    out.fixed_weights = Items<FixedWeight>(p->fixed_weights(), [this](const fb::FixedWeight* w) {
      return FixedWeight{Text(w->name()), Text(w->reason())};
    });
    out.samples = Items<Sample>(p->samples(), [this](const fb::Sample* s) {
      return Sample{s->entry(), ReadStored(s->inputs()), ReadStored(s->outputs())};
    });
    out.nodes = Items<Node>(p->nodes(), [this](const fb::Node* n) {
      return Node{Text(n->name()), Text(n->op()), Text(n->file()), n->line()};
    });
    return out;
  }

  size_t budget_;
  bool exhausted_ = false;
  bool misaligned_ = false;
};

// FlatBuffers' verifier accepts a union without a value, and unknown union types.
bool HasBodies(const fb::Plan* plan) {
  if (plan->blocks() == nullptr) return true;
  for (const fb::Block* block : *plan->blocks()) {
    if (block->waves() == nullptr) continue;
    for (const fb::Wave* wave : *block->waves()) {
      if (wave->steps() == nullptr) continue;
      for (const fb::Step* step : *wave->steps()) {
        if (step->body() == nullptr || step->body_type() == fb::StepBody::NONE ||
            step->body_type() > fb::StepBody::MAX) {
          return false;
        }
      }
    }
  }
  return true;
}

Status CheckSection(const char* name, const SectionHeader& section, const uint8_t* data,
                    size_t size, uint64_t alignment, bool check_hash) {
  if (section.offset > size || section.size > size - section.offset ||
      (section.size > 0 && section.offset % alignment != 0)) {
    return DataLoss(std::string("image: section ") + name + " lies outside the image");
  }
  if (check_hash && HashBytes(data + section.offset, section.size) != section.hash) {
    return DataLoss(std::string("image: hash of section ") + name + " differs");
  }
  return Status::Ok();
}

Result<const fb::Plan*> CheckedPlan(const uint8_t* data, size_t size,
                                    const SectionHeader& section) {
  STATOR_EXEC_RETURN_IF_ERROR(CheckSection("plan", section, data, size, 64, true));
  const uint8_t* bytes = data + section.offset;
  // No table is referred to twice, and each takes 8 bytes with its reference. Without such a bound
  // a small plan could unfold to gigabytes.
  const auto max_tables =
      static_cast<flatbuffers::uoffset_t>(std::min<uint64_t>(section.size / 8 + 1, 100'000'000));
  flatbuffers::Verifier verifier(bytes, section.size, /*max_depth=*/64, max_tables);
  if (!fb::VerifyPlanBuffer(verifier)) return DataLoss("image: the plan is damaged");
  const fb::Plan* plan = fb::GetPlan(bytes);
  if (plan->version() != kImageVersion) {
    return InvalidArgument("image: plan of version " + std::to_string(plan->version()) +
                           ", this runtime reads " + std::to_string(kImageVersion));
  }
  return plan;
}

// No byte of the file belongs to two sections. All lie inside the file.
Status CheckDisjoint(size_t table_end, std::vector<SectionHeader> sections) {
  std::sort(sections.begin(), sections.end(),
            [](const SectionHeader& a, const SectionHeader& b) { return a.offset < b.offset; });
  uint64_t end = table_end;
  for (const SectionHeader& section : sections) {
    if (section.size == 0) continue;
    if (section.offset < end) return DataLoss("image: sections overlap");
    end = section.offset + section.size;
  }
  return Status::Ok();
}

// Where the constants lie, checked.
Status FindConstants(const uint8_t* data, size_t size, const ReadOptions& options,
                     ImageView* view) {
  const SectionHeader& section = view->header.constants;
  const bool check_hash = options.check == HashCheck::kAll;
  if ((view->header.flags & kExternalConstants) != 0) {
    if (options.external_constants == nullptr) {
      return FailedPrecondition("image: its constants lie in another file, which was not given");
    }
    data = options.external_constants;
    size = options.external_constants_size;
    ConstantsTrailer trailer;
    if (section.offset != 0 || size < sizeof(trailer) || section.size != size - sizeof(trailer)) {
      return DataLoss("image: the constants file has " + std::to_string(size) +
                      " bytes, the image expects " + std::to_string(section.size) + " and " +
                      std::to_string(sizeof(trailer)));
    }
    std::memcpy(&trailer, data + section.size, sizeof(trailer));
    if (std::memcmp(trailer.magic, kConstantsMagic, sizeof(kConstantsMagic)) != 0) {
      return DataLoss("image: the constants file does not end as one");
    }
    if (trailer.hash != section.hash) {
      return DataLoss("image: the constants file belongs to another image");
    }
  }
  STATOR_EXEC_RETURN_IF_ERROR(
      CheckSection("constants", section, data, size, kSectionAlignment, check_hash));
  view->constants = data + section.offset;
  view->constants_size = static_cast<int64_t>(section.size);
  return Status::Ok();
}

}  // namespace

Result<ImageHeader> ReadHeader(const uint8_t* data, size_t size) {
  if (data == nullptr || size < sizeof(ImageHeader)) {
    return DataLoss("image: " + std::to_string(size) + " bytes are too few for a header");
  }
  ImageHeader header;
  std::memcpy(&header, data, sizeof(ImageHeader));
  if (std::memcmp(header.magic, kImageMagic, sizeof(kImageMagic)) != 0) {
    return InvalidArgument("image: not a Stator image (wrong magic)");
  }
  if (header.version != kImageVersion || header.abi_version != STATOR_KERNEL_ABI_VERSION) {
    return InvalidArgument("image: version " + std::to_string(header.version) + "." +
                           std::to_string(header.abi_version) + ", this runtime reads " +
                           std::to_string(kImageVersion) + "." +
                           std::to_string(STATOR_KERNEL_ABI_VERSION));
  }
  if (HashBytes(data, offsetof(ImageHeader, header_hash)) != header.header_hash) {
    return DataLoss("image: hash of the header differs");
  }
  if (header.num_variants < 1 || header.num_variants > kMaxVariants ||
      (header.flags & ~kExternalConstants) != 0) {
    return DataLoss("image: bad number of variants, or unknown flags");
  }
  return header;
}

Result<ImageView> ReadImage(const uint8_t* data, size_t size, const ReadOptions& options) {
  ImageView view;
  STATOR_EXEC_ASSIGN_OR_RETURN(view.header, ReadHeader(data, size));
  if (view.header.total_size != size) {
    return DataLoss("image: " + std::to_string(size) + " bytes, the header says " +
                    std::to_string(view.header.total_size));
  }
  const size_t table_bytes = view.header.num_variants * sizeof(VariantHeader);
  if (size - sizeof(ImageHeader) < table_bytes)
    return DataLoss("image: too short for its variants");
  const uint8_t* table = data + sizeof(ImageHeader);
  if (HashBytes(table, table_bytes) != view.header.variants_hash) {
    return DataLoss("image: hash of the table of variants differs");
  }

  const fb::Plan* chosen = nullptr;
  Status refusal;
  std::vector<SectionHeader> sections;
  if ((view.header.flags & kExternalConstants) == 0) sections.push_back(view.header.constants);
  for (uint32_t i = 0; i < view.header.num_variants; ++i) {
    VariantHeader variant;
    std::memcpy(&variant, table + i * sizeof(variant), sizeof(variant));
    STATOR_EXEC_ASSIGN_OR_RETURN(const fb::Plan* plan, CheckedPlan(data, size, variant.plan));
    STATOR_EXEC_RETURN_IF_ERROR(
        CheckSection("code", variant.code, data, size, kSectionAlignment, /*check_hash=*/false));
    sections.insert(sections.end(), {variant.plan, variant.code});
    view.targets.push_back(PlanReader(variant.plan.size).ReadTarget(plan));
    if (chosen != nullptr) continue;
    refusal = options.accepts == nullptr ? Status::Ok() : options.accepts(view.targets.back());
    if (!refusal.ok()) continue;
    chosen = plan;
    view.variant = variant;
  }
  // The last variant is the least demanding one: its reason says most.
  if (chosen == nullptr) return refusal;

  STATOR_EXEC_RETURN_IF_ERROR(FindConstants(data, size, options, &view));
  STATOR_EXEC_RETURN_IF_ERROR(
      CheckDisjoint(sizeof(ImageHeader) + table_bytes, std::move(sections)));
  STATOR_EXEC_RETURN_IF_ERROR(
      CheckSection("code", view.variant.code, data, size, kSectionAlignment, true));
  if (!HasBodies(chosen)) return DataLoss("image: a step without a body, or of an unknown kind");
  STATOR_EXEC_ASSIGN_OR_RETURN(view.plan, PlanReader(view.variant.plan.size).Read(chosen));
  view.code = data + view.variant.code.offset;
  view.code_size = static_cast<int64_t>(view.variant.code.size);
  return view;
}

ImageModel ToModel(const ImageView& view) {
  ImageModel model = view.plan;
  model.constants.assign(view.constants, view.constants + view.constants_size);
  model.code.assign(view.code, view.code + view.code_size);
  return model;
}

}  // namespace stator::executable
