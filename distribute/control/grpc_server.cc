#include "distribute/control/grpc_server.h"

#include <grpc/grpc.h>
#include <grpcpp/generic/async_generic_service.h>
#include <grpcpp/grpcpp.h>
#include <grpcpp/resource_quota.h>

#include <algorithm>
#include <chrono>
#include <deque>
#include <mutex>
#include <utility>

#include "absl/strings/str_cat.h"
#include "distribute/control/connection_gate.h"
#include "distribute/control/coordinator_host.h"
#include "distribute/control/grpc_transport.h"
#include "proto/control.grpc.pb.h"

namespace stator::distribute {
namespace {

constexpr size_t kMemoryBytes = 64 << 20;
constexpr int kMaxThreads = 16;
constexpr int kHandshakeMs = 5000;
constexpr int kIdleMs = 60'000;  // a connection without calls

// One member's stream. The gRPC library owns it (OnDone); the outbox outlives both ends.
class EventWriter;

// Between the host, which delivers at any time, and a writer that writes one event at a time.
class Outbox final : public EventSink {
 public:
  void Open(EventWriter* writer) { writer_ = writer; }
  void Deliver(const control::Event& event) override;
  void Written(bool ok);
  // No write begins afterwards.
  void Close() {
    std::lock_guard<std::mutex> lock(mutex_);
    writer_ = nullptr;
  }

 private:
  void WriteFront();  // under mutex_

  std::mutex mutex_;
  EventWriter* writer_ = nullptr;
  std::deque<control::Event> events_;  // the first is being written
};

class EventWriter final : public grpc::ServerWriteReactor<control::Event> {
 public:
  EventWriter(std::shared_ptr<CoordinatorHost> host, const control::AttachRequest& request)
      : host_(std::move(host)), outbox_(std::make_shared<Outbox>()) {
    outbox_->Open(this);
    if (const absl::Status status = host_->Attach(request, outbox_, &connection_); !status.ok()) {
      connection_ = 0;
      outbox_->Close();
      Finish(ToGrpcStatus(status));
    }
  }
  explicit EventWriter(const grpc::Status& refusal) { Finish(refusal); }

  void OnWriteDone(bool ok) override { outbox_->Written(ok); }
  // The member's process died, its network broke, or it went of its own will.
  void OnCancel() override {
    if (connection_ == 0) return;
    outbox_->Close();
    host_->Disconnect(connection_);
    Finish(grpc::Status::CANCELLED);
  }
  void OnDone() override { delete this; }

 private:
  std::shared_ptr<CoordinatorHost> host_;
  std::shared_ptr<Outbox> outbox_;
  uint64_t connection_ = 0;
};

void Outbox::Deliver(const control::Event& event) {
  std::lock_guard<std::mutex> lock(mutex_);
  if (writer_ == nullptr) return;
  events_.push_back(event);
  if (events_.size() == 1) WriteFront();
}

void Outbox::Written(bool ok) {
  std::lock_guard<std::mutex> lock(mutex_);
  events_.pop_front();
  if (!ok) writer_ = nullptr;  // OnCancel follows
  if (writer_ != nullptr && !events_.empty()) WriteFront();
}

void Outbox::WriteFront() { writer_->StartWrite(&events_.front()); }

// One task's image on its way, in parts. The gRPC library owns it (OnDone).
class ImageWriter final : public grpc::ServerWriteReactor<control::ImagePart> {
 public:
  // With `secret`, unless it is empty, the image carries its proof.
  ImageWriter(CoordinatorHost& host, grpc::CallbackServerContext& context,
              const control::CompileRequest& request, const std::string& secret)
      : link_(std::make_shared<Link>()),
        context_(&context),
        request_(request.SerializeAsString()),
        secret_(secret) {
    link_->writer = this;
    host.Compile(request, [link = link_](absl::StatusOr<ImageBytes> image) {
      std::lock_guard<std::mutex> lock(link->mutex);
      if (link->writer != nullptr) link->writer->Begin(std::move(image));
    });
  }
  explicit ImageWriter(const grpc::Status& refusal) : link_(std::make_shared<Link>()) {
    Finish(refusal);
  }

  void OnWriteDone(bool ok) override {
    const std::shared_ptr<Link> link = link_;  // the end of the call may delete this
    std::lock_guard<std::mutex> lock(link->mutex);
    if (!ok) {
      End(grpc::Status::CANCELLED);
    } else if (sent_ < image_->size()) {
      WritePart();
    } else {
      End(grpc::Status::OK);
    }
  }
  // The task went. What is being written fails, and ends the call.
  void OnCancel() override {
    const std::shared_ptr<Link> link = link_;
    std::lock_guard<std::mutex> lock(link->mutex);
    if (image_ == nullptr && link->writer != nullptr) End(grpc::Status::CANCELLED);
  }
  void OnDone() override { delete this; }

 private:
  // From the answer, which may come after the call, to the call.
  struct Link {
    std::mutex mutex;
    ImageWriter* writer = nullptr;  // while it waits or writes
  };

  void Begin(absl::StatusOr<ImageBytes> image) {
    if (!image.ok()) {
      End(ToGrpcStatus(image.status()));
      return;
    }
    image_ = *std::move(image);
    if (!secret_.empty()) {
      context_->AddTrailingMetadata(kImageProofKey, MakeImageProof(secret_, request_, *image_));
    }
    part_.set_total_bytes(static_cast<int64_t>(image_->size()));
    WritePart();
  }
  void WritePart() {
    const size_t bytes = std::min<size_t>(image_->size() - sent_, kMaxControlMessageBytes / 2);
    part_.set_content(image_->data() + sent_, bytes);
    sent_ += bytes;
    StartWrite(&part_);
  }
  void End(const grpc::Status& status) {
    link_->writer = nullptr;
    Finish(status);
  }

  const std::shared_ptr<Link> link_;
  grpc::CallbackServerContext* const context_ = nullptr;  // lives as long as the call
  const std::string request_;
  const std::string secret_;
  ImageBytes image_;
  size_t sent_ = 0;
  control::ImagePart part_;
};

class ControlService final : public control::Control::CallbackService {
 public:
  ControlService(std::shared_ptr<CoordinatorHost> host, Credentials credentials)
      : host_(std::move(host)), credentials_(std::move(credentials)) {}

  // Where connections come from; before the first of them.
  void set_gate(ConnectionGate* gate) { gate_ = gate; }

  grpc::ServerWriteReactor<control::Event>* Attach(grpc::CallbackServerContext* context,
                                                   const control::AttachRequest* request) override {
    const grpc::Status known = Authenticate(*context, request->header());
    return known.ok() ? new EventWriter(host_, *request) : new EventWriter(known);
  }

  grpc::ServerUnaryReactor* Send(grpc::CallbackServerContext* context,
                                 const control::Request* request, control::Ack*) override {
    grpc::Status status = Authenticate(*context, request->header());
    if (status.ok()) status = ToGrpcStatus(host_->Send(*request));
    return Answer(context, status);
  }

  grpc::ServerUnaryReactor* Beat(grpc::CallbackServerContext* context,
                                 const control::BeatRequest* request,
                                 control::BeatReply* reply) override {
    grpc::Status status = Authenticate(*context, request->header());
    if (status.ok()) {
      absl::StatusOr<control::BeatReply> beat = host_->Beat(*request);
      status = ToGrpcStatus(beat.status());
      if (beat.ok()) *reply = *std::move(beat);
    }
    return Answer(context, status);
  }

  grpc::ServerWriteReactor<control::ImagePart>* Compile(
      grpc::CallbackServerContext* context, const control::CompileRequest* request) override {
    const grpc::Status known = Authenticate(*context, request->header());
    return known.ok() ? new ImageWriter(*host_, *context, *request, credentials_.secret)
                      : new ImageWriter(known);
  }

  grpc::ServerUnaryReactor* Status(grpc::CallbackServerContext* context,
                                   const control::StatusRequest* request,
                                   control::JobStatus* reply) override {
    grpc::Status status = Authenticate(*context, request->header());
    if (status.ok()) *reply = host_->Snapshot();
    if (status.ok() && reply->job() != request->header().job()) {
      status = grpc::Status(grpc::StatusCode::NOT_FOUND, "another job runs here");
      reply->Clear();
    }
    return Answer(context, status);
  }

 private:
  static grpc::ServerUnaryReactor* Answer(grpc::CallbackServerContext* context,
                                          const grpc::Status& status) {
    grpc::ServerUnaryReactor* reactor = context->DefaultReactor();
    reactor->Finish(status);
    return reactor;
  }

  // Whether the caller is the task that the header names.
  grpc::Status Authenticate(const grpc::CallbackServerContext& context,
                            const control::Header& header) const {
    bool known = false;
    if (credentials_.mode == Credentials::Mode::kMutualTls) {
      const std::string name = TaskHostName(header.task());
      for (const grpc::string_ref& found :
           context.auth_context()->FindPropertyValues("x509_subject_alternative_name")) {
        known = known || std::string(found.data(), found.size()) == name;
      }
    } else {
      const auto token = context.client_metadata().find(kTokenKey);
      known = token != context.client_metadata().end() &&
              CheckToken(std::string(token->second.data(), token->second.size()),
                         credentials_.secret, header.job(), header.task(), header.epoch());
    }
    if (!known) return grpc::Status(grpc::StatusCode::UNAUTHENTICATED, "");
    gate_->Trust(context.peer());
    return grpc::Status::OK;
  }

  const std::shared_ptr<CoordinatorHost> host_;
  const Credentials credentials_;
  ConnectionGate* gate_ = nullptr;
};

// Methods that do not exist are nobody's business either.
class RefuseAll final : public grpc::CallbackGenericService {
 public:
  grpc::ServerGenericBidiReactor* CreateReactor(grpc::GenericCallbackServerContext*) override {
    class Refusal final : public grpc::ServerGenericBidiReactor {
     public:
      Refusal() { Finish(grpc::Status(grpc::StatusCode::UNAUTHENTICATED, "")); }
      void OnDone() override { delete this; }
    };
    return new Refusal;
  }
};

class GrpcServer final : public CoordinatorServer {
 public:
  GrpcServer(std::shared_ptr<CoordinatorHost> host, const Credentials& credentials)
      : host_(std::move(host)), service_(host_, credentials) {}
  ~GrpcServer() override { Shutdown(absl::ZeroDuration()); }

  absl::Status Listen(const CoordinatorServerOptions& options) {
    absl::StatusOr<std::unique_ptr<ConnectionGate>> gate = ConnectionGate::Listen(options.address);
    if (!gate.ok()) return gate.status();
    grpc::ServerBuilder builder;
    acceptor_ = builder.experimental().AddExternalConnectionAcceptor(
        grpc::ServerBuilder::experimental_type::ExternalConnectionType::FROM_FD,
        ServerCredentials(options.credentials));
    builder.RegisterService(&service_);
    builder.RegisterCallbackGenericService(&refuse_all_);
    builder.SetMaxReceiveMessageSize(kMaxControlMessageBytes);
    builder.SetMaxSendMessageSize(kMaxControlMessageBytes);
    grpc::ResourceQuota quota("stator control");
    quota.Resize(kMemoryBytes);
    quota.SetMaxThreads(kMaxThreads);
    builder.SetResourceQuota(quota);
    const int keepalive = KeepaliveMs(options.coordinator.failure_timeout);
    for (const auto& [name, value] : std::initializer_list<std::pair<const char*, int>>{
             {GRPC_ARG_MAX_CONCURRENT_STREAMS, kMaxControlStreams},
             {GRPC_ARG_MAX_METADATA_SIZE, kMaxControlMetadataBytes},
             {GRPC_ARG_SERVER_HANDSHAKE_TIMEOUT_MS, kHandshakeMs},
             {GRPC_ARG_MAX_CONNECTION_IDLE_MS, kIdleMs},
             {GRPC_ARG_KEEPALIVE_TIME_MS, keepalive},
             {GRPC_ARG_KEEPALIVE_TIMEOUT_MS, keepalive},
             {GRPC_ARG_KEEPALIVE_PERMIT_WITHOUT_CALLS, 1},
             {GRPC_ARG_HTTP2_MAX_PINGS_WITHOUT_DATA, 0},
             {GRPC_ARG_HTTP2_MIN_RECV_PING_INTERVAL_WITHOUT_DATA_MS, keepalive / 2},
             {GRPC_ARG_ALLOW_REUSEPORT, 0}}) {
      builder.AddChannelArgument(name, value);
    }
    server_ = builder.BuildAndStart();
    if (server_ == nullptr) return absl::InternalError("control: gRPC does not start a server");
    gate_ = *std::move(gate);
    address_ = gate_->address();
    service_.set_gate(gate_.get());
    gate_->Open([this](int socket) {
      grpc::experimental::ExternalConnectionAcceptor::NewConnectionParameters connection;
      connection.fd = socket;
      acceptor_->HandleNewConnection(&connection);
    });
    return absl::OkStatus();
  }

  const std::string& address() const override { return address_; }
  std::shared_ptr<CoordinatorClient> Connect() override { return host_->Connect(); }
  control::JobStatus Status() const override { return host_->Snapshot(); }

  void Shutdown(absl::Duration grace) override {
    host_->AwaitEmpty(grace);
    if (server_ == nullptr) return;
    gate_->Shut();
    server_->Shutdown(std::chrono::system_clock::now());  // cancels what is open
    server_->Wait();
  }

 private:
  static std::shared_ptr<grpc::ServerCredentials> ServerCredentials(
      const Credentials& credentials) {
    if (credentials.mode == Credentials::Mode::kSecret) return grpc::InsecureServerCredentials();
    grpc::SslServerCredentialsOptions options(
        GRPC_SSL_REQUEST_AND_REQUIRE_CLIENT_CERTIFICATE_AND_VERIFY);
    options.pem_root_certs = credentials.authority;
    options.pem_key_cert_pairs.push_back({credentials.private_key, credentials.certificate});
    return grpc::SslServerCredentials(options);
  }

  const std::shared_ptr<CoordinatorHost> host_;
  ControlService service_;
  RefuseAll refuse_all_;
  std::string address_;
  std::unique_ptr<grpc::experimental::ExternalConnectionAcceptor> acceptor_;
  std::unique_ptr<ConnectionGate> gate_;  // calls may still ask it while the server closes
  std::unique_ptr<grpc::Server> server_;
};

}  // namespace

absl::StatusOr<std::unique_ptr<CoordinatorServer>> CoordinatorServer::Start(
    CoordinatorServerOptions options) {
  if (absl::Status status = CheckAddress(options.address, options.credentials); !status.ok()) {
    return status;
  }
  QuietGrpc();
  if (options.coordinator.key.empty()) options.coordinator.key = DrawKey();
  auto server = std::make_unique<GrpcServer>(
      CoordinatorHost::Start(options.coordinator, options.log, options.compile),
      options.credentials);
  if (absl::Status status = server->Listen(options); !status.ok()) return status;
  return std::unique_ptr<CoordinatorServer>(std::move(server));
}

}  // namespace stator::distribute
