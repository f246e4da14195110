#include "runtime/session/executable_cache.h"

#include <algorithm>

namespace stator::runtime {
namespace {

bool Obeys(const Signature& signature, const std::vector<Tensor>& feeds,
           const executable::SymbolFact& fact) {
  for (size_t i = 0; i < signature.feeds.size() && i < feeds.size(); ++i) {
    if (signature.feeds[i] != fact.tensor) continue;
    const std::vector<int64_t>& dims = feeds[i].dims();
    return fact.dim >= 0 && static_cast<size_t>(fact.dim) < dims.size() &&
           dims[fact.dim] == fact.value;
  }
  return false;
}

}  // namespace

Result<std::unique_ptr<Runner>> CompiledVariant::Take(VariableStore* variables) {
  {
    const std::lock_guard<std::mutex> lock(mutex_);
    if (!idle_.empty()) {
      std::unique_ptr<Runner> runner = std::move(idle_.back());
      idle_.pop_back();
      return runner;
    }
  }
  return Runner::Create(executable_, 0, variables);
}

void CompiledVariant::GiveBack(std::unique_ptr<Runner> runner) {
  const std::lock_guard<std::mutex> lock(mutex_);
  idle_.push_back(std::move(runner));
}

std::shared_ptr<CompiledVariant> CompiledSignature::Choose(const std::vector<Tensor>& feeds) const {
  const std::lock_guard<std::mutex> lock(mutex_);
  std::shared_ptr<CompiledVariant> best;
  for (const std::shared_ptr<CompiledVariant>& variant : variants_) {
    if (best != nullptr && variant->facts().size() <= best->facts().size()) continue;
    if (std::all_of(variant->facts().begin(), variant->facts().end(),
                    [&](const executable::SymbolFact& f) { return Obeys(signature_, feeds, f); })) {
      best = variant;
    }
  }
  return best;
}

std::shared_ptr<CompiledVariant> CompiledSignature::Find(
    const std::vector<executable::SymbolFact>& facts) const {
  const std::lock_guard<std::mutex> lock(mutex_);
  for (const std::shared_ptr<CompiledVariant>& variant : variants_) {
    if (variant->facts() == facts) return variant;
  }
  return nullptr;
}

void CompiledSignature::Add(std::shared_ptr<CompiledVariant> variant) {
  const std::lock_guard<std::mutex> lock(mutex_);
  variants_.push_back(std::move(variant));
}

std::vector<std::shared_ptr<CompiledVariant>> CompiledSignature::Variants() const {
  const std::lock_guard<std::mutex> lock(mutex_);
  return variants_;
}

void CompiledSignature::Clear() {
  const std::lock_guard<std::mutex> lock(mutex_);
  variants_.clear();
}

bool FactFor(const Runner& runner, executable::SymbolFact* fact) {
  if (!runner.guard_failure().has_value()) return false;
  const GuardFailure& failure = *runner.guard_failure();
  const executable::EntryPoint& entry = runner.entry();
  const executable::Guard& guard = entry.guards[failure.guard];
  if (guard.relation != executable::Relation::kEqual) return false;
  const executable::ImageModel& model = runner.executable()->model();
  for (const auto& [expr, value] :
       {std::pair(guard.lhs, failure.lhs), std::pair(guard.rhs, failure.rhs)}) {
    if (value != 1 || model.expressions[expr].kind != executable::ExprKind::kSymbol) continue;
    for (const executable::Port& feed : entry.feeds) {
      for (size_t d = 0; d < feed.dims.size(); ++d) {
        if (feed.dims[d] != expr) continue;
        *fact = {feed.name, static_cast<int32_t>(d), 1};
        return true;
      }
    }
  }
  return false;
}

}  // namespace stator::runtime
