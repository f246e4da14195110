#include <algorithm>
#include <mutex>

#include "graph/status_macros.h"
#include "runtime/session/session.h"
#include "runtime/session/session_impl.h"

namespace stator::runtime {

struct Callable::State {
  Session::Impl* session;
  Signature signature;
  std::string key;
  std::mutex mutex;
  std::shared_ptr<CompiledSignature> last;  // for feeds of last_ranks
  std::vector<size_t> last_ranks;
};

absl::StatusOr<std::unique_ptr<Callable>> Session::MakeCallable(
    const std::vector<std::string>& feeds, const std::vector<std::string>& fetches,
    const std::vector<std::string>& targets) {
  auto state = std::make_unique<Callable::State>();
  state->session = impl_.get();
  STATOR_ASSIGN_OR_RETURN(state->signature, impl_->Resolve(feeds, fetches, targets));
  state->key =
      SignatureKey(state->signature.feeds, state->signature.fetches, state->signature.targets);
  return std::unique_ptr<Callable>(new Callable(std::move(state)));
}

Callable::Callable(std::unique_ptr<State> state) : state_(std::move(state)) {}
Callable::~Callable() = default;

absl::Status Callable::Run(const std::vector<Tensor>& feeds, std::vector<Tensor>* outputs,
                           const CallOptions& options, RunMetadata* metadata) {
  std::shared_ptr<CompiledSignature> compiled;
  {
    const std::lock_guard<std::mutex> lock(state_->mutex);
    const bool same = state_->last != nullptr && state_->last_ranks.size() == feeds.size() &&
                      std::equal(feeds.begin(), feeds.end(), state_->last_ranks.begin(),
                                 [](const Tensor& t, size_t r) { return t.dims().size() == r; });
    if (!same) {
      STATOR_ASSIGN_OR_RETURN(
          state_->last, state_->session->cache().Lookup(
                            state_->key, feeds,
                            [this]() -> absl::StatusOr<Signature> { return state_->signature; }));
      state_->last_ranks.clear();
      for (const Tensor& t : feeds) state_->last_ranks.push_back(t.dims().size());
    }
    compiled = state_->last;
  }
  if (outputs != nullptr) {
    return state_->session->Run(compiled.get(), feeds, outputs, /*reuse=*/true, options, metadata);
  }
  std::vector<Tensor> ignored;
  return state_->session->Run(compiled.get(), feeds, &ignored, /*reuse=*/false, options, metadata);
}

}  // namespace stator::runtime
