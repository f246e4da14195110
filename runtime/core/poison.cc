// For tests and debugging: memory whose content has ended is filled with NaN.
#include <algorithm>
#include <cstdint>
#include <cstring>

#include "executable/wave_range.h"
#include "runtime/core/run_execution.h"

namespace stator::runtime {

void RunExecution::FindDying() {
  if (!dying_.empty()) return;
  const executable::WaveRange waves = p_.entry_waves[entry_index_];
  dying_.resize(static_cast<size_t>(std::max(waves.last, 0)) + 1);
  const size_t n = m_.buffers.size();
  std::vector<int32_t> first(n, INT32_MAX);
  std::vector<int32_t> last(n, -1);
  owner_bytes_.assign(n, 0);
  const auto owner = [&](int32_t b) {
    while (m_.buffers[b].alias_of != kNone || m_.buffers[b].in_place_of != kNone) {
      b = m_.buffers[b].alias_of != kNone ? m_.buffers[b].alias_of : m_.buffers[b].in_place_of;
    }
    return b;
  };
  for (size_t i = 0; i < n; ++i) {
    const executable::Buffer& b = m_.buffers[i];
    if (plan_->layout.offsets[i] < 0 || IsObjectDType(b.dtype)) continue;
    const int32_t o = owner(static_cast<int32_t>(i));
    first[o] = std::min(first[o], b.first_wave);
    last[o] = std::max(last[o], b.last_wave);
    if (b.alias_of == kNone) {
      owner_bytes_[o] = std::max(owner_bytes_[o], plan_->values[b.byte_size]);
    }
  }
  for (const StepInfo& step : p_.steps) {
    const auto* loop = std::get_if<executable::While>(&step.step->body);
    if (loop == nullptr) continue;
    // What is defined before a loop and ends in it is read by every iteration.
    const executable::WaveRange cond = executable::BlockWaves(m_, loop->cond_block);
    const executable::WaveRange body = executable::BlockWaves(m_, loop->body_block);
    const int32_t begin = std::min(cond.first, body.first);
    const int32_t end = std::max(cond.last, body.last);
    for (size_t i = 0; i < n; ++i) {
      if (first[i] < begin && last[i] >= begin && last[i] <= end) last[i] = -1;
    }
    for (const executable::CarriedPair& pair : loop->carried) {
      // They trade places: leave their memory alone, it is shared for both lifetimes.
      last[owner(pair.current)] = -1;
      last[owner(pair.next)] = -1;
    }
  }
  for (size_t i = 0; i < n; ++i) {
    if (last[i] >= 0 && last[i] < static_cast<int32_t>(dying_.size())) {
      dying_[last[i]].push_back(static_cast<int32_t>(i));
    }
  }
}

void RunExecution::Poison(int32_t wave) {
  if (wave < 0 || static_cast<size_t>(wave) >= dying_.size()) return;
  for (int32_t owner : dying_[wave]) {
    if (owner_bytes_[owner] > 0) {
      std::memset(table_[owner], 0xFF, static_cast<size_t>(owner_bytes_[owner]));
    }
  }
}

}  // namespace stator::runtime
