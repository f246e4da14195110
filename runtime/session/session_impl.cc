#include "runtime/session/session_impl.h"

#include <algorithm>
#include <random>
#include <tuple>

#include "graph/status_macros.h"
#include "runtime/core/thread_pool.h"
#include "runtime/session/status.h"

namespace stator::runtime {
namespace {

// A tensor whose guards fail on several sides of 1 needs as many facts; more is a compiler bug.
constexpr int kMaxFacts = 16;

int64_t FreshSeed() {
  std::random_device device;
  return static_cast<int64_t>((static_cast<uint64_t>(device()) << 32 | device()) >> 1);
}

absl::Status CheckFeeds(const Signature& signature, const std::vector<Tensor>& feeds) {
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
absl::Status CheckImage(const Executable& image, const Signature& signature) {
  const auto& entries = image.model().entry_points;
  if (entries.size() != 1 || entries[0].feeds.size() != signature.feeds.size() ||
      entries[0].fetches.size() != signature.fetches.size()) {
    return absl::InternalError("the compiler's image does not have the requested signature");
  }
  return absl::OkStatus();
}

}  // namespace

Session::Impl::Impl(graph::Graph graph, SessionOptions options)
    : options_(std::move(options)), graph_(std::move(graph)) {
  seed_ = options_.seed != 0 ? options_.seed : FreshSeed();
}

absl::Status Session::Impl::Start() {
  STATOR_ASSIGN_OR_RETURN(compiler_, options_.compiler(&graph_, seed_));
  return absl::OkStatus();
}

absl::Status Session::Impl::Extend(const std::function<absl::Status(graph::Graph*)>& grow) {
  const ActiveCalls::Scope call(&calls_);
  STATOR_RETURN_IF_ERROR(call.status());
  const std::lock_guard<std::mutex> compile_lock(compile_mutex_);
  const std::unique_lock<std::shared_mutex> graph_lock(graph_mutex_);
  return grow(&graph_);
}

absl::StatusOr<Signature> Session::Impl::Resolve(const std::vector<std::string>& feeds,
                                                 const std::vector<std::string>& fetches,
                                                 const std::vector<std::string>& targets) {
  const std::shared_lock<std::shared_mutex> lock(graph_mutex_);
  return ResolveSignature(graph_, feeds, fetches, targets);
}

absl::Status Session::Impl::Run(CompiledSignature* compiled, const std::vector<Tensor>& feeds,
                                std::vector<Tensor>* outputs, bool reuse,
                                const CallOptions& options, RunMetadata* metadata) {
  const ActiveCalls::Scope call(&calls_);
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

absl::StatusOr<std::shared_ptr<CompiledVariant>> Session::Impl::Compile(
    CompiledSignature* compiled, const std::vector<Tensor>& feeds,
    const std::vector<executable::SymbolFact>& facts) {
  const std::lock_guard<std::mutex> lock(compile_mutex_);
  if (std::shared_ptr<CompiledVariant> made = compiled->Find(facts)) return made;
  executable::CompileRequest request = MakeRequest(compiled->signature(), feeds);
  request.facts = facts;
  const int64_t start = NowNanoseconds();
  STATOR_ASSIGN_OR_RETURN(executable::CompiledImage image, ToAbsl(compiler_->Compile(request)));
  LoadOptions load;
  load.host_functions = options_.host_functions;
  load.check_plans = options_.check_plans;
  STATOR_ASSIGN_OR_RETURN(std::shared_ptr<Executable> loaded,
                          ToAbsl(Executable::Load(image.bytes.data(), image.bytes.size(), load)));
  STATOR_RETURN_IF_ERROR(CheckImage(*loaded, compiled->signature()));
  auto variant = std::make_shared<CompiledVariant>(std::move(loaded), facts);
  compiled->Add(variant);
  const std::lock_guard<std::mutex> stats_lock(stats_mutex_);
  ++stats_.compiles;
  stats_.compile_ns += NowNanoseconds() - start;
  stats_.last_compile_stages = std::move(image.stage_ns);
  return variant;
}

executable::CompileRequest Session::Impl::MakeRequest(const Signature& signature,
                                                      const std::vector<Tensor>& feeds) const {
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
  request.variables = variables_.Specs();
  request.options = options_.compile;
  if (request.options.num_threads == 0) request.options.num_threads = options_.num_threads;
  // The quota of a container is known here.
  if (request.options.num_threads == 0) request.options.num_threads = ThreadPool::DefaultSize();
  return request;
}

RunOptions Session::Impl::MakeRunOptions(const CallOptions& options, bool reuse) const {
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

absl::Status Session::Impl::Close() {
  calls_.Refuse();
  token_.Cancel();
  calls_.AwaitNone();
  cache_.Clear();
  variables_.Clear();
  return absl::OkStatus();
}

SessionStats Session::Impl::Stats() const {
  const auto executables = static_cast<int64_t>(cache_.Executables().size());
  const std::lock_guard<std::mutex> lock(stats_mutex_);
  SessionStats out = stats_;
  out.executables = executables;
  out.runs = runs_.load(std::memory_order_relaxed);
  return out;
}

}  // namespace stator::runtime
