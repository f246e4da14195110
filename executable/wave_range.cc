#include "executable/wave_range.h"

#include <algorithm>
#include <cstdint>

namespace stator::executable {
namespace {

void Extend(const ImageModel& model, int32_t block, WaveRange* range) {
  if (block == kNone) return;
  for (const Wave& wave : model.blocks[block].waves) {
    range->first = std::min(range->first, wave.number);
    range->last = std::max(range->last, wave.number);
    for (const Step& step : wave.steps) {
      if (const auto* branch = std::get_if<If>(&step.body)) {
        Extend(model, branch->then_block, range);
        Extend(model, branch->else_block, range);
      } else if (const auto* loop = std::get_if<While>(&step.body)) {
        Extend(model, loop->cond_block, range);
        Extend(model, loop->body_block, range);
      } else if (const auto* call = std::get_if<CallBlock>(&step.body)) {
        Extend(model, call->block, range);
      }
    }
  }
}

}  // namespace

WaveRange BlockWaves(const ImageModel& model, int32_t block) {
  WaveRange range{INT32_MAX, -1};
  Extend(model, block, &range);
  return range;
}

WaveRange EntryWaves(const ImageModel& model, const EntryPoint& entry) {
  WaveRange range{INT32_MAX, -1};
  Extend(model, entry.init_block, &range);
  Extend(model, entry.main_block, &range);
  return range;
}

}  // namespace stator::executable
