#include "distribute/control/grpc_client.h"

#include <grpc/grpc.h>
#include <grpcpp/grpcpp.h>

#include <chrono>
#include <condition_variable>
#include <mutex>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "distribute/control/grpc_transport.h"
#include "graph/status_macros.h"
#include "proto/control.grpc.pb.h"

namespace stator::distribute {
namespace {

constexpr int kReconnectMs = 100;
constexpr int kMaxReconnectMs = 500;
// Names, TCP and TLS, on a slow link or a busy host: an attempt that is cut short never succeeds.
constexpr int kConnectMs = 3000;
constexpr int kAwaitConnectionMs = 500;

std::shared_ptr<grpc::Channel> MakeChannel(const std::string& address,
                                           const Credentials& credentials, const std::string& chief,
                                           int keepalive_ms) {
  grpc::ChannelArguments arguments;
  arguments.SetMaxReceiveMessageSize(kMaxControlMessageBytes);
  arguments.SetMaxSendMessageSize(kMaxControlMessageBytes);
  for (const auto& [name, value] : std::initializer_list<std::pair<const char*, int>>{
           {GRPC_ARG_USE_LOCAL_SUBCHANNEL_POOL, 1},  // a connection of its own
           {GRPC_ARG_ENABLE_HTTP_PROXY, 0},
           {GRPC_ARG_ENABLE_RETRIES, 0},  // we retry, with the same id
           {GRPC_ARG_MAX_METADATA_SIZE, kMaxControlMetadataBytes},
           {GRPC_ARG_INITIAL_RECONNECT_BACKOFF_MS, kReconnectMs},
           {GRPC_ARG_MIN_RECONNECT_BACKOFF_MS, kConnectMs},  // for one attempt, whatever its name
           {GRPC_ARG_MAX_RECONNECT_BACKOFF_MS, kMaxReconnectMs},
           {GRPC_ARG_KEEPALIVE_TIME_MS, keepalive_ms},
           {GRPC_ARG_KEEPALIVE_TIMEOUT_MS, keepalive_ms},
           {GRPC_ARG_KEEPALIVE_PERMIT_WITHOUT_CALLS, 1},
           {GRPC_ARG_HTTP2_MAX_PINGS_WITHOUT_DATA, 0}}) {
    arguments.SetInt(name, value);
  }
  if (credentials.mode == Credentials::Mode::kSecret) {
    return grpc::CreateCustomChannel(address, grpc::InsecureChannelCredentials(), arguments);
  }
  arguments.SetSslTargetNameOverride(TaskHostName(chief));
  grpc::SslCredentialsOptions options;
  options.pem_root_certs = credentials.authority;
  options.pem_cert_chain = credentials.certificate;
  options.pem_private_key = credentials.private_key;
  return grpc::CreateCustomChannel(address, grpc::SslCredentials(options), arguments);
}

void Prepare(grpc::ClientContext& context, const Credentials& credentials,
             const control::Header& header) {
  if (credentials.mode != Credentials::Mode::kSecret) return;
  context.AddMetadata(kTokenKey,
                      MakeToken(credentials.secret, header.job(), header.task(), header.epoch()));
}

// What listens there says nothing to strangers; who asked may know what that means.
absl::Status Explain(const grpc::Status& status, const std::string& address) {
  absl::Status out = ToStatus(status);
  if (!absl::IsUnauthenticated(out) || !out.message().empty()) return out;
  return absl::UnauthenticatedError(
      absl::StrCat("what listens at ", address,
                   " does not know this task: the coordinator of another job, or another secret"));
}

void SetTimeout(grpc::ClientContext& context, absl::Duration timeout) {
  context.set_deadline(std::chrono::system_clock::now() + absl::ToChronoMicroseconds(timeout));
}

class GrpcStream final : public EventStream {
 public:
  GrpcStream(control::Control::Stub& stub, const std::string& address,
             const Credentials& credentials, const control::AttachRequest& request)
      : address_(address) {
    Prepare(context_, credentials, request.header());
    // Without a deadline: it lives as long as the task, and heartbeats watch over it.
    reader_ = stub.Attach(&context_, request);
  }
  ~GrpcStream() override { Cancel(); }

  bool Read(control::Event* event) override { return reader_->Read(event); }
  absl::Status Finish() override {
    const absl::Status status = Explain(reader_->Finish(), address_);
    return status.ok() ? absl::UnavailableError("the coordinator closed the stream") : status;
  }
  void Cancel() override { context_.TryCancel(); }

 private:
  const std::string address_;
  grpc::ClientContext context_;
  std::unique_ptr<grpc::ClientReader<control::Event>> reader_;
};

constexpr int64_t kMaxImageBytes = int64_t{1} << 32;
// How late a wait hears that the generation has ended.
constexpr auto kLook = std::chrono::milliseconds(20);

// Collects an image's parts.
class ImageReader final : public grpc::ClientReadReactor<control::ImagePart> {
 public:
  explicit ImageReader(grpc::ClientContext* context) : context_(*context) {}

  void OnReadDone(bool ok) override {
    if (!ok) return;
    const int64_t total = part_.total_bytes();
    // The first part says how much there will be.
    if (content_.empty() && total > 0 && total <= kMaxImageBytes) content_.reserve(total);
    content_ += part_.content();
    if (total <= 0 || total > kMaxImageBytes || static_cast<int64_t>(content_.size()) > total) {
      context_.TryCancel();
    }
    StartRead(&part_);
  }
  void OnDone(const grpc::Status& status) override {
    std::lock_guard<std::mutex> lock(mutex_);
    status_ = ToStatus(status);
    if (status.ok() && static_cast<int64_t>(content_.size()) != part_.total_bytes()) {
      status_ = absl::DataLossError("the chief sent a part of an image");
    }
    done_ = true;
    changed_.notify_all();
  }

  absl::StatusOr<ImageBytes> Await(const runtime::CancellationToken& ended) {
    std::unique_lock<std::mutex> lock(mutex_);
    while (!done_) {
      if (ended.cancelled()) context_.TryCancel();
      changed_.wait_for(lock, kLook);
    }
    if (!status_.ok()) return status_;
    return std::make_shared<const std::string>(std::move(content_));
  }

  void Start(control::Control::Stub& stub, const control::CompileRequest& request) {
    stub.async()->Compile(&context_, &request, this);
    StartRead(&part_);
    StartCall();
  }

 private:
  grpc::ClientContext& context_;
  control::ImagePart part_;
  std::string content_;
  std::mutex mutex_;
  std::condition_variable changed_;
  bool done_ = false;
  absl::Status status_;
};

class GrpcClient final : public CoordinatorClient {
 public:
  GrpcClient(const std::string& address, const Credentials& credentials, const std::string& chief,
             int keepalive_ms)
      : address_(address),
        credentials_(credentials),
        channel_(MakeChannel(address, credentials, chief, keepalive_ms)),
        beat_channel_(MakeChannel(address, credentials, chief, keepalive_ms)),
        stub_(control::Control::NewStub(channel_)),
        beat_stub_(control::Control::NewStub(beat_channel_)) {}

  std::unique_ptr<EventStream> Attach(const control::AttachRequest& request) override {
    AwaitConnection(*channel_);
    return std::make_unique<GrpcStream>(*stub_, address_, credentials_, request);
  }

  absl::Status Send(const control::Request& request, absl::Duration timeout) override {
    grpc::ClientContext context;
    Prepare(context, credentials_, request.header());
    SetTimeout(context, timeout);
    control::Ack ack;
    return ToStatus(stub_->Send(&context, request, &ack));
  }

  absl::StatusOr<control::BeatReply> Beat(const control::BeatRequest& request,
                                          absl::Duration timeout) override {
    AwaitConnection(*beat_channel_);
    grpc::ClientContext context;
    Prepare(context, credentials_, request.header());
    SetTimeout(context, timeout);
    control::BeatReply reply;
    const grpc::Status status = beat_stub_->Beat(&context, request, &reply);
    if (!status.ok()) return ToStatus(status);
    return reply;
  }

  absl::StatusOr<ImageBytes> Compile(const control::CompileRequest& request,
                                     const runtime::CancellationToken& ended) override {
    while (true) {
      absl::StatusOr<ImageBytes> image = CompileOnce(request, ended);
      // The chief gives the same answer again; if it is gone, the generation ends.
      if (!absl::IsUnavailable(image.status()) || ended.cancelled()) return image;
      absl::SleepFor(absl::Milliseconds(kReconnectMs));
    }
  }

 private:
  absl::StatusOr<ImageBytes> CompileOnce(const control::CompileRequest& request,
                                         const runtime::CancellationToken& ended) {
    AwaitConnection(*channel_);
    grpc::ClientContext context;
    Prepare(context, credentials_, request.header());
    // Without a deadline: heartbeats watch over the chief.
    ImageReader reader(&context);
    STATOR_RETURN_IF_ERROR(AwaitTurn(ended));
    reader.Start(*stub_, request);
    absl::StatusOr<ImageBytes> image = reader.Await(ended);
    EndTurn();
    if (!image.ok() || credentials_.mode != Credentials::Mode::kSecret) return image;
    const auto& metadata = context.GetServerTrailingMetadata();
    const auto proof = metadata.find(kImageProofKey);
    if (proof != metadata.end() &&
        CheckImageProof(std::string(proof->second.data(), proof->second.size()),
                        credentials_.secret, request.SerializeAsString(), **image)) {
      return image;
    }
    return absl::UnauthenticatedError(absl::StrCat(
        "what listens at ", address_, " ships code, but does not know the job's secret"));
  }

  // After a refused attempt calls fail at once until a later one succeeds, and handshakes advance
  // only while somebody waits for this channel: without this, a task that starts before its chief
  // may not get through for minutes.
  static void AwaitConnection(grpc::Channel& channel) {
    if (channel.GetState(/*try_to_connect=*/true) == GRPC_CHANNEL_READY) return;
    (void)channel.WaitForConnected(std::chrono::system_clock::now() +
                                   std::chrono::milliseconds(kAwaitConnectionMs));
  }

  // One image at a time: a connection has few streams, and the replicas of a task want the same.
  absl::Status AwaitTurn(const runtime::CancellationToken& ended) {
    std::unique_lock<std::mutex> lock(turn_mutex_);
    while (fetching_) {
      if (ended.cancelled()) return absl::CancelledError("the generation has ended");
      turn_ended_.wait_for(lock, kLook);
    }
    fetching_ = true;
    return absl::OkStatus();
  }
  void EndTurn() {
    std::lock_guard<std::mutex> lock(turn_mutex_);
    fetching_ = false;
    turn_ended_.notify_one();
  }

  const std::string address_;
  const Credentials credentials_;
  std::mutex turn_mutex_;
  std::condition_variable turn_ended_;
  bool fetching_ = false;
  const std::shared_ptr<grpc::Channel> channel_;
  const std::shared_ptr<grpc::Channel> beat_channel_;
  const std::unique_ptr<control::Control::Stub> stub_;
  const std::unique_ptr<control::Control::Stub> beat_stub_;
};

}  // namespace

absl::StatusOr<std::shared_ptr<CoordinatorClient>> ConnectToCoordinator(
    const std::string& address, const Credentials& credentials, const std::string& chief,
    absl::Duration failure_timeout) {
  if (absl::Status status = CheckAddress(address, credentials); !status.ok()) return status;
  QuietGrpc();
  return std::shared_ptr<CoordinatorClient>(
      std::make_shared<GrpcClient>(address, credentials, chief, KeepaliveMs(failure_timeout)));
}

absl::StatusOr<control::JobStatus> QueryStatus(const std::string& address,
                                               const Credentials& credentials,
                                               const std::string& job, const std::string& chief,
                                               absl::Duration timeout) {
  if (absl::Status status = CheckAddress(address, credentials); !status.ok()) return status;
  QuietGrpc();
  const auto stub = control::Control::NewStub(
      MakeChannel(address, credentials, chief, KeepaliveMs(absl::Seconds(10))));
  control::StatusRequest request;
  request.mutable_header()->set_job(job);
  request.mutable_header()->set_task(kToolTask);
  grpc::ClientContext context;
  Prepare(context, credentials, request.header());
  SetTimeout(context, timeout);
  control::JobStatus reply;
  const grpc::Status status = stub->Status(&context, request, &reply);
  if (!status.ok()) return Explain(status, address);
  return reply;
}

}  // namespace stator::distribute
