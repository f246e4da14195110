#include "distribute/control/member.h"

#include <algorithm>
#include <chrono>
#include <condition_variable>
#include <cstring>
#include <functional>
#include <mutex>
#include <optional>
#include <thread>

#include "absl/strings/str_cat.h"
#include "distribute/control/clock.h"
#include "distribute/control/member_machine.h"
#include "distribute/control/random_bytes.h"

namespace stator::distribute {
namespace {

constexpr absl::Duration kSendTimeout = absl::Seconds(1);
constexpr absl::Duration kFailWait = absl::Milliseconds(600);
constexpr size_t kMaxJoinBytes = 512 << 10;

absl::Time Now() { return SteadyClock::Get().Now(); }

control::AttachRequest MakeJoin(const MemberOptions& options, const JoinInfo& info) {
  control::AttachRequest join;
  control::Header& header = *join.mutable_header();
  header.set_job(options.job);
  header.set_task(options.task);
  header.set_epoch(options.epoch);
  uint64_t incarnation = 0;
  std::memcpy(&incarnation, RandomBytes(sizeof(incarnation)).data(), sizeof(incarnation));
  header.set_incarnation(incarnation);
  join.set_rank(options.rank);
  join.set_program_hash(info.program_hash);
  for (const std::string& line : info.collectives) join.add_collectives(line);
  for (const std::string& address : info.data_addresses) join.add_data_addresses(address);
  *join.mutable_cpu() = info.cpu;
  return join;
}

// The machine under a mutex, and three threads: one reads events, one beats, one sends the rest
// and watches the time.
class ThreadedMember final : public Member {
 public:
  ThreadedMember(std::shared_ptr<CoordinatorClient> client, const MemberOptions& options,
                 const JoinInfo& info)
      : client_(std::move(client)),
        beat_timeout_(std::max(4 * options.heartbeat, absl::Seconds(1))),
        machine_(MakeJoin(options, info), options.chief,
                 MemberTimes{.heartbeat = options.heartbeat,
                             .failure_timeout = options.failure_timeout,
                             .start_timeout = options.start_timeout},
                 Now()) {
    reader_ = std::thread([this] { ReadEvents(); });
    beater_ = std::thread([this] { Beat(); });
    sender_ = std::thread([this] { SendRequests(); });
  }

  ~ThreadedMember() override {
    {
      std::lock_guard<std::mutex> lock(mutex_);
      stopping_ = true;
      if (stream_ != nullptr) stream_->Cancel();
      wake_.notify_all();
    }
    reader_.join();
    beater_.join();
    sender_.join();
  }

  absl::Status AwaitStart(Roster* roster) {
    std::unique_lock<std::mutex> lock(mutex_);
    wake_.wait(lock, [this] { return machine_.state() != MemberMachine::State::kJoining; });
    if (machine_.over()) return machine_.failure();
    const control::Generation& generation = machine_.generation();
    *roster = Roster();
    roster->epoch = generation.epoch();
    roster->key = generation.key();
    for (const control::Member& member : generation.members()) {
      roster->tasks.push_back(member.task());
      roster->data_addresses.emplace_back(member.data_addresses().begin(),
                                          member.data_addresses().end());
      roster->cpus.push_back(member.cpu());
    }
    return absl::OkStatus();
  }

  void Report(const Progress& progress) override {
    control::Progress message;
    message.set_phase(progress.phase);
    message.set_step(progress.step);
    message.set_steps_per_second(progress.steps_per_second);
    message.set_loss(progress.loss);
    for (const auto& [name, value] : progress.metrics) (*message.mutable_metrics())[name] = value;
    message.set_last_checkpoint(progress.last_checkpoint);
    std::lock_guard<std::mutex> lock(mutex_);
    machine_.Report(std::move(message));
  }

  void WatchTraffic(std::function<std::vector<TrafficReport>()> replica) override {
    std::lock_guard<std::mutex> lock(mutex_);
    watched_.push_back(std::move(replica));
  }

  bool BeginStep(int64_t step) override {
    std::unique_lock<std::mutex> lock(mutex_);
    auto go = MemberMachine::Step::kGo;
    wake_.wait(lock, [&] {
      go = machine_.TryBeginStep(step);
      return go != MemberMachine::Step::kWait;
    });
    return go == MemberMachine::Step::kGo;
  }

  int64_t begun_step() const override {
    std::lock_guard<std::mutex> lock(mutex_);
    return machine_.begun_step();
  }

  int64_t drain_step() const override {
    std::lock_guard<std::mutex> lock(mutex_);
    return machine_.drain_step();
  }

  void RequestDrain() override {
    std::lock_guard<std::mutex> lock(mutex_);
    machine_.RequestDrain(Now());
    wake_.notify_all();
  }

  absl::Status Barrier(const std::string& name, absl::Duration timeout) override {
    std::unique_lock<std::mutex> lock(mutex_);
    const uint64_t barrier = machine_.EnterBarrier(name, timeout, Now());
    wake_.notify_all();
    std::optional<absl::Status> result;
    wake_.wait(lock, [&] {
      result = machine_.TakeBarrier(barrier);
      return result.has_value();
    });
    return *result;
  }

  absl::StatusOr<ImageBytes> Compile(control::CompileRequest request) override {
    {
      std::lock_guard<std::mutex> lock(mutex_);
      *request.mutable_header() = machine_.header();
    }
    absl::StatusOr<ImageBytes> image = client_->Compile(request, ended_);
    if (image.ok()) return image;
    // What ended the generation is the better reason.
    const absl::Status cause = failure();
    return cause.ok() ? image.status() : cause;
  }

  void Fail(const absl::Status& status) override {
    std::unique_lock<std::mutex> lock(mutex_);
    machine_.Fail(status, Now());
    Changed();
    wake_.wait_for(lock, absl::ToChronoNanoseconds(kFailWait), [this] { return machine_.over(); });
    machine_.GiveUp(status);
    Changed();
  }

  const runtime::CancellationToken& ended() const override { return ended_; }

  absl::Status failure() const override {
    std::lock_guard<std::mutex> lock(mutex_);
    return machine_.failure();
  }

  std::string failed_task() const override {
    std::lock_guard<std::mutex> lock(mutex_);
    return machine_.failed_task();
  }

  absl::Status Leave() override {
    std::unique_lock<std::mutex> lock(mutex_);
    machine_.Leave(Now());
    wake_.notify_all();
    wake_.wait(lock, [this] { return machine_.over(); });
    if (stream_ != nullptr) stream_->Cancel();
    return machine_.failure();
  }

 private:
  // After every step of the machine, under mutex_.
  void Changed() {
    if (machine_.state() == MemberMachine::State::kEnded) ended_.Cancel();
    wake_.notify_all();
  }

  bool Finished() const { return stopping_ || machine_.over(); }

  void SleepUntil(std::unique_lock<std::mutex>& lock, absl::Time time) {
    // Never without a pause: a mutex is not fair, and whoever is waited for needs it.
    const absl::Duration left = std::max(time - Now(), absl::Milliseconds(1));
    wake_.wait_for(lock, absl::ToChronoNanoseconds(left));
  }

  void ReadEvents() {
    std::unique_lock<std::mutex> lock(mutex_);
    // A stream that breaks later is not opened again: heartbeats ask what has happened.
    while (!Finished() && machine_.state() == MemberMachine::State::kJoining) {
      std::optional<control::AttachRequest> join = machine_.TakeAttach(Now());
      if (!join.has_value()) {
        SleepUntil(lock, machine_.next_attach());
        continue;
      }
      lock.unlock();
      std::shared_ptr<EventStream> stream = client_->Attach(*join);
      lock.lock();
      stream_ = stream;
      if (stopping_) stream->Cancel();
      control::Event event;
      while (true) {
        lock.unlock();
        const bool more = stream->Read(&event);
        lock.lock();
        if (!more) break;
        machine_.OnEvent(join->attempt(), event, Now());
        Changed();
      }
      lock.unlock();
      const absl::Status status = stream->Finish();
      lock.lock();
      if (!stopping_) machine_.OnStreamBroken(join->attempt(), status, Now());
      Changed();
    }
  }

  void Beat() {
    std::unique_lock<std::mutex> lock(mutex_);
    while (!Finished()) {
      std::optional<control::BeatRequest> beat = machine_.TakeBeat(Now());
      if (!beat.has_value()) {
        SleepUntil(lock, machine_.next_beat());
        continue;
      }
      AddTraffic(*beat);
      lock.unlock();
      const absl::StatusOr<control::BeatReply> reply = client_->Beat(*beat, beat_timeout_);
      lock.lock();
      machine_.OnBeatReply(reply, Now());
      Changed();
    }
  }

  void AddTraffic(control::BeatRequest& beat) const {
    for (const auto& replica : watched_) {
      for (const TrafficReport& report : replica()) {
        control::Traffic& traffic = *beat.add_traffic();
        traffic.set_replica(report.replica);
        traffic.set_peer(report.peer);
        traffic.set_sent(report.sent);
        traffic.set_received(report.received);
        traffic.set_waiting(report.waiting);
      }
    }
  }

  void SendRequests() {
    std::unique_lock<std::mutex> lock(mutex_);
    while (!Finished()) {
      machine_.Tick(Now());
      Changed();
      const std::vector<control::Request> requests = machine_.TakeRequests();
      for (const control::Request& request : requests) {
        lock.unlock();
        const absl::Status status = client_->Send(request, kSendTimeout);
        lock.lock();
        machine_.OnAnswer(request.id(), status, Now());
        Changed();
      }
      if (requests.empty() && !Finished()) SleepUntil(lock, machine_.NextWake(Now()));
    }
  }

  const std::shared_ptr<CoordinatorClient> client_;
  const absl::Duration beat_timeout_;
  runtime::CancellationToken ended_;
  mutable std::mutex mutex_;
  std::condition_variable wake_;  // the machine changed, or is to be looked at
  MemberMachine machine_;
  std::vector<std::function<std::vector<TrafficReport>()>> watched_;
  bool stopping_ = false;
  std::shared_ptr<EventStream> stream_;
  std::thread reader_;
  std::thread beater_;
  std::thread sender_;
};

}  // namespace

absl::StatusOr<std::unique_ptr<Member>> Member::Join(std::shared_ptr<CoordinatorClient> client,
                                                     const MemberOptions& options,
                                                     const JoinInfo& info, Roster* roster) {
  size_t bytes = 0;
  for (const std::string& line : info.collectives) bytes += line.size() + 8;
  for (const std::string& address : info.data_addresses) bytes += address.size() + 8;
  if (bytes > kMaxJoinBytes) {
    return absl::InvalidArgumentError(absl::StrCat("join: expected at most ", kMaxJoinBytes,
                                                   " bytes of collectives and addresses, found ",
                                                   bytes));
  }
  auto member = std::make_unique<ThreadedMember>(std::move(client), options, info);
  if (absl::Status status = member->AwaitStart(roster); !status.ok()) return status;
  return std::unique_ptr<Member>(std::move(member));
}

}  // namespace stator::distribute
