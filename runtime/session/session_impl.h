// Inside of Session: compiles what runs ask for, and runs it.
#ifndef STATOR_RUNTIME_SESSION_SESSION_IMPL_H_
#define STATOR_RUNTIME_SESSION_SESSION_IMPL_H_

#include <atomic>
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <shared_mutex>
#include <string>
#include <vector>

#include "runtime/session/active_calls.h"
#include "runtime/session/executable_cache.h"
#include "runtime/session/session.h"
#include "runtime/session/signature.h"

namespace stator::runtime {

// Thread-safe, as Session is.
class Session::Impl {
 public:
  Impl(graph::Graph graph, SessionOptions options);

  // Before anything else: makes the compiler.
  absl::Status Start();
  absl::Status Extend(const std::function<absl::Status(graph::Graph*)>& grow);
  absl::StatusOr<Signature> Resolve(const std::vector<std::string>& feeds,
                                    const std::vector<std::string>& fetches,
                                    const std::vector<std::string>& targets);
  // Compiles what is missing. `reuse`: tensors in `outputs` that nobody else holds may be written.
  absl::Status Run(CompiledSignature* compiled, const std::vector<Tensor>& feeds,
                   std::vector<Tensor>* outputs, bool reuse, const CallOptions& options,
                   RunMetadata* metadata);
  absl::Status Close();

  SessionStats Stats() const;
  ExecutableCache& cache() { return cache_; }
  const SessionOptions& options() const { return options_; }
  VariableStore* variables() { return &variables_; }
  int64_t seed() const { return seed_; }

 private:
  absl::StatusOr<std::shared_ptr<CompiledVariant>> Compile(
      CompiledSignature* compiled, const std::vector<Tensor>& feeds,
      const std::vector<executable::SymbolFact>& facts);
  executable::CompileRequest MakeRequest(const Signature& signature,
                                         const std::vector<Tensor>& feeds) const;
  RunOptions MakeRunOptions(const CallOptions& options, bool reuse) const;

  const SessionOptions options_;
  int64_t seed_ = 0;

  std::shared_mutex graph_mutex_;
  graph::Graph graph_;
  std::mutex compile_mutex_;  // before graph_mutex_
  std::unique_ptr<executable::Compiler> compiler_;

  ExecutableCache cache_;
  VariableStore variables_;
  ActiveCalls calls_;
  CancellationToken token_;

  std::atomic<int64_t> runs_{0};
  mutable std::mutex stats_mutex_;
  SessionStats stats_;
};

}  // namespace stator::runtime

#endif  // STATOR_RUNTIME_SESSION_SESSION_IMPL_H_
