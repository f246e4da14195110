#include "tools/emit_object/storage.h"

#include <algorithm>

#include "executable/plan_checker/plan_checker.h"
#include "executable/printer.h"
#include "executable/wave_range.h"

namespace stator::tools {
namespace {

using executable::Buffer;
using executable::BufferKind;
using executable::kNone;
using executable::Result;
using executable::Status;
using executable::WaveRange;

class Finder {
 public:
  Finder(const Sizes& sizes, int32_t entry, Problems* problems)
      : sizes_(sizes),
        m_(sizes.model()),
        entry_index_(entry),
        entry_(m_.entry_points[entry]),
        problems_(problems),
        main_(executable::BlockWaves(m_, entry_.main_block)),
        waves_(executable::EntryWaves(m_, entry_)) {}

  Result<EntryStorage> Find() {
    out_.entry = &entry_;
    out_.main.block = entry_.main_block;
    out_.init.block = entry_.init_block;
    out_.main.uses = FindUses(m_, entry_.main_block, problems_);
    if (entry_.init_block != kNone) {
      out_.init.uses = FindUses(m_, entry_.init_block, problems_);
    }
    // What could not be walked has no places.
    if (!problems_->ToStatus().ok()) return std::move(out_);
    ArenaItems();
    FindShadows();
    TakeFetches();
    PlacePersistent();
    STATOR_EXEC_RETURN_IF_ERROR(FindHomes(&out_.main));
    if (entry_.init_block != kNone) STATOR_EXEC_RETURN_IF_ERROR(FindHomes(&out_.init));
    out_.main.scratch = LayOutScratch(main_items_, sizes_);
    out_.init.scratch = LayOutScratch(init_items_, sizes_);
    STATOR_EXEC_RETURN_IF_ERROR(Prove());
    return std::move(out_);
  }

 private:
  int32_t Root(int32_t buffer) const { return PlaceOf(m_, buffer).root; }

  bool IsMine(const Buffer& b) const {
    return b.kind == BufferKind::kArena && b.first_wave >= waves_.first &&
           b.last_wave <= waves_.last;
  }
  std::map<int32_t, ScratchItem>& ItemsOf(const Buffer& b) {
    const bool in_init = entry_.init_block != kNone && b.last_wave < main_.first;
    return in_init ? init_items_ : main_items_;
  }

  // Groups of views and in-place chains, with the lifetimes of all their members.
  void ArenaItems() {
    for (size_t i = 0; i < m_.buffers.size(); ++i) {
      const Buffer& b = m_.buffers[i];
      if (!IsMine(b)) continue;
      ScratchItem& item = ItemsOf(b)[Root(static_cast<int32_t>(i))];
      item.first_wave = std::min(item.first_wave, b.first_wave);
      item.last_wave = std::max(item.last_wave, b.last_wave);
      item.alignment = std::max(item.alignment, b.alignment);
      const bool listed =
          std::find(item.bytes.begin(), item.bytes.end(), b.byte_size) != item.bytes.end();
      if (b.alias_of == kNone && !listed) item.bytes.push_back(b.byte_size);
    }
    UniteCarried(out_.main.uses.pairs, &main_items_);
    UniteCarried(out_.init.uses.pairs, &init_items_);
  }

  // Both of a pair hold either content.
  void UniteCarried(const std::vector<executable::CarriedPair>& pairs,
                    std::map<int32_t, ScratchItem>* items) const {
    bool changed = true;
    while (changed) {  // nested loops may carry the same memory further
      changed = false;
      for (const executable::CarriedPair& pair : pairs) {
        ScratchItem& a = (*items)[Root(pair.current)];
        ScratchItem& b = (*items)[Root(pair.next)];
        const int32_t first = std::min(a.first_wave, b.first_wave);
        const int32_t last = std::max(a.last_wave, b.last_wave);
        changed |= a.first_wave != first || b.first_wave != first;
        changed |= a.last_wave != last || b.last_wave != last;
        a.first_wave = b.first_wave = first;
        a.last_wave = b.last_wave = last;
        a.alignment = b.alignment = std::max(a.alignment, b.alignment);
      }
    }
  }

  void FindShadows() {
    std::map<int32_t, RootUse> uses = out_.main.uses.roots;
    for (const executable::Port& fetch : entry_.fetches) {
      uses[Root(fetch.buffer)].last_read = INT32_MAX;
    }
    for (const executable::Variable& v : entry_.variables) {
      bool shadowed = false;
      if (v.write_buffer != kNone && !v.in_place) {
        const RootUse& write = uses[v.write_buffer];
        shadowed = write.may_fail_writing ||
                   (v.read_buffer != kNone && uses[v.read_buffer].last_read >= write.first_write);
      }
      out_.shadowed.push_back(shadowed);
      if (shadowed) AddToMain(v.write_buffer);
    }
  }
  // Memory for as long as the run lasts.
  void AddToMain(int32_t root) {
    ScratchItem& item = main_items_[root];
    item.first_wave = main_.first;
    item.last_wave = main_.last;
    item.bytes = {m_.buffers[root].byte_size};
    item.alignment = m_.buffers[root].alignment;
  }

  void TakeFetches() {
    for (size_t i = 0; i < entry_.fetches.size(); ++i) {
      const int32_t b = entry_.fetches[i].buffer;
      const bool owns =
          m_.buffers[b].kind == BufferKind::kOutput && m_.buffers[b].alias_of == kNone;
      if (owns && fetch_of_.emplace(b, static_cast<int32_t>(i)).second) continue;
      out_.copied_fetches.push_back(static_cast<int32_t>(i));
    }
  }

  void PlacePersistent() {
    for (const BlockUses* uses : {&out_.init.uses, &out_.main.uses}) {
      for (const auto& [root, use] : uses->roots) {
        const Buffer& b = m_.buffers[root];
        if (b.kind != BufferKind::kPersistent || out_.persistent.count(root) != 0) continue;
        const int64_t alignment = std::max(b.alignment, executable::kBufferAlignment);
        int64_t& end = out_.persistent_bytes;
        end = (end + alignment - 1) / alignment * alignment;
        out_.persistent[root] = end;
        end += sizes_.Constant(b.byte_size).value_or(0);  // verified to be constant
      }
    }
  }

  Status FindHomes(BlockStorage* block) {
    std::vector<int32_t> roots;
    for (const auto& [root, use] : block->uses.roots) roots.push_back(root);
    if (block == &out_.main) {
      for (const executable::Port& fetch : entry_.fetches) roots.push_back(Root(fetch.buffer));
    }
    for (const int32_t root : roots) {
      STATOR_EXEC_ASSIGN_OR_RETURN(block->homes[root], HomeOf(root, block));
    }
    return Status::Ok();
  }

  Result<Home> HomeOf(int32_t root, const BlockStorage* block) {
    switch (m_.buffers[root].kind) {
      case BufferKind::kArena: {
        const auto& items = block == &out_.main ? main_items_ : init_items_;
        if (items.count(root) == 0) break;
        return Home{};
      }
      case BufferKind::kInput:
        for (size_t i = 0; i < entry_.feeds.size(); ++i) {
          if (entry_.feeds[i].buffer == root) return At(HomeKind::kArgument, i);
        }
        for (size_t i = 0; i < entry_.variables.size(); ++i) {
          if (entry_.variables[i].initialized_buffer == root) return At(HomeKind::kInitialized, i);
        }
        break;
      case BufferKind::kOutput:
        if (fetch_of_.count(root) != 0) return Home{HomeKind::kResult, fetch_of_[root]};
        AddToMain(root);
        return Home{};
      case BufferKind::kConstant:
        return Home{HomeKind::kConstants, kNone};
      case BufferKind::kVariableRead:
      case BufferKind::kVariableWrite:
        for (size_t i = 0; i < entry_.variables.size(); ++i) {
          if (entry_.variables[i].write_buffer == root && out_.shadowed[i]) return Home{};
          if (entry_.variables[i].write_buffer == root || entry_.variables[i].read_buffer == root) {
            return At(HomeKind::kVariable, i);
          }
        }
        break;
      case BufferKind::kPersistent:
        return Home{HomeKind::kPersistent, kNone};
      case BufferKind::kDynamic:
        break;
    }
    return executable::Internal("entry " + entry_.name + ": buffer " +
                                executable::PrintBufferName(m_, root) + " has no memory there");
  }
  static Home At(HomeKind kind, size_t index) { return {kind, static_cast<int32_t>(index)}; }

  // The runtime's own proof, at sample sizes.
  Status Prove() const {
    const std::vector<int64_t>& values = sizes_.Samples();
    executable::ConcretePlan plan;
    for (size_t i = 0; i < m_.buffers.size(); ++i) {
      const Buffer& b = m_.buffers[i];
      plan.sizes.push_back(sizes_.KnownAtStart(b.byte_size) ? values[b.byte_size] : -1);
      int64_t alias = b.alias_of == kNone ? 0 : values[b.alias_offset];
      if (b.alias_of != kNone && !sizes_.KnownAtStart(b.alias_offset)) alias = -1;
      plan.alias_offsets.push_back(alias);
      const Place place = PlaceOf(m_, static_cast<int32_t>(i));
      int64_t offset = -1;
      // Init has ended when main begins: their layouts may share addresses.
      for (const ScratchLayout* layout : {&out_.main.scratch, &out_.init.scratch}) {
        if (auto it = layout->fixed.find(place.root); it != layout->fixed.end()) {
          offset = it->second;
        } else if (auto s = layout->slotted.find(place.root); s != layout->slotted.end()) {
          offset = SlotOffsets(*layout, values)[s->second];
        }
      }
      for (const int32_t e : place.offsets) offset += offset < 0 ? 0 : values[e];
      plan.arena_offsets.push_back(b.kind == BufferKind::kArena ? offset : -1);
    }
    const std::vector<executable::Violation> found = executable::CheckPlan(m_, entry_index_, plan);
    if (found.empty()) return Status::Ok();
    return executable::Internal("entry " + entry_.name + ": scratch memory is wrong in " +
                                std::to_string(found.size()) + " places: " + found[0].message);
  }

  const Sizes& sizes_;
  const executable::ImageModel& m_;
  const int32_t entry_index_;
  const executable::EntryPoint& entry_;
  Problems* problems_;
  const WaveRange main_;
  const WaveRange waves_;
  EntryStorage out_;
  std::map<int32_t, ScratchItem> main_items_;
  std::map<int32_t, ScratchItem> init_items_;
  std::map<int32_t, int32_t> fetch_of_;
};

}  // namespace

Result<EntryStorage> FindStorage(const Sizes& sizes, int32_t entry, Problems* problems) {
  return Finder(sizes, entry, problems).Find();
}

}  // namespace stator::tools
