#include "executable/plan_checker/timeline.h"

#include <algorithm>

namespace stator::executable {
namespace {

void Walk(const ImageModel& model, int32_t block, Timeline* timeline) {
  if (block == kNone) return;
  for (const Wave& wave : model.blocks[block].waves) {
    timeline->first_wave = std::min(timeline->first_wave, wave.number);
    timeline->last_wave = std::max(timeline->last_wave, wave.number);
    for (const Step& step : wave.steps) {
      if (const auto* branch = std::get_if<If>(&step.body)) {
        Walk(model, branch->then_block, timeline);
        Walk(model, branch->else_block, timeline);
      } else if (const auto* loop = std::get_if<While>(&step.body)) {
        Walk(model, loop->cond_block, timeline);
        Walk(model, loop->body_block, timeline);
        timeline->loops[loop] = {wave.number, timeline->last_wave};
        for (const CarriedPair& pair : loop->carried) timeline->carried.push_back(pair);
      } else if (const auto* call = std::get_if<CallBlock>(&step.body)) {
        Walk(model, call->block, timeline);
      }
    }
  }
}

}  // namespace

Timeline FindTimeline(const ImageModel& model, const EntryPoint& entry) {
  Timeline timeline;
  Walk(model, entry.init_block, &timeline);
  Walk(model, entry.main_block, &timeline);
  return timeline;
}

}  // namespace stator::executable
