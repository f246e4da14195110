#include "distribute/worker/replica.h"

#include <algorithm>
#include <cstring>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "distribute/checkpoint/snapshot.h"
#include "graph/status_macros.h"
#include "runtime/core/runner.h"
#include "runtime/session/status.h"

namespace stator::distribute {
namespace {

using runtime::DType;
using runtime::Tensor;
using runtime::ToAbsl;

// That prepare inputs while a step runs: a step takes longer than most inputs do.
constexpr int kReadingThreads = 2;

absl::StatusOr<double> ScalarOf(const std::string& name, const Tensor& tensor) {
  if (tensor.num_elements() == 1) {
    switch (tensor.dtype()) {
      case DType::kFloat32:
        return *tensor.data<float>();
      case DType::kFloat64:
        return *tensor.data<double>();
      case DType::kInt32:
        return *tensor.data<int32_t>();
      case DType::kInt64:
        return static_cast<double>(*tensor.data<int64_t>());
      default:
        break;
    }
  }
  return absl::InvalidArgumentError(absl::StrCat(
      "metric '", name, "': expected one number, found ", tensor.TypeToString()));
}

}  // namespace

absl::StatusOr<std::unique_ptr<Replica>> Replica::Create(
    const TrainingProgram* program, const ShardedStep* sharded, const SessionFactory& new_session,
    ReplicaOptions options, std::unique_ptr<Group> group,
    const runtime::CancellationToken* ended) {
  if (sharded == nullptr && group->workers() > 1) {
    return absl::InvalidArgumentError(
        absl::StrCat("a program that is not rewritten runs on one replica, found ",
                     group->workers()));
  }
  static const bool registered = [] {
    BucketReducer::Register(runtime::HostRegistry::Default());
    return true;
  }();
  static_cast<void>(registered);
  static const auto* const kNoBuckets = new std::vector<Bucket>();
  auto replica = std::unique_ptr<Replica>(new Replica(program, sharded, options, ended));
  const int shards = std::max(1, options.virtual_replicas / group->workers());
  replica->reducer_ = std::make_unique<BucketReducer>(
      sharded != nullptr ? &sharded->buckets : kNoBuckets, shards, std::move(group), ended);
  runtime::SessionOptions session;
  session.num_threads = options.threads;
  session.seed = options.seed;
  if (options.memory_bytes > 0) session.max_run_bytes = options.memory_bytes;
  session.host_state = replica->reducer_.get();
  STATOR_ASSIGN_OR_RETURN(
      replica->session_,
      new_session(sharded != nullptr ? sharded->graph : program->graph, std::move(session)));
  STATOR_RETURN_IF_ERROR(replica->Bind());
  return replica;
}

absl::Status Replica::Bind() {
  if (sharded_ == nullptr) {
    std::vector<std::string> fetches;
    for (const Metric& metric : program_.step.metrics) fetches.push_back(metric.tensor);
    STATOR_ASSIGN_OR_RETURN(plain_, session_->MakeCallable(program_.step.inputs, fetches,
                                                           {program_.step.target}));
    return absl::OkStatus();
  }
  std::vector<std::string> fetches;
  for (const MetricSource& metric : sharded_->metrics) {
    if (metric.bucket < 0) fetches.push_back(metric.fetch);
  }
  STATOR_ASSIGN_OR_RETURN(
      shard_, session_->MakeCallable(sharded_->shard_feeds, {}, sharded_->shard_targets));
  STATOR_ASSIGN_OR_RETURN(update_, session_->MakeCallable(sharded_->update_feeds, fetches,
                                                          sharded_->update_targets));
  return absl::OkStatus();
}

runtime::CallOptions Replica::Call(runtime::RunTrace* trace) const {
  runtime::CallOptions options;
  options.cancellation = ended_;
  options.run_trace = trace;
  return options;
}

absl::Status Replica::Initialize() {
  return session_->Run({}, {}, {program_.initialize}, Call(nullptr)).status();
}

absl::StatusOr<std::vector<std::pair<std::string, Tensor>>> Replica::Values() {
  std::vector<std::pair<std::string, Tensor>> values;
  for (const std::string& name : variables()->Names()) {
    if (!variables()->IsInitialized(name)) continue;
    STATOR_ASSIGN_OR_RETURN(Tensor value, ToAbsl(variables()->Read(name)));
    values.emplace_back(name, std::move(value));
  }
  return values;
}

absl::Status Replica::Broadcast() {
  if (replicas() == 1) return absl::OkStatus();
  runtime::RunControl control;
  control.token = ended_;
  STATOR_ASSIGN_OR_RETURN(auto values, Values());
  for (auto& [name, value] : values) {
    STATOR_RETURN_IF_ERROR(
        group().Broadcast(DType::kUInt8, 0, value.raw(), value.bytes(), control));
  }
  return rank() == 0 ? absl::OkStatus() : ToAbsl(variables()->WriteAll(values));
}

absl::Status Replica::CheckEqual() {
  if (replicas() == 1) return absl::OkStatus();
  STATOR_ASSIGN_OR_RETURN(const Snapshot snapshot, Snapshot::Take(variables()));
  const std::vector<Snapshot::Variable>& all = snapshot.variables();
  std::string mine;
  for (const Snapshot::Variable& variable : all) mine += VariableDigest(variable);
  const size_t bytes = all.empty() ? 0 : mine.size() / all.size();
  std::string digests(mine.size() * replicas(), '\0');
  digests.replace(mine.size() * rank(), mine.size(), mine);
  runtime::RunControl control;
  control.token = ended_;
  STATOR_RETURN_IF_ERROR(group().AllGather(DType::kUInt8, digests.data(),
                                           static_cast<int64_t>(digests.size()), control));
  for (size_t i = 0; i < all.size(); ++i) {
    for (int other = 1; other < replicas(); ++other) {
      const size_t theirs = mine.size() * other + i * bytes;
      if (digests.compare(theirs, bytes, digests, i * bytes, bytes) == 0) continue;
      return absl::DataLossError(
          absl::StrCat("variable '", all[i].name, "' differs between replica 0 and replica ",
                       other, ": a task computed something else than the others"));
    }
  }
  return absl::OkStatus();
}

int Replica::shards() const {
  return sharded_ == nullptr ? 1 : options_.virtual_replicas / replicas();
}

absl::Status Replica::ReadAhead(int64_t first, int64_t end) {
  inputs_.reset();
  if (first >= end) return absl::OkStatus();
  const int64_t count = shards();
  const int64_t own = rank() * count;
  const int all = sharded_ == nullptr ? 1 : options_.virtual_replicas;
  STATOR_ASSIGN_OR_RETURN(
      const data::DatasetRef dataset,
      data::FromFunction(end * count, [this, count, own, all](int64_t, int64_t position) {
        return program_.batch(position / count, static_cast<int>(own + position % count), all);
      }));
  data::LoaderOptions options;
  options.threads = kReadingThreads;
  options.ahead = static_cast<int>(std::max<int64_t>(count, kReadingThreads));
  options.epochs = 1;
  options.start.index = first * count;
  STATOR_ASSIGN_OR_RETURN(inputs_, data::Loader::Start(dataset, options));
  return absl::OkStatus();
}

absl::StatusOr<std::vector<Tensor>> Replica::Inputs(int64_t step, int i) {
  const int64_t start = runtime::NowNanoseconds();
  absl::StatusOr<std::vector<Tensor>> inputs = absl::InternalError("no inputs");
  if (inputs_ != nullptr && inputs_->position() == data::Position{0, step * shards() + i}) {
    STATOR_ASSIGN_OR_RETURN(absl::optional<data::Element> next, inputs_->Next());
    inputs = *std::move(next);
  } else {
    inputs = program_.batch(step, rank() * shards() + i,
                            sharded_ == nullptr ? 1 : options_.virtual_replicas);
  }
  input_ns_ += runtime::NowNanoseconds() - start;
  return inputs;
}

absl::StatusOr<std::vector<double>> Replica::PlainStep(int64_t step) {
  STATOR_ASSIGN_OR_RETURN(const std::vector<Tensor> feeds, Inputs(step, 0));
  STATOR_RETURN_IF_ERROR(plain_->Run(feeds, &plain_results_, Call(nullptr)));
  std::vector<double> metrics;
  for (size_t i = 0; i < plain_results_.size(); ++i) {
    STATOR_ASSIGN_OR_RETURN(const double value,
                            ScalarOf(program_.step.metrics[i].name, plain_results_[i]));
    metrics.push_back(value);
  }
  return metrics;
}

absl::StatusOr<std::vector<double>> Replica::Step(int64_t step) {
  input_ns_ = 0;
  if (sharded_ == nullptr) return PlainStep(step);
  traces_.resize(trace_ ? shards() : 0);
  shard_times_.clear();
  for (int i = 0; i < shards(); ++i) {
    STATOR_ASSIGN_OR_RETURN(std::vector<Tensor> feeds, Inputs(step, i));
    feeds.push_back(Tensor::Scalar<int64_t>(rank() * shards() + i));
    reducer_->BeginShard(i);
    const int64_t start = runtime::NowNanoseconds();
    STATOR_RETURN_IF_ERROR(
        shard_->Run(feeds, &no_results_, Call(trace_ ? &traces_[i] : nullptr)));
    shard_times_.emplace_back(start, runtime::NowNanoseconds());
  }
  STATOR_ASSIGN_OR_RETURN(const auto sums, reducer_->Finish());
  std::vector<Tensor> feeds;
  for (size_t b = 0; b < sums.size(); ++b) {
    for (size_t i = 0; i < sums[b].size(); ++i) {
      if (!sharded_->buckets[b].tensors[i].placeholder.empty()) feeds.push_back(sums[b][i]);
    }
  }
  STATOR_RETURN_IF_ERROR(update_->Run(feeds, &update_results_, Call(nullptr)));
  std::vector<double> metrics;
  size_t fetched = 0;
  for (size_t i = 0; i < sharded_->metrics.size(); ++i) {
    const MetricSource& source = sharded_->metrics[i];
    const Tensor& tensor =
        source.bucket < 0 ? update_results_[fetched++] : sums[source.bucket][source.index];
    STATOR_ASSIGN_OR_RETURN(const double value, ScalarOf(program_.step.metrics[i].name, tensor));
    metrics.push_back(value);
  }
  return metrics;
}

absl::StatusOr<std::vector<double>> Replica::Evaluate() {
  std::vector<std::string> fetches;
  for (const Metric& metric : program_.evaluation_metrics) fetches.push_back(metric.tensor);
  std::vector<double> totals(fetches.size(), 0);
  double examples = 0;
  if (program_.evaluation_batches < 1) return totals;
  STATOR_ASSIGN_OR_RETURN(const data::DatasetRef dataset,
                          data::FromFunction(program_.evaluation_batches,
                                             [this](int64_t, int64_t position) {
                                               return program_.evaluation_batch(position);
                                             }));
  STATOR_ASSIGN_OR_RETURN(const auto loader, data::Loader::Start(dataset, {.epochs = 1}));
  while (true) {
    STATOR_ASSIGN_OR_RETURN(const absl::optional<data::Element> next, loader->Next());
    if (!next) break;
    const std::vector<Tensor>& batch = *next;
    std::vector<runtime::NamedTensor> feeds;
    for (size_t k = 0; k < batch.size(); ++k) {
      feeds.emplace_back(program_.evaluation_inputs[k], batch[k]);
    }
    const double count = batch[0].dims().empty() ? 1 : static_cast<double>(batch[0].dims()[0]);
    STATOR_ASSIGN_OR_RETURN(const std::vector<Tensor> results,
                            session_->Run(feeds, fetches, {}, Call(nullptr)));
    examples += count;
    for (size_t k = 0; k < results.size(); ++k) {
      const Metric& metric = program_.evaluation_metrics[k];
      STATOR_ASSIGN_OR_RETURN(const double value, ScalarOf(metric.name, results[k]));
      totals[k] += metric.aggregation == Aggregation::kMean ? value * count : value;
    }
  }
  for (double& total : totals) total /= std::max(examples, 1.0);
  return totals;
}

absl::StatusOr<int64_t> Replica::PlannedBytes() {
  STATOR_RETURN_IF_ERROR(Initialize());
  STATOR_RETURN_IF_ERROR(Step(0).status());
  STATOR_ASSIGN_OR_RETURN(
      std::vector<Tensor> feeds,
      program_.batch(0, 0, sharded_ != nullptr ? options_.virtual_replicas : 1));
  if (sharded_ != nullptr) feeds.push_back(Tensor::Scalar<int64_t>(0));
  const std::string target =
      sharded_ != nullptr ? sharded_->shard_targets.front() : program_.step.target;
  for (const auto& executable : session_->Executables()) {
    const auto& targets = executable->model().entry_points[0].targets;
    if (std::find(targets.begin(), targets.end(), target) == targets.end()) continue;
    STATOR_ASSIGN_OR_RETURN(auto runner,
                            ToAbsl(runtime::Runner::Create(executable, 0, variables())));
    runtime::RunPlan plan;
    STATOR_RETURN_IF_ERROR(ToAbsl(runner->Plan(feeds, options_.threads, &plan)));
    return plan.arena_bytes + plan.scratch_bytes;
  }
  return absl::InternalError("the session holds no executable of a step");
}

double Replica::HiddenShare() const {
  int64_t all = 0, hidden = 0;
  for (const ReduceEvent& event : reducer_->events()) {
    all += event.end_ns - event.start_ns;
    for (const auto& [start, end] : shard_times_) {
      hidden += std::max<int64_t>(0, std::min(event.end_ns, end) - std::max(event.start_ns, start));
    }
  }
  return all == 0 ? 0 : static_cast<double>(hidden) / static_cast<double>(all);
}

int64_t Replica::SumNanoseconds() const {
  int64_t all = 0;
  for (const ReduceEvent& event : reducer_->events()) all += event.end_ns - event.start_ns;
  return all;
}

absl::StatusOr<std::string> Replica::TraceJson() const {
  if (traces_.empty() || traces_.back().events().empty()) {
    return absl::FailedPreconditionError("no step was traced");
  }
  // The runs' own events, then the sums on a line of their own.
  std::string json = traces_.back().ToChromeJson();
  const size_t end = json.rfind("\n]");
  if (end == std::string::npos) return absl::InternalError("the trace of a run has no events");
  const int64_t origin = traces_.back().events().front().start_ns;
  std::string sums;
  for (const ReduceEvent& event : reducer_->events()) {
    absl::StrAppendFormat(
        &sums,
        ",\n{\"ph\":\"X\",\"pid\":1,\"tid\":2,\"name\":\"sum of bucket %d\",\"cat\":\"sum\","
        "\"ts\":%.3f,\"dur\":%.3f}",
        event.bucket, (event.start_ns - origin) / 1e3, (event.end_ns - event.start_ns) / 1e3);
  }
  json.insert(end, sums);
  return json;
}

}  // namespace stator::distribute
