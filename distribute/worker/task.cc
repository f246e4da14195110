#include "distribute/worker/task.h"

#include <algorithm>
#include <atomic>
#include <cstdio>
#include <cstdlib>
#include <functional>
#include <memory>
#include <optional>
#include <thread>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "distribute/checkpoint/checkpoint_writer.h"
#include "distribute/checkpoint/sha256.h"
#include "distribute/checkpoint/shared_folder.h"
#include "distribute/control/coordinator_host.h"
#include "distribute/control/credentials.h"
#include "distribute/control/grpc_client.h"
#include "distribute/control/grpc_server.h"
#include "distribute/control/member.h"
#include "distribute/control/restart_policy.h"
#include "distribute/images/image_store.h"
#include "distribute/images/job_cpu.h"
#include "distribute/images/loaded_code.h"
#include "distribute/images/shipped_compiler.h"
#include "distribute/job/network_text.h"
#include "distribute/launch/failure_record.h"
#include "distribute/launch/host_address.h"
#include "distribute/worker/best_metric.h"
#include "distribute/worker/data_plane.h"
#include "distribute/worker/drain_signals.h"
#include "distribute/worker/evaluator.h"
#include "distribute/worker/replica.h"
#include "distribute/worker/status_writer.h"
#include "distribute/worker/train_loop.h"
#include "graph/status_macros.h"
#include "proto/serialize.h"

namespace stator::distribute {
namespace {

absl::Duration Seconds(double seconds) { return absl::Seconds(seconds); }

std::string ReplicaName(const Job& job, int rank) {
  const int devices = job.strategy().devices();
  const std::string task = absl::StrCat("worker:", rank / devices);
  return devices == 1 ? task : absl::StrCat(task, " device ", rank % devices);
}

// What the heartbeat says of the data connections of replica `rank`.
std::vector<TrafficReport> ReportTraffic(int rank, const Traffic& traffic) {
  std::vector<TrafficReport> reports;
  for (size_t peer = 0; peer < traffic.size(); ++peer) {
    const uint64_t sent = traffic[peer].sent, received = traffic[peer].received;
    if (sent == 0 && received == 0) continue;  // most pairs of a large job never talk
    reports.push_back({rank, static_cast<int>(peer), sent, received, traffic[peer].waiting});
  }
  return reports;
}

class Task {
 public:
  Task(const Job& job, const TaskEnvironment& environment, const TrainingProgram& program,
       const SessionFactory& new_session, const runtime::CompilerFactory& compiler,
       const graph::OpSchemas* schemas)
      : job_(job),
        environment_(environment),
        program_(program),
        new_session_(new_session),
        compiler_(compiler),
        schemas_(schemas),
        devices_(job.strategy().devices()) {}

  int Run() {
    const absl::Status status = RunToEnd();
    // At once: what follows may wait for tasks that do not answer.
    const int failed = status.ok() ? 0 : Report(status);
    status_writer_.reset();
    if (status.ok() && !result_.drained) {
      if (is_chief()) std::printf("weights %s\n", result_.weights.c_str());
      std::fflush(stdout);
    }
    member_.reset();
    // The others hear the last word before the coordinator closes.
    if (server_ != nullptr) {
      server_->Shutdown(status.ok() ? absl::Seconds(2) : absl::Milliseconds(500));
    }
    if (!status.ok()) return failed;
    return result_.drained ? kExitDrained : kExitDone;
  }

 private:
  bool is_chief() const { return environment_.index == 0; }

  absl::Status RunToEnd() {
    STATOR_RETURN_IF_ERROR(Rewrite());
    DrainSignals::Block();
    STATOR_RETURN_IF_ERROR(StartControl());
    DrainSignals signals(member_.get());
    STATOR_RETURN_IF_ERROR(Tell(CheckFolder()));
    if (is_chief()) {
      CheckpointWriterOptions options;
      options.folder = job_.checkpoint().directory();
      options.epoch = environment_.epoch;
      options.fresh = job_.resume() == "never";
      options.keep = job_.checkpoint().keep();
      options.virtual_replicas = job_.strategy().virtual_replicas();
      options.job = job_.name();
      const auto open = [&]() -> absl::Status {
        STATOR_ASSIGN_OR_RETURN(const auto best, FindBestMetric(job_, program_));
        if (best.has_value()) {
          options.metric_name = best->name;
          options.higher_is_better = best->higher_is_better;
        }
        STATOR_ASSIGN_OR_RETURN(checkpoints_, CheckpointWriter::Open(options));
        open_checkpoints_ = checkpoints_.get();
        return absl::OkStatus();
      };
      STATOR_RETURN_IF_ERROR(Tell(open()));
    }
    STATOR_RETURN_IF_ERROR(TrainAll());
    return member_->Leave();
  }

  // Where another task may be the chief one day, all must see the checkpoints.
  absl::Status CheckFolder() {
    if (environment_.workers == 1 || job_.checkpoint().gather() == Job::Checkpoint::GATHER_CHIEF) {
      return absl::OkStatus();
    }
    SharedFolderOptions options;
    options.folder = job_.checkpoint().directory();
    options.task = environment_.task;
    options.is_chief = is_chief();
    options.secret = roster_.key;
    return ProveShared(options, [this](absl::string_view name) {
      return member_->Barrier(std::string(name), Seconds(job_.timeouts().start_seconds()));
    });
  }

  absl::Status Rewrite() {
    const int replicas = environment_.workers * devices_;
    if (job_.strategy().virtual_replicas() == 1) return absl::OkStatus();
    STATOR_ASSIGN_OR_RETURN(const graph::Graph graph,
                            graph::Graph::FromGraphDef(program_.graph, schemas_));
    ShardOptions options;
    options.bucket_bytes = job_.strategy().bucket_bytes();
    STATOR_ASSIGN_OR_RETURN(ShardedStep sharded, ShardGraph(graph, program_.step, options));
    sharded_ = std::make_unique<ShardedStep>(std::move(sharded));
    if (job_.strategy().virtual_replicas() % replicas != 0) {
      return absl::InvalidArgumentError(
          absl::StrCat("strategy.virtual_replicas: expected a multiple of the ", replicas,
                       " replicas, found ", job_.strategy().virtual_replicas()));
    }
    return absl::OkStatus();
  }

  absl::StatusOr<Credentials> ReadCredentials() const {
    if (!environment_.tls_directory.empty()) {
      return ReadCertificates(environment_.tls_directory, environment_.task);
    }
    if (!environment_.secret_file.empty()) return ReadSecret(environment_.secret_file);
    return absl::InvalidArgumentError(
        "STATOR_SECRET_FILE or STATOR_TLS_DIRECTORY: expected one of them, found neither");
  }

  // What the sessions of all tasks run.
  const GraphDef& Rewritten() const {
    return sharded_ != nullptr ? sharded_->graph : program_.graph;
  }

  // `program` tells programs apart.
  absl::Status MakeImageStore(const std::string& program) {
    STATOR_ASSIGN_OR_RETURN(graph::Graph graph, graph::Graph::FromGraphDef(Rewritten(), schemas_));
    graph_ = std::make_unique<graph::Graph>(std::move(graph));
    ImageStoreOptions options;
    options.graph = graph_.get();
    options.seed = job_.training().seed();
    options.compiler = compiler_;
    options.folder = absl::StrCat(job_.run_directory(), "/images");
    options.identity = absl::StrCat(Sha256Hex(program), " ", options.seed, "\n", LoadedCode());
    images_ = std::make_unique<ImageStore>(std::move(options));
    return absl::OkStatus();
  }

  // The chief's coordinator, and this task's membership.
  absl::Status StartControl() {
    STATOR_ASSIGN_OR_RETURN(std::string text, SerializeDeterministic(Rewritten()));
    absl::StrAppend(&text, job_.strategy().virtual_replicas());
    std::vector<std::string> tasks;
    for (int i = 0; i < environment_.workers; ++i) tasks.push_back(absl::StrCat("worker:", i));
    std::shared_ptr<CoordinatorClient> client;
    if (is_chief()) {
      CoordinatorServerOptions options;
      options.coordinator.job = job_.name();
      options.coordinator.epoch = environment_.epoch;
      options.coordinator.tasks = tasks;
      options.coordinator.heartbeat = absl::Milliseconds(job_.timeouts().heartbeat_ms());
      options.coordinator.failure_timeout = Seconds(job_.timeouts().failure_seconds());
      options.coordinator.start_timeout = Seconds(job_.timeouts().start_seconds());
      options.coordinator.restarts = static_cast<uint32_t>(environment_.epoch - 1);
      options.address = environment_.coordinator;
      STATOR_RETURN_IF_ERROR(MakeImageStore(text));
      options.compile = [this](const control::CompileRequest& request, CompileDone done) {
        images_->Compile(request, std::move(done));
      };
      options.log = [](const std::string& line) { std::fprintf(stderr, "%s\n", line.c_str()); };
      if (environment_.coordinator.empty()) {
        // Alone: nobody connects.
        options.coordinator.key = DrawKey();
        host_ = CoordinatorHost::Start(options.coordinator, options.log, options.compile);
        client = host_->Connect();
      } else {
        STATOR_ASSIGN_OR_RETURN(options.credentials, ReadCredentials());
        STATOR_ASSIGN_OR_RETURN(server_, CoordinatorServer::Start(std::move(options)));
        client = server_->Connect();
      }
    } else {
      STATOR_ASSIGN_OR_RETURN(const Credentials credentials, ReadCredentials());
      STATOR_ASSIGN_OR_RETURN(
          client, ConnectToCoordinator(environment_.coordinator, credentials, "worker:0",
                                       Seconds(job_.timeouts().failure_seconds())));
    }
    MemberOptions options;
    options.job = job_.name();
    options.task = environment_.task;
    options.rank = environment_.index;
    options.epoch = environment_.epoch;
    options.heartbeat = absl::Milliseconds(job_.timeouts().heartbeat_ms());
    options.failure_timeout = Seconds(job_.timeouts().failure_seconds());
    options.start_timeout = Seconds(job_.timeouts().start_seconds());
    JoinInfo info;
    info.cpu = HostCpu();
    info.program_hash = Sha256Hex(text);
    if (sharded_ != nullptr) info.collectives = sharded_->Sequence();
    STATOR_ASSIGN_OR_RETURN(const std::string address, HostAddress(job_.network()));
    const char* transport = getenv("STATOR_DATA_TRANSPORT");
    const bool local = transport == nullptr || std::string(transport) != "tcp";
    STATOR_ASSIGN_OR_RETURN(DataListeners listeners,
                            DataListeners::Create(address, devices_, local, Ports()));
    listeners_ = std::make_unique<DataListeners>(std::move(listeners));
    info.data_addresses = listeners_->addresses();
    STATOR_ASSIGN_OR_RETURN(member_, Member::Join(client, options, info, &roster_));
    if (is_chief()) {
      images_->Start(roster_.cpus);
      const auto status = [this] {
        control::JobStatus now = server_ != nullptr ? server_->Status() : host_->Snapshot();
        // Newer than what the last heartbeat said.
        const CheckpointWriter* checkpoints = open_checkpoints_;
        if (checkpoints != nullptr && checkpoints->last_saved_step() >= 0) {
          now.mutable_tasks(0)->mutable_progress()->set_last_checkpoint(
              absl::StrCat(checkpoints->last_saved_step()));
        }
        return now;
      };
      status_writer_ = std::make_unique<StatusWriter>(
          job_.run_directory(), TotalSteps(job_, program_), status,
          [this](const absl::Status& superseded) { member_->Fail(superseded); });
    }
    return absl::OkStatus();
  }

  // Each replica's own to begin with, others in other epochs: sockets of old generations are left
  // alone.
  DataPorts Ports() const {
    DataPorts ports;
    ParsePorts(job_.network().ports(), &ports.first, &ports.last);
    const uint64_t step = environment_.epoch + static_cast<uint64_t>(environment_.index) * devices_;
    ports.start = static_cast<int>(step % static_cast<uint64_t>(ports.last - ports.first + 1));
    return ports;
  }

  // An error of this task ends the generation; what all see is the root cause.
  absl::Status Tell(const absl::Status& status) {
    if (status.ok()) return status;
    member_->Fail(status);
    const absl::Status cause = member_->failure();
    return cause.ok() ? status : cause;
  }

  absl::Status TrainAll() {
    std::vector<std::thread> threads;
    std::vector<absl::Status> statuses(devices_);
    for (int device = 0; device < devices_; ++device) {
      threads.emplace_back([&, device] { statuses[device] = Tell(TrainDevice(device)); });
    }
    for (std::thread& thread : threads) thread.join();
    for (const absl::Status& status : statuses) STATOR_RETURN_IF_ERROR(status);
    return absl::OkStatus();
  }

  // How the data sockets between hosts are encrypted, if the job has certificates.
  absl::StatusOr<std::optional<MeshTls>> DataTls() const {
    if (environment_.tls_directory.empty()) return std::nullopt;
    STATOR_ASSIGN_OR_RETURN(const Credentials credentials, ReadCredentials());
    MeshTls tls;
    tls.identity.authority = credentials.authority;
    tls.identity.certificate = credentials.certificate;
    tls.identity.private_key = credentials.private_key;
    for (size_t i = 0; i < roster_.tasks.size(); ++i) {
      tls.hosts.insert(tls.hosts.end(), roster_.data_addresses[i].size(),
                       TaskHostName(roster_.tasks[i]));
    }
    return tls;
  }

  static absl::StatusOr<int64_t> TraceStep() {
    const char* const text = getenv("STATOR_TRACE_STEP");
    int64_t step = 0;
    if (text == nullptr || (absl::SimpleAtoi(text, &step) && step > 0)) return step;
    return absl::InvalidArgumentError(
        absl::StrCat("STATOR_TRACE_STEP: expected the number of a step, found '", text, "'"));
  }

  absl::Status TrainDevice(int device) {
    std::vector<std::string> names, addresses;
    for (const auto& of_task : roster_.data_addresses) {
      for (const std::string& address : of_task) {
        names.push_back(ReplicaName(job_, static_cast<int>(names.size())));
        addresses.push_back(address);
      }
    }
    const int rank = environment_.index * devices_ + device;
    const int cores = std::max(1, static_cast<int>(std::thread::hardware_concurrency()));
    const int local = environment_.local_tasks * devices_;
    int threads = job_.resources().threads() / devices_;
    if (threads <= 0) threads = std::max(1, cores / local);
    runtime::RunControl control;
    control.token = &member_->ended();
    control.deadline_ns =
        runtime::NowNanoseconds() + static_cast<int64_t>(job_.timeouts().start_seconds() * 1e9);
    STATOR_ASSIGN_OR_RETURN(std::optional<MeshTls> tls, DataTls());
    STATOR_ASSIGN_OR_RETURN(
        auto group,
        listeners_->Connect({job_.name(), roster_.epoch, roster_.key}, device, rank, names,
                            addresses, SpinBudget(local, threads), control, std::move(tls)));
    member_->WatchTraffic(
        [rank, traffic = group->traffic()] { return ReportTraffic(rank, *traffic); });
    ReplicaOptions options;
    options.virtual_replicas = job_.strategy().virtual_replicas();
    options.threads = threads;
    options.seed = job_.training().seed();
    options.memory_bytes = job_.resources().memory_bytes() / devices_;
    const SessionFactory new_session = [this](GraphDef graph, runtime::SessionOptions session) {
      session.compiler = ShippedCompilers(member_.get());
      return new_session_(std::move(graph), std::move(session));
    };
    STATOR_ASSIGN_OR_RETURN(auto replica,
                            Replica::Create(&program_, sharded_.get(), new_session, options,
                                            std::move(group), &member_->ended()));
    TrainLoopOptions loop;
    STATOR_ASSIGN_OR_RETURN(loop.trace_step, TraceStep());
    loop.trace_file = absl::StrCat(job_.run_directory(), "/trace-worker-", environment_.index,
                                   devices_ > 1 ? absl::StrCat("-device-", device) : "", ".json");
    loop.job = &job_;
    loop.program = &program_;
    loop.member = member_.get();
    loop.say = [](const std::string& line) {
      std::printf("%s\n", line.c_str());
      std::fflush(stdout);
    };
    if (rank == 0) loop.checkpoints = checkpoints_.get();
    absl::StatusOr<TrainResult> result = Train(*replica, loop);
    // The others hear of it before this task's memory is freed, which takes its time.
    STATOR_RETURN_IF_ERROR(Tell(result.status()));
    if (device == 0) result_ = *std::move(result);
    return absl::OkStatus();
  }

  int Report(const absl::Status& status) const {
    std::fprintf(stderr, "%s: %s\n", environment_.task.c_str(), status.ToString().c_str());
    FailureRecord record;
    record.task = environment_.task;
    record.code = absl::StatusCodeToString(status.code());
    record.message = std::string(status.message());
    if (member_ != nullptr) {
      if (member_->begun_step() > 0) record.step = member_->begun_step();
      record.blames = member_->failed_task();
    }
    WriteFailureRecord(job_.run_directory(), environment_.epoch, record).IgnoreError();
    const bool own = record.blames.empty() || record.blames == environment_.task;
    return own && !IsRetryable(status.code()) ? kExitFailed : kExitRetryable;
  }

  const Job& job_;
  const TaskEnvironment& environment_;
  const TrainingProgram& program_;
  const SessionFactory& new_session_;
  const runtime::CompilerFactory& compiler_;
  const graph::OpSchemas* const schemas_;
  const int devices_;
  std::unique_ptr<ShardedStep> sharded_;
  std::unique_ptr<graph::Graph> graph_;  // the store's
  std::unique_ptr<ImageStore> images_;   // on the chief; what coordinates asks it
  std::shared_ptr<CoordinatorHost> host_;
  std::unique_ptr<CoordinatorServer> server_;
  std::unique_ptr<DataListeners> listeners_;
  Roster roster_;
  std::unique_ptr<Member> member_;
  std::unique_ptr<StatusWriter> status_writer_;
  std::unique_ptr<CheckpointWriter> checkpoints_;
  std::atomic<const CheckpointWriter*> open_checkpoints_{nullptr};  // for the status
  TrainResult result_;
};

// The evaluator belongs to no generation: it reads what they leave.
int RunEvaluator(const Job& job, const TrainingProgram& program,
                 const SessionFactory& new_session) {
  EvaluatorOptions options;
  options.job = &job;
  options.program = &program;
  options.new_session = new_session;
  options.threads = job.resources().threads();
  options.say = [](const std::string& line) {
    std::printf("%s\n", line.c_str());
    std::fflush(stdout);
  };
  const absl::Status status = Evaluate(options);
  if (status.ok()) return kExitDone;
  std::fprintf(stderr, "evaluator:0: %s\n", status.ToString().c_str());
  return kExitFailed;
}

}  // namespace

int RunTask(const Job& job, const TaskEnvironment& environment, const TrainingProgram& program,
            const SessionFactory& new_session, const runtime::CompilerFactory& compiler,
            const graph::OpSchemas* schemas) {
  if (environment.evaluates) return RunEvaluator(job, program, new_session);
  return Task(job, environment, program, new_session, compiler, schemas).Run();
}

}  // namespace stator::distribute
