#include "distribute/control/coordinator_host.h"

#include <chrono>
#include <deque>
#include <optional>
#include <utility>
#include <vector>

#include "distribute/control/clock.h"
#include "distribute/control/random_bytes.h"

namespace stator::distribute {
namespace {

// Events on their way to a member of this process.
class EventQueue final : public EventSink {
 public:
  void Deliver(const control::Event& event) override {
    std::lock_guard<std::mutex> lock(mutex_);
    events_.push_back(event);
    wake_.notify_all();
  }
  void Close() {
    std::lock_guard<std::mutex> lock(mutex_);
    closed_ = true;
    wake_.notify_all();
  }
  bool Read(control::Event* event) {
    std::unique_lock<std::mutex> lock(mutex_);
    wake_.wait(lock, [this] { return closed_ || !events_.empty(); });
    if (closed_) return false;
    *event = std::move(events_.front());
    events_.pop_front();
    return true;
  }

 private:
  std::mutex mutex_;
  std::condition_variable wake_;
  std::deque<control::Event> events_;
  bool closed_ = false;
};

class LocalStream final : public EventStream {
 public:
  LocalStream(std::shared_ptr<CoordinatorHost> host, const control::AttachRequest& request)
      : host_(std::move(host)), queue_(std::make_shared<EventQueue>()) {
    status_ = host_->Attach(request, queue_, &connection_);
    if (!status_.ok()) queue_->Close();
  }
  ~LocalStream() override { Cancel(); }

  bool Read(control::Event* event) override { return queue_->Read(event); }
  absl::Status Finish() override {
    return status_.ok() ? absl::CancelledError("the stream was cancelled") : status_;
  }
  void Cancel() override {
    queue_->Close();
    if (status_.ok()) host_->Disconnect(connection_);
  }

 private:
  const std::shared_ptr<CoordinatorHost> host_;
  const std::shared_ptr<EventQueue> queue_;
  uint64_t connection_ = 0;
  absl::Status status_;
};

// An answer that one thread waits for.
struct PendingImage {
  std::mutex mutex;
  std::condition_variable done;
  std::optional<absl::StatusOr<ImageBytes>> image;
};

// How late a wait hears that the generation has ended.
constexpr auto kLook = std::chrono::milliseconds(20);

class LocalClient final : public CoordinatorClient {
 public:
  explicit LocalClient(std::shared_ptr<CoordinatorHost> host) : host_(std::move(host)) {}
  std::unique_ptr<EventStream> Attach(const control::AttachRequest& request) override {
    return std::make_unique<LocalStream>(host_, request);
  }
  absl::Status Send(const control::Request& request, absl::Duration timeout) override {
    return host_->Send(request);
  }
  absl::StatusOr<control::BeatReply> Beat(const control::BeatRequest& request,
                                          absl::Duration timeout) override {
    return host_->Beat(request);
  }
  absl::StatusOr<ImageBytes> Compile(const control::CompileRequest& request,
                                     const runtime::CancellationToken& ended) override {
    // Outlives this call, which may not wait for the answer.
    const auto pending = std::make_shared<PendingImage>();
    host_->Compile(request, [pending](absl::StatusOr<ImageBytes> image) {
      std::lock_guard<std::mutex> lock(pending->mutex);
      pending->image = std::move(image);
      pending->done.notify_all();
    });
    std::unique_lock<std::mutex> lock(pending->mutex);
    while (!pending->image.has_value()) {
      if (ended.cancelled()) return absl::CancelledError("the generation has ended");
      pending->done.wait_for(lock, kLook);
    }
    return *std::move(pending->image);
  }

 private:
  const std::shared_ptr<CoordinatorHost> host_;
};

}  // namespace

std::string DrawKey() { return RandomBytes(32); }

std::shared_ptr<CoordinatorHost> CoordinatorHost::Start(CoordinatorOptions options,
                                                        std::function<void(const std::string&)> log,
                                                        CompileService compile) {
  return std::shared_ptr<CoordinatorHost>(
      new CoordinatorHost(std::move(options), std::move(log), std::move(compile)));
}

CoordinatorHost::CoordinatorHost(CoordinatorOptions options,
                                 std::function<void(const std::string&)> log,
                                 CompileService compile)
    : coordinator_(std::move(options), SteadyClock::Get().Now()),
      log_(std::move(log)),
      compile_(std::move(compile)) {
  watcher_ = std::thread([this] { Watch(); });
}

CoordinatorHost::~CoordinatorHost() {
  {
    std::lock_guard<std::mutex> lock(mutex_);
    stopping_ = true;
    wake_.notify_all();
  }
  watcher_.join();
}

void CoordinatorHost::Watch() {
  std::unique_lock<std::mutex> lock(mutex_);
  while (!stopping_) {
    const absl::Time now = SteadyClock::Get().Now();
    coordinator_.Tick(now);
    Flush();
    const std::vector<std::string> notices = coordinator_.TakeNotices();
    if (!notices.empty() && log_ != nullptr) {
      lock.unlock();
      for (const std::string& notice : notices) log_(notice);
      lock.lock();
      if (stopping_) return;
    }
    wake_.wait_for(lock, absl::ToChronoNanoseconds(coordinator_.NextWake(now) - now));
  }
}

void CoordinatorHost::Flush() {
  for (const Coordinator::Outgoing& outgoing : coordinator_.TakeOutgoing()) {
    const auto sink = sinks_.find(outgoing.connection);
    if (sink != sinks_.end()) sink->second->Deliver(outgoing.event);
  }
}

absl::Status CoordinatorHost::Attach(const control::AttachRequest& request,
                                     std::shared_ptr<EventSink> sink, uint64_t* connection) {
  std::lock_guard<std::mutex> lock(mutex_);
  *connection = next_connection_++;
  sinks_[*connection] = std::move(sink);
  const absl::Status status = coordinator_.Attach(request, *connection, SteadyClock::Get().Now());
  if (!status.ok()) sinks_.erase(*connection);
  Flush();
  return status;
}

void CoordinatorHost::Disconnect(uint64_t connection) {
  std::lock_guard<std::mutex> lock(mutex_);
  if (sinks_.erase(connection) == 0) return;
  coordinator_.Disconnect(connection, SteadyClock::Get().Now());
  Flush();
  wake_.notify_all();
}

absl::Status CoordinatorHost::Send(const control::Request& request) {
  std::lock_guard<std::mutex> lock(mutex_);
  const absl::Status status = coordinator_.Handle(request, SteadyClock::Get().Now());
  Flush();
  wake_.notify_all();  // a deadline may have come nearer
  return status;
}

absl::StatusOr<control::BeatReply> CoordinatorHost::Beat(const control::BeatRequest& request) {
  std::lock_guard<std::mutex> lock(mutex_);
  return coordinator_.Beat(request, SteadyClock::Get().Now());
}

control::JobStatus CoordinatorHost::Snapshot() const {
  std::lock_guard<std::mutex> lock(mutex_);
  return coordinator_.Snapshot(SteadyClock::Get().Now());
}

void CoordinatorHost::Compile(const control::CompileRequest& request, CompileDone done) {
  absl::Status status;
  {
    std::lock_guard<std::mutex> lock(mutex_);
    status = coordinator_.CheckTask(request.header());
  }
  if (status.ok() && compile_ == nullptr) {
    status = absl::UnimplementedError("this coordinator does not compile");
  }
  if (status.ok()) {
    compile_(request, std::move(done));
  } else {
    done(std::move(status));
  }
}

bool CoordinatorHost::AwaitEmpty(absl::Duration timeout) {
  std::unique_lock<std::mutex> lock(mutex_);
  return wake_.wait_for(lock, absl::ToChronoNanoseconds(timeout),
                        [this] { return sinks_.empty(); });
}

std::unique_ptr<CoordinatorClient> CoordinatorHost::Connect() {
  return std::make_unique<LocalClient>(shared_from_this());
}

}  // namespace stator::distribute
