#include "runtime/session/session.h"

#include <algorithm>
#include <atomic>
#include <condition_variable>
#include <map>
#include <mutex>
#include <random>
#include <set>
#include <shared_mutex>
#include <tuple>

#include "graph/status_macros.h"
#include "runtime/session/executable_cache.h"
#include "runtime/session/signature.h"
#include "runtime/session/status.h"

namespace stator::runtime {
namespace {

// A tensor whose guards fail on several sides of 1 needs as many facts; more is a compiler bug.
constexpr int kMaxFacts = 16;

int64_t FreshSeed() {
  std::random_device device;
  return static_cast<int64_t>((static_cast<uint64_t>(device()) << 32 | device()) >> 1);
}

absl::Status Closed() { return absl::FailedPreconditionError("the session is closed"); }

}  // namespace

CallOptions CallOptions::FromProto(const ::stator::RunOptions& options) {
  CallOptions out;
  out.timeout_ms = options.timeout_in_ms();
  out.trace = options.trace_level() != ::stator::RunOptions::NO_TRACE;
  return out;
}

class Session::Impl {
 public:
  Impl(graph::Graph graph, SessionOptions options)
      : options_(std::move(options)), graph_(std::move(graph)) {
    seed_ = options_.seed != 0 ? options_.seed : FreshSeed();
  }

  absl::Status Start() {
    STATOR_ASSIGN_OR_RETURN(compiler_, options_.compiler(&graph_, seed_));
    return absl::OkStatus();
  }

  absl::Status Extend(const std::function<absl::Status(graph::Graph*)>& grow) {
    const ActiveCall call(this);
    STATOR_RETURN_IF_ERROR(call.status());
    const std::lock_guard<std::mutex> compile_lock(compile_mutex_);
    const std::unique_lock<std::shared_mutex> graph_lock(graph_mutex_);
    return grow(&graph_);
  }

  absl::StatusOr<Signature> Resolve(const std::vector<std::string>& feeds,
                                    const std::vector<std::string>& fetches,
                                    const std::vector<std::string>& targets) {
    const std::shared_lock<std::shared_mutex> lock(graph_mutex_);
    return ResolveSignature(graph_, feeds, fetches, targets);
  }

  // The compiled form of a signature for feeds of these ranks. `key` is its SignatureKey.
  absl::StatusOr<std::shared_ptr<CompiledSignature>> Lookup(
      const std::string& key, const std::vector<Tensor>& feeds,
      const std::function<absl::StatusOr<Signature>()>& resolve) {
    std::string ranks;
    for (const Tensor& feed : feeds) {
      ranks.push_back(static_cast<char>(std::min<size_t>(feed.dims().size(), 255)));
    }
    const std::string full_key = key + ranks;
    {
      const std::lock_guard<std::mutex> lock(cache_mutex_);
      const auto it = cache_.find(full_key);
      if (it != cache_.end()) return it->second;
    }
    STATOR_ASSIGN_OR_RETURN(Signature signature, resolve());
    const std::lock_guard<std::mutex> lock(cache_mutex_);
    // "x" and "x:0" are two keys of one signature.
    std::shared_ptr<CompiledSignature>& slot =
        cache_[SignatureKey(signature.feeds, signature.fetches, signature.targets) + ranks];
    if (slot == nullptr) slot = std::make_shared<CompiledSignature>(std::move(signature));
    cache_[full_key] = slot;
    return slot;
  }

  absl::Status Run(CompiledSignature* compiled, const std::vector<Tensor>& feeds,
                   std::vector<Tensor>* outputs, bool reuse, const CallOptions& options,
                   RunMetadata* metadata) {
    const ActiveCall call(this);
    STATOR_RETURN_IF_ERROR(call.status());
    STATOR_RETURN_IF_ERROR(CheckFeeds(compiled->signature(), feeds));
    RunOptions run = MakeRunOptions(options, reuse);
    RunTrace own_trace;
    RunTrace* trace = options.run_trace != nullptr ? options.run_trace : &own_trace;
    if (options.trace || options.run_trace != nullptr) run.trace = trace;

    std::vector<executable::SymbolFact> facts;
    std::shared_ptr<CompiledVariant> variant = compiled->Choose(feeds);
    for (int attempt = 0; attempt <= kMaxFacts; ++attempt) {
      if (variant == nullptr) {
        STATOR_ASSIGN_OR_RETURN(variant, Compile(compiled, feeds, facts));
      }
      STATOR_RETURN_IF_ERROR(ToAbsl(run.control.Poll()));
      STATOR_ASSIGN_OR_RETURN(std::unique_ptr<Runner> runner, ToAbsl(variant->Take(&variables_)));
      if (run.trace != nullptr) trace->Start(variant->executable());
      const Status status = runner->Run(feeds, run, outputs);
      executable::SymbolFact fact;
      const bool again = !status.ok() && FactFor(*runner, &fact);
      variant->GiveBack(std::move(runner));
      if (!again) {
        runs_.fetch_add(1, std::memory_order_relaxed);
        if (metadata != nullptr && run.trace != nullptr) {
          trace->AddTo(metadata->mutable_step_stats());
        }
        return ToAbsl(status);
      }
      // Guards come before effects, so the run may be repeated under one more fact.
      facts = variant->facts();
      if (std::find(facts.begin(), facts.end(), fact) != facts.end()) return ToAbsl(status);
      facts.push_back(fact);
      std::sort(facts.begin(), facts.end(), [](const auto& a, const auto& b) {
        return std::tie(a.tensor, a.dim) < std::tie(b.tensor, b.dim);
      });
      variant = compiled->Find(facts);
    }
    return absl::InternalError("a guard fails under every fact");
  }

  absl::StatusOr<std::shared_ptr<CompiledVariant>> Compile(
      CompiledSignature* compiled, const std::vector<Tensor>& feeds,
      const std::vector<executable::SymbolFact>& facts) {
    const std::lock_guard<std::mutex> lock(compile_mutex_);
    if (std::shared_ptr<CompiledVariant> made = compiled->Find(facts)) return made;
    const Signature& signature = compiled->signature();
    executable::CompileRequest request;
    for (size_t i = 0; i < signature.feeds.size(); ++i) {
      executable::FeedSpec feed{signature.feeds[i], signature.feed_types[i], false, {}};
      if (i < feeds.size()) {
        feed.rank_known = true;
        feed.dims.assign(feeds[i].dims().size(), -1);
      }
      request.feeds.push_back(std::move(feed));
    }
    request.fetches = signature.fetches;
    request.targets = signature.targets;
    request.facts = facts;
    request.variables = variables_.Specs();
    request.options = options_.compile;
    if (request.options.num_threads == 0) request.options.num_threads = options_.num_threads;

    const int64_t start = NowNanoseconds();
    STATOR_ASSIGN_OR_RETURN(executable::CompiledImage image, ToAbsl(compiler_->Compile(request)));
    LoadOptions load;
    load.host_functions = options_.host_functions;
    load.check_plans = options_.check_plans;
    STATOR_ASSIGN_OR_RETURN(std::shared_ptr<Executable> loaded,
                            ToAbsl(Executable::Load(image.bytes.data(), image.bytes.size(), load)));
    STATOR_RETURN_IF_ERROR(CheckImage(*loaded, signature));
    auto variant = std::make_shared<CompiledVariant>(std::move(loaded), facts);
    compiled->Add(variant);
    const std::lock_guard<std::mutex> stats_lock(stats_mutex_);
    ++stats_.compiles;
    stats_.compile_ns += NowNanoseconds() - start;
    stats_.last_compile_stages = std::move(image.stage_ns);
    return variant;
  }

  absl::Status Close() {
    {
      std::unique_lock<std::mutex> lock(active_mutex_);
      closed_ = true;
      token_.Cancel();
      idle_.wait(lock, [this] { return active_ == 0; });
    }
    const std::lock_guard<std::mutex> lock(cache_mutex_);
    // Callables hold on to their signatures, so the executables in them have to go by hand.
    for (const auto& [key, compiled] : cache_) compiled->Clear();
    cache_.clear();
    variables_.Clear();
    return absl::OkStatus();
  }

  std::vector<std::shared_ptr<Executable>> Executables() const {
    const std::lock_guard<std::mutex> lock(cache_mutex_);
    std::vector<std::shared_ptr<Executable>> out;
    std::set<const CompiledSignature*> seen;
    for (const auto& [key, compiled] : cache_) {
      if (!seen.insert(compiled.get()).second) continue;
      for (const auto& variant : compiled->Variants()) out.push_back(variant->executable());
    }
    return out;
  }

  SessionStats Stats() const {
    const auto executables = static_cast<int64_t>(Executables().size());
    const std::lock_guard<std::mutex> lock(stats_mutex_);
    SessionStats out = stats_;
    out.executables = executables;
    out.runs = runs_.load(std::memory_order_relaxed);
    return out;
  }

  const SessionOptions& options() const { return options_; }
  VariableStore* variables() { return &variables_; }
  int64_t seed() const { return seed_; }

 private:
  // Counts a call, so that Close can wait for it; not OK when the session is closed.
  class ActiveCall {
   public:
    explicit ActiveCall(Impl* impl) : impl_(impl) {
      const std::lock_guard<std::mutex> lock(impl_->active_mutex_);
      closed_ = impl_->closed_;
      if (!closed_) ++impl_->active_;
    }
    ~ActiveCall() {
      if (closed_) return;
      const std::lock_guard<std::mutex> lock(impl_->active_mutex_);
      if (--impl_->active_ == 0) impl_->idle_.notify_all();
    }
    ActiveCall(const ActiveCall&) = delete;
    ActiveCall& operator=(const ActiveCall&) = delete;
    absl::Status status() const { return closed_ ? Closed() : absl::OkStatus(); }

   private:
    Impl* const impl_;
    bool closed_;
  };

  RunOptions MakeRunOptions(const CallOptions& options, bool reuse) const {
    RunOptions run;
    run.control.session = &token_;
    run.control.token = options.cancellation;
    if (options.timeout_ms > 0) {
      run.control.deadline_ns = NowNanoseconds() + options.timeout_ms * 1'000'000;
    }
    run.max_threads = options.max_threads > 0 ? options.max_threads : options_.num_threads;
    run.max_bytes = options_.max_run_bytes;
    run.host_state = options_.host_state;
    run.poison = options_.poison;
    run.reuse_fetches = reuse;
    return run;
  }

  static absl::Status CheckFeeds(const Signature& signature, const std::vector<Tensor>& feeds) {
    if (feeds.size() != signature.feeds.size()) {
      return absl::InvalidArgumentError("expected " + std::to_string(signature.feeds.size()) +
                                        " feeds, got " + std::to_string(feeds.size()));
    }
    for (size_t i = 0; i < feeds.size(); ++i) {
      if (feeds[i].dtype() == signature.feed_types[i]) continue;
      return absl::InvalidArgumentError(
          "feed '" + signature.feeds[i] + "': expected " +
          executable::DTypeName(signature.feed_types[i]) + ", got " +
          (feeds[i].valid() ? feeds[i].TypeToString() : std::string("no tensor")));
    }
    return absl::OkStatus();
  }

  // The compiler's side of the bargain: one entry point, ports in the order of the request.
  static absl::Status CheckImage(const Executable& image, const Signature& signature) {
    const auto& entries = image.model().entry_points;
    if (entries.size() != 1 || entries[0].feeds.size() != signature.feeds.size() ||
        entries[0].fetches.size() != signature.fetches.size()) {
      return absl::InternalError("the compiler's image does not have the requested signature");
    }
    return absl::OkStatus();
  }

  const SessionOptions options_;
  int64_t seed_ = 0;

  std::shared_mutex graph_mutex_;
  graph::Graph graph_;
  std::mutex compile_mutex_;  // before graph_mutex_
  std::unique_ptr<executable::Compiler> compiler_;

  mutable std::mutex cache_mutex_;
  std::map<std::string, std::shared_ptr<CompiledSignature>> cache_;
  VariableStore variables_;

  std::mutex active_mutex_;
  std::condition_variable idle_;
  int active_ = 0;
  bool closed_ = false;
  CancellationToken token_;

  std::atomic<int64_t> runs_{0};
  mutable std::mutex stats_mutex_;
  SessionStats stats_;
};

struct Callable::State {
  Session::Impl* session;
  Signature signature;
  std::string key;
  std::mutex mutex;
  std::shared_ptr<CompiledSignature> last;  // for feeds of last_ranks
  std::vector<size_t> last_ranks;
};

Session::Session(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
Session::~Session() { impl_->Close().IgnoreError(); }

absl::StatusOr<std::unique_ptr<Session>> Session::Create(GraphDef graph, SessionOptions options) {
  if (options.schemas == nullptr) {
    return absl::InvalidArgumentError("SessionOptions: schemas are missing");
  }
  STATOR_ASSIGN_OR_RETURN(graph::Graph imported,
                          graph::Graph::FromGraphDef(std::move(graph), options.schemas,
                                                     options.import, options.limits));
  return Create(std::move(imported), std::move(options));
}

absl::StatusOr<std::unique_ptr<Session>> Session::Create(graph::Graph graph,
                                                         SessionOptions options) {
  if (!options.compiler) {
    return absl::InvalidArgumentError("SessionOptions: the compiler is missing");
  }
  auto impl = std::make_unique<Impl>(std::move(graph), std::move(options));
  STATOR_RETURN_IF_ERROR(impl->Start());
  return std::unique_ptr<Session>(new Session(std::move(impl)));
}

absl::Status Session::Extend(GraphDef graph) {
  return impl_->Extend(
      [&](graph::Graph* g) { return g->Import(std::move(graph), impl_->options().import); });
}

absl::Status Session::Extend(const std::function<absl::Status(graph::Graph*)>& grow) {
  return impl_->Extend(grow);
}

absl::StatusOr<std::vector<Tensor>> Session::Run(const std::vector<NamedTensor>& feeds,
                                                 const std::vector<std::string>& fetches,
                                                 const std::vector<std::string>& targets,
                                                 const CallOptions& options,
                                                 RunMetadata* metadata) {
  std::vector<std::string> names;
  std::vector<Tensor> tensors;
  for (const auto& [name, tensor] : feeds) {
    names.push_back(name);
    tensors.push_back(tensor);
  }
  STATOR_ASSIGN_OR_RETURN(std::shared_ptr<CompiledSignature> compiled,
                          impl_->Lookup(SignatureKey(names, fetches, targets), tensors,
                                        [&] { return impl_->Resolve(names, fetches, targets); }));
  std::vector<Tensor> fetched;
  STATOR_RETURN_IF_ERROR(
      impl_->Run(compiled.get(), tensors, &fetched, /*reuse=*/false, options, metadata));
  return fetched;
}

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

absl::Status Session::Close() { return impl_->Close(); }
VariableStore* Session::variables() { return impl_->variables(); }
int64_t Session::seed() const { return impl_->seed(); }
SessionStats Session::Stats() const { return impl_->Stats(); }

std::vector<std::shared_ptr<Executable>> Session::Executables() const {
  return impl_->Executables();
}

std::vector<int64_t> Session::StepCounts() const {
  std::vector<int64_t> counts(executable::kNumStepKinds, 0);
  for (const std::shared_ptr<Executable>& executable : Executables()) {
    const auto one = executable->StepCounts();
    for (size_t i = 0; i < one.size(); ++i) counts[i] += one[i];
  }
  return counts;
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
          state_->last,
          state_->session->Lookup(state_->key, feeds, [this]() -> absl::StatusOr<Signature> {
            return state_->signature;
          }));
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
