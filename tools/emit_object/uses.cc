#include "tools/emit_object/uses.h"

#include <algorithm>

#include "executable/printer.h"

namespace stator::tools {
namespace {

using executable::kNone;
using executable::Step;

constexpr size_t kMaxReported = 50;

class Walker {
 public:
  Walker(const executable::ImageModel& m, Problems* problems) : m_(m), problems_(problems) {}

  void Walk(int32_t block) {
    if (block == kNone) return;
    for (const executable::Wave& wave : m_.blocks[block].waves) {
      wave_ = wave.number;
      for (const Step& step : wave.steps) {
        step_ = &step;
        std::visit([&](const auto& body) { Visit(body); }, step.body);
      }
    }
  }

  BlockUses Take() { return std::move(uses_); }

 private:
  RootUse& Use(int32_t buffer) {
    if (executable::IsObjectDType(m_.buffers[buffer].dtype)) {
      problems_->Add(*step_, "elements of type " +
                                 std::string(executable::DTypeName(m_.buffers[buffer].dtype)));
    }
    return uses_.roots[PlaceOf(m_, buffer).root];
  }
  void Read(int32_t buffer) {
    RootUse& use = Use(buffer);
    use.last_read = std::max(use.last_read, wave_);
  }
  void Write(int32_t buffer, bool may_fail) {
    RootUse& use = Use(buffer);
    use.first_write = std::min(use.first_write, wave_);
    use.may_fail_writing |= may_fail;
  }

  void Visit(const executable::LaunchKernel& s) {
    const executable::Kernel& kernel = m_.kernels[s.kernel];
    for (size_t i = 0; i < s.buffers.size(); ++i) {
      const executable::Access access = kernel.arguments[i].access;
      if (access != executable::Access::kWrite) Read(s.buffers[i]);
      if (access != executable::Access::kRead) Write(s.buffers[i], kernel.may_fail);
    }
  }
  void Visit(const executable::Copy& s) {
    Read(s.source);
    Write(s.destination, false);
  }
  void Visit(const executable::If& s) {
    Read(s.predicate);
    Walk(s.then_block);
    Walk(s.else_block);
  }
  void Visit(const executable::While& s) {
    for (const executable::LoopSymbol& l : s.loop_symbols) uses_.dynamic_symbols.insert(l.symbol);
    std::map<int32_t, RootUse> outside = std::move(uses_.roots);
    uses_.roots.clear();
    const int32_t first = wave_;
    Read(s.predicate);
    for (const executable::CarriedPair& pair : s.carried) {
      uses_.exchanged.insert(PlaceOf(m_, pair.current).root);
      uses_.exchanged.insert(PlaceOf(m_, pair.next).root);
      uses_.pairs.push_back(pair);
      Read(pair.current);
      Write(pair.current, false);
    }
    Walk(s.cond_block);
    Walk(s.body_block);
    // The last iteration's end comes after the first one's start.
    for (auto& [root, use] : uses_.roots) {
      RootUse& merged = outside[root];
      merged.may_fail_writing |= use.may_fail_writing;
      if (use.last_read >= 0) merged.last_read = std::max(merged.last_read, wave_);
      if (use.first_write != INT_MAX) merged.first_write = std::min(merged.first_write, first);
    }
    uses_.roots = std::move(outside);
  }
  void Visit(const executable::CallBlock& s) { Walk(s.block); }
  void Visit(const executable::BindSymbol& s) {
    uses_.dynamic_symbols.insert(s.symbol);
    Read(s.source);
  }
  void Visit(const executable::Check& s) { Read(s.predicate); }
  void Visit(const executable::HostCall& s) {
    problems_->Add(*step_, "a call of the host function " + s.function);
  }
  void Visit(const executable::Alloc&) {
    problems_->Add(*step_, "memory whose size only the run knows");
  }
  void Visit(const executable::Free&) {}  // its Alloc was reported
  void Visit(const executable::Declared& s) { problems_->Add(*step_, "a step " + s.name); }
  void Visit(const executable::UseList&) {
    problems_->Add(*step_, "a list of tensors that grows while it runs");
  }

  const executable::ImageModel& m_;
  Problems* problems_;
  BlockUses uses_;
  int32_t wave_ = 0;
  const Step* step_ = nullptr;
};

}  // namespace

void Problems::AddNode(int32_t node, const std::string& name, const std::string& what) {
  std::string text = node == kNone ? name : "node " + executable::PrintNode(model_, node);
  text += ": " + what;
  if (std::find(texts_.begin(), texts_.end(), text) == texts_.end()) {
    texts_.push_back(std::move(text));
  }
}

executable::Status Problems::ToStatus() const {
  if (texts_.empty()) return executable::Status::Ok();
  std::string message = "an object file cannot hold this: ";
  for (size_t i = 0; i < std::min(texts_.size(), kMaxReported); ++i) {
    message += (i == 0 ? "" : "; ") + texts_[i];
  }
  if (texts_.size() > kMaxReported) {
    message += "; and " + std::to_string(texts_.size() - kMaxReported) + " more";
  }
  return executable::Unimplemented(std::move(message));
}

int32_t Problems::NodeOf(const Step& step) {
  const auto* launch = std::get_if<executable::LaunchKernel>(&step.body);
  if (step.source_node == kNone && launch != nullptr && !launch->report.source_nodes.empty()) {
    return launch->report.source_nodes.front();
  }
  return step.source_node;
}

Place PlaceOf(const executable::ImageModel& model, int32_t buffer) {
  Place place;
  place.root = buffer;
  while (true) {
    const executable::Buffer& b = model.buffers[place.root];
    if (b.alias_of == kNone && b.in_place_of == kNone) return place;
    if (b.alias_of != kNone) place.offsets.push_back(b.alias_offset);
    place.root = b.alias_of != kNone ? b.alias_of : b.in_place_of;
  }
}

BlockUses FindUses(const executable::ImageModel& model, int32_t block, Problems* problems) {
  Walker walker(model, problems);
  walker.Walk(block);
  return walker.Take();
}

}  // namespace stator::tools
