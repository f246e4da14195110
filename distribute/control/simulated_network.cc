#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "distribute/control/simulated_world.h"

namespace stator::distribute {

absl::Duration SimulatedWorld::WireDelay() {
  return Chance(4) ? Between(absl::Milliseconds(20), absl::Milliseconds(200))
                   : Between(absl::Microseconds(100), absl::Milliseconds(5));
}

SimulatedWorld::Process* SimulatedWorld::Chief() {
  for (size_t i = processes_.size(); i-- > 0;) {
    if (processes_[i]->alive && processes_[i]->coordinator != nullptr) {
      return processes_[i].get();
    }
  }
  return nullptr;
}

void SimulatedWorld::CheckHeard(const Process& who, const Process& chief) {
  if (who.generation != chief.generation) {
    Violate(absl::StrCat(TaskName(who.rank), " of generation ", who.generation,
                         " is heard in generation ", chief.generation));
  }
}

void SimulatedWorld::Call(Process& from, std::function<Reply(Coordinator&)> call,
                          std::function<void(Process&, const Reply&)> done) {
  auto answered = std::make_shared<bool>(false);
  const int id = from.id;
  const auto answer = [this, id, answered, done](absl::Time time, const Reply& reply) {
    Post(id, time, [answered, done, reply](Process& process) {
      if (std::exchange(*answered, true)) return;
      done(process, reply);
    });
  };
  const int copies = LosesCalls() ? 0 : Chance(5) ? 2 : 1;
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
        if (!LosesCalls()) answer(Now() + WireDelay(), reply);
      });
    });
  }
  answer(Now() + absl::Seconds(1), absl::DeadlineExceededError("no answer"));
}

void SimulatedWorld::Attach(Process& process, const control::AttachRequest& request) {
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

void SimulatedWorld::Break(uint64_t id) {
  Connection& link = connections_[id];
  if (!std::exchange(link.open, false)) return;
  Post(link.chief, Now() + WireDelay(),
       [this, id](Process& chief) { chief.coordinator->Disconnect(id, Now()); });
  // Never before what was said.
  Post(link.process, std::max(Now(), link.last_event) + WireDelay(),
       [this, attempt = link.attempt](Process& process) {
         process.member->OnStreamBroken(attempt, absl::UnavailableError("broken"), Now());
       });
}

void SimulatedWorld::Pump(Process& process) {
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
    AddTraffic(process, *beat);
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

void SimulatedWorld::Tick(int id) {
  Post(id, Now() + absl::Milliseconds(60), [this, id](Process& process) {
    if (process.coordinator != nullptr) process.coordinator->Tick(Now());
    process.member->Tick(Now());
    Tick(id);
  });
}

}  // namespace stator::distribute
