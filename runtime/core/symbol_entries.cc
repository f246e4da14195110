#include "runtime/core/symbol_entries.h"

#include <utility>
#include <variant>

namespace stator::runtime {
namespace {

using executable::ExprKind;
using executable::ImageModel;
using executable::kNone;

class Finder {
 public:
  explicit Finder(const ImageModel& image)
      : image_(image), found_(image.symbols.size(), kNone), shared_(image.symbols.size(), false) {}

  std::vector<int32_t> Find() {
    for (const executable::EntryPoint& entry : image_.entry_points) {
      for (const executable::Port& feed : entry.feeds) Dims(feed.dims);
      for (const executable::Variable& v : entry.variables) Dims(v.read_dims);
      Block(entry.init_block);
      Block(entry.main_block);
      ++entry_;
    }
    for (size_t i = 0; i < found_.size(); ++i) {
      if (shared_[i]) found_[i] = kNone;
    }
    return std::move(found_);
  }

 private:
  void Give(int64_t symbol) {
    if (found_[symbol] != kNone && found_[symbol] != entry_) shared_[symbol] = true;
    found_[symbol] = entry_;
  }

  // Those that are plain symbols.
  void Dims(const std::vector<int32_t>& dims) {
    for (int32_t d : dims) {
      const executable::Expr& e = image_.expressions[d];
      if (e.kind == ExprKind::kSymbol) Give(e.value);
    }
  }

  // A verified image's blocks nest without cycles.
  void Block(int32_t block) {
    if (block == kNone) return;
    for (const executable::Wave& wave : image_.blocks[block].waves) {
      for (const executable::Step& step : wave.steps) Step(step);
    }
  }

  void Step(const executable::Step& step) {
    if (const auto* bind = std::get_if<executable::BindSymbol>(&step.body)) Give(bind->symbol);
    if (const auto* call = std::get_if<executable::HostCall>(&step.body)) {
      for (int32_t b : call->outputs) HostOutput(image_.buffers[b]);
    }
    if (const auto* branch = std::get_if<executable::If>(&step.body)) {
      Block(branch->then_block);
      Block(branch->else_block);
    }
    if (const auto* loop = std::get_if<executable::While>(&step.body)) {
      for (const executable::LoopSymbol& s : loop->loop_symbols) Give(s.symbol);
      Block(loop->cond_block);
      Block(loop->body_block);
    }
    if (const auto* nested = std::get_if<executable::CallBlock>(&step.body)) Block(nested->block);
  }

  void HostOutput(const executable::Buffer& buffer) {
    for (int32_t d : buffer.dims) {
      const executable::Expr& e = image_.expressions[d];
      const bool binds = e.kind == ExprKind::kSymbol &&
                         image_.symbols[e.value].life == executable::SymbolLife::kStep;
      if (binds) Give(e.value);
    }
  }

  const ImageModel& image_;
  int32_t entry_ = 0;
  std::vector<int32_t> found_;
  std::vector<bool> shared_;
};

}  // namespace

std::vector<int32_t> SymbolEntries(const ImageModel& image) { return Finder(image).Find(); }

}  // namespace stator::runtime
