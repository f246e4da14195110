#include "runtime/session/session.h"

#include "graph/status_macros.h"
#include "runtime/session/session_impl.h"

namespace stator::runtime {

CallOptions CallOptions::FromProto(const ::stator::RunOptions& options) {
  CallOptions out;
  out.timeout_ms = options.timeout_in_ms();
  out.trace = options.trace_level() != ::stator::RunOptions::NO_TRACE;
  return out;
}

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
  STATOR_ASSIGN_OR_RETURN(
      std::shared_ptr<CompiledSignature> compiled,
      impl_->cache().Lookup(SignatureKey(names, fetches, targets), tensors,
                            [&] { return impl_->Resolve(names, fetches, targets); }));
  std::vector<Tensor> fetched;
  STATOR_RETURN_IF_ERROR(
      impl_->Run(compiled.get(), tensors, &fetched, /*reuse=*/false, options, metadata));
  return fetched;
}

absl::Status Session::Close() { return impl_->Close(); }
VariableStore* Session::variables() { return impl_->variables(); }
int64_t Session::seed() const { return impl_->seed(); }
SessionStats Session::Stats() const { return impl_->Stats(); }

std::vector<std::shared_ptr<Executable>> Session::Executables() const {
  return impl_->cache().Executables();
}

std::vector<int64_t> Session::StepCounts() const {
  std::vector<int64_t> counts(executable::kNumStepKinds, 0);
  for (const std::shared_ptr<Executable>& executable : Executables()) {
    const auto one = executable->StepCounts();
    for (size_t i = 0; i < one.size(); ++i) counts[i] += one[i];
  }
  return counts;
}

}  // namespace stator::runtime
