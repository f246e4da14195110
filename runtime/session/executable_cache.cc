#include "runtime/session/executable_cache.h"

#include <algorithm>
#include <set>

#include "graph/status_macros.h"

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

absl::StatusOr<std::shared_ptr<CompiledSignature>> ExecutableCache::Lookup(
    const std::string& key, const std::vector<Tensor>& feeds,
    const std::function<absl::StatusOr<Signature>()>& resolve) {
  std::string ranks;
  for (const Tensor& feed : feeds) {
    ranks.push_back(static_cast<char>(std::min<size_t>(feed.dims().size(), 255)));
  }
  const std::string full_key = key + ranks;
  {
    const std::lock_guard<std::mutex> lock(mutex_);
    const auto it = entries_.find(full_key);
    if (it != entries_.end()) return it->second;
  }
  STATOR_ASSIGN_OR_RETURN(Signature signature, resolve());
  const std::lock_guard<std::mutex> lock(mutex_);
  // "x" and "x:0" are two keys of one signature.
  std::shared_ptr<CompiledSignature>& slot =
      entries_[SignatureKey(signature.feeds, signature.fetches, signature.targets) + ranks];
  if (slot == nullptr) slot = std::make_shared<CompiledSignature>(std::move(signature));
  entries_[full_key] = slot;
  return slot;
}

std::vector<std::shared_ptr<Executable>> ExecutableCache::Executables() const {
  const std::lock_guard<std::mutex> lock(mutex_);
  std::vector<std::shared_ptr<Executable>> out;
  std::set<const CompiledSignature*> seen;
  for (const auto& [key, compiled] : entries_) {
    if (!seen.insert(compiled.get()).second) continue;
    for (const auto& variant : compiled->Variants()) out.push_back(variant->executable());
  }
  return out;
}

void ExecutableCache::Clear() {
  const std::lock_guard<std::mutex> lock(mutex_);
  // Callables hold on to their signatures, so the executables in them have to go by hand.
  for (const auto& [key, compiled] : entries_) compiled->Clear();
  entries_.clear();
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
