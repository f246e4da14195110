#include "tools/emit_object/scratch.h"

#include <algorithm>

#include "executable/memory_plan.h"

namespace stator::tools {
namespace {

int64_t AlignUp(int64_t bytes, int64_t alignment) {
  return (bytes + alignment - 1) / alignment * alignment;
}

bool IsConstant(const ScratchItem& item, const Sizes& sizes) {
  return std::all_of(item.bytes.begin(), item.bytes.end(),
                     [&](int32_t e) { return sizes.Constant(e).has_value(); });
}

int64_t SampleBytes(const ScratchItem& item, const Sizes& sizes) {
  int64_t bytes = 0;
  for (const int32_t e : item.bytes) bytes = std::max(bytes, sizes.Samples()[e]);
  return bytes;
}

void PackFixed(const std::map<int32_t, ScratchItem>& items, const Sizes& sizes,
               ScratchLayout* layout) {
  std::vector<executable::PackItem> packed;
  std::vector<int32_t> roots;
  for (const auto& [root, item] : items) {
    if (!IsConstant(item, sizes)) continue;
    packed.push_back({AlignUp(SampleBytes(item, sizes), executable::kBufferAlignment),
                      item.first_wave, item.last_wave, item.alignment});
    roots.push_back(root);
  }
  const executable::PackResult result = executable::Pack(packed);
  for (size_t i = 0; i < roots.size(); ++i) layout->fixed[roots[i]] = result.offsets[i];
  layout->fixed_bytes = AlignUp(packed.empty() ? 0 : result.peak, layout->alignment);
}

// The largest first, each into the smallest slot that is free during its life. With sizes falling,
// a slot never grows where the sample decides.
void FillSlots(const std::map<int32_t, ScratchItem>& items, const Sizes& sizes,
               ScratchLayout* layout) {
  struct Candidate {
    int64_t bytes;
    int32_t root;
    const ScratchItem* item;
  };
  std::vector<Candidate> order;
  for (const auto& [root, item] : items) {
    if (!IsConstant(item, sizes)) order.push_back({SampleBytes(item, sizes), root, &item});
  }
  std::stable_sort(order.begin(), order.end(),
                   [](const Candidate& a, const Candidate& b) { return a.bytes > b.bytes; });
  struct Content {
    int64_t bytes;
    std::vector<const ScratchItem*> items;
  };
  std::vector<Content> contents;
  for (const Candidate& c : order) {
    size_t best = contents.size();
    for (size_t s = 0; s < contents.size(); ++s) {
      const bool free = std::none_of(
          contents[s].items.begin(), contents[s].items.end(), [&](const ScratchItem* other) {
            return other->first_wave <= c.item->last_wave && c.item->first_wave <= other->last_wave;
          });
      if (free && (best == contents.size() || contents[s].bytes < contents[best].bytes)) best = s;
    }
    if (best == contents.size()) {
      contents.push_back({c.bytes, {}});
      layout->slots.emplace_back();
    }
    contents[best].items.push_back(c.item);
    Slot& slot = layout->slots[best];
    slot.alignment = std::max(slot.alignment, c.item->alignment);
    for (const int32_t e : c.item->bytes) {
      if (std::find(slot.bytes.begin(), slot.bytes.end(), e) == slot.bytes.end()) {
        slot.bytes.push_back(e);
      }
    }
    layout->slotted[c.root] = static_cast<int32_t>(best);
  }
}

}  // namespace

ScratchLayout LayOutScratch(const std::map<int32_t, ScratchItem>& items, const Sizes& sizes) {
  ScratchLayout layout;
  for (const auto& [root, item] : items) {
    layout.alignment = std::max(layout.alignment, item.alignment);
  }
  PackFixed(items, sizes, &layout);
  FillSlots(items, sizes, &layout);
  return layout;
}

std::vector<int64_t> SlotOffsets(const ScratchLayout& layout, const std::vector<int64_t>& values) {
  std::vector<int64_t> offsets;
  int64_t end = layout.fixed_bytes;
  for (const Slot& slot : layout.slots) {
    offsets.push_back(AlignUp(end, slot.alignment));
    int64_t bytes = 0;
    for (const int32_t e : slot.bytes) bytes = std::max(bytes, values[e]);
    end = offsets.back() + bytes;
  }
  return offsets;
}

}  // namespace stator::tools
