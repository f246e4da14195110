#include "distribute/control/simulation.h"

#include <functional>
#include <map>
#include <memory>
#include <random>
#include <set>
#include <utility>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "distribute/control/clock.h"
#include "distribute/control/coordinator.h"
#include "distribute/control/member_machine.h"
#include "distribute/control/restart_policy.h"

namespace stator::distribute {
namespace {

constexpr int kTasks = 3;
constexpr int64_t kSteps = 40;
constexpr int64_t kCheckpointEvery = 8;
constexpr int kMaxFaults = 6;
constexpr absl::Duration kJobLimit = absl::Minutes(20);
constexpr absl::Duration kLearnLimit = absl::Milliseconds(2600);
constexpr absl::Duration kFailureTimeout = absl::Seconds(10);

using Reply = absl::StatusOr<control::BeatReply>;

std::string TaskName(int rank) { return absl::StrCat("worker:", rank); }

struct Process {
  enum class At { kJoin, kBegin, kCompute, kCollective, kWrite, kBarrier, kLeave };
  int id = 0;
  int rank = 0;
  int generation = 0;  // counted here, whatever epoch the code under test gives it
  uint64_t epoch = 0;
  bool alive = true;
  bool outlived = false;  // the supervisor could not stop it
  absl::Time paused_until = absl::InfinitePast();
  absl::Duration longest_pause;
  std::unique_ptr<MemberMachine> member;
  std::unique_ptr<Coordinator> coordinator;  // the chief's
  At at = At::kJoin;
  int64_t step = 0;  // done
  uint64_t barrier = 0;
  bool failing = false;
  bool failed_itself = false;
  bool drained = false;
  bool exiting = false;
};

struct Connection {
  int process;
  int chief;
  uint32_t attempt;
  bool open = true;
  absl::Time last_event;
};

struct Exit {
  int code;
  std::string cause;
  int64_t step;
  bool stopped_by_us;
};

class World {
 public:
  World(uint64_t seed, PlantedBug bug)
      : bug_(bug), random_(seed), policy_([bug] {
          RestartOptions options;
          options.max_restarts = 20;
          options.planted_bug = bug;
          return options;
        }()) {
    if (Chance(15)) {
      broken_rank_ = Below(kTasks);
      broken_step_ = 1 + Below(kSteps);
    }
  }

  SimulationResult Run() {
    Launch(policy_.epoch());
    while (!finished_ && result_.violation.empty()) {
      if (events_.empty()) {
        Violate("nothing is left to happen");
        break;
      }
      auto [key, action] = std::move(*events_.begin());
      events_.erase(events_.begin());
      clock_.AdvanceTo(key.first);
      if (Now() > absl::UnixEpoch() + kJobLimit) {
        Violate("the job does not end");
        break;
      }
      action();
    }
    if (finished_ && result_.violation.empty() && result_.done == (broken_rank_ >= 0)) {
      Violate(result_.done ? "a program that always fails has succeeded"
                           : absl::StrCat("the job was given up: ", result_.report));
    }
    result_.simulated_seconds = absl::ToDoubleSeconds(Now() - absl::UnixEpoch());
    return std::move(result_);
  }

 private:
  // --- chance and time
  absl::Time Now() const { return clock_.Now(); }
  int Below(int limit) { return static_cast<int>(random_() % static_cast<uint64_t>(limit)); }
  bool Chance(int percent) { return Below(100) < percent; }
  absl::Duration Between(absl::Duration low, absl::Duration high) {
    return low + absl::Microseconds(Below(static_cast<int>(absl::ToInt64Microseconds(high - low))));
  }
  absl::Duration WireDelay() {
    return Chance(4) ? Between(absl::Milliseconds(20), absl::Milliseconds(200))
                     : Between(absl::Microseconds(100), absl::Milliseconds(5));
  }
  void Log(const std::string& line) {
    absl::StrAppend(&result_.log,
                    absl::StrFormat("%9.4f ", absl::ToDoubleSeconds(Now() - absl::UnixEpoch())),
                    line, "\n");
  }
  void Violate(const std::string& rule) {
    if (!result_.violation.empty()) return;
    result_.violation =
        absl::StrCat(rule, " (at ", absl::ToDoubleSeconds(Now() - absl::UnixEpoch()), " s)");
    Log(absl::StrCat("VIOLATION ", rule));
  }
  void At(absl::Time time, std::function<void()> action) {
    events_.emplace(std::make_pair(time, next_event_++), std::move(action));
  }
  // To a process: when it runs again if it is paused, never if it is dead.
  void Post(int id, absl::Time time, std::function<void(Process&)> action) {
    At(time, [this, id, action = std::move(action)]() mutable {
      Process& process = *processes_[id];
      if (!process.alive) return;
      if (process.paused_until > Now()) {
        Post(id, process.paused_until, std::move(action));
        return;
      }
      action(process);
      Pump(process);
    });
  }

  // --- the network
  Process* Chief() {
    for (size_t i = processes_.size(); i-- > 0;) {
      if (processes_[i]->alive && processes_[i]->coordinator != nullptr) {
        return processes_[i].get();
      }
    }
    return nullptr;
  }

  void CheckHeard(const Process& who, const Process& chief) {
    if (who.generation != chief.generation) {
      Violate(absl::StrCat(TaskName(who.rank), " of generation ", who.generation,
                           " is heard in generation ", chief.generation));
    }
  }

  // A call that may be lost, late or repeated, and whose answer may be.
  void Call(Process& from, std::function<Reply(Coordinator&)> call,
            std::function<void(Process&, const Reply&)> done) {
    auto answered = std::make_shared<bool>(false);
    const int id = from.id;
    const auto answer = [this, id, answered, done](absl::Time time, const Reply& reply) {
      Post(id, time, [answered, done, reply](Process& process) {
        if (std::exchange(*answered, true)) return;
        done(process, reply);
      });
    };
    const int copies = Chance(4) ? 0 : Chance(5) ? 2 : 1;
    for (int copy = 0; copy < copies; ++copy) {
      const absl::Duration delay =
          copy > 0 && Chance(50) ? Between(absl::Milliseconds(50), absl::Seconds(3)) : WireDelay();
      At(Now() + delay, [this, id, call, answer] {
        Process* chief = Chief();
        if (chief == nullptr) {
          answer(Now() + WireDelay(), absl::UnavailableError("connection refused"));
          return;
        }
        Post(chief->id, Now(), [this, id, call, answer](Process& chief) {
          const Reply reply = call(*chief.coordinator);
          if (reply.ok()) CheckHeard(*processes_[id], chief);
          if (!Chance(4)) answer(Now() + WireDelay(), reply);
        });
      });
    }
    answer(Now() + absl::Seconds(1), absl::DeadlineExceededError("no answer"));
  }

  void Attach(Process& process, const control::AttachRequest& request) {
    const int id = process.id;
    const uint32_t attempt = request.attempt();
    Process* chief = Chief();
    if (chief == nullptr || Chance(4)) {
      Post(id, Now() + absl::Milliseconds(chief == nullptr ? 1 : 300),
           [this, attempt](Process& process) {
             process.member->OnStreamBroken(attempt, absl::UnavailableError("refused"), Now());
           });
      return;
    }
    const uint64_t connection = next_connection_++;
    connections_[connection] = {id, chief->id, attempt, true, Now()};
    Post(chief->id, Now() + WireDelay(), [this, connection, request](Process& chief) {
      Connection& link = connections_[connection];
      if (!link.open) return;
      const absl::Status status = chief.coordinator->Attach(request, connection, Now());
      if (status.ok()) {
        CheckHeard(*processes_[link.process], chief);
        return;
      }
      link.open = false;
      Post(link.process, Now() + WireDelay(),
           [this, attempt = link.attempt, status](Process& process) {
             process.member->OnStreamBroken(attempt, status, Now());
           });
    });
  }

  void Break(uint64_t id) {
    Connection& link = connections_[id];
    if (!std::exchange(link.open, false)) return;
    Post(link.chief, Now() + WireDelay(),
         [this, id](Process& chief) { chief.coordinator->Disconnect(id, Now()); });
    Post(link.process, Now() + WireDelay(), [this, attempt = link.attempt](Process& process) {
      process.member->OnStreamBroken(attempt, absl::UnavailableError("broken"), Now());
    });
  }

  // Everything that the machines of `process` have to say.
  void Pump(Process& process) {
    if (!process.alive) return;
    if (process.coordinator != nullptr) {
      for (Coordinator::Outgoing& outgoing : process.coordinator->TakeOutgoing()) {
        Connection& link = connections_[outgoing.connection];
        if (!link.open) continue;
        link.last_event = std::max(link.last_event + absl::Microseconds(1), Now() + WireDelay());
        Post(link.process, link.last_event,
             [this, attempt = link.attempt, event = std::move(outgoing.event)](Process& process) {
               process.member->OnEvent(attempt, event, Now());
             });
      }
      process.coordinator->TakeNotices();
    }
    Advance(process);
    MemberMachine& member = *process.member;
    if (auto attach = member.TakeAttach(Now())) Attach(process, *attach);
    for (control::Request& request : member.TakeRequests()) {
      const uint64_t id = request.id();
      Call(
          process,
          [this, request](Coordinator& coordinator) -> Reply {
            const absl::Status status = coordinator.Handle(request, Now());
            if (!status.ok()) return status;
            return control::BeatReply();
          },
          [this, id](Process& process, const Reply& reply) {
            process.member->OnAnswer(id, reply.status(), Now());
          });
    }
    if (auto beat = member.TakeBeat(Now())) {
      Call(
          process, [this, beat = *beat](Coordinator& c) { return c.Beat(beat, Now()); },
          [this](Process& process, const Reply& reply) {
            process.member->OnBeatReply(reply, Now());
          });
    }
    if (member.over() && !std::exchange(process.exiting, true)) {
      CheckFailure(process);
      // The chief lingers, so that all hear the last word.
      Post(process.id, Now() + absl::Milliseconds(process.coordinator != nullptr ? 500 : 1),
           [this](Process& process) { ExitBySelf(process); });
    }
  }

  void Tick(int id) {
    Post(id, Now() + absl::Milliseconds(60), [this, id](Process& process) {
      if (process.coordinator != nullptr) process.coordinator->Tick(Now());
      process.member->Tick(Now());
      Tick(id);
    });
  }

  // --- training
  void Advance(Process& process) {
    using Place = Process::At;
    MemberMachine& member = *process.member;
    if (member.over() || process.failing) return;
    switch (process.at) {
      case Place::kJoin:
        if (member.state() != MemberMachine::State::kLive) return;
        process.step = checkpoint_;
        process.at = Place::kBegin;
        [[fallthrough]];
      case Place::kBegin:
        Begin(process);
        return;
      case Place::kCollective:
        if (done_steps_[{process.generation, process.step + 1}] < kTasks) return;
        StepDone(process);
        return;
      case Place::kBarrier:
        if (const auto result = member.TakeBarrier(process.barrier)) {
          if (!result->ok()) {
            Fail(process, *result);
            return;
          }
          if (process.rank == 0) Publish(process);
          AfterCheckpoint(process);
        }
        return;
      case Place::kCompute:
      case Place::kWrite:
      case Place::kLeave:
        return;
    }
  }

  void Begin(Process& process) {
    if (process.step == kSteps) {
      process.at = Process::At::kLeave;
      process.member->Leave(Now());
      return;
    }
    const int64_t step = process.step + 1;
    switch (process.member->TryBeginStep(step)) {
      case MemberMachine::Step::kWait:
        return;
      case MemberMachine::Step::kStop:
        process.drained = true;
        Log(absl::StrCat(TaskName(process.rank), " drained after step ", process.step));
        drained_at_[process.generation].insert(process.step);
        if (drained_at_[process.generation].size() > 1) {
          Violate("tasks of one generation drain after different steps");
        }
        Save(process);
        return;
      case MemberMachine::Step::kGo:
        break;
    }
    process.at = Process::At::kCompute;
    Post(process.id, Now() + Between(absl::Milliseconds(5), absl::Milliseconds(80)),
         [this, step](Process& process) {
           if (process.member->over()) return;
           const bool always = process.rank == broken_rank_ && step == broken_step_;
           const bool once = process.rank == error_rank_ && process.generation == error_generation_;
           if (always || once) {
             if (once) error_rank_ = -1;
             process.failed_itself = true;
             Fail(process, absl::InternalError(absl::StrCat("NaN at step ", step)));
             return;
           }
           process.at = Process::At::kCollective;
           done_steps_[{process.generation, step}]++;
           for (const auto& other : processes_) {
             if (other->generation != process.generation) continue;
             if (!other->alive) PeerLost(process.id);
             // A collective ends for all at about the same time.
             Post(other->id, Now() + Between(absl::Microseconds(50), absl::Milliseconds(2)),
                  [](Process&) {});
           }
         });
  }

  void StepDone(Process& process) {
    process.step++;
    process.at = Process::At::kBegin;
    control::Progress progress;
    progress.set_phase("train");
    progress.set_step(process.step);
    process.member->Report(std::move(progress));
    if (process.step % kCheckpointEvery == 0 || process.step == kSteps) {
      Save(process);
    } else {
      Begin(process);
    }
  }

  void Save(Process& process) {
    process.at = Process::At::kWrite;
    Post(process.id, Now() + Between(absl::Milliseconds(1), absl::Milliseconds(200)),
         [this](Process& process) {
           if (process.member->over()) return;
           if (!MayWrite(process)) return;
           shards_[{process.generation, process.step}].insert(process.rank);
           process.at = Process::At::kBarrier;
           process.barrier = process.member->EnterBarrier("checkpoint", absl::Seconds(8), Now());
         });
  }

  void AfterCheckpoint(Process& process) {
    if (process.drained) {
      process.at = Process::At::kLeave;
      process.member->Leave(Now());
      return;
    }
    process.at = Process::At::kBegin;
    Begin(process);
  }

  // The folder's own fence: a writer of an older epoch is refused.
  bool MayWrite(Process& process) {
    if (process.epoch < fence_) {
      ++result_.refused_writes;
      Fail(process, absl::FailedPreconditionError("the checkpoint folder has a newer epoch"));
      return false;
    }
    if (process.generation != generation_) {
      Violate(absl::StrCat(TaskName(process.rank), " of generation ", process.generation,
                           " writes in generation ", generation_));
    }
    return true;
  }

  void Publish(Process& process) {
    if (!MayWrite(process)) return;
    if (shards_[{process.generation, process.step}].size() != kTasks) {
      Violate(absl::StrCat("the manifest of step ", process.step, " lacks a shard"));
    }
    if (process.step < checkpoint_) Violate("the newest checkpoint goes back");
    checkpoint_ = process.step;
    Log(absl::StrCat("checkpoint of step ", checkpoint_));
  }

  void Fail(Process& process, const absl::Status& status) {
    if (std::exchange(process.failing, true)) return;
    process.member->Fail(status, Now());
    Post(process.id, Now() + absl::Seconds(1),
         [status](Process& process) { process.member->GiveUp(status); });
  }

  void PeerLost(int id) {
    Post(id, Now() + Between(absl::Microseconds(100), absl::Milliseconds(5)),
         [this](Process& process) {
           if (process.at != Process::At::kCollective || process.member->over()) return;
           if (done_steps_[{process.generation, process.step + 1}] == kTasks) return;
           Fail(process, absl::UnavailableError("a data socket closed"));
         });
  }

  // --- what must hold when a task learns of the end
  void CheckFailure(const Process& process) {
    if (process.member->state() == MemberMachine::State::kLeft) return;
    const std::string cause(process.member->failure().message());
    Log(absl::StrCat(TaskName(process.rank), " of generation ", process.generation, ": ", cause));
    if (process.generation != generation_) return;
    if (victim_generation_ == generation_ && !cause_unclear_ && !process.failed_itself &&
        process.rank != victim_ && !absl::StrContains(cause, TaskName(victim_))) {
      Violate(
          absl::StrCat(TaskName(process.rank), " cannot name ", TaskName(victim_), ": ", cause));
    }
    for (const auto& other : processes_) {
      if (other->generation != generation_ || !absl::StrContains(cause, "silent") ||
          !absl::StrContains(cause, TaskName(other->rank))) {
        continue;
      }
      if (other->longest_pause < kFailureTimeout / 2) {
        Violate(absl::StrCat(TaskName(other->rank), " is blamed without reason: ", cause));
      }
    }
  }

  // --- processes and their supervisor
  void Launch(uint64_t epoch) {
    ++generation_;
    ++result_.generations;
    if (generation_ > 1 && epoch <= fence_) Violate("the epoch does not rise");
    fence_ = epoch;
    exits_.clear();
    stopping_ = false;
    Log(absl::StrCat("generation ", generation_, ", epoch ", epoch, ", after step ", checkpoint_));
    for (int rank = 0; rank < kTasks; ++rank) {
      At(Now() + Between(absl::Milliseconds(5), absl::Milliseconds(400)),
         [this, rank, epoch, generation = generation_] {
           if (generation == generation_ && !stopping_) Start(rank, epoch);
         });
    }
    if (result_.faults < kMaxFaults && Chance(80)) {
      At(Now() + Between(absl::Milliseconds(1), absl::Seconds(4)),
         [this, generation = generation_] {
           if (generation == generation_) Disturb();
         });
    }
  }

  void Start(int rank, uint64_t epoch) {
    auto process = std::make_unique<Process>();
    process->id = static_cast<int>(processes_.size());
    process->rank = rank;
    process->generation = generation_;
    process->epoch = epoch;
    control::AttachRequest join;
    join.mutable_header()->set_job("job");
    join.mutable_header()->set_task(TaskName(rank));
    join.mutable_header()->set_epoch(epoch);
    join.mutable_header()->set_incarnation(random_());
    join.set_rank(static_cast<uint32_t>(rank));
    join.set_program_hash("same");
    process->member =
        std::make_unique<MemberMachine>(std::move(join), TaskName(0), MemberTimes(), Now());
    if (rank == 0) {
      CoordinatorOptions options;
      options.job = "job";
      options.epoch = epoch;
      options.planted_bug = bug_;
      options.failure_timeout = kFailureTimeout;
      for (int i = 0; i < kTasks; ++i) options.tasks.push_back(TaskName(i));
      process->coordinator = std::make_unique<Coordinator>(std::move(options), Now());
    }
    const int id = process->id;
    processes_.push_back(std::move(process));
    Post(id, Now(), [](Process&) {});
    Tick(id);
  }

  void ExitBySelf(Process& process) {
    const bool well = process.member->state() == MemberMachine::State::kLeft;
    const int code = well ? (process.drained ? kExitDrained : kExitDone)
                          : (process.failed_itself ? kExitFailed : kExitRetryable);
    Stop(process,
         {code, well ? "" : std::string(process.member->failure().message()), process.step, false});
  }

  void Stop(Process& process, Exit exit) {
    if (!process.alive) return;
    process.alive = false;
    for (auto& [id, link] : connections_) {
      if (link.process == process.id || link.chief == process.id) Break(id);
    }
    for (const auto& other : processes_) {
      if (other->generation == process.generation) PeerLost(other->id);
    }
    if (process.outlived) return;
    At(Now() + Between(absl::Milliseconds(1), absl::Milliseconds(20)),
       [this, rank = process.rank, generation = process.generation, exit] {
         if (generation == generation_) Exited(rank, exit);
       });
  }

  void Exited(int rank, const Exit& exit) {
    if (finished_ || !exits_.emplace(rank, exit).second) return;
    order_.push_back(rank);
    if (exit.code != kExitDone && exit.code != kExitDrained && !std::exchange(stopping_, true)) {
      At(Now() + absl::Seconds(4), [this, generation = generation_] {
        if (generation == generation_) StopTheRest();
      });
    }
    if (exits_.size() == kTasks) Decide();
  }

  void StopTheRest() {
    for (int rank = 0; rank < kTasks; ++rank) {
      if (exits_.count(rank) != 0) continue;
      for (const auto& process : processes_) {
        if (process->generation != generation_ || process->rank != rank || !process->alive) {
          continue;
        }
        // A host that does not answer: the process goes on by itself some day.
        process->outlived = process->paused_until > Now() && Chance(60);
        if (!process->outlived) Stop(*process, {137, "stopped", process->step, true});
      }
      const int generation = generation_;
      Exited(rank, {137, "stopped", 0, true});
      if (generation != generation_ || finished_) return;
    }
  }

  void Decide() {
    GenerationEnd end;
    end.checkpoint_step = checkpoint_;
    // By itself before by others, early before late, a failure before a drain.
    const auto rank_of = [](const Exit& exit) {
      if (exit.code == kExitDone) return 4;
      if (exit.code == kExitDrained) return 3;
      if (exit.stopped_by_us) return 2;
      return exit.code == kExitRetryable ? 1 : 0;
    };
    int best = 4;
    for (const int rank : order_) {
      const Exit& exit = exits_.at(rank);
      if (rank_of(exit) >= best) continue;
      best = rank_of(exit);
      end.task = TaskName(rank);
      end.exit_code = exit.code;
      end.cause = exit.cause;
      end.step = exit.step;
    }
    order_.clear();
    if (end.exit_code == kExitDrained) ++result_.drains;
    if (drain_generation_ == generation_ && broken_rank_ < 0 && end.exit_code != kExitDrained &&
        end.exit_code != kExitDone) {
      Violate(absl::StrCat("an undisturbed drain fails: ", end.cause));
    }
    const RestartDecision decision = policy_.OnEnd(end);
    switch (decision.action) {
      case RestartDecision::Action::kDone:
        if (checkpoint_ != kSteps) Violate("done before the last step");
        result_.done = true;
        finished_ = true;
        break;
      case RestartDecision::Action::kRestart:
        Log(decision.report);
        exits_.clear();
        stopping_ = true;  // nothing more of this generation starts
        At(Now() + decision.delay, [this, epoch = decision.epoch] { Launch(epoch); });
        break;
      case RestartDecision::Action::kDrained:
      case RestartDecision::Action::kStop:
        Log(decision.report);
        if (!result_.report.empty()) Violate("a second report");
        result_.report = decision.report;
        finished_ = true;
        break;
    }
  }

  // --- faults
  void Disturb() {
    std::vector<Process*> alive;
    for (const auto& process : processes_) {
      if (process->alive && process->generation == generation_ && !process->exiting) {
        alive.push_back(process.get());
      }
    }
    if (alive.empty()) return;
    ++result_.faults;
    Process& process = *alive[static_cast<size_t>(Below(static_cast<int>(alive.size())))];
    const std::string name = TaskName(process.rank);
    switch (Below(7)) {
      case 0:
      case 1:
        Kill(process);
        break;
      case 2:
      case 3:
        Pause(process, Between(absl::Milliseconds(100), absl::Seconds(25)));
        break;
      case 4: {  // the whole host stands still: nobody is to blame
        Log("everything pauses for 15 s");
        const absl::Time until = Now() + absl::Seconds(15);
        for (Process* one : alive) one->paused_until = std::max(one->paused_until, until);
        break;
      }
      case 5:
        Log(absl::StrCat(name, " asks to drain"));
        drain_generation_ = generation_;
        process.member->RequestDrain(Now());
        Pump(process);
        break;
      case 6:
        Log(absl::StrCat(name, " will fail once"));
        error_rank_ = process.rank;
        error_generation_ = generation_;
        break;
    }
  }

  void Pause(Process& process, absl::Duration duration) {
    Log(absl::StrCat(TaskName(process.rank), " pauses for ", absl::FormatDuration(duration)));
    process.paused_until = Now() + duration;
    process.longest_pause = std::max(process.longest_pause, duration);
  }

  void Kill(Process& process) {
    const bool live = process.member->state() == MemberMachine::State::kLive;
    Log(absl::StrCat(TaskName(process.rank), " is killed"));
    Stop(process, {137, "signal 9", process.step, false});
    if (!live) return;
    victim_ = process.rank;
    victim_generation_ = generation_;
    cause_unclear_ = broken_rank_ >= 0 || process.at == Process::At::kLeave;
    At(Now() + kLearnLimit, [this, generation = generation_, rank = process.rank] {
      for (const auto& other : processes_) {
        if (other->generation != generation || !other->alive || other->member->over()) continue;
        if (other->at == Process::At::kLeave || cause_unclear_) continue;
        Violate(absl::StrCat(TaskName(other->rank), " has not learnt of the death of ",
                             TaskName(rank)));
      }
    });
  }

  const PlantedBug bug_;
  std::mt19937_64 random_;
  SimulatedClock clock_;
  std::map<std::pair<absl::Time, uint64_t>, std::function<void()>> events_;
  uint64_t next_event_ = 0;
  std::vector<std::unique_ptr<Process>> processes_;
  std::map<uint64_t, Connection> connections_;
  uint64_t next_connection_ = 1;

  RestartPolicy policy_;
  int generation_ = 0;
  std::map<int, Exit> exits_;  // of the running generation, by rank
  std::vector<int> order_;
  bool stopping_ = false;
  bool finished_ = false;

  uint64_t fence_ = 0;                                       // the epoch that may write
  int64_t checkpoint_ = 0;                                   // the newest complete one
  std::map<std::pair<int, int64_t>, std::set<int>> shards_;  // by generation and step
  std::map<std::pair<int, int64_t>, int> done_steps_;        // tasks that have computed it
  std::map<int, std::set<int64_t>> drained_at_;              // by generation

  int broken_rank_ = -1;  // fails at broken_step_, always
  int64_t broken_step_ = 0;
  int error_rank_ = -1;  // fails once
  int error_generation_ = 0;
  int drain_generation_ = 0;
  int victim_ = -1;  // killed in victim_generation_
  int victim_generation_ = 0;
  bool cause_unclear_ = false;
  SimulationResult result_;
};

}  // namespace

SimulationResult Simulate(uint64_t seed, PlantedBug planted_bug) {
  return World(seed, planted_bug).Run();
}

}  // namespace stator::distribute
