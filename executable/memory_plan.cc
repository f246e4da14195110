#include "executable/memory_plan.h"

#include <algorithm>
#include <map>
#include <numeric>

namespace stator::executable {
namespace {

int64_t AlignUp(int64_t value, int64_t alignment) {
  return (value + alignment - 1) & ~(alignment - 1);
}

using Order = std::vector<int32_t>;

// Places items one by one, each into the smallest gap that fits between the placed items that live
// at the same time, else above them.
class Placer {
 public:
  explicit Placer(const std::vector<PackItem>& items) : items_(items), offsets_(items.size()) {
    by_offset_.reserve(items.size());
  }

  // Returns the peak; gives up (INT64_MAX) as soon as it exceeds `limit`.
  int64_t Place(const Order& order, int64_t limit) {
    by_offset_.clear();
    int64_t peak = 0;
    for (int32_t item : order) {
      offsets_[item] = Find(items_[item]);
      peak = std::max(peak, offsets_[item] + items_[item].size);
      if (peak > limit) return INT64_MAX;
      const auto position = std::upper_bound(
          by_offset_.begin(), by_offset_.end(), offsets_[item],
          [this](int64_t offset, int32_t other) { return offset < offsets_[other]; });
      by_offset_.insert(position, item);
    }
    return peak;
  }

  const std::vector<int64_t>& offsets() const { return offsets_; }

 private:
  int64_t Find(const PackItem& item) const {
    int64_t best = -1;
    int64_t best_gap = INT64_MAX;
    int64_t top = 0;  // end of what was passed so far
    for (int32_t other : by_offset_) {
      const PackItem& placed = items_[other];
      if (placed.last < item.first || item.last < placed.first) continue;
      const int64_t start = AlignUp(top, item.alignment);
      const int64_t gap = offsets_[other] - start;
      if (gap >= item.size && gap < best_gap) {
        best = start;
        best_gap = gap;
      }
      top = std::max(top, offsets_[other] + placed.size);
    }
    return best >= 0 ? best : AlignUp(top, item.alignment);
  }

  const std::vector<PackItem>& items_;
  std::vector<int64_t> offsets_;
  std::vector<int32_t> by_offset_;
};

int64_t LowerBound(const std::vector<PackItem>& items) {
  std::map<int64_t, int64_t> change;
  for (const PackItem& item : items) {
    change[item.first] += item.size;
    change[int64_t{item.last} + 1] -= item.size;
  }
  int64_t live = 0;
  int64_t bound = 0;
  for (const auto& [wave, delta] : change) bound = std::max(bound, live += delta);
  return bound;
}

std::vector<Order> SortedOrders(const std::vector<PackItem>& items, const Order& program) {
  const auto length = [&](int32_t i) {
    return static_cast<double>(items[i].last) - items[i].first + 1;
  };
  const auto sorted = [&](auto key) {
    Order order = program;
    std::stable_sort(order.begin(), order.end(),
                     [&](int32_t a, int32_t b) { return key(a) > key(b); });
    return order;
  };
  const auto size = [&](int32_t i) { return static_cast<double>(items[i].size); };
  return {sorted(size), sorted(length), sorted([&](int32_t i) { return size(i) * length(i); }),
          sorted([&](int32_t i) { return -static_cast<double>(items[i].first); })};
}

}  // namespace

PackResult Pack(const std::vector<PackItem>& items, int effort) {
  PackResult result;
  result.offsets.assign(items.size(), 0);
  result.lower_bound = LowerBound(items);
  Order program;
  for (size_t i = 0; i < items.size(); ++i) {
    if (items[i].size > 0) program.push_back(static_cast<int32_t>(i));
  }
  if (program.empty()) return result;

  Placer placer(items);
  Order best_order;
  result.peak = INT64_MAX;
  const auto attempt = [&](const Order& order) {
    const int64_t peak = placer.Place(order, result.peak - 1);
    if (peak >= result.peak) return false;
    result.peak = peak;
    result.offsets = placer.offsets();
    best_order = order;
    return true;
  };
  for (const Order& order : SortedOrders(items, program)) {
    if (result.peak > result.lower_bound) attempt(order);
  }

  // Local search: bring an item that touches the peak, or a random one, forward in the best order.
  uint64_t random = 0x9E3779B97F4A7C15ull;
  const auto next = [&random](size_t below) {
    random = random * 6364136223846793005ull + 1442695040888963407ull;
    return static_cast<size_t>((random >> 33) % below);
  };
  for (int i = 0; i < effort && result.peak > result.lower_bound; ++i) {
    Order order = best_order;
    size_t from = next(order.size());
    if (i % 2 == 0) {
      for (size_t j = 0; j < order.size(); ++j) {
        if (result.offsets[order[j]] + items[order[j]].size == result.peak) from = j;
      }
    }
    const size_t to = from == 0 ? next(order.size()) : next(from);
    const int32_t item = order[from];
    order.erase(order.begin() + static_cast<std::ptrdiff_t>(from));
    order.insert(order.begin() + static_cast<std::ptrdiff_t>(to), item);
    attempt(order);
  }
  for (size_t i = 0; i < items.size(); ++i) {
    if (items[i].size == 0) result.offsets[i] = 0;
  }
  return result;
}

namespace {

// Buffers that share storage are one item: a union-find over views and in-place chains.
class Groups {
 public:
  explicit Groups(const ImageModel& model) : parent_(model.buffers.size()) {
    for (size_t i = 0; i < parent_.size(); ++i) {
      const Buffer& b = model.buffers[i];
      parent_[i] = b.alias_of != kNone      ? b.alias_of
                   : b.in_place_of != kNone ? b.in_place_of
                                            : static_cast<int32_t>(i);
    }
  }
  int32_t Root(int32_t i) {
    while (parent_[i] != i) i = parent_[i] = parent_[parent_[i]];
    return i;
  }

 private:
  std::vector<int32_t> parent_;
};

void UniteCarriedLifetimes(const ImageModel& model, Groups* groups, std::vector<PackItem>* items) {
  bool changed = true;
  while (changed) {  // nested loops may carry the same storage further
    changed = false;
    for (const Block& block : model.blocks) {
      for (const Wave& wave : block.waves) {
        for (const Step& step : wave.steps) {
          const auto* loop = std::get_if<While>(&step.body);
          if (loop == nullptr) continue;
          for (const CarriedPair& pair : loop->carried) {
            PackItem& a = (*items)[groups->Root(pair.current)];
            PackItem& b = (*items)[groups->Root(pair.next)];
            const int32_t first = std::min(a.first, b.first);
            const int32_t last = std::max(a.last, b.last);
            changed |= a.first != first || b.first != first || a.last != last || b.last != last;
            a.first = b.first = first;
            a.last = b.last = last;
          }
        }
      }
    }
  }
}

Status SizeError(const Buffer& b, const std::string& what) {
  return InvalidArgument("buffer " + b.name + ": " + what);
}

}  // namespace

Result<ArenaLayout> LayOutArena(const ImageModel& model, const std::vector<int64_t>& values,
                                int32_t first_wave, int32_t last_wave) {
  const size_t n = model.buffers.size();
  Groups groups(model);
  std::vector<PackItem> items(n, PackItem{0, INT32_MAX, INT32_MIN, kBufferAlignment});
  std::vector<bool> used(n, false);
  int64_t total = 0;
  for (size_t i = 0; i < n; ++i) {
    const Buffer& b = model.buffers[i];
    if (b.kind != BufferKind::kArena || b.first_wave < first_wave || b.last_wave > last_wave) {
      continue;
    }
    used[i] = true;
    const int64_t bytes = values[b.byte_size];
    if (bytes < 0) return SizeError(b, "negative size " + std::to_string(bytes));
    const int32_t root = groups.Root(static_cast<int32_t>(i));
    PackItem& item = items[root];
    item.first = std::min(item.first, b.first_wave);
    item.last = std::max(item.last, b.last_wave);
    item.alignment = std::max(item.alignment, b.alignment);
    if (b.alias_of != kNone) {
      const int64_t offset = values[b.alias_offset];
      const int64_t base = values[model.buffers[b.alias_of].byte_size];
      if (offset < 0 || offset > base || bytes > base - offset) {
        return SizeError(b, "view [" + std::to_string(offset) + ", +" + std::to_string(bytes) +
                                ") lies outside its base of " + std::to_string(base) + " bytes");
      }
      continue;
    }
    // Far from where sums with alignments (at most 2 MiB) could overflow.
    const bool absurd = bytes > INT64_MAX / 2;
    const int64_t aligned = absurd ? 0 : AlignUp(bytes, kBufferAlignment);
    item.size = std::max(item.size, aligned);
    if (absurd || __builtin_add_overflow(total, aligned + item.alignment, &total)) {
      return ResourceExhausted("buffer " + b.name + ": the arena would exceed 2^63 bytes");
    }
  }
  UniteCarriedLifetimes(model, &groups, &items);

  ArenaLayout layout;
  layout.offsets.assign(n, -1);
  layout.segment_bytes.assign(model.segments.size(), 0);
  for (size_t segment = 0; segment < model.segments.size(); ++segment) {
    std::vector<PackItem> packed;
    std::vector<int32_t> owners;
    for (size_t i = 0; i < n; ++i) {
      if (!used[i] || groups.Root(static_cast<int32_t>(i)) != static_cast<int32_t>(i)) continue;
      if (model.buffers[i].segment != static_cast<int32_t>(segment)) continue;
      packed.push_back(items[i]);
      owners.push_back(static_cast<int32_t>(i));
    }
    const PackResult result = Pack(packed);
    for (size_t i = 0; i < owners.size(); ++i) layout.offsets[owners[i]] = result.offsets[i];
    layout.segment_bytes[segment] = result.peak;
    layout.peak += result.peak;
    layout.lower_bound += result.lower_bound;
  }
  // Members of a group: bases come in any order, so follow each chain to its root.
  for (size_t i = 0; i < n; ++i) {
    if (!used[i]) continue;
    int64_t offset = 0;
    int32_t at = static_cast<int32_t>(i);
    while (groups.Root(at) != at) {
      const Buffer& b = model.buffers[at];
      if (b.alias_of != kNone) offset += values[b.alias_offset];
      at = b.alias_of != kNone ? b.alias_of : b.in_place_of;
    }
    layout.offsets[i] = layout.offsets[at] + offset;
  }
  return layout;
}

}  // namespace stator::executable
