// The executables of a session, by signature, ranks and facts.
#ifndef STATOR_RUNTIME_SESSION_EXECUTABLE_CACHE_H_
#define STATOR_RUNTIME_SESSION_EXECUTABLE_CACHE_H_

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "executable/compile.h"
#include "runtime/core/executable.h"
#include "runtime/core/runner.h"
#include "runtime/session/signature.h"

namespace stator::runtime {

// One compiled variant of a signature, with idle runners. Thread-safe.
class CompiledVariant {
 public:
  CompiledVariant(std::shared_ptr<Executable> executable, std::vector<executable::SymbolFact> facts)
      : executable_(std::move(executable)), facts_(std::move(facts)) {}

  const std::shared_ptr<Executable>& executable() const { return executable_; }
  const std::vector<executable::SymbolFact>& facts() const { return facts_; }

  // A runner that nobody uses, or a new one.
  Result<std::unique_ptr<Runner>> Take(VariableStore* variables);
  void GiveBack(std::unique_ptr<Runner> runner);

 private:
  const std::shared_ptr<Executable> executable_;
  const std::vector<executable::SymbolFact> facts_;
  std::mutex mutex_;
  std::vector<std::unique_ptr<Runner>> idle_;
};

// All variants of one signature with given ranks of its feeds. Thread-safe.
class CompiledSignature {
 public:
  explicit CompiledSignature(Signature signature) : signature_(std::move(signature)) {}
  const Signature& signature() const { return signature_; }

  // The variant with most facts, all of which these feeds obey; null when there is none.
  std::shared_ptr<CompiledVariant> Choose(const std::vector<Tensor>& feeds) const;
  std::shared_ptr<CompiledVariant> Find(const std::vector<executable::SymbolFact>& facts) const;
  void Add(std::shared_ptr<CompiledVariant> variant);
  std::vector<std::shared_ptr<CompiledVariant>> Variants() const;
  void Clear();

 private:
  const Signature signature_;
  mutable std::mutex mutex_;
  std::vector<std::shared_ptr<CompiledVariant>> variants_;
};

// All signatures of a session. Thread-safe.
class ExecutableCache {
 public:
  // The entry of a signature for feeds of these ranks, made with `resolve` when there is none.
  // `key` is a SignatureKey, of names as the caller wrote them.
  absl::StatusOr<std::shared_ptr<CompiledSignature>> Lookup(
      const std::string& key, const std::vector<Tensor>& feeds,
      const std::function<absl::StatusOr<Signature>()>& resolve);

  std::vector<std::shared_ptr<Executable>> Executables() const;
  // Lets go of all executables, also in entries that others hold.
  void Clear();

 private:
  mutable std::mutex mutex_;
  std::map<std::string, std::shared_ptr<CompiledSignature>> entries_;  // by key and ranks
};

// The fact under which a failed guard may hold: that the side which is 1 is 1, where that side is
// the dimension of a feed. False when no fact helps.
bool FactFor(const Runner& runner, executable::SymbolFact* fact);

}  // namespace stator::runtime

#endif  // STATOR_RUNTIME_SESSION_EXECUTABLE_CACHE_H_
