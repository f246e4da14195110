#include <cstddef>
#include <cstring>

#include "executable/image_builder.h"
#include "executable/image_generated.h"
#include "executable/image_view.h"
#include "executable/kernel_frame.h"

namespace stator::executable {
namespace {

using flatbuffers::FlatBufferBuilder;
using flatbuffers::Offset;

class PlanWriter {
 public:
  explicit PlanWriter(const ImageModel& model) : model_(model) {}

  void Write() {
    fbb_.ForceDefaults(false);
    const auto target =
        fb::CreateTarget(fbb_, fbb_.CreateString(model_.target.arch),
                         Strings(model_.target.features), model_.target.vector_bytes,
                         fbb_.CreateString(model_.target.name));
    const auto devices = Table<fb::Device>(model_.devices, [&](const Device& d) {
      return fb::CreateDevice(fbb_, fbb_.CreateString(d.name), fbb_.CreateString(d.kind));
    });
    const auto segments = Table<fb::Segment>(model_.segments, [&](const Segment& s) {
      return fb::CreateSegment(fbb_, fbb_.CreateString(s.name), s.device, s.memory_space);
    });
    const auto symbols = Table<fb::Symbol>(model_.symbols, [&](const Symbol& s) {
      return fb::CreateSymbol(fbb_, fbb_.CreateString(s.name), static_cast<uint8_t>(s.life), s.min,
                              s.max, s.divisor);
    });
    std::vector<fb::Expr> exprs;
    exprs.reserve(model_.expressions.size());
    for (const Expr& e : model_.expressions) {
      exprs.emplace_back(e.value, e.lhs, e.rhs, static_cast<uint8_t>(e.kind));
    }
    const auto expressions = fbb_.CreateVectorOfStructs(exprs);
    const auto buffers =
        Table<fb::Buffer>(model_.buffers, [&](const Buffer& b) { return WriteBuffer(b); });
    const auto kernels =
        Table<fb::Kernel>(model_.kernels, [&](const Kernel& k) { return WriteKernel(k); });
    const auto checks = Table<fb::CheckInfo>(model_.checks, [&](const CheckInfo& c) {
      return fb::CreateCheckInfo(fbb_, static_cast<int32_t>(c.code), fbb_.CreateString(c.message),
                                 c.source_node);
    });
    const auto blocks =
        Table<fb::Block>(model_.blocks, [&](const Block& b) { return WriteBlock(b); });
    const auto entries = Table<fb::EntryPoint>(model_.entry_points,
                                               [&](const EntryPoint& e) { return WriteEntry(e); });
    const auto nodes = Table<fb::Node>(model_.nodes, [&](const Node& n) {
      return fb::CreateNode(fbb_, fbb_.CreateSharedString(n.name), fbb_.CreateSharedString(n.op),
                            fbb_.CreateSharedString(n.file), n.line);
    });
    const auto initial_values = Stored(model_.initial_values);
    const auto fixed =
        Table<fb::FixedWeight>(model_.fixed_weights, [&](const FixedWeight& w) {
          return fb::CreateFixedWeight(fbb_, fbb_.CreateString(w.name),
                                       fbb_.CreateSharedString(w.reason));
        });
    const auto samples = Table<fb::Sample>(model_.samples, [&](const Sample& s) {
      const auto inputs = Stored(s.inputs);
      return fb::CreateSample(fbb_, s.entry, inputs, Stored(s.outputs));
    });
    fbb_.Finish(fb::CreatePlan(fbb_, kImageVersion, fbb_.CreateString(model_.producer), target,
                               devices, segments, symbols, expressions, buffers, kernels, checks,
                               blocks, entries, nodes, model_.num_lists, initial_values, fixed,
                               samples),
                fb::PlanIdentifier());
  }

  const uint8_t* data() const { return fbb_.GetBufferPointer(); }
  size_t size() const { return fbb_.GetSize(); }

 private:
  template <typename T>
  using Vector = Offset<flatbuffers::Vector<Offset<T>>>;

  template <typename T, typename Item, typename Fn>
  Vector<T> Table(const std::vector<Item>& items, Fn fn) {
    std::vector<Offset<T>> offsets;
    offsets.reserve(items.size());
    for (const Item& item : items) offsets.push_back(fn(item));
    return fbb_.CreateVector(offsets);
  }

  Vector<fb::StoredTensor> Stored(const std::vector<StoredTensor>& tensors) {
    return Table<fb::StoredTensor>(tensors, [&](const StoredTensor& t) {
      return fb::CreateStoredTensor(fbb_, fbb_.CreateString(t.name), static_cast<uint8_t>(t.dtype),
                                    fbb_.CreateVector(t.dims), t.constant_offset, t.constant_size);
    });
  }

  Offset<flatbuffers::Vector<int32_t>> Ints(const std::vector<int32_t>& v) {
    return fbb_.CreateVector(v);
  }
  Vector<flatbuffers::String> Strings(const std::vector<std::string>& v) {
    return fbb_.CreateVectorOfStrings(v);
  }
  Offset<flatbuffers::Vector<uint8_t>> Bytes(const std::string& s) {
    return fbb_.CreateVector(reinterpret_cast<const uint8_t*>(s.data()), s.size());
  }

  Offset<fb::Buffer> WriteBuffer(const Buffer& b) {
    return fb::CreateBuffer(fbb_, fbb_.CreateString(b.name), static_cast<uint8_t>(b.dtype),
                            static_cast<uint8_t>(b.kind), Ints(b.dims), b.byte_size, b.alignment,
                            b.segment, b.device, b.memory_space, b.stream, b.first_wave,
                            b.last_wave, b.alias_of, b.alias_offset, b.in_place_of,
                            b.constant_offset, b.constant_size);
  }

  Offset<fb::Kernel> WriteKernel(const Kernel& k) {
    std::vector<fb::KernelPhase> phases;
    for (const KernelPhase& p : k.phases) phases.emplace_back(p.entry_offset, p.grid);
    std::vector<fb::KernelArgument> arguments;
    for (const KernelArgument& a : k.arguments) {
      arguments.emplace_back(a.may_share, static_cast<uint8_t>(a.access));
    }
    return fb::CreateKernel(fbb_, fbb_.CreateString(k.name), fbb_.CreateSharedString(k.kind),
                            k.code_offset, k.code_size, fbb_.CreateVectorOfStructs(phases),
                            fbb_.CreateVectorOfStructs(arguments), k.num_scalars, k.scratch_bytes,
                            k.may_fail);
  }

  Offset<fb::Block> WriteBlock(const Block& b) {
    const auto waves = Table<fb::Wave>(b.waves, [&](const Wave& w) {
      return fb::CreateWave(fbb_, w.number,
                            Table<fb::Step>(w.steps, [&](const Step& s) { return WriteStep(s); }));
    });
    return fb::CreateBlock(fbb_, fbb_.CreateString(b.name), waves);
  }

  Offset<fb::Step> WriteStep(const Step& step) {
    const Offset<void> body =
        std::visit([&](const auto& b) { return WriteBody(b).Union(); }, step.body);
    // Alternatives stand in the same order in both; FlatBuffers counts from 1 (0 is NONE).
    const auto type = static_cast<fb::StepBody>(step.body.index() + 1);
    return fb::CreateStep(fbb_, type, body, step.source_node, step.device, step.stream);
  }

  Offset<fb::LaunchKernel> WriteBody(const LaunchKernel& s) {
    const auto report =
        fb::CreateReport(fbb_, Ints(s.report.source_nodes), fbb_.CreateSharedString(s.report.why),
                         s.report.bytes, s.report.flops);
    return fb::CreateLaunchKernel(fbb_, s.kernel, Ints(s.buffers), Ints(s.scalars), report);
  }
  Offset<fb::Copy> WriteBody(const Copy& s) {
    return fb::CreateCopy(fbb_, s.source, s.destination);
  }
  Offset<fb::HostCall> WriteBody(const HostCall& s) {
    return fb::CreateHostCall(fbb_, fbb_.CreateSharedString(s.function), Ints(s.inputs),
                              Ints(s.outputs), Bytes(s.attributes));
  }
  Offset<fb::If> WriteBody(const If& s) {
    return fb::CreateIf(fbb_, s.predicate, s.then_block, s.else_block);
  }
  Offset<fb::While> WriteBody(const While& s) {
    std::vector<fb::CarriedPair> carried;
    for (const CarriedPair& p : s.carried) carried.emplace_back(p.current, p.next);
    std::vector<fb::LoopSymbol> symbols;
    for (const LoopSymbol& l : s.loop_symbols) symbols.emplace_back(l.symbol, l.initial, l.next);
    return fb::CreateWhile(fbb_, s.cond_block, s.predicate, s.body_block,
                           fbb_.CreateVectorOfStructs(carried),
                           fbb_.CreateVectorOfStructs(symbols));
  }
  Offset<fb::CallBlock> WriteBody(const CallBlock& s) { return fb::CreateCallBlock(fbb_, s.block); }
  Offset<fb::BindSymbol> WriteBody(const BindSymbol& s) {
    return fb::CreateBindSymbol(fbb_, s.symbol, s.source, s.element);
  }
  Offset<fb::Alloc> WriteBody(const Alloc& s) { return fb::CreateAlloc(fbb_, s.buffer, s.bytes); }
  Offset<fb::Free> WriteBody(const Free& s) { return fb::CreateFree(fbb_, s.buffer); }
  Offset<fb::Check> WriteBody(const Check& s) {
    return fb::CreateCheck(fbb_, s.predicate, s.check);
  }
  Offset<fb::Declared> WriteBody(const Declared& s) {
    return fb::CreateDeclared(fbb_, static_cast<uint8_t>(s.kind), fbb_.CreateString(s.name),
                              Ints(s.inputs), Ints(s.outputs), Bytes(s.attributes));
  }

  Offset<fb::UseList> WriteBody(const UseList& s) {
    return fb::CreateUseList(fbb_, static_cast<uint8_t>(s.action), s.list, s.buffer);
  }

  Offset<fb::Port> WritePort(const Port& p) {
    return fb::CreatePort(fbb_, fbb_.CreateString(p.name), static_cast<uint8_t>(p.dtype),
                          Ints(p.dims), p.buffer, p.source_node);
  }

  Offset<fb::EntryPoint> WriteEntry(const EntryPoint& e) {
    const auto feeds = Table<fb::Port>(e.feeds, [&](const Port& p) { return WritePort(p); });
    const auto fetches = Table<fb::Port>(e.fetches, [&](const Port& p) { return WritePort(p); });
    const auto variables = Table<fb::Variable>(e.variables, [&](const Variable& v) {
      return fb::CreateVariable(fbb_, fbb_.CreateString(v.name), static_cast<uint8_t>(v.dtype),
                                Ints(v.read_dims), Ints(v.write_dims), v.read_buffer,
                                v.write_buffer, v.initialized_buffer, v.in_place, v.partial_write,
                                v.zero_initialized, v.source_node,
                                static_cast<uint8_t>(v.layout));
    });
    const auto guards = Table<fb::Guard>(e.guards, [&](const Guard& g) {
      return fb::CreateGuard(fbb_, g.lhs, g.rhs, static_cast<uint8_t>(g.relation),
                             fbb_.CreateString(g.message), g.source_node);
    });
    return fb::CreateEntryPoint(fbb_, fbb_.CreateString(e.name), feeds, fetches, Strings(e.targets),
                                variables, guards, Strings(e.facts), e.main_block, e.init_block,
                                Ints(e.init_variables));
  }

  const ImageModel& model_;
  FlatBufferBuilder fbb_;
};

uint64_t AlignUp(uint64_t value, uint64_t alignment) {
  return (value + alignment - 1) / alignment * alignment;
}

class ImageWriter {
 public:
  std::vector<uint8_t> Write(const std::vector<const ImageModel*>& variants, bool external) {
    ImageHeader header;
    std::memset(&header, 0, sizeof(header));
    std::memcpy(header.magic, kImageMagic, sizeof(kImageMagic));
    header.version = kImageVersion;
    header.abi_version = STATOR_KERNEL_ABI_VERSION;
    header.num_variants = static_cast<uint32_t>(variants.size());
    std::vector<VariantHeader> table(variants.size());
    bytes_.resize(sizeof(header) + table.size() * sizeof(VariantHeader));

    for (size_t i = 0; i < variants.size(); ++i) {
      PlanWriter plan(*variants[i]);
      plan.Write();
      table[i].plan = Place(plan.data(), plan.size(), 64);
    }
    const std::vector<uint8_t>& constants = variants[0]->constants;
    if (external) {
      header.flags = kExternalConstants;
      header.constants = {0, constants.size(), HashBytes(constants.data(), constants.size())};
    } else {
      header.constants = Place(constants.data(), constants.size(), kSectionAlignment);
    }
    for (size_t i = 0; i < variants.size(); ++i) {
      const std::vector<uint8_t>& code = variants[i]->code;
      table[i].code = Place(code.data(), code.size(), kSectionAlignment);
    }
    header.total_size = bytes_.size();
    header.variants_hash = HashBytes(table.data(), table.size() * sizeof(VariantHeader));
    header.header_hash = HashBytes(&header, offsetof(ImageHeader, header_hash));
    std::memcpy(bytes_.data(), &header, sizeof(header));
    std::memcpy(bytes_.data() + sizeof(header), table.data(), table.size() * sizeof(VariantHeader));
    return std::move(bytes_);
  }

 private:
  SectionHeader Place(const uint8_t* data, size_t size, uint64_t alignment) {
    if (size > 0) bytes_.resize(AlignUp(bytes_.size(), alignment));
    const SectionHeader section = {bytes_.size(), size, HashBytes(data, size)};
    bytes_.insert(bytes_.end(), data, data + size);
    return section;
  }

  std::vector<uint8_t> bytes_;
};

}  // namespace

std::vector<uint8_t> Serialize(const ImageModel& model) {
  return ImageWriter().Write({&model}, /*external=*/false);
}

Result<std::vector<uint8_t>> Serialize(const std::vector<ImageModel>& variants,
                                       bool external_constants) {
  if (variants.empty() || variants.size() > kMaxVariants) {
    return InvalidArgument("image: 1 to " + std::to_string(kMaxVariants) + " variants, found " +
                           std::to_string(variants.size()));
  }
  std::vector<const ImageModel*> pointers;
  for (const ImageModel& variant : variants) {
    if (variant.constants != variants[0].constants) {
      return InvalidArgument("image: the variants for " + variants[0].target.name + " and " +
                             variant.target.name + " have different constants");
    }
    pointers.push_back(&variant);
  }
  return ImageWriter().Write(pointers, external_constants);
}

std::vector<uint8_t> SerializeConstants(const ImageModel& model) {
  const size_t size = model.constants.size();
  ConstantsTrailer trailer;
  std::memcpy(trailer.magic, kConstantsMagic, sizeof(kConstantsMagic));
  trailer.hash = HashBytes(model.constants.data(), size);
  std::vector<uint8_t> bytes(size + sizeof(trailer));
  if (size > 0) std::memcpy(bytes.data(), model.constants.data(), size);
  std::memcpy(bytes.data() + size, &trailer, sizeof(trailer));
  return bytes;
}

}  // namespace stator::executable
