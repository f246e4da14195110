#include <grpcpp/generic/generic_stub.h>
#include <grpcpp/grpcpp.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <signal.h>
#include <spawn.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cstdlib>
#include <filesystem>
#include <iterator>
#include <mutex>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "distribute/control/grpc_client.h"
#include "distribute/control/grpc_server.h"
#include "distribute/control/member.h"
#include "proto/control.grpc.pb.h"

namespace stator::distribute {
namespace {

constexpr char kChildAddress[] = "STATOR_TEST_CHILD_ADDRESS";
constexpr char kChildSecret[] = "STATOR_TEST_CHILD_SECRET";

std::string FreshPath(const std::string& name) {
  static int count = 0;
  return absl::StrCat(testing::TempDir(), "/", name, ".", getpid(), ".", ++count);
}

MemberOptions Options(int rank) {
  MemberOptions options;
  options.job = "digits";
  options.task = absl::StrCat("worker:", rank);
  options.rank = rank;
  options.heartbeat = absl::Milliseconds(100);
  options.failure_timeout = absl::Seconds(2);
  options.start_timeout = absl::Seconds(20);
  return options;
}

class GrpcTest : public testing::Test {
 protected:
  void SetUp() override {
    secret_path_ = FreshPath("secret");
    ASSERT_EQ(WriteNewSecret(secret_path_), absl::OkStatus());
    auto secret = ReadSecret(secret_path_);
    ASSERT_TRUE(secret.ok()) << secret.status();
    secret_ = *secret;
  }

  void StartServer(int tasks, const Credentials& credentials, CompileService compile = nullptr) {
    CoordinatorServerOptions options;
    options.coordinator.job = "digits";
    for (int rank = 0; rank < tasks; ++rank) {
      options.coordinator.tasks.push_back(absl::StrCat("worker:", rank));
    }
    options.coordinator.heartbeat = absl::Milliseconds(100);
    options.coordinator.failure_timeout = absl::Seconds(2);
    options.coordinator.start_timeout = absl::Seconds(20);
    options.address = "127.0.0.1:0";
    options.credentials = credentials;
    options.compile = std::move(compile);
    auto server = CoordinatorServer::Start(options);
    ASSERT_TRUE(server.ok()) << server.status();
    server_ = *std::move(server);
  }

  std::shared_ptr<CoordinatorClient> Client(const Credentials& credentials) {
    auto client =
        ConnectToCoordinator(server_->address(), credentials, "worker:0", absl::Seconds(2));
    EXPECT_TRUE(client.ok()) << client.status();
    return *client;
  }

  absl::StatusOr<std::unique_ptr<Member>> Join(int rank, const Credentials& credentials) {
    Roster roster;
    return Member::Join(rank == 0 ? server_->Connect() : Client(credentials), Options(rank),
                        {"hash", {"sum"}, {"tcp:127.0.0.1:1"}}, &roster);
  }

  // Both tasks of a job of two.
  std::pair<std::unique_ptr<Member>, std::unique_ptr<Member>> JoinBoth() {
    std::unique_ptr<Member> members[2];
    std::thread other([&] {
      auto member = Join(1, secret_);
      if (member.ok()) members[1] = *std::move(member);
    });
    auto member = Join(0, secret_);
    other.join();
    EXPECT_TRUE(member.ok() && members[1] != nullptr) << member.status();
    return {*std::move(member), std::move(members[1])};
  }

  // Another process that joins as worker:1 and then waits to be killed.
  pid_t StartChild() {
    setenv(kChildAddress, server_->address().c_str(), 1);
    setenv(kChildSecret, secret_path_.c_str(), 1);
    char self[] = "/proc/self/exe";
    char filter[] = "--gtest_filter=GrpcChild.*";
    char* arguments[] = {self, filter, nullptr};
    pid_t pid = 0;
    EXPECT_EQ(posix_spawn(&pid, self, nullptr, nullptr, arguments, environ), 0);
    unsetenv(kChildAddress);
    return pid;
  }

  std::string secret_path_;
  Credentials secret_;
  std::unique_ptr<CoordinatorServer> server_;
};

TEST(GrpcChild, JoinsAndWaits) {
  const char* address = std::getenv(kChildAddress);
  if (address == nullptr) GTEST_SKIP() << "runs as a child of the tests below";
  auto secret = ReadSecret(std::getenv(kChildSecret));
  ASSERT_TRUE(secret.ok()) << secret.status();
  auto client = ConnectToCoordinator(address, *secret, "worker:0", absl::Seconds(2));
  ASSERT_TRUE(client.ok()) << client.status();
  Roster roster;
  auto member = Member::Join(*client, Options(1), {"hash", {"sum"}, {"tcp:127.0.0.1:1"}}, &roster);
  ASSERT_TRUE(member.ok()) << member.status();
  Progress progress;
  progress.phase = "train";
  progress.step = 57;
  (*member)->Report(progress);
  (*member)->Barrier("child", absl::Seconds(60)).IgnoreError();
}

TEST_F(GrpcTest, TasksJoinMeetAndLeave) {
  StartServer(3, secret_);
  std::vector<std::thread> threads;
  for (int rank = 0; rank < 3; ++rank) {
    threads.emplace_back([&, rank] {
      auto member = Join(rank, secret_);
      ASSERT_TRUE(member.ok()) << member.status();
      int64_t last = 0;
      for (int64_t step = 1; (*member)->BeginStep(step); ++step) {
        last = step;
        if (rank == 1 && step == 20) (*member)->RequestDrain();
        absl::SleepFor(absl::Milliseconds(1));
      }
      EXPECT_EQ(last, (*member)->drain_step());
      EXPECT_EQ((*member)->Barrier("end", absl::Seconds(10)), absl::OkStatus());
      EXPECT_EQ((*member)->Leave(), absl::OkStatus());
    });
  }
  for (std::thread& thread : threads) thread.join();
  auto status = QueryStatus(server_->address(), secret_, "digits", "worker:0", absl::Seconds(5));
  ASSERT_TRUE(status.ok()) << status.status();
  EXPECT_EQ(status->state(), "done");
  ASSERT_EQ(status->tasks_size(), 3);
  EXPECT_EQ(status->tasks(2).state(), "leaving");
  server_->Shutdown(absl::Seconds(1));
}

TEST_F(GrpcTest, TheChiefCompilesForAll) {
  const auto image = std::make_shared<const std::string>(3'000'000, 'x');
  std::vector<control::CompileRequest> asked;
  StartServer(2, secret_, [&](const control::CompileRequest& request, CompileDone done) {
    asked.push_back(request);
    if (request.targets(0) == "wrong") {
      done(absl::InvalidArgumentError("node 'wrong': no such op"));
    } else {
      std::thread([image, done] { done(image); }).detach();
    }
  });
  auto [chief, other] = JoinBoth();
  control::CompileRequest request;
  request.add_targets("train");
  for (Member* member : {chief.get(), other.get()}) {
    const absl::StatusOr<ImageBytes> shipped = member->Compile(request);
    ASSERT_TRUE(shipped.ok()) << shipped.status();
    EXPECT_EQ(**shipped, *image);
  }
  request.set_targets(0, "wrong");
  EXPECT_EQ(other->Compile(request).status(),
            absl::InvalidArgumentError("node 'wrong': no such op"));
  ASSERT_EQ(asked.size(), 3);
  EXPECT_EQ(asked[1].header().task(), "worker:1");
}

TEST_F(GrpcTest, WhoWaitsForAnImageHearsOfTheEnd) {
  CompileDone late;
  StartServer(2, secret_,
              [&](const control::CompileRequest&, CompileDone done) { late = std::move(done); });
  auto [chief, other] = JoinBoth();
  std::thread fails([&chief = chief] {
    absl::SleepFor(absl::Milliseconds(200));
    chief->Fail(absl::InternalError("the chief's own mistake"));
  });
  const absl::Status status = other->Compile({}).status();
  fails.join();
  EXPECT_TRUE(absl::StrContains(status.message(), "the chief's own mistake")) << status;
  late(absl::CancelledError("the chief ends"));  // nobody listens
}

// More replicas than a connection has streams.
TEST_F(GrpcTest, ManyWhoWaitForImagesHoldNothingElseUp) {
  std::mutex mutex;
  std::vector<CompileDone> late;
  StartServer(2, secret_, [&](const control::CompileRequest&, CompileDone done) {
    std::lock_guard<std::mutex> lock(mutex);
    late.push_back(std::move(done));
  });
  auto [chief, other] = JoinBoth();
  std::vector<std::thread> replicas;
  for (int i = 0; i < 24; ++i) {
    replicas.emplace_back([&other = other] { EXPECT_FALSE(other->Compile({}).ok()); });
  }
  absl::SleepFor(absl::Milliseconds(300));
  std::thread meets([&other = other] {
    EXPECT_EQ(other->Barrier("meanwhile", absl::Seconds(5)), absl::OkStatus());
  });
  EXPECT_EQ(chief->Barrier("meanwhile", absl::Seconds(5)), absl::OkStatus());
  meets.join();
  chief->Fail(absl::InternalError("enough"));
  for (std::thread& replica : replicas) replica.join();
  for (CompileDone& done : late) done(absl::CancelledError("the chief ends"));
}

// Listens where the chief should, takes any token, and ships code.
class Impostor final : public control::Control::Service {
 public:
  grpc::Status Compile(grpc::ServerContext* context, const control::CompileRequest*,
                       grpc::ServerWriter<control::ImagePart>* parts) override {
    if (!proof.empty()) context->AddTrailingMetadata("stator-image-proof", proof);
    control::ImagePart part;
    part.set_content("code");
    part.set_total_bytes(4);
    parts->Write(part);
    return grpc::Status::OK;
  }
  std::string proof;
};

TEST_F(GrpcTest, CodeComesFromWhoKnowsTheSecret) {
  Impostor impostor;
  int port = 0;
  grpc::ServerBuilder builder;
  builder.AddListeningPort("127.0.0.1:0", grpc::InsecureServerCredentials(), &port);
  builder.RegisterService(&impostor);
  const std::unique_ptr<grpc::Server> server = builder.BuildAndStart();
  auto client = ConnectToCoordinator(absl::StrCat("127.0.0.1:", port), secret_, "worker:0",
                                     absl::Seconds(2));
  ASSERT_TRUE(client.ok()) << client.status();
  control::CompileRequest request;
  request.add_targets("train");
  const std::string bytes = request.SerializeAsString();
  const runtime::CancellationToken ended;
  for (const std::string& proof : {std::string(), MakeImageProof("guess", bytes, "code"),
                                   MakeImageProof(secret_.secret, bytes, "other code")}) {
    impostor.proof = proof;
    const absl::Status status = (*client)->Compile(request, ended).status();
    EXPECT_TRUE(absl::IsUnauthenticated(status)) << status;
  }
  impostor.proof = MakeImageProof(secret_.secret, bytes, "code");
  const absl::StatusOr<ImageBytes> image = (*client)->Compile(request, ended);
  ASSERT_TRUE(image.ok()) << image.status();
  EXPECT_EQ(**image, "code");
}

TEST_F(GrpcTest, AKilledProcessIsNamedAtOnce) {
  StartServer(2, secret_);
  const pid_t child = StartChild();
  auto member = Join(0, secret_);
  ASSERT_TRUE(member.ok()) << member.status();
  absl::SleepFor(absl::Milliseconds(500));
  ASSERT_EQ(kill(child, SIGKILL), 0);
  const absl::Time killed = absl::Now();
  while (!(*member)->ended().cancelled() && absl::Now() < killed + absl::Seconds(5)) {
    absl::SleepFor(absl::Milliseconds(1));
  }
  const absl::Duration took = absl::Now() - killed;
  EXPECT_LT(took, absl::Seconds(1));
  RecordProperty("ms_from_kill_to_error", static_cast<int>(absl::ToInt64Milliseconds(took)));
  EXPECT_EQ((*member)->failure().message(),
            "worker:1 died: its control stream closed (train, step 57)");
  waitpid(child, nullptr, 0);
}

TEST_F(GrpcTest, AStoppedProcessIsReportedThenEndsTheGeneration) {
  StartServer(2, secret_);
  const pid_t child = StartChild();
  auto member = Join(0, secret_);
  ASSERT_TRUE(member.ok()) << member.status();
  absl::SleepFor(absl::Milliseconds(300));
  ASSERT_EQ(kill(child, SIGSTOP), 0);
  absl::SleepFor(absl::Milliseconds(700));
  EXPECT_EQ(server_->Status().tasks(1).state(), "silent");
  EXPECT_FALSE((*member)->ended().cancelled());
  const absl::Status status = (*member)->Barrier("never", absl::Seconds(10));
  EXPECT_TRUE(absl::StrContains(status.message(), "worker:1 has been silent for 2.")) << status;
  kill(child, SIGKILL);
  waitpid(child, nullptr, 0);
}

TEST_F(GrpcTest, ALostChiefIsNamed) {
  StartServer(2, secret_);
  std::thread chief([&] {
    auto member = Join(0, secret_);
    ASSERT_TRUE(member.ok()) << member.status();
    // Its end of the process is torn down beneath it.
    absl::SleepFor(absl::Milliseconds(300));
    server_->Shutdown(absl::ZeroDuration());
  });
  auto member = Join(1, secret_);
  ASSERT_TRUE(member.ok()) << member.status();
  const absl::Time start = absl::Now();
  const absl::Status status = (*member)->Barrier("never", absl::Seconds(10));
  EXPECT_EQ(status.message(), "worker:0 (chief) is gone");
  EXPECT_LT(absl::Now() - start, absl::Seconds(3));
  chief.join();
}

TEST_F(GrpcTest, StrangersLearnNothing) {
  StartServer(2, secret_);
  const auto channel = grpc::CreateChannel(server_->address(), grpc::InsecureChannelCredentials());
  const auto stub = control::Control::NewStub(channel);
  control::Header header;
  header.set_job("digits");
  header.set_task("worker:1");
  header.set_epoch(1);
  const auto send = [&](const std::string& token) {
    grpc::ClientContext context;
    if (!token.empty()) context.AddMetadata("stator-token", token);
    control::Request request;
    *request.mutable_header() = header;
    request.mutable_leave();
    control::Ack ack;
    return stub->Send(&context, request, &ack);
  };
  for (const std::string& token :
       {std::string(), std::string("00"), MakeToken("guess", "digits", "worker:1", 1),
        MakeToken(secret_.secret, "digits", "worker:0", 1),
        MakeToken(secret_.secret, "digits", "worker:1", 2),
        MakeToken(secret_.secret, "other", "worker:1", 1)}) {
    const grpc::Status status = send(token);
    EXPECT_EQ(status.error_code(), grpc::StatusCode::UNAUTHENTICATED) << token;
    EXPECT_EQ(status.error_message(), "");
  }
  // With the right one it is heard.
  EXPECT_EQ(send(MakeToken(secret_.secret, "digits", "worker:1", 1)).error_message(),
            "worker:1 has not joined yet");

  control::AttachRequest attach;
  *attach.mutable_header() = header;
  attach.set_rank(1);
  grpc::ClientContext attach_context;
  const auto reader = stub->Attach(&attach_context, attach);
  control::Event event;
  EXPECT_FALSE(reader->Read(&event));
  EXPECT_EQ(reader->Finish().error_code(), grpc::StatusCode::UNAUTHENTICATED);

  grpc::ClientContext status_context;
  control::StatusRequest status_request;
  control::JobStatus job;
  EXPECT_EQ(stub->Status(&status_context, status_request, &job).error_code(),
            grpc::StatusCode::UNAUTHENTICATED);
  EXPECT_EQ(server_->Status().tasks(1).state(), "missing");
}

int OpenDescriptors() {
  return static_cast<int>(std::distance(std::filesystem::directory_iterator("/proc/self/fd"), {}));
}

// A connection that says `words` and then nothing more; not blocking.
int Visit(const std::string& address, const std::string& words) {
  const int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in where = {};
  where.sin_family = AF_INET;
  where.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  where.sin_port = htons(static_cast<uint16_t>(std::stoi(address.substr(address.rfind(':') + 1))));
  EXPECT_EQ(connect(fd, reinterpret_cast<sockaddr*>(&where), sizeof(where)), 0);
  (void)send(fd, words.data(), words.size(), MSG_NOSIGNAL);
  return fd;
}

// Some hold their connections, some come and go all the time, some speak HTTP/2 and ask nothing.
TEST_F(GrpcTest, ACrowdOfStrangersKeepsNobodyOut) {
  StartServer(3, secret_);
  const std::string http2("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\4\0\0\0\0\0", 33);
  const int before = OpenDescriptors();
  constexpr int kCrowd = 300;
  std::vector<int> crowd;
  for (int i = 0; i < kCrowd; ++i) crowd.push_back(Visit(server_->address(), i % 2 ? http2 : ""));
  std::atomic<bool> stop{false};
  std::atomic<int> most{0};
  std::thread visitors([&] {
    for (size_t next = 0; !stop; next = (next + 1) % crowd.size()) {
      close(crowd[next]);
      crowd[next] = Visit(server_->address(), next % 2 ? http2 : "");
      most = std::max<int>(most, OpenDescriptors() - before);
      absl::SleepFor(absl::Milliseconds(2));
    }
  });
  std::vector<std::thread> threads;
  for (int rank = 0; rank < 3; ++rank) {
    threads.emplace_back([&, rank] {
      auto member = Join(rank, secret_);
      ASSERT_TRUE(member.ok()) << member.status();
      absl::SleepFor(absl::Seconds(2));  // heartbeats, meanwhile
      EXPECT_EQ((*member)->Barrier("end", absl::Seconds(10)), absl::OkStatus());
      EXPECT_EQ((*member)->Leave(), absl::OkStatus());
    });
  }
  for (std::thread& thread : threads) thread.join();
  stop = true;
  visitors.join();
  for (const int fd : crowd) close(fd);
  RecordProperty("descriptors_beside_the_crowd", most - kCrowd);
  // 128 strangers, the tasks' own two ends of two connections each, what gRPC needs for itself.
  EXPECT_LT(most, kCrowd + 128 + 60);
  EXPECT_GT(most, kCrowd + 20);
}

TEST_F(GrpcTest, LargeMessagesAreRefused) {
  StartServer(1, secret_);
  control::Request request;
  request.mutable_header()->set_job("digits");
  request.mutable_header()->set_task("worker:0");
  request.mutable_header()->set_epoch(1);
  request.mutable_fail()->set_message(std::string(2 << 20, 'x'));
  EXPECT_EQ(Client(secret_)->Send(request, absl::Seconds(5)).code(),
            absl::StatusCode::kResourceExhausted);
}

TEST_F(GrpcTest, PlainTextStaysOnLoopback) {
  CoordinatorServerOptions options;
  options.credentials = secret_;
  for (const char* address : {"0.0.0.0:0", "[::]:0", "10.0.0.1:2000", "127.evil.org:1"}) {
    options.address = address;
    const absl::Status status = CoordinatorServer::Start(options).status();
    EXPECT_EQ(status.code(), absl::StatusCode::kFailedPrecondition) << status;
    EXPECT_TRUE(absl::StrContains(status.message(), "plain text")) << status;
    EXPECT_EQ(ConnectToCoordinator(address, secret_, "worker:0", absl::Seconds(2)).status().code(),
              absl::StatusCode::kFailedPrecondition);
  }
}

TEST_F(GrpcTest, CertificatesAuthenticateBothEnds) {
  const std::string ours = FreshPath("tls");
  const std::string theirs = FreshPath("tls");
  const std::vector<std::string> tasks = {"worker:0", "worker:1"};
  ASSERT_EQ(WriteJobCertificates(ours, "digits", tasks), absl::OkStatus());
  ASSERT_EQ(WriteJobCertificates(theirs, "digits", tasks), absl::OkStatus());
  const auto read = [](const std::string& directory, const std::string& task) {
    auto credentials = ReadCertificates(directory, task);
    EXPECT_TRUE(credentials.ok()) << credentials.status();
    return *credentials;
  };
  StartServer(2, read(ours, "worker:0"));

  // One task cannot speak for another; another job's certificate is nobody's; nor is plain text.
  control::BeatRequest beat;
  beat.mutable_header()->set_job("digits");
  beat.mutable_header()->set_epoch(1);
  beat.mutable_header()->set_task("worker:0");
  EXPECT_EQ(Client(read(ours, "worker:1"))->Beat(beat, absl::Seconds(5)).status().code(),
            absl::StatusCode::kUnauthenticated);
  EXPECT_EQ(Client(read(theirs, "worker:0"))->Beat(beat, absl::Seconds(2)).status().code(),
            absl::StatusCode::kUnavailable);
  EXPECT_EQ(Client(secret_)->Beat(beat, absl::Seconds(2)).status().code(),
            absl::StatusCode::kUnavailable);

  std::thread chief([&] {
    auto member = Join(0, secret_);
    ASSERT_TRUE(member.ok()) << member.status();
    EXPECT_EQ((*member)->Leave(), absl::OkStatus());
  });
  auto member = Join(1, read(ours, "worker:1"));
  ASSERT_TRUE(member.ok()) << member.status();
  EXPECT_EQ((*member)->Leave(), absl::OkStatus());
  chief.join();
  EXPECT_TRUE(
      QueryStatus(server_->address(), read(ours, "tool"), "digits", "worker:0", absl::Seconds(5))
          .ok());
}

}  // namespace
}  // namespace stator::distribute
