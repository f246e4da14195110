#include "compiler/plan/lifetimes.h"

#include <algorithm>

namespace stator::compiler {
namespace {

using executable::Buffer;

void ExtendOverLoop(const LoopWaves& loop, executable::ImageModel* model) {
  for (Buffer& buffer : model->buffers) {
    if (buffer.first_wave < loop.step && buffer.last_wave >= loop.step) {
      buffer.last_wave = std::max(buffer.last_wave, loop.last);
    }
  }
  for (const executable::CarriedPair& pair : loop.carried) {
    Buffer& current = model->buffers[pair.current];
    Buffer& next = model->buffers[pair.next];
    const int32_t first = std::min({current.first_wave, next.first_wave, loop.first});
    const int32_t last = std::max({current.last_wave, next.last_wave, loop.last});
    current.first_wave = next.first_wave = first;
    current.last_wave = next.last_wave = last;
  }
}

void ExtendOverViews(executable::ImageModel* model) {
  std::vector<Buffer>& buffers = model->buffers;
  for (size_t i = buffers.size(); i-- > 0;) {
    const Buffer& view = buffers[i];
    for (int32_t base = view.alias_of; base != executable::kNone; base = buffers[base].alias_of) {
      buffers[base].last_wave = std::max(buffers[base].last_wave, view.last_wave);
    }
  }
}

}  // namespace

void ExtendLifetimes(const std::vector<LoopWaves>& loops, executable::ImageModel* model) {
  // Each round carries an end one nesting level further.
  for (size_t round = 0; round < loops.size() + 2; ++round) {
    for (const LoopWaves& loop : loops) ExtendOverLoop(loop, model);
    ExtendOverViews(model);
  }
}

}  // namespace stator::compiler
