#include "executable/plan_checker/conflicts.h"

#include <string>
#include <vector>

namespace stator::executable {
namespace {

struct Touch {
  int32_t buffer;
  bool write;
};

// The buffers that a step reads and writes.
class Touches {
 public:
  explicit Touches(const ImageModel& model) : model_(model) {}

  std::vector<Touch> Of(const Step& step) {
    found_.clear();
    std::visit([this](const auto& body) { Add(body); }, step.body);
    return found_;
  }

 private:
  void Add(const LaunchKernel& s) {
    const Kernel& k = model_.kernels[s.kernel];
    for (size_t i = 0; i < s.buffers.size(); ++i) {
      found_.push_back({s.buffers[i], k.arguments[i].access != Access::kRead});
    }
  }
  void Add(const Copy& s) { InputsOutputs({s.source}, {s.destination}); }
  void Add(const HostCall& s) { InputsOutputs(s.inputs, s.outputs); }
  void Add(const BindSymbol& s) { InputsOutputs({s.source}, {}); }
  void Add(const Alloc& s) { InputsOutputs({}, {s.buffer}); }
  void Add(const Free& s) { InputsOutputs({}, {s.buffer}); }
  void Add(const Check& s) { InputsOutputs({s.predicate}, {}); }
  void Add(const UseList& s) {
    if (s.action != ListAction::kClear) found_.push_back({s.buffer, s.action == ListAction::kPop});
  }
  void Add(const Declared& s) { InputsOutputs(s.inputs, s.outputs); }
  // Control steps stand alone in their wave.
  void Add(const If&) {}
  void Add(const While&) {}
  void Add(const CallBlock&) {}

  void InputsOutputs(const std::vector<int32_t>& inputs, const std::vector<int32_t>& outputs) {
    for (int32_t b : inputs) found_.push_back({b, false});
    for (int32_t b : outputs) found_.push_back({b, true});
  }

  const ImageModel& model_;
  std::vector<Touch> found_;
};

void CompareTouches(const MemoryMap& memory, const std::vector<Touch>& a,
                    const std::vector<Touch>& b, ViolationLog* log) {
  for (const Touch& x : a) {
    for (const Touch& y : b) {
      if ((x.write || y.write) && memory.Overlap(x.buffer, y.buffer)) {
        log->Report(ViolationKind::kRace, log->Name(x.buffer) + " and " + log->Name(y.buffer) +
                                              " are touched by two steps of one wave");
        return;
      }
    }
  }
}

void CheckSymbolRace(const ImageModel& model, const Step& binder, const Step& user,
                     SymbolUses* symbols, ViolationLog* log) {
  const auto* bind = std::get_if<BindSymbol>(&binder.body);
  const auto* launch = std::get_if<LaunchKernel>(&user.body);
  const auto* alloc = std::get_if<Alloc>(&user.body);
  if (bind == nullptr || (launch == nullptr && alloc == nullptr)) return;
  std::vector<int32_t> exprs;
  if (launch != nullptr) exprs = launch->scalars;
  if (alloc != nullptr) {
    exprs = {alloc->bytes == kNone ? model.buffers[alloc->buffer].byte_size : alloc->bytes};
  }
  for (int32_t e : exprs) {
    if (symbols->Of(e).count(bind->symbol) == 0) continue;
    log->Report(ViolationKind::kRace,
                "symbol " + model.symbols[bind->symbol].name + " is bound and used in one wave");
  }
}

}  // namespace

void CheckRaces(const MemoryMap& memory, const Wave& wave, SymbolUses* symbols, ViolationLog* log) {
  if (wave.steps.size() < 2) return;
  const ImageModel& model = memory.model();
  std::vector<std::vector<Touch>> touches;
  for (const Step& step : wave.steps) touches.push_back(Touches(model).Of(step));
  for (size_t i = 0; i < touches.size(); ++i) {
    for (size_t j = i + 1; j < touches.size(); ++j) {
      log->At(wave.number, &wave.steps[j]);
      CompareTouches(memory, touches[i], touches[j], log);
      CheckSymbolRace(model, wave.steps[i], wave.steps[j], symbols, log);
      CheckSymbolRace(model, wave.steps[j], wave.steps[i], symbols, log);
    }
  }
}

void CheckArguments(const MemoryMap& memory, const LaunchKernel& launch, ViolationLog* log) {
  const Kernel& k = memory.model().kernels[launch.kernel];
  const std::vector<int32_t>& buffers = launch.buffers;
  for (size_t i = 0; i < buffers.size(); ++i) {
    if (k.arguments[i].access == Access::kRead) continue;
    for (size_t j = 0; j < buffers.size(); ++j) {
      if (i == j || !memory.Overlap(buffers[i], buffers[j])) continue;
      const Interval a = memory.Bytes(buffers[i]);
      const Interval b = memory.Bytes(buffers[j]);
      const bool allowed = k.arguments[i].may_share == static_cast<int32_t>(j) &&
                           memory.OwnerOf(buffers[i]) == memory.OwnerOf(buffers[j]) &&
                           a.begin == b.begin && a.end <= b.end;
      if (!allowed && (k.arguments[j].access == Access::kRead || i < j)) {
        log->Report(ViolationKind::kNoAlias,
                    "arguments " + std::to_string(i) + " " + log->Name(buffers[i]) + " and " +
                        std::to_string(j) + " " + log->Name(buffers[j]) + " share memory");
      }
    }
  }
}

}  // namespace stator::executable
