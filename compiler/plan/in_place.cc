#include "compiler/plan/in_place.h"

#include <algorithm>
#include <set>

namespace stator::compiler {
namespace {

using executable::BufferKind;
using executable::ImageModel;
using executable::kNone;

class Sharing {
 public:
  explicit Sharing(ImageModel* model) : model_(*model) {
    for (const executable::Block& block : model_.blocks) {
      for (const executable::Wave& wave : block.waves) {
        for (const executable::Step& step : wave.steps) {
          if (const auto* loop = std::get_if<executable::While>(&step.body)) {
            for (const executable::CarriedPair& pair : loop->carried) {
              taken_.insert(pair.current);
              taken_.insert(pair.next);
            }
          }
        }
      }
    }
    for (const executable::Buffer& buffer : model_.buffers) {
      if (buffer.alias_of != kNone)
        taken_.insert(buffer.alias_of);  // a viewed buffer keeps its memory
    }
  }

  void Run() {
    for (const executable::Block& block : model_.blocks) {
      for (const executable::Wave& wave : block.waves) {
        for (const executable::Step& step : wave.steps) {
          if (const auto* launch = std::get_if<executable::LaunchKernel>(&step.body))
            ShareLaunch(*launch, wave.number);
        }
      }
    }
  }

 private:
  void ShareLaunch(const executable::LaunchKernel& launch, int32_t wave) {
    const executable::Kernel& kernel = model_.kernels[launch.kernel];
    for (size_t i = 0; i < launch.buffers.size(); ++i) {
      const int32_t shared = kernel.arguments[i].may_share;
      if (shared == kNone) continue;
      const int32_t from = launch.buffers[shared], to = launch.buffers[i];
      if (std::count(launch.buffers.begin(), launch.buffers.end(), from) != 1) continue;
      if (model_.buffers[to].kind == BufferKind::kVariableWrite) {
        ShareVariable(kernel, from, to, wave);
      } else {
        ShareArena(from, to, wave);
      }
    }
  }

  void ShareArena(int32_t from, int32_t to, int32_t wave) {
    executable::Buffer& input = model_.buffers[from];
    executable::Buffer& output = model_.buffers[to];
    const bool plain = input.kind == BufferKind::kArena && output.kind == BufferKind::kArena &&
                       input.alias_of == kNone && output.alias_of == kNone &&
                       output.in_place_of == kNone && !taken_.count(from) && !taken_.count(to);
    if (!plain || input.last_wave != wave || output.first_wave != wave ||
        input.byte_size != output.byte_size)
      return;
    output.in_place_of = from;
    taken_.insert(from);
  }

  void ShareVariable(const executable::Kernel& kernel, int32_t from, int32_t to, int32_t wave) {
    if (kernel.may_fail) return;
    for (executable::EntryPoint& entry : model_.entry_points) {
      for (executable::Variable& variable : entry.variables) {
        if (variable.write_buffer != to || variable.read_buffer != from) continue;
        variable.in_place = model_.buffers[from].last_wave == wave &&
                            variable.read_dims == variable.write_dims && !taken_.count(from);
      }
    }
  }

  ImageModel& model_;
  std::set<int32_t> taken_;
};

}  // namespace

void ShareDyingInputs(ImageModel* model) { Sharing(model).Run(); }

}  // namespace stator::compiler
